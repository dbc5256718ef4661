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
        let linked = fs::hard_link(&staged, &second_name);
        let _ = fs::remove_file(&second_name);
        linked.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::Full(Arc::new(error)),
            _ => OpenError::NoHardLinks(Arc::new(error)),
        })
    }
}

fn not_writable(error: io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::Full(Arc::new(error)),
        _ => OpenError::NotWritable(Arc::new(error)),
    }
}
