//! The stores and wrappers of this crate keep every promise.

use async_trait::async_trait;
use proxy_core::{
    records::RecordStore,
    store::{
        CacheLimits, CachedStore, Catalog, MemoryStore, ModuleStore, Quarantine,
        conformance::{CatalogPlace, FeedHandle, FeedPlace, Place, QuarantinePlace, RecordPlace},
    },
};
use std::sync::Arc;

#[derive(Default)]
struct InMemory(MemoryStore);

#[async_trait]
impl Place for InMemory {
    async fn open(&self) -> Arc<dyn ModuleStore> {
        Arc::new(self.0.clone())
    }
    fn is_memory(&self) -> bool {
        true
    }
}

#[async_trait]
impl RecordPlace for InMemory {
    async fn open(&self) -> Arc<dyn RecordStore> {
        Arc::new(self.0.clone())
    }
}

#[async_trait]
impl CatalogPlace for InMemory {
    async fn open(&self) -> (Arc<dyn ModuleStore>, Arc<dyn Catalog>) {
        (Arc::new(self.0.clone()), Arc::new(self.0.clone()))
    }
}

#[async_trait]
impl QuarantinePlace for InMemory {
    async fn open(&self) -> (Arc<dyn ModuleStore>, Arc<dyn Quarantine>) {
        (Arc::new(self.0.clone()), Arc::new(self.0.clone()))
    }
}

mod memory_catalog {
    use super::InMemory;
    proxy_core::catalog_conformance!(async || Ok(InMemory::default()));
}

mod memory_quarantine {
    use super::InMemory;
    proxy_core::quarantine_conformance!(async || Ok(InMemory::default()));
}

mod memory {
    use super::InMemory;
    proxy_core::module_store_conformance!(async || Ok(InMemory::default()));
}

mod memory_records {
    use super::InMemory;
    proxy_core::record_store_conformance!(async || Ok(InMemory::default()));
}

/// A store behind memories of its own, one for each handle, as two processes would have.
struct Cached {
    store: MemoryStore,
    limits: CacheLimits,
}

impl Cached {
    fn with(limits: CacheLimits) -> Self {
        Self {
            store: MemoryStore::new(),
            limits,
        }
    }
}

#[async_trait]
impl Place for Cached {
    async fn open(&self) -> Arc<dyn ModuleStore> {
        Arc::new(CachedStore::new(Arc::new(self.store.clone()), self.limits))
    }
    fn is_memory(&self) -> bool {
        true
    }
}

mod cached {
    use super::{CacheLimits, Cached};
    proxy_core::module_store_conformance!(async || Ok(Cached::with(CacheLimits::default())));
}

mod cached_with_little_room {
    use super::{CacheLimits, Cached};
    // Most files are too large for it, and those that are not are let go of at once.
    proxy_core::module_store_conformance!(async || Ok(Cached::with(CacheLimits {
        file: 200,
        total: 1500
    })));
}

#[async_trait]
impl FeedPlace for InMemory {
    async fn open(&self) -> FeedHandle {
        let store = Arc::new(self.0.clone());
        FeedHandle::in_records(store.clone(), store.clone(), store)
    }
}

mod memory_feed {
    use super::InMemory;
    proxy_core::feed_conformance!(async || Ok(InMemory::default()));
}

#[async_trait]
impl QuarantinePlace for Cached {
    async fn open(&self) -> (Arc<dyn ModuleStore>, Arc<dyn Quarantine>) {
        let cached = Arc::new(CachedStore::new(Arc::new(self.store.clone()), self.limits));
        let quarantine = cached.quarantine(Arc::new(self.store.clone()));
        (cached, quarantine)
    }
}

mod cached_quarantine {
    use super::{CacheLimits, Cached};
    proxy_core::quarantine_conformance!(async || Ok(Cached::with(CacheLimits::default())));
}
