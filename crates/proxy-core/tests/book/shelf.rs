//! Module files in a key-value service: the whole backend.

use super::service::Service;
use async_trait::async_trait;
use bytes::Bytes;
use proxy_core::{
    file::{Kind, ModuleFile, Sha256},
    module::{ModulePath, ModuleVersion, Version},
    records::{Record, RecordKey, RecordStore, Revision, Written},
    store::{Catalog, Content, Inserted, ModuleStore, Part, StoreError, Validator},
    verify::Verified,
};

/// Keeps module files and records in a service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ShelfStore(pub Service);

#[async_trait]
impl ModuleStore for ShelfStore {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        let found = self.0.get(&file.tree_path()).await?;
        Ok(found.map(|bytes| {
            let validator = Validator(Sha256::of(&bytes).to_string().into());
            Content::from_memory(&bytes, Some(validator), part)
        }))
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        let folder = format!("{}/@v/", path.escaped());
        let mut versions = Vec::new();
        let mut after = String::new();
        loop {
            let keys = self.0.list(&folder, &after, 1000).await?;
            let Some(last) = keys.last() else {
                return Ok(versions);
            };
            after.clone_from(last);
            let infos = keys
                .iter()
                .filter_map(|key| file_of(key))
                .filter(|file| file.kind == Kind::Info);
            versions.extend(infos.map(|file| file.module.version().clone()));
        }
    }

    async fn insert(&self, file: Verified) -> Result<Inserted, StoreError> {
        let key = file.file().tree_path();
        let body = file.body().clone();
        let bytes = tokio::task::spawn_blocking(move || body.read_to_bytes())
            .await
            .map_err(|stopped| StoreError::unavailable_because("a read was stopped", stopped))?
            .map_err(|error| StoreError::from_io("a spooled file could not be read", error))?;
        // One step that fails if the name is taken. Never look first and write then.
        if self.0.put_new(&key, bytes).await? {
            return Ok(Inserted::New);
        }
        // It is taken, whoever took it: what is there stays, and is compared.
        match self.0.get(&key).await? {
            Some(kept) if Sha256::of(&kept) == file.body().sha256() => Ok(Inserted::Same),
            Some(_) => Ok(Inserted::Other),
            None => Err(StoreError::unavailable("a key was taken, and is gone")),
        }
    }
}

#[async_trait]
impl Catalog for ShelfStore {
    async fn files(&self, after: Option<&ModuleFile>, limit: usize) -> Result<Vec<ModuleFile>, StoreError> {
        let mut after = after.map(ModuleFile::tree_path).unwrap_or_default();
        loop {
            let keys = self.0.list("", &after, limit).await?;
            let Some(last) = keys.last() else {
                return Ok(Vec::new());
            };
            after.clone_from(last);
            let files: Vec<ModuleFile> = keys.iter().filter_map(|key| file_of(key)).collect();
            // A page may be short, but only the last one is empty: one that held records alone is passed over.
            if !files.is_empty() {
                return Ok(files);
            }
        }
    }
}

#[async_trait]
impl RecordStore for ShelfStore {
    async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let found = self.0.get(&key.tree_path()).await?;
        Ok(found.map(|bytes| Record {
            revision: revision(&bytes),
            bytes,
        }))
    }

    async fn write(
        &self,
        key: &RecordKey,
        bytes: Bytes,
        expected: Option<&Revision>,
    ) -> Result<Written, StoreError> {
        let key = key.tree_path();
        let new = revision(&bytes);
        let written = match expected {
            None => self.0.put_new(&key, bytes).await?,
            Some(expected) => match self.0.get(&key).await? {
                Some(now) if revision(&now) == *expected => self.0.swap(&key, &now, bytes).await?,
                _ => false,
            },
        };
        Ok(if written {
            Written::Done(new)
        } else {
            Written::Changed
        })
    }

    async fn remove(&self, key: &RecordKey) -> Result<(), StoreError> {
        self.0.delete(&key.tree_path()).await
    }
}

/// Marks a state of a record by its bytes, so that it needs no place of its own.
fn revision(bytes: &[u8]) -> Revision {
    Revision(Sha256::of(bytes).to_string())
}

/// The module file of a key; `None` for what is none, such as a record.
fn file_of(key: &str) -> Option<ModuleFile> {
    let (path, name) = key.rsplit_once("/@v/")?;
    let (version, extension) = name.rsplit_once('.')?;
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.facts().extension == extension)?;
    let path = ModulePath::unescape(path).ok()?;
    let module = ModuleVersion::new(path, Version::unescape(version).ok()?).ok()?;
    Some(ModuleFile::new(module, kind))
}
