//! The spool: bytes on their way in, hashed as they are written, sealed, and swept after a crash.

use crate::{file::Body, upstream::Chunks};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A folder for files on their way in. Cheap to clone.
///
/// Each process writes in a subfolder of its own and holds an advisory lock on it; whoever gets the lock of
/// another subfolder may sweep it. Never by process id: containers share volumes, not process ids.
#[derive(Clone, Debug)]
pub struct Spool(Arc<PathBuf>);

/// A sealed file in the spool: read-only; its path can be linked or mapped. The last clone removes it.
#[derive(Debug)]
pub struct SpoolFile {
    file: File,
    path: PathBuf,
}

/// The spool itself failed: our disk, not what was being received.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SpoolError {
    /// The disk is full (or a quota is).
    #[error("the spool folder is full")]
    Full(#[source] Arc<std::io::Error>),
    /// Anything else.
    #[error("the spool folder cannot be written")]
    Io(#[source] Arc<std::io::Error>),
}

/// Why receiving ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError<E> {
    /// The sender failed.
    #[error(transparent)]
    Sender(E),
    /// More bytes came than the limit allows.
    #[error("more than {limit} bytes were sent")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The spool failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// A body being written; implements [`std::io::Write`], so it blocks: use it off the runtime.
#[derive(Debug)]
pub struct SpoolWriter {}

impl Spool {
    /// Opens (and makes) the folder, takes a subfolder in it, and sweeps those nobody holds.
    pub fn open(_folder: &Path) -> Result<Self, SpoolError> {
        todo!()
    }

    /// The subfolder this process writes in.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Starts a body: in memory while it is small, in a file once it is not.
    pub fn writer(&self) -> SpoolWriter {
        todo!()
    }

    /// Receives a stream to its end.
    pub async fn receive<E: Send + 'static>(
        &self,
        _chunks: Chunks<E>,
        _limit: u64,
    ) -> Result<Body, ReceiveError<E>> {
        todo!()
    }
}

impl SpoolWriter {
    /// Finishes the body: nobody can write it any more.
    pub fn seal(self) -> Result<Body, SpoolError> {
        todo!()
    }
}

impl std::io::Write for SpoolWriter {
    fn write(&mut self, _buffer: &[u8]) -> std::io::Result<usize> {
        todo!()
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl SpoolFile {
    /// The open file; reading must not rely on its position (use `read_at`, or open the path anew).
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
