//! The leases of this crate keep every promise.

use async_trait::async_trait;
use bytes::Bytes;
use proxy_core::{
    lease::{Leases, LocalLeases, RecordLeases, conformance::LeasePlace},
    records::{Record, RecordKey, RecordStore, Revision, Written},
    store::{MemoryStore, StoreError},
};
use std::{sync::Arc, time::Duration};

#[derive(Default)]
struct OneProcess(LocalLeases);

#[async_trait]
impl LeasePlace for OneProcess {
    async fn open(&self, _: Duration) -> Arc<dyn Leases> {
        Arc::new(self.0.clone())
    }
    fn is_one_process(&self) -> bool {
        true
    }
}

mod local_leases {
    use super::OneProcess;
    proxy_core::lease_conformance!(async || Ok(OneProcess::default()));
}

#[derive(Default)]
struct InRecords(MemoryStore);

#[async_trait]
impl LeasePlace for InRecords {
    async fn open(&self, dead_after: Duration) -> Arc<dyn Leases> {
        Arc::new(RecordLeases::taken_over_after(
            Arc::new(self.0.clone()),
            dead_after,
        ))
    }
    async fn away(&self) -> Option<Arc<dyn Leases>> {
        Some(Arc::new(RecordLeases::new(Arc::new(Away))))
    }
}

mod record_leases {
    use super::InRecords;
    proxy_core::lease_conformance!(async || Ok(InRecords::default()));
}

/// Records that are never there.
#[derive(Debug)]
struct Away;

#[async_trait]
impl RecordStore for Away {
    async fn read(&self, _: &RecordKey) -> Result<Option<Record>, StoreError> {
        Err(StoreError::unavailable("on purpose"))
    }
    async fn write(&self, _: &RecordKey, _: Bytes, _: Option<&Revision>) -> Result<Written, StoreError> {
        Err(StoreError::unavailable("on purpose"))
    }
    async fn remove(&self, _: &RecordKey) -> Result<(), StoreError> {
        Err(StoreError::unavailable("on purpose"))
    }
}
