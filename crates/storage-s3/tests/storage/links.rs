//! Signed links serve just one file, to anybody, for a while.

use crate::{conformance::open, insert};
use proxy_core::store::{SignedLinks, conformance::Samples};
use std::time::Duration;
use testkit::{
    bucket::{BucketServer, TestBucket},
    client::{Ask, get},
    skip_or_fail,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_link_serves_the_file_and_its_parts_and_nothing_else() {
    for server in [BucketServer::SeaweedFs, BucketServer::Azurite] {
        let bucket = match TestBucket::fresh(server).await {
            Ok(bucket) => bucket,
            Err(why) => skip_or_fail!("{why}"),
        };
        let (store, samples) = (open(&bucket), Samples::new());
        let module = Samples::module("example.com/Upper/m", "v1.0.0+incompatible");
        let file = samples
            .zip(&Samples::module("example.com/Upper/m", "v1.0.0"), 0, 200_000)
            .await;
        insert(&store, &file).await;
        let minute = Duration::from_secs(60);
        let link = store.link(file.file(), minute).await.unwrap().unwrap();
        let whole = get(&link).await.unwrap();
        assert_eq!(whole.status, 200, "{server:?}: {}", whole.text());
        assert!(whole.body == file.body().read_to_bytes().unwrap());
        assert_eq!(whole.header("content-type"), "application/zip");
        let part = Ask::get(&link)
            .header("range", "bytes=10-19")
            .send()
            .await
            .unwrap();
        assert_eq!((part.status, part.body.len()), (206, 10));

        let other = link.replacen(".zip", ".mod", 1);
        assert_eq!(get(&other).await.unwrap().status, 403, "{server:?}");
        let absent = samples.info(&module_without_major(&module), 0).await;
        assert_eq!(
            store.link(absent.file(), minute).await.unwrap(),
            None,
            "what is not kept has no link"
        );
    }
}

fn module_without_major(module: &proxy_core::module::ModuleVersion) -> proxy_core::module::ModuleVersion {
    Samples::module(module.path().as_str(), "v1.9.0")
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_key_there_is_no_link() {
    let bucket = match TestBucket::fresh(BucketServer::FakeGcs).await {
        Ok(bucket) => bucket,
        Err(why) => skip_or_fail!("{why}"),
    };
    let (store, samples) = (open(&bucket), Samples::new());
    let file = samples.info(&Samples::module("example.com/m", "v1.0.0"), 0).await;
    insert(&store, &file).await;
    assert_eq!(
        store.link(file.file(), Duration::from_secs(60)).await.unwrap(),
        None
    );
}
