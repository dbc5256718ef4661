//! Every promise of a store, each a test of its own.

use super::{service::Service, shelf::ShelfStore};
use async_trait::async_trait;
use proxy_core::{
    records::RecordStore,
    store::{
        Catalog, ModuleStore,
        conformance::{CatalogPlace, FeedHandle, FeedPlace, Place, RecordPlace},
    },
};
use std::sync::Arc;

/// A service of its own for each promise, so that none sees the files of another.
#[derive(Default)]
struct Fresh(Service);

impl Fresh {
    /// A handle such as another process would have.
    fn store(&self) -> Arc<ShelfStore> {
        Arc::new(ShelfStore(self.0.clone()))
    }
}

#[async_trait]
impl Place for Fresh {
    async fn open(&self) -> Arc<dyn ModuleStore> {
        self.store()
    }
    // This one reads zips into memory. Leave it out, and streaming a large zip in bounded memory is proven too.
    fn is_memory(&self) -> bool {
        true
    }
}

#[async_trait]
impl RecordPlace for Fresh {
    async fn open(&self) -> Arc<dyn RecordStore> {
        self.store()
    }
}

#[async_trait]
impl CatalogPlace for Fresh {
    async fn open(&self) -> (Arc<dyn ModuleStore>, Arc<dyn Catalog>) {
        (self.store(), self.store())
    }
}

#[async_trait]
impl FeedPlace for Fresh {
    async fn open(&self) -> FeedHandle {
        FeedHandle::in_records(self.store(), self.store(), self.store())
    }
}

mod files {
    proxy_core::module_store_conformance!(async || Ok(super::Fresh::default()));
}

mod records {
    proxy_core::record_store_conformance!(async || Ok(super::Fresh::default()));
}

mod catalog {
    proxy_core::catalog_conformance!(async || Ok(super::Fresh::default()));
}

mod feed {
    proxy_core::feed_conformance!(async || Ok(super::Fresh::default()));
}
