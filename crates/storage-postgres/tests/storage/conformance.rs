//! A database keeps every promise: directly, behind a pooler in transaction mode, and with a memory before it.

use crate::place::Schema;
use async_trait::async_trait;
use proxy_core::store::{CacheLimits, CachedStore, ModuleStore, conformance::Place};
use std::sync::Arc;

mod files {
    use super::Schema;
    proxy_core::module_store_conformance!(async || Schema::direct());
}

mod records {
    use super::Schema;
    proxy_core::record_store_conformance!(async || Schema::direct());
}

mod pooled_files {
    use super::Schema;
    proxy_core::module_store_conformance!(async || Schema::pooled());
}

mod pooled_records {
    use super::Schema;
    proxy_core::record_store_conformance!(async || Schema::pooled());
}

mod catalog {
    use super::Schema;
    proxy_core::catalog_conformance!(async || Schema::direct());
}

mod pooled_catalog {
    use super::Schema;
    proxy_core::catalog_conformance!(async || Schema::pooled());
}

mod quarantine {
    use super::Schema;
    proxy_core::quarantine_conformance!(async || Schema::direct());
}

mod pooled_quarantine {
    use super::Schema;
    proxy_core::quarantine_conformance!(async || Schema::pooled());
}

mod feed {
    use super::Schema;
    proxy_core::feed_conformance!(async || Schema::direct());
}

mod pooled_feed {
    use super::Schema;
    proxy_core::feed_conformance!(async || Schema::pooled());
}

mod leases {
    use super::Schema;
    proxy_core::lease_conformance!(async || Schema::direct());
}

mod pooled_leases {
    use super::Schema;
    proxy_core::lease_conformance!(async || Schema::pooled());
}

struct Cached(Schema);

#[async_trait]
impl Place for Cached {
    async fn open(&self) -> Arc<dyn ModuleStore> {
        let store = Arc::new(self.0.store().await);
        Arc::new(CachedStore::new(store, CacheLimits::default()))
    }
}

mod cached {
    use super::{Cached, Schema};
    proxy_core::module_store_conformance!(async || Schema::direct().map(Cached));
}
