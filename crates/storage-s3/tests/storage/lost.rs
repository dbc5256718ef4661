//! What happens between us and the server: answers get lost, downloads break off, a server is out of order. And how
//! many requests things cost.

use crate::{conformance::open, insert, read};
use futures::{StreamExt, stream};
use proxy_core::{
    records::{RecordKey, RecordStore, Written},
    store::{Catalog, Inserted, ModuleStore, Part, StoreError, conformance::Samples},
};
use std::sync::atomic::{AtomicU32, Ordering};
use testkit::{
    bucket::{BucketServer, TestBucket},
    gateway::Pass,
    skip_or_fail,
};

/// Loses the answers to the first so many uploads.
fn losing(count: u32) -> impl Fn(&testkit::gateway::Came) -> Pass + Send + Sync {
    let left = AtomicU32::new(count);
    move |came| {
        let lost = came.method == "PUT"
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
        if lost { Pass::LosingTheAnswer } else { Pass::On }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_whose_answer_is_lost_is_a_success() {
    for server in BucketServer::ALL {
        let bucket = match TestBucket::fresh(server).await {
            Ok(bucket) => bucket.behind_a_gateway(),
            Err(why) => skip_or_fail!("{why}"),
        };
        let (store, samples) = (open(&bucket), Samples::new());
        let module = Samples::module("example.com/m", "v1.0.0");
        // Once, so that the client library's own second try finds the name taken; and for good.
        for (kind, lost) in [(0, 1), (1, 100)] {
            let file = [
                samples.info(&module, 0).await,
                samples.go_mod(&module, 0, 100_000).await,
            ][kind]
                .clone();
            bucket.gateway().rule(losing(lost));
            assert_eq!(
                store.insert(file.clone()).await.unwrap(),
                Inserted::New,
                "{server:?}, {lost} lost"
            );
            bucket.gateway().rule(|_| Pass::On);
            assert_eq!(store.insert(file).await.unwrap(), Inserted::Same, "{server:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_whose_answer_is_lost_is_written_and_known_by_its_revision() {
    for server in BucketServer::ALL {
        let bucket = match TestBucket::fresh(server).await {
            Ok(bucket) => bucket.behind_a_gateway(),
            Err(why) => skip_or_fail!("{why}"),
        };
        let (store, key) = (open(&bucket), RecordKey::parse("counter").unwrap());
        let mut revision = None;
        for (text, lost) in [("one", 1), ("two", 1), ("three", 100)] {
            bucket.gateway().rule(losing(lost));
            let written = store.write(&key, text.into(), revision.as_ref()).await.unwrap();
            bucket.gateway().rule(|_| Pass::On);
            let Written::Done(now) = written else {
                panic!("{server:?}: {text} was written, and is said to have been changed by somebody else")
            };
            let read = RecordStore::read(&store, &key).await.unwrap().unwrap();
            assert_eq!((&read.bytes[..], &read.revision), (text.as_bytes(), &now));
            revision = Some(now);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_out_of_order_is_an_error_that_leaves_the_name_free() {
    let bucket = match TestBucket::fresh(BucketServer::SeaweedFs).await {
        Ok(bucket) => bucket.behind_a_gateway(),
        Err(why) => skip_or_fail!("{why}"),
    };
    let (store, samples) = (open(&bucket), Samples::new());
    let file = samples.info(&Samples::module("example.com/m", "v1.0.0"), 0).await;
    bucket.gateway().rule(|_| Pass::Answer(503));
    let error = store.insert(file.clone()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(
        store.open(file.file(), Part::Whole).await.is_err(),
        "nobody knows whether it is there"
    );
    assert!(store.versions(file.file().module.path()).await.is_err());
    bucket.gateway().rule(|_| Pass::On);
    assert!(store.open(file.file(), Part::Nothing).await.unwrap().is_none());
    insert(&store, &file).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let bucket = match TestBucket::fresh(BucketServer::SeaweedFs).await {
        Ok(bucket) => bucket.behind_a_gateway(),
        Err(why) => skip_or_fail!("{why}"),
    };
    let (store, samples) = (open(&bucket), Samples::new());
    let file = samples
        .zip(&Samples::module("example.com/m", "v1.0.0"), 0, 3_000_000)
        .await;
    insert(&store, &file).await;
    let whole = file.body().read_to_bytes().unwrap();
    // Every answer is cut, and each brings some more.
    bucket.gateway().rule(|_| Pass::BreakingOffAt(700_000));
    let came = read(&store, file.file()).await.unwrap().unwrap();
    assert!(came == whole, "other bytes came than were kept");
    // Cut before the first byte, it ends in an error, not in a short file.
    bucket.gateway().rule(|_| Pass::BreakingOffAt(0));
    assert!(read(&store, file.file()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_pages_cost_a_request_for_every_thousand_names() {
    let bucket = match TestBucket::fresh(BucketServer::Moto).await {
        Ok(bucket) => bucket.behind_a_gateway(),
        Err(why) => skip_or_fail!("{why}"),
    };
    let (store, samples) = (open(&bucket), Samples::new());
    let modules: Vec<_> = (0..1100)
        .map(|number| Samples::module("example.com/m", &format!("v1.{number}.0")))
        .collect();
    stream::iter(&modules)
        .for_each_concurrent(16, |module| async {
            insert(&store, &samples.info(module, 0).await).await;
        })
        .await;
    let key = RecordKey::parse("seen/example.com/m@v1.0.0").unwrap();
    assert!(matches!(
        store.write(&key, "x".into(), None).await.unwrap(),
        Written::Done(_)
    ));

    store.preflight().await.unwrap();
    bucket.gateway().take();
    assert_eq!(store.versions(modules[0].path()).await.unwrap().len(), 1100);
    let came = bucket.gateway().take();
    assert_eq!(came.len(), 2, "{came:?}");

    let (mut after, mut listed, mut pages) = (None, 0, 0);
    loop {
        let page = store.files(after.as_ref(), 600).await.unwrap();
        pages += 1;
        let Some(last) = page.last() else { break };
        listed += page.len();
        after = Some(last.clone());
    }
    assert_eq!((listed, pages), (1100, 3), "two pages, and an empty one");
    let came = bucket.gateway().take();
    assert_eq!(came.len(), 3, "a request each: {came:?}");
    assert!(came.iter().all(|came| came.method == "GET"));

    // A hit costs one, and so does a part of one.
    let file = samples.info(&modules[0], 0).await;
    for part in [
        Part::Whole,
        Part::Nothing,
        Part::Last(5),
        Part::From(3),
        Part::Span { first: 1, last: 2 },
    ] {
        store
            .open(file.file(), part)
            .await
            .unwrap()
            .unwrap()
            .into_bytes()
            .await
            .unwrap();
        assert_eq!(bucket.gateway().take().len(), 1, "{part:?}");
    }
    let more = samples
        .info(&Samples::module("example.com/m", "v2.0.0+incompatible"), 0)
        .await;
    insert(&store, &more).await;
    let came = bucket.gateway().take();
    assert_eq!(came.len(), 1, "a small file goes in by one request: {came:?}");
}
