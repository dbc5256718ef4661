//! A record store in memory that remembers which keys were ever written.

use async_trait::async_trait;
use bytes::Bytes;
use proxy_core::{
    records::{Record, RecordKey, RecordStore, Revision, Written},
    store::{MemoryStore, StoreError},
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

#[derive(Clone, Debug, Default)]
pub(crate) struct NotedStore {
    store: MemoryStore,
    keys: Arc<Mutex<BTreeSet<RecordKey>>>,
}

impl NotedStore {
    /// The texts of the records that have this in their key.
    pub(crate) async fn texts(&self, part: &str) -> Vec<String> {
        let keys: Vec<_> = self.keys.lock().unwrap().iter().cloned().collect();
        let mut texts = Vec::new();
        for key in keys.iter().filter(|key| key.as_str().contains(part)) {
            if let Some(record) = self.read(key).await.unwrap() {
                texts.push(String::from_utf8_lossy(&record.bytes).into_owned());
            }
        }
        texts
    }
}

#[async_trait]
impl RecordStore for NotedStore {
    async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        RecordStore::read(&self.store, key).await
    }

    async fn write(
        &self,
        key: &RecordKey,
        bytes: Bytes,
        expected: Option<&Revision>,
    ) -> Result<Written, StoreError> {
        self.keys.lock().unwrap().insert(key.clone());
        self.store.write(key, bytes, expected).await
    }

    async fn remove(&self, key: &RecordKey) -> Result<(), StoreError> {
        self.store.remove(key).await
    }
}
