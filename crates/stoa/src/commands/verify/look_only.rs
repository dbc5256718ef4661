//! Records that can be looked at: what is written stays in memory, before what is there.

use async_trait::async_trait;
use bytes::Bytes;
use proxy_core::{
    records::{Record, RecordKey, RecordStore, Revision, Written},
    store::StoreError,
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Passes reading on, and keeps writing to itself.
#[derive(Debug)]
pub(super) struct LookOnly {
    below: Arc<dyn RecordStore>,
    /// What was written, or removed (`None`).
    written: Mutex<HashMap<RecordKey, Option<Record>>>,
    writes: AtomicU64,
}

impl LookOnly {
    pub(super) fn before(below: Arc<dyn RecordStore>) -> Self {
        Self {
            below,
            written: Mutex::default(),
            writes: AtomicU64::default(),
        }
    }

    fn written(&self) -> MutexGuard<'_, HashMap<RecordKey, Option<Record>>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl RecordStore for LookOnly {
    async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let written = self.written().get(key).cloned();
        match written {
            Some(record) => Ok(record),
            None => self.below.read(key).await,
        }
    }

    async fn write(
        &self,
        key: &RecordKey,
        bytes: Bytes,
        expected: Option<&Revision>,
    ) -> Result<Written, StoreError> {
        let below = self.below.read(key).await?;
        let mut written = self.written();
        let now = written.get(key).cloned().unwrap_or(below);
        if now.map(|record| record.revision).as_ref() != expected {
            return Ok(Written::Changed);
        }
        // No store calls a revision this, and none of ours comes twice.
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let revision = Revision(format!("looked at, {number}"));
        let record = Record {
            bytes,
            revision: revision.clone(),
        };
        written.insert(key.clone(), Some(record));
        Ok(Written::Done(revision))
    }

    async fn remove(&self, key: &RecordKey) -> Result<(), StoreError> {
        self.written().insert(key.clone(), None);
        Ok(())
    }
}
