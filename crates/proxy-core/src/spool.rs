//! The spool: bytes on their way in, hashed as they are written, sealed, and swept after a crash.
//!
//! Nothing is kept or served before its checks passed, so every file that comes in waits somewhere first. Small
//! ones wait in memory; a larger one goes to a file in the spool folder as it arrives, so a zip of 400 MB costs
//! no more memory than one of 400 kB. A finished body is *sealed*: its file is read-only and nobody holds it open
//! for writing, so what was checked is what will be stored.

mod folder;
mod receive;
mod writer;

pub use receive::ReceiveError;
pub use writer::SpoolWriter;

use folder::Folder;
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A body no larger than this stays in memory, in bytes: most `.info` and `.mod` files are far smaller, and few
/// zips are.
pub const MEMORY_LIMIT: usize = 64 << 10;

/// A folder for files on their way in. Cheap to clone.
///
/// Each process writes in a subfolder of its own and holds an advisory lock on it; whoever gets the lock of
/// another subfolder may sweep it. Never by process id: containers share volumes, not process ids. The subfolder
/// goes when the last clone of the spool and the last of its files are dropped.
#[derive(Clone, Debug)]
pub struct Spool(Arc<Folder>);

/// A sealed file in the spool: read-only; its path can be linked or mapped. The last clone of its body removes it.
#[derive(Debug)]
pub struct SpoolFile {
    file: File,
    path: TemporaryPath,
}

/// The spool itself failed: our disk, not what was being received.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SpoolError {
    /// The disk is full (or a quota is).
    #[error("the spool folder is full")]
    Full(#[source] Arc<io::Error>),
    /// Anything else.
    #[error("the spool folder cannot be used")]
    Io(#[source] Arc<io::Error>),
}

impl Spool {
    /// Opens (and makes) the folder, takes a subfolder in it, and sweeps those nobody holds. Blocks.
    pub fn open(folder: &Path) -> Result<Self, SpoolError> {
        Ok(Self(Arc::new(Folder::take(folder)?)))
    }

    /// The subfolder this process writes in. It lies in the folder that was opened, so on the same file system.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Starts a body: in memory while it is small, in a file once it is not.
    pub fn writer(&self) -> SpoolWriter {
        SpoolWriter::new(Arc::clone(&self.0))
    }

    /// An empty file to write and to read, which has no name: it goes when the last handle is closed. Blocks.
    pub fn scratch(&self) -> Result<File, SpoolError> {
        let path = self.0.next_path();
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file)
    }
}

impl SpoolFile {
    /// The open file. Its position is shared by all who hold the body: use positioned reads, or
    /// [`Body::open`](crate::file::Body::open).
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where it lies: a name that can be hard-linked, within the file system of [`Spool::folder`].
    pub fn path(&self) -> &Path {
        &self.path.path
    }

    /// Brings the bytes to the disk (`fsync`), which a store on disk does before it links the file. Blocks.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

/// Removes its file when dropped, and keeps the folder it lies in alive until then.
#[derive(Debug)]
struct TemporaryPath {
    path: PathBuf,
    _folder: Arc<Folder>,
}

impl Drop for TemporaryPath {
    fn drop(&mut self) {
        // A file that cannot be removed now goes with its folder, at the latest when the next process sweeps.
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "a spooled file could not be removed");
        }
    }
}

impl From<io::Error> for SpoolError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(Arc::new(error)),
            _ => Self::Io(Arc::new(error)),
        }
    }
}

#[cfg(test)]
mod tests;
