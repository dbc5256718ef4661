#![doc = include_str!("../README.md")]

mod catalog;
mod damaged;
mod disk;
mod files;
mod leases;
mod open;
mod other;
mod records;
mod tree;
mod ziphash;

pub use leases::FsLeases;
pub use open::OpenError;
pub use other::OtherTree;
pub use tree::FsTree;

use async_trait::async_trait;
use bytes::Bytes;
use proxy_core::{
    file::ModuleFile,
    module::{ModulePath, Version},
    records::{Record, RecordKey, RecordStore, Revision, Written},
    spool::Spool,
    store::{Catalog, Content, Corrupt, Inserted, ModuleStore, Part, Quarantine, StoreError},
    sums::H1,
    verify::Verified,
};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::Semaphore;

/// How many inserts and record writes are under way at a time. Each waits for the disk on a thread of its own, and
/// the runtime's blocking threads belong to hits.
const WRITES: usize = 16;

/// Module files and records in a folder. Cheap to clone; any number of handles and processes may share the folder.
#[derive(Clone, Debug)]
pub struct FsStore {
    tree: Arc<Tree>,
    writes: Arc<Semaphore>,
}

/// The folder, and where in it files wait until they are linked.
#[derive(Debug)]
struct Tree {
    root: PathBuf,
    spool: Spool,
}

impl FsStore {
    /// Opens the store in this folder, and makes the folder if it is missing. What a process that died left behind
    /// is swept. Blocks.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let tree = Tree::open(folder.into())?;
        Ok(Self {
            tree: Arc::new(tree),
            writes: Arc::new(Semaphore::new(WRITES)),
        })
    }

    /// The spool in the store's own folder: what waits there for its checks is linked, not copied, when it is inserted.
    pub fn spool(&self) -> &Spool {
        &self.tree.spool
    }

    /// Reads in a blocking task.
    async fn reading<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tree) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let tree = Arc::clone(&self.tree);
        match tokio::task::spawn_blocking(move || work(&tree)).await {
            Ok(answer) => answer,
            Err(stopped) => Err(StoreError::unavailable_because(
                "a task on the disk was stopped",
                stopped,
            )),
        }
    }

    /// Writes in a blocking task, which goes on to its end if nobody waits for it any more.
    async fn writing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tree) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.writes).acquire_owned().await;
        let permit =
            permit.map_err(|closed| StoreError::unavailable_because("the store is closed", closed))?;
        self.reading(move |tree| {
            let _until_done = permit;
            work(tree)
        })
        .await
    }
}

#[async_trait]
impl ModuleStore for FsStore {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        let file = file.clone();
        self.reading(move |tree| tree.open_file(&file, part)).await
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        let path = path.clone();
        self.reading(move |tree| tree.versions(&path)).await
    }

    async fn insert(&self, file: Verified) -> Result<Inserted, StoreError> {
        self.writing(move |tree| tree.insert(&file)).await
    }
}

#[async_trait]
impl RecordStore for FsStore {
    async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let key = key.clone();
        self.reading(move |tree| records::read(&tree.root, &key)).await
    }

    async fn write(
        &self,
        key: &RecordKey,
        bytes: Bytes,
        expected: Option<&Revision>,
    ) -> Result<Written, StoreError> {
        let (key, expected) = (key.clone(), expected.cloned());
        self.writing(move |tree| tree.write_record(&key, &bytes, expected.as_ref()))
            .await
    }

    async fn remove(&self, key: &RecordKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.writing(move |tree| tree.remove_record(&key)).await
    }
}

#[async_trait]
impl Catalog for FsStore {
    async fn files(&self, after: Option<&ModuleFile>, limit: usize) -> Result<Vec<ModuleFile>, StoreError> {
        let after = after.map(ModuleFile::tree_path).unwrap_or_default();
        self.reading(move |tree| catalog::files(&tree.root, &after, limit))
            .await
    }
}

#[async_trait]
impl Quarantine for FsStore {
    async fn set_aside(&self, file: Corrupt) -> Result<(), StoreError> {
        self.writing(move |tree| tree.set_aside(&file)).await
    }

    async fn sum_beside(&self, zip: &ModuleFile) -> Result<Option<Bytes>, StoreError> {
        let zip = zip.clone();
        self.reading(move |tree| damaged::sum_beside(&tree.root, &zip))
            .await
    }

    async fn renew_sum_beside(&self, zip: &ModuleFile, found: &[u8], right: H1) -> Result<(), StoreError> {
        let (zip, found) = (zip.clone(), found.to_vec());
        self.writing(move |tree| tree.renew_sum_beside(&zip, &found, right))
            .await
    }
}
