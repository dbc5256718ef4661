//! Opening a folder as a store: made if missing, tried out, swept.

use crate::{Tree, disk};
use proxy_core::spool::{Spool, SpoolError};
use std::{fs, io, path::PathBuf, sync::Arc};

/// Where bytes wait. The leading dot keeps it apart from every record's key, as `.stoa` is from every module path.
const STAGING: &str = ".stoa/.staging";

/// Why a folder cannot be a store.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be made, or something else has its name.
    #[error("the store's folder cannot be made")]
    NoFolder(#[source] Arc<io::Error>),
    /// It is there, and nothing can be written in it.
    #[error("the store's folder cannot be written")]
    NotWritable(#[source] Arc<io::Error>),
    /// Its disk is full.
    #[error("the store's folder is on a full disk")]
    Full(#[source] Arc<io::Error>),
    /// A file cannot have a second name there, and without that nothing can appear whole and only once.
    #[error(
        "the store's folder is on a file system without hard links: put the store on one that has them (ext4, XFS, \
         Btrfs, ZFS, APFS or NFS do), or use a bucket or a database as the store"
    )]
    NoHardLinks(#[source] Arc<io::Error>),
}

impl Tree {
    pub(crate) fn open(root: PathBuf) -> Result<Self, OpenError> {
        fs::create_dir_all(&root).map_err(|error| OpenError::NoFolder(Arc::new(error)))?;
        // What is relative now must not follow the process when it changes its folder.
        let root = root
            .canonicalize()
            .map_err(|error| OpenError::NoFolder(Arc::new(error)))?;
        let spool = Spool::open(&root.join(STAGING)).map_err(|error| match error {
            SpoolError::Full(error) => OpenError::Full(error),
            SpoolError::Io(error) => OpenError::NotWritable(error),
        })?;
        let tree = Self { root, spool };
        tree.try_a_link()?;
        Ok(tree)
    }

    /// Does once what every insert does, so that a file system that cannot is refused at the start and not at the
    /// first insert.
    fn try_a_link(&self) -> Result<(), OpenError> {
        let staged = disk::stage(&self.spool, |_| Ok(())).map_err(not_writable)?;
        let second_name = staged.with_extension("link");
        fs::hard_link(&staged, &second_name).map_err(not_linked)?;
        fs::remove_file(&second_name).map_err(not_writable)
    }
}

fn not_writable(error: io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::Full(Arc::new(error)),
        _ => OpenError::NotWritable(Arc::new(error)),
    }
}

/// What file systems without hard links answer differs: FAT that it is not permitted, FUSE and SMB that they do not
/// know the call, others that one name is the most a file can have.
fn not_linked(error: io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported | io::ErrorKind::TooManyLinks => {
            OpenError::NoHardLinks(Arc::new(error))
        }
        _ => not_writable(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_hard_links_is_told_from_one_in_trouble() {
        let judged = |code| not_linked(io::Error::from_raw_os_error(code));
        for code in [libc::EPERM, libc::EOPNOTSUPP, libc::ENOSYS, libc::EMLINK] {
            let error = judged(code);
            assert!(matches!(error, OpenError::NoHardLinks(_)), "{error:?}");
            assert!(error.to_string().contains("put the store on one that has them"));
        }
        assert!(matches!(judged(libc::ENOSPC), OpenError::Full(_)));
        assert!(matches!(judged(libc::EIO), OpenError::NotWritable(_)));
    }
}
