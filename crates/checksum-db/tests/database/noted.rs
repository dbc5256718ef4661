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
    /// The records that are there.
    pub(crate) async fn records(&self) -> Vec<(RecordKey, Record)> {
        let keys: Vec<_> = self.keys.lock().unwrap().iter().cloned().collect();
        let mut records = Vec::new();
        for key in keys {
            records.extend(self.read(&key).await.unwrap().map(|record| (key, record)));
        }
        records
    }

    /// The same records, the last byte of this one changed.
    pub(crate) async fn damaged(&self, damaged: &RecordKey) -> Self {
        let copy = Self::default();
        for (key, record) in self.records().await {
            let mut bytes = record.bytes.to_vec();
            if key == *damaged {
                *bytes.last_mut().unwrap() ^= 1;
            }
            let _new = copy.write(&key, bytes.into(), None).await.unwrap();
        }
        copy
    }

    /// The texts of the records that have this in their key.
    pub(crate) async fn texts(&self, part: &str) -> Vec<String> {
        let records = self.records().await.into_iter();
        let named = records.filter(|(key, _)| key.as_str().contains(part));
        named
            .map(|(_, record)| String::from_utf8_lossy(&record.bytes).into_owned())
            .collect()
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
