//! Writing a body.

use super::{MEMORY_LIMIT, SpoolError, SpoolFile, TemporaryPath, folder::Folder};
use crate::file::{Body, Sha256};
use bytes::Bytes;
use sha2::Digest;
use std::{
    fs::{self, File},
    io::{self, Write},
    mem,
    sync::Arc,
};

/// A body being written; implements [`Write`], so it blocks: use it off the runtime. Dropped before it is sealed,
/// it leaves nothing.
pub struct SpoolWriter {
    folder: Arc<Folder>,
    /// All of a small body; of a larger one, what the file does not have yet.
    buffer: Vec<u8>,
    file: Option<(File, TemporaryPath)>,
    hasher: sha2::Sha256,
    size: u64,
    failed: Option<io::ErrorKind>,
}

impl SpoolWriter {
    pub(super) fn new(folder: Arc<Folder>) -> Self {
        Self {
            folder,
            buffer: Vec::new(),
            file: None,
            hasher: sha2::Sha256::new(),
            size: 0,
            failed: None,
        }
    }

    /// How many bytes were written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether so many more bytes would still go into memory alone, so that writing them cannot block.
    pub(super) fn stays_in_memory_with(&self, more: usize) -> bool {
        self.file.is_none() && self.buffer.len() + more <= MEMORY_LIMIT
    }

    pub(super) fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// Finishes the body: nobody can write it any more. A body of which a part could not be written is not finished.
    pub fn seal(mut self) -> Result<Body, SpoolError> {
        self.check_whole()?;
        if self.file.is_some() {
            self.spill()?;
        }
        let Some((written, path)) = self.file else {
            self.buffer.shrink_to_fit();
            return Ok(Body::from_bytes(Bytes::from(self.buffer)));
        };
        // Opened before the writer is closed, so that a failed write-back shows when this handle is synced.
        let file = File::open(&path.path)?;
        let mut permissions = written.metadata()?.permissions();
        set_read_only(&mut permissions);
        fs::set_permissions(&path.path, permissions)?;
        drop(written);
        Ok(Body::from_spool(
            self.size,
            Sha256(self.hasher.finalize().into()),
            Arc::new(SpoolFile { file, path }),
        ))
    }

    /// Moves the buffer into the file.
    fn spill(&mut self) -> io::Result<()> {
        let mut buffer = mem::take(&mut self.buffer);
        self.append(&buffer)?;
        buffer.clear();
        self.buffer = buffer;
        Ok(())
    }

    /// Writes to the file, making it at the first time.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.try_append(bytes);
        self.failed = written.as_ref().err().map(io::Error::kind);
        written
    }

    fn try_append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (file, _) = match &mut self.file {
            Some(file) => file,
            none => {
                let path = self.folder.next_path();
                let file = File::create_new(&path)?;
                none.insert((
                    file,
                    TemporaryPath {
                        path,
                        _folder: Arc::clone(&self.folder),
                    },
                ))
            }
        };
        file.write_all(bytes)?;
        self.hasher.update(bytes);
        Ok(())
    }

    /// A failed write leaves nobody knows how much in the file: there is no going on.
    fn check_whole(&self) -> io::Result<()> {
        self.failed.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

/// Everybody may read and nobody may write, whatever the process' mask: a store serves the same file under
/// another name.
#[cfg(unix)]
fn set_read_only(permissions: &mut fs::Permissions) {
    std::os::unix::fs::PermissionsExt::set_mode(permissions, 0o444);
}

#[cfg(not(unix))]
fn set_read_only(permissions: &mut fs::Permissions) {
    permissions.set_readonly(true);
}

impl Write for SpoolWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check_whole()?;
        if self.buffer.len() + bytes.len() > MEMORY_LIMIT {
            if !self.buffer.is_empty() {
                self.spill()?;
            }
            if bytes.len() >= MEMORY_LIMIT {
                self.append(bytes)?;
                self.size += bytes.len() as u64;
                return Ok(bytes.len());
            }
        }
        self.buffer.extend_from_slice(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    /// Nobody reads the body before it is sealed, so there is nothing to bring forward.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for SpoolWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpoolWriter")
            .field("size", &self.size)
            .field("in_file", &self.file.is_some())
            .finish()
    }
}
