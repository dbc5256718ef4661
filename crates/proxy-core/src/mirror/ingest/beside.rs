//! A store as it will be: with the `.mod` that is about to be inserted.

use crate::{
    file::{Body, Kind, ModuleFile},
    module::{ModulePath, ModuleVersion, Version},
    store::{Content, Inserted, ModuleStore, Part, StoreError},
    verify::{Verified, VerifyError},
};
use async_trait::async_trait;
use bytes::Bytes;
use std::{io, sync::Arc};

/// Answers with a `.mod` of its own where the store has none; what the store has comes first.
#[derive(Debug)]
pub(super) struct WithGoMod {
    store: Arc<dyn ModuleStore>,
    file: ModuleFile,
    bytes: Bytes,
}

impl WithGoMod {
    /// The store with these bytes as the version's `.mod`.
    pub(super) async fn view(
        store: &Arc<dyn ModuleStore>,
        module: &ModuleVersion,
        go_mod: &Body,
    ) -> Result<Arc<dyn ModuleStore>, VerifyError> {
        let bytes = match go_mod.bytes() {
            Some(bytes) => bytes.clone(),
            None => {
                let body = go_mod.clone();
                let read = tokio::task::spawn_blocking(move || body.read_to_bytes()).await;
                read.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
                    .map_err(|error| VerifyError::Spool(Arc::new(error)))?
            }
        };
        Ok(Arc::new(Self {
            store: Arc::clone(store),
            file: ModuleFile::new(module.clone(), Kind::Mod),
            bytes,
        }))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ModuleStore for WithGoMod {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        Ok(match self.store.open(file, part).await? {
            None if *file == self.file => Some(Content::from_memory(&self.bytes, None, part)),
            found => found,
        })
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        self.store.versions(path).await
    }

    async fn insert(&self, file: Verified) -> Result<Inserted, StoreError> {
        self.store.insert(file).await
    }
}
