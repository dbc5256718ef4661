//! The subfolder one process writes in: taken with a lock, swept by whoever finds the lock free.

use super::SpoolError;
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};
use tokio::sync::Semaphore;

/// What a subfolder's name starts with. Nothing else in the spool folder is ever touched, so a folder named by
/// mistake loses nothing.
const PREFIX: &str = "incoming-";

/// The file in a subfolder that carries the lock.
const LOCK: &str = "lock";

/// How many batches are written at the same time. Waiting for a slow disk takes a thread each, and the runtime's
/// blocking threads belong to hits.
const WRITES: usize = 8;

/// A subfolder held by this process; removed when dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Held open for its lock alone: the lock ends with the process, however the process ends.
    _lock: File,
    next: AtomicU64,
    writes: Semaphore,
}

impl Folder {
    /// Takes a new subfolder of `parent`, then sweeps those whose holders are gone.
    pub(super) fn take(parent: &Path) -> Result<Self, SpoolError> {
        fs::create_dir_all(parent)?;
        let folder = loop {
            if let Some(folder) = Self::take_one(parent)? {
                break folder;
            }
        };
        sweep(parent, &folder.path)?;
        Ok(folder)
    }

    /// One attempt; `None` if another process swept the folder before its lock was taken.
    fn take_one(parent: &Path) -> io::Result<Option<Self>> {
        let path = parent.join(format!("{PREFIX}{:016x}", rand::random::<u64>()));
        fs::create_dir(&path)?;
        let lock_path = path.join(LOCK);
        let lock = match File::create_new(&lock_path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => {
                let _ = fs::remove_dir_all(&path);
                return Err(error);
            }
        }
        // Whoever sweeps holds the lock meanwhile, so with the lock ours the folder is either gone or here to stay.
        if !lock_path.try_exists()? {
            return Ok(None);
        }
        Ok(Some(Self {
            path,
            _lock: lock,
            next: AtomicU64::new(0),
            writes: Semaphore::new(WRITES),
        }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bounds the writing of received bodies: see [`WRITES`].
    pub(super) fn writes(&self) -> &Semaphore {
        &self.writes
    }

    /// A name nobody else has.
    pub(super) fn next_path(&self) -> PathBuf {
        self.path
            .join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The lock is still held, so nobody else is removing it. What fails here is left to the next sweep.
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, "a spool folder could not be removed");
        }
    }
}

/// Removes the subfolders nobody holds. One that cannot be removed is no reason not to start.
fn sweep(parent: &Path, own: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let path = entry.path();
        if path == own || !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        if let Err(error) = sweep_one(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a spool folder left behind could not be removed");
        }
    }
    Ok(())
}

fn sweep_one(path: &Path) -> io::Result<()> {
    let lock = match File::open(path.join(LOCK)) {
        // Its maker died, or is just about to make the lock: only an empty folder goes, and a live maker starts over.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return fs::remove_dir(path),
        other => other?,
    };
    match lock.try_lock() {
        Ok(()) => fs::remove_dir_all(path),
        Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
