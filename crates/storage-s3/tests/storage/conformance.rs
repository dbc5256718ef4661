//! A bucket keeps every promise, on every server, also with a memory before it.

use async_trait::async_trait;
use proxy_core::{
    lease::{Leases, RecordLeases, conformance::LeasePlace},
    records::RecordStore,
    store::{
        CacheLimits, CachedStore, Catalog, ModuleStore, Quarantine,
        conformance::{CatalogPlace, FeedHandle, FeedPlace, Place, QuarantinePlace, RecordPlace},
    },
};
use std::{sync::Arc, time::Duration};
use storage_s3::{BucketStore, BucketUrl};
use testkit::bucket::{BucketServer, TestBucket};

/// A part of a bucket that one test has for itself.
pub(crate) struct Bucket(TestBucket);

impl Bucket {
    async fn fresh(server: BucketServer) -> Result<Self, String> {
        TestBucket::fresh(server).await.map(Self)
    }
}

pub(crate) fn open(bucket: &TestBucket) -> BucketStore {
    let url = BucketUrl::parse(&bucket.url()).unwrap();
    BucketStore::open(&url, bucket.variables()).unwrap()
}

#[async_trait]
impl Place for Bucket {
    async fn open(&self) -> Arc<dyn ModuleStore> {
        Arc::new(open(&self.0))
    }
}

#[async_trait]
impl RecordPlace for Bucket {
    async fn open(&self) -> Arc<dyn RecordStore> {
        Arc::new(open(&self.0))
    }
}

#[async_trait]
impl CatalogPlace for Bucket {
    async fn open(&self) -> (Arc<dyn ModuleStore>, Arc<dyn Catalog>) {
        let store = open(&self.0);
        (Arc::new(store.clone()), Arc::new(store))
    }
}

#[async_trait]
impl QuarantinePlace for Bucket {
    async fn open(&self) -> (Arc<dyn ModuleStore>, Arc<dyn Quarantine>) {
        let store = open(&self.0);
        (Arc::new(store.clone()), Arc::new(store))
    }
}

#[async_trait]
impl FeedPlace for Bucket {
    async fn open(&self) -> FeedHandle {
        let store = Arc::new(open(&self.0));
        FeedHandle::in_records(store.clone(), store.clone(), store)
    }
}

#[async_trait]
impl LeasePlace for Bucket {
    async fn open(&self, dead_after: Duration) -> Arc<dyn Leases> {
        Arc::new(RecordLeases::taken_over_after(
            Arc::new(open(&self.0)),
            dead_after,
        ))
    }
}

mod leases {
    use super::{Bucket, BucketServer};
    proxy_core::lease_conformance!(async || Bucket::fresh(BucketServer::SeaweedFs).await);
}

struct Cached(TestBucket);

#[async_trait]
impl Place for Cached {
    async fn open(&self) -> Arc<dyn ModuleStore> {
        Arc::new(CachedStore::new(Arc::new(open(&self.0)), CacheLimits::default()))
    }
}

macro_rules! on {
    ($name:ident: $server:ident) => {
        mod $name {
            use super::Bucket;
            use testkit::bucket::BucketServer::$server;

            mod files {
                use super::{Bucket, $server};
                proxy_core::module_store_conformance!(async || Bucket::fresh($server).await);
            }
            mod records {
                use super::{Bucket, $server};
                proxy_core::record_store_conformance!(async || Bucket::fresh($server).await);
            }
            mod catalog {
                use super::{Bucket, $server};
                proxy_core::catalog_conformance!(async || Bucket::fresh($server).await);
            }
            mod quarantine {
                use super::{Bucket, $server};
                proxy_core::quarantine_conformance!(async || Bucket::fresh($server).await);
            }
            mod feed {
                use super::{Bucket, $server};
                proxy_core::feed_conformance!(async || Bucket::fresh($server).await);
            }
        }
    };
}

on!(seaweedfs: SeaweedFs);
on!(moto: Moto);
on!(azurite: Azurite);
on!(google: FakeGcs);

mod cached {
    use super::{BucketServer, Cached, TestBucket};
    proxy_core::module_store_conformance!(async || TestBucket::fresh(BucketServer::SeaweedFs)
        .await
        .map(Cached));
}
