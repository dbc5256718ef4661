//! A bucket that is only read: it lists what others put there, and nothing is ever asked of it but to be read.

use crate::{conformance::open, files, insert};
use async_trait::async_trait;
use proxy_core::{
    file::ModuleFile,
    store::{Catalog, ModuleStore, ModuleStoreExt, conformance::CatalogPlace, conformance::Samples},
};
use std::sync::Arc;
use storage_s3::{BucketStore, BucketUrl};
use testkit::{
    bucket::{BucketServer, TestBucket},
    skip_or_fail,
};

fn open_to_read(bucket: &TestBucket) -> BucketStore {
    let url = BucketUrl::parse(&bucket.url()).unwrap();
    BucketStore::open_to_read(&url, bucket.variables()).unwrap()
}

/// A part of a bucket that is filled through one handle and listed through another, which only reads.
struct Read(TestBucket);

#[async_trait]
impl CatalogPlace for Read {
    async fn open(&self) -> (Arc<dyn ModuleStore>, Arc<dyn Catalog>) {
        (Arc::new(open(&self.0)), Arc::new(open_to_read(&self.0)))
    }
}

mod seaweedfs {
    use super::*;
    proxy_core::catalog_conformance!(async || TestBucket::fresh(BucketServer::SeaweedFs).await.map(Read));
}
mod moto {
    use super::*;
    proxy_core::catalog_conformance!(async || TestBucket::fresh(BucketServer::Moto).await.map(Read));
}
mod azurite {
    use super::*;
    proxy_core::catalog_conformance!(async || TestBucket::fresh(BucketServer::Azurite).await.map(Read));
}
mod google {
    use super::*;
    proxy_core::catalog_conformance!(async || TestBucket::fresh(BucketServer::FakeGcs).await.map(Read));
}

/// Everything a catalog lists.
async fn listed(store: &BucketStore) -> Vec<ModuleFile> {
    let mut files: Vec<ModuleFile> = Vec::new();
    loop {
        let page = store.files(files.last(), 100).await.unwrap();
        if page.is_empty() {
            return files;
        }
        files.extend(page);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_reading_is_asked_of_it() {
    for server in BucketServer::ALL {
        let bucket = match TestBucket::fresh(server).await {
            Ok(bucket) => bucket,
            Err(why) => skip_or_fail!("{why}"),
        };
        let (writer, samples) = (open(&bucket), Samples::new());
        let mut kept = Vec::new();
        for path in ["example.com/m", "example.com/m-x", "example.com/Up"] {
            for file in files(&samples, &Samples::module(path, "v1.0.0"), 1000).await {
                insert(&writer, &file).await;
                kept.push(file.file().clone());
            }
        }
        kept.sort_by_key(ModuleFile::tree_path);

        let bucket = bucket.behind_a_gateway();
        let store = open_to_read(&bucket);
        assert_eq!(listed(&store).await, kept, "{server:?}");
        assert_eq!(store.files_as_written().await.unwrap(), [], "{server:?}");
        assert!(ModuleStoreExt::read(&store, &kept[0]).await.unwrap().is_some());
        let came = bucket.gateway().take();
        assert!(!came.is_empty());
        let wrote: Vec<_> = came
            .iter()
            .filter(|came| !matches!(&*came.method, "GET" | "HEAD"))
            .collect();
        assert!(wrote.is_empty(), "{server:?}: {wrote:?}");
        if server == BucketServer::Moto {
            let walked = came
                .iter()
                .filter(|came| came.target.contains("prefix=") && came.target.contains("m-x"));
            assert_eq!(
                walked.count(),
                0,
                "it lists in order, so no folder was asked for by itself: {came:?}"
            );
        }
    }
}
