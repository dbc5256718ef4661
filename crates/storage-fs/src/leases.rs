//! Leases by the locks of the file system: a file for each version that is fetched now, locked while the work runs.
//!
//! The kernel gives back what a dead process held, at once, so there are no heartbeats and nobody is ever taken for
//! dead by mistake. A file is removed under its lock when the lease is given back; what a dead process left behind is
//! an empty file that the next holder locks as it is.

use crate::FsStore;
use async_trait::async_trait;
use proxy_core::{
    file::Sha256,
    lease::{Claimed, DEAD_AFTER, Lease, LeaseError, LeaseTable, Leases, Renewed, SharedLeases},
    module::ModuleVersion,
};
use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Where the files lie. The leading dot keeps it apart from every record's key.
const LEASES: &str = ".stoa/.leases";

/// Leases of all processes that share the folder of a store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FsLeases(SharedLeases<Locks>);

/// The folder of locks, seen as a lease service.
#[derive(Debug)]
struct Locks(PathBuf);

/// A locked file; removed and unlocked when it is dropped.
#[derive(Debug)]
struct Locked {
    path: PathBuf,
    _file: File,
}

impl FsStore {
    /// Leases of the processes that share this folder.
    pub fn leases(&self) -> FsLeases {
        FsLeases(SharedLeases::new(Locks(self.tree.root.join(LEASES)), DEAD_AFTER))
    }
}

#[async_trait]
impl Leases for FsLeases {
    async fn acquire(&self, module: &ModuleVersion) -> Lease {
        self.0.acquire(module).await
    }
}

#[async_trait]
impl LeaseTable for Locks {
    type Watch = ();
    type Claim = Locked;

    async fn claim(&self, module: &ModuleVersion, _: &mut ()) -> Result<Claimed<Locked>, LeaseError> {
        let name = Sha256::of(module.to_string().as_bytes()).to_string();
        let path = self.0.join(name);
        // What is locked after nobody waits for it any more is dropped with the task's answer.
        let locked = tokio::task::spawn_blocking(move || lock(&path)).await;
        let locked =
            locked.map_err(|stopped| LeaseError::because("a task on the disk was stopped", stopped))?;
        let locked = locked.map_err(|error| LeaseError::because("a file cannot be locked", error))?;
        Ok(locked.map_or(Claimed::Held, |claim| Claimed::Granted {
            claim,
            fence: 1,
            taken_over: false,
        }))
    }

    async fn renew(&self, _: &ModuleVersion, _: &mut Locked) -> Result<Renewed, LeaseError> {
        Ok(Renewed::Kept)
    }

    async fn release(&self, _: &ModuleVersion, claim: Locked) -> Result<(), LeaseError> {
        drop(claim);
        Ok(())
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Under the lock, so that it is ours that is removed. One that stays is in nobody's way.
        let _ = fs::remove_file(&self.path);
    }
}

/// Locks the file of this name, or says that somebody else has.
fn lock(path: &Path) -> io::Result<Option<Locked>> {
    loop {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Whoever had it may have removed it after we opened it: then we hold a lock on a file without a name.
        let ours = file.metadata()?;
        match fs::symlink_metadata(path) {
            Ok(named) if (named.dev(), named.ino()) == (ours.dev(), ours.ino()) => {
                return Ok(Some(Locked {
                    path: path.to_owned(),
                    _file: file,
                }));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let open = || {
        File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
    };
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            open()
        }
        opened => opened,
    }
}
