//! The reference store: the contract in ten honest lines of locking, in memory.
//!
//! It runs the server with nothing installed, keeps the tests of everything above a store fast, and is the shortest
//! way to read what [`ModuleStore`] and [`RecordStore`] mean.

use super::{Catalog, Content, Corrupt, Inserted, ModuleStore, Part, Quarantine, StoreError, Validator};
use crate::{
    file::{Body, Held, Kind, ModuleFile, Sha256},
    module::{ModulePath, Version},
    records::{Record, RecordKey, RecordStore, Revision, Written},
    verify::Verified,
};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    fmt,
    os::unix::fs::FileExt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Keeps module files and records in memory until the last clone is gone.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Shelves>>);

#[derive(Default)]
struct Shelves {
    files: BTreeMap<ModuleFile, (Bytes, Sha256)>,
    damaged: BTreeMap<String, Bytes>,
    records: BTreeMap<RecordKey, Record>,
    writes: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        // Nothing below can panic between two changes that belong together.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ModuleStore for MemoryStore {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        Ok(self.shelves().files.get(file).map(|(bytes, sha256)| {
            Content::from_memory(bytes, Some(Validator(sha256.to_string().into())), part)
        }))
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        let of_this_path = |file: &&ModuleFile| file.kind == Kind::Info && file.module.path() == path;
        Ok(self
            .shelves()
            .files
            .keys()
            .filter(of_this_path)
            .map(|file| file.module.version().clone())
            .collect())
    }

    async fn insert(&self, file: Verified) -> Result<Inserted, StoreError> {
        let sha256 = file.body().sha256();
        let bytes = in_memory(file.body()).await?;
        let mut shelves = self.shelves();
        match shelves.files.get(file.file()) {
            Some((_, kept)) if *kept == sha256 => Ok(Inserted::Same),
            Some(_) => Ok(Inserted::Other),
            None => {
                shelves.files.insert(file.file().clone(), (bytes, sha256));
                Ok(Inserted::New)
            }
        }
    }
}

#[async_trait]
impl RecordStore for MemoryStore {
    async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        Ok(self.shelves().records.get(key).cloned())
    }

    async fn write(
        &self,
        key: &RecordKey,
        bytes: Bytes,
        expected: Option<&Revision>,
    ) -> Result<Written, StoreError> {
        let mut shelves = self.shelves();
        if shelves.records.get(key).map(|record| &record.revision) != expected {
            return Ok(Written::Changed);
        }
        shelves.writes += 1;
        let revision = Revision(shelves.writes.to_string());
        shelves.records.insert(
            key.clone(),
            Record {
                bytes,
                revision: revision.clone(),
            },
        );
        Ok(Written::Done(revision))
    }

    async fn remove(&self, key: &RecordKey) -> Result<(), StoreError> {
        self.shelves().records.remove(key);
        Ok(())
    }
}

#[async_trait]
impl Catalog for MemoryStore {
    async fn files(&self, after: Option<&ModuleFile>, limit: usize) -> Result<Vec<ModuleFile>, StoreError> {
        let after = after.map(ModuleFile::tree_path);
        let mut ahead: Vec<(String, ModuleFile)> = self
            .shelves()
            .files
            .keys()
            .map(|file| (file.tree_path(), file.clone()))
            .filter(|(name, _)| after.as_ref().is_none_or(|after| name > after))
            .collect();
        ahead.sort_unstable();
        Ok(ahead.into_iter().take(limit).map(|(_, file)| file).collect())
    }
}

#[async_trait]
impl Quarantine for MemoryStore {
    async fn set_aside(&self, file: Corrupt) -> Result<(), StoreError> {
        let mut shelves = self.shelves();
        if let Some((_, sha256)) = shelves.files.get(file.file())
            && file.found() == Some(*sha256)
            && let Some((bytes, _)) = shelves.files.remove(file.file())
        {
            shelves.damaged.insert(file.tree_path(), bytes);
        }
        Ok(())
    }
}

/// The bytes of a body; those in a spool file are read in a blocking task.
async fn in_memory(body: &Body) -> Result<Bytes, StoreError> {
    let file = match body.held() {
        Held::Memory(bytes) => return Ok(bytes.clone()),
        Held::File(file) => Arc::clone(file),
    };
    let mut bytes = vec![0; usize::try_from(body.size()).map_err(|_| StoreError::Full(None))?];
    let read = tokio::task::spawn_blocking(move || file.file().read_exact_at(&mut bytes, 0).map(|()| bytes));
    match read.await {
        Ok(bytes) => bytes
            .map(Bytes::from)
            .map_err(|error| StoreError::from_io("a spooled file could not be read", error)),
        Err(stopped) => Err(StoreError::unavailable_because("a read was stopped", stopped)),
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shelves = self.shelves();
        f.debug_struct("MemoryStore")
            .field("files", &shelves.files.len())
            .field("records", &shelves.records.len())
            .finish()
    }
}
