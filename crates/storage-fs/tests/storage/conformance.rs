//! A folder keeps every promise, also with a memory before it.

use async_trait::async_trait;
use proxy_core::{
    records::RecordStore,
    store::{
        CacheLimits, CachedStore, Catalog, ModuleStore, Quarantine,
        conformance::{CatalogPlace, FeedHandle, FeedPlace, Place, QuarantinePlace, RecordPlace},
    },
};
use std::sync::Arc;
use storage_fs::FsStore;
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl Place for Folder {
    async fn open(&self) -> Arc<dyn ModuleStore> {
        Arc::new(FsStore::open(self.0.path()).unwrap())
    }
}

#[async_trait]
impl RecordPlace for Folder {
    async fn open(&self) -> Arc<dyn RecordStore> {
        Arc::new(FsStore::open(self.0.path()).unwrap())
    }
}

#[async_trait]
impl CatalogPlace for Folder {
    async fn open(&self) -> (Arc<dyn ModuleStore>, Arc<dyn Catalog>) {
        let store = FsStore::open(self.0.path()).unwrap();
        (Arc::new(store.clone()), Arc::new(store))
    }
}

#[async_trait]
impl QuarantinePlace for Folder {
    async fn open(&self) -> (Arc<dyn ModuleStore>, Arc<dyn Quarantine>) {
        let store = FsStore::open(self.0.path()).unwrap();
        (Arc::new(store.clone()), Arc::new(store))
    }
}

#[async_trait]
impl FeedPlace for Folder {
    async fn open(&self) -> FeedHandle {
        let store = Arc::new(FsStore::open(self.0.path()).unwrap());
        FeedHandle::in_records(store.clone(), store.clone(), store)
    }
}

mod feed {
    use super::Folder;
    proxy_core::feed_conformance!(async || Ok(Folder::new()));
}

mod catalog {
    use super::Folder;
    proxy_core::catalog_conformance!(async || Ok(Folder::new()));
}

mod quarantine {
    use super::Folder;
    proxy_core::quarantine_conformance!(async || Ok(Folder::new()));
}

mod files {
    use super::Folder;
    proxy_core::module_store_conformance!(async || Ok(Folder::new()));
}

mod records {
    use super::Folder;
    proxy_core::record_store_conformance!(async || Ok(Folder::new()));
}

struct Cached(TempDir);

#[async_trait]
impl Place for Cached {
    async fn open(&self) -> Arc<dyn ModuleStore> {
        let store = FsStore::open(self.0.path()).unwrap();
        Arc::new(CachedStore::new(Arc::new(store), CacheLimits::default()))
    }
}

mod cached {
    use super::Cached;
    proxy_core::module_store_conformance!(async || Ok(Cached(tempfile::tempdir().unwrap())));
}
