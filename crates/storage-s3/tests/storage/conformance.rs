//! A bucket keeps every promise, on every server, also with a memory before it.

use async_trait::async_trait;
use proxy_core::{
    records::RecordStore,
    store::{
        CacheLimits, CachedStore, ModuleStore,
        conformance::{Place, RecordPlace},
    },
};
use std::sync::Arc;
use storage_s3::{BucketStore, BucketUrl};
use testkit::bucket::{BucketServer, TestBucket};

/// A part of a bucket that one test has for itself.
struct Bucket {
    bucket: TestBucket,
    cached: bool,
}

impl Bucket {
    async fn fresh(server: BucketServer, cached: bool) -> Result<Self, String> {
        let bucket = TestBucket::fresh(server).await?;
        Ok(Self { bucket, cached })
    }
}

pub(crate) fn open(bucket: &TestBucket) -> BucketStore {
    let url = BucketUrl::parse(&bucket.url()).unwrap();
    BucketStore::open(&url, bucket.variables()).unwrap()
}

#[async_trait]
impl Place for Bucket {
    async fn open(&self) -> Arc<dyn ModuleStore> {
        let store = Arc::new(open(&self.bucket));
        if self.cached {
            Arc::new(CachedStore::new(store, CacheLimits::default()))
        } else {
            store
        }
    }
}

#[async_trait]
impl RecordPlace for Bucket {
    async fn open(&self) -> Arc<dyn RecordStore> {
        Arc::new(open(&self.bucket))
    }
}

macro_rules! on {
    ($server:ident: $($module:ident)*) => {
        mod $server {
            mod files {
                use super::super::*;
                proxy_core::module_store_conformance!(async || Bucket::fresh(on!(@$server), false).await);
            }
            mod records {
                use super::super::*;
                proxy_core::record_store_conformance!(async || Bucket::fresh(on!(@$server), false).await);
            }
            $(mod $module {
                use super::super::*;
                proxy_core::module_store_conformance!(async || Bucket::fresh(on!(@$server), true).await);
            })*
        }
    };
    (@seaweedfs) => { BucketServer::SeaweedFs };
    (@moto) => { BucketServer::Moto };
    (@azurite) => { BucketServer::Azurite };
    (@google) => { BucketServer::FakeGcs };
}

on!(seaweedfs: cached);
on!(moto:);
on!(azurite:);
on!(google:);
