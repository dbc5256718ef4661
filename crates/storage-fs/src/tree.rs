//! A folder to read from and never to write in: no staging, no locks, nothing swept, so that it may be somebody else's, or
//! on a disk that is mounted for reading alone.

use crate::{
    OtherTree, catalog, damaged,
    files::{open_at, versions_in},
    records,
};
use async_trait::async_trait;
use bytes::Bytes;
use proxy_core::{
    file::ModuleFile,
    module::{ModulePath, Version},
    records::{Record, RecordKey, RecordStore, Revision, Written},
    store::{Catalog, Content, Corrupt, Inserted, ModuleStore, Part, Quarantine, StoreError},
    sums::H1,
    verify::Verified,
};
use std::{io, path::Path, path::PathBuf, sync::Arc};

/// A GOPROXY tree in a folder, with the records beside it, for reading. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FsTree {
    root: Arc<Path>,
}

impl FsTree {
    /// Reads the tree in this folder, which must be there. Blocks.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let root = folder.into().canonicalize()?;
        if !root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { root: root.into() })
    }

    /// The same folder, read in the other ways in which a tree is laid out.
    pub fn otherwise(&self) -> [OtherTree; 3] {
        OtherTree::all_in(&self.root)
    }

    /// The module files in it that lie where only [`otherwise`](Self::otherwise) finds them, each once, in no order.
    pub async fn files_otherwise(&self) -> Result<Vec<ModuleFile>, StoreError> {
        reading(&self.root, OtherTree::files).await
    }
}

/// Reads in a blocking task.
pub(crate) async fn reading<T: Send + 'static>(
    root: &Arc<Path>,
    work: impl FnOnce(&Path) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let root = Arc::clone(root);
    match tokio::task::spawn_blocking(move || work(&root)).await {
        Ok(answer) => answer,
        Err(stopped) => Err(StoreError::unavailable_because(
            "a task on the disk was stopped",
            stopped,
        )),
    }
}

/// What is said to whoever would write.
pub(crate) fn only_read() -> StoreError {
    StoreError::unavailable("it is opened for reading alone")
}

#[async_trait]
impl ModuleStore for FsTree {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        let file = file.clone();
        reading(&self.root, move |root| {
            open_at(&root.join(file.tree_path()), &file, part)
        })
        .await
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        let path = path.clone();
        reading(&self.root, move |root| {
            let folder = root.join(path.escaped()).join("@v");
            versions_in(&folder, &path, |name| Version::unescape(name).ok())
        })
        .await
    }

    async fn insert(&self, _: Verified) -> Result<Inserted, StoreError> {
        Err(only_read())
    }
}

#[async_trait]
impl Catalog for FsTree {
    async fn files(&self, after: Option<&ModuleFile>, limit: usize) -> Result<Vec<ModuleFile>, StoreError> {
        let after = after.map(ModuleFile::tree_path).unwrap_or_default();
        reading(&self.root, move |root| catalog::files(root, &after, limit)).await
    }
}

#[async_trait]
impl RecordStore for FsTree {
    async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let key = key.clone();
        reading(&self.root, move |root| records::read(root, &key)).await
    }

    async fn write(&self, _: &RecordKey, _: Bytes, _: Option<&Revision>) -> Result<Written, StoreError> {
        Err(only_read())
    }

    async fn remove(&self, _: &RecordKey) -> Result<(), StoreError> {
        Err(only_read())
    }
}

/// For the sums beside zips, which can be read.
#[async_trait]
impl Quarantine for FsTree {
    async fn set_aside(&self, _: Corrupt) -> Result<(), StoreError> {
        Err(only_read())
    }

    async fn sum_beside(&self, zip: &ModuleFile) -> Result<Option<Bytes>, StoreError> {
        let zip = zip.clone();
        reading(&self.root, move |root| damaged::sum_beside(root, &zip)).await
    }

    async fn renew_sum_beside(&self, _: &ModuleFile, _: &[u8], _: H1) -> Result<(), StoreError> {
        Err(only_read())
    }
}
