//! What lies in the bucket: the tree that `go` reads.

use crate::{conformance::open, files, insert, read};
use proxy_core::{
    file::ModuleFile,
    module::ModulePath,
    records::{RecordKey, RecordStore, Written},
    store::{Catalog, Inserted, ModuleStore, StoreError, conformance::Samples},
};
use testkit::{
    bucket::{BucketServer, TestBucket},
    client::{Ask, get},
    go::GoCommand,
    skip_or_fail,
};

/// moto shows a bucket to anybody, as a public one would be.
fn open_to_all(bucket: &TestBucket) -> String {
    let url = bucket.url();
    let (place, endpoint) = url.trim_start_matches("s3://").split_once("?endpoint=").unwrap();
    format!("{endpoint}/{place}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bucket_is_a_proxy_to_the_go_command() {
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command")
    };
    let bucket = match TestBucket::whole(BucketServer::Moto).await {
        Ok(bucket) => bucket,
        Err(why) => skip_or_fail!("{why}"),
    };
    let (store, samples) = (open(&bucket), Samples::new());
    let module = Samples::module("example.test/Upper/m", "v1.0.0-RC1");
    let all = files(&samples, &module, 100_000).await;
    for file in &all {
        insert(&store, file).await;
    }
    let key = RecordKey::parse("seen/example.test/!upper/m@v1.0.0-!r!c1").unwrap();
    assert!(matches!(
        store.write(&key, "seen".into(), None).await.unwrap(),
        Written::Done(_)
    ));

    let public = open_to_all(&bucket);
    let stored = "example.test/!upper/m/@v/v1.0.0-!r!c1";
    let listed = get(&format!("{public}?list-type=2")).await.unwrap().text();
    let names: Vec<&str> = listed
        .split("<Key>")
        .skip(1)
        .filter_map(|rest| rest.split("</Key>").next())
        .collect();
    assert_eq!(
        names,
        [
            ".stoa/seen/example.test/!upper/m@v1.0.0-!r!c1".to_owned(),
            format!("{stored}.info"),
            format!("{stored}.mod"),
            format!("{stored}.zip"),
            format!("{stored}.ziphash"),
        ]
    );
    let sum = all[2].h1().unwrap().to_string();
    assert_eq!(
        get(&format!("{public}/{stored}.ziphash")).await.unwrap().text(),
        sum
    );
    assert_eq!(
        get(&format!("{public}/{stored}.mod"))
            .await
            .unwrap()
            .header("content-type"),
        "text/plain; charset=utf-8"
    );

    let here = tempfile::tempdir().unwrap();
    let told = go.proxy(&public).succeed(
        here.path(),
        ["mod", "download", "-json", "example.test/Upper/m@v1.0.0-RC1"],
    );
    assert!(told.contains(&sum), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_is_a_bucket_of_its_own() {
    for server in BucketServer::ALL {
        let buckets = match (TestBucket::fresh(server).await, TestBucket::fresh(server).await) {
            (Ok(one), Ok(other)) => [one, other],
            (Err(why), _) | (_, Err(why)) => skip_or_fail!("{why}"),
        };
        let [one, other] = buckets.each_ref().map(open);
        let samples = Samples::new();
        let module = Samples::module("example.com/m", "v1.0.0");
        let file = samples.info(&module, 0).await;
        insert(&one, &file).await;
        assert_eq!(other.versions(module.path()).await.unwrap(), []);
        assert_eq!(other.files(None, 10).await.unwrap(), []);
        assert_eq!(read(&other, file.file()).await.unwrap(), None);
        insert(&other, &samples.info(&module, 1).await).await;
        assert_eq!(one.files(None, 10).await.unwrap(), [file.file().clone()]);
        assert_eq!(one.insert(file).await.unwrap(), Inserted::Same);
    }
}

/// Puts an object as another program would.
async fn put(bucket: &TestBucket, name: &str, text: &str) {
    let ask = Ask::get(&format!("{}/{name}", open_to_all(bucket))).method("PUT");
    let answer = ask.body(text.to_owned()).send().await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_athens_wrote_is_read_as_it_is_spelled() {
    let bucket = match TestBucket::whole(BucketServer::Moto).await {
        Ok(bucket) => bucket,
        Err(why) => skip_or_fail!("{why}"),
    };
    for (name, text) in [
        (
            "github.com/Azure/x/@v/v1.0.0-RC1.info",
            r#"{"Version":"v1.0.0-RC1"}"#,
        ),
        (
            "github.com/Azure/x/@v/v1.0.0-RC1.mod",
            "module github.com/Azure/x\n",
        ),
        ("github.com/Azure/x/@v/v1.1.0.info", ""),
        ("github.com/azure/x/@v/v2.0.0.info", "{}"),
        ("github.com/Azure/x/v2/@v/v2.0.0.info", "{}"),
    ] {
        put(&bucket, name, text).await;
    }
    let store = open(&bucket).spelled_as_written();
    let path = ModulePath::parse("github.com/Azure/x").unwrap();
    let mut versions = store.versions(&path).await.unwrap();
    versions.sort();
    assert_eq!(
        versions.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["v1.0.0-RC1", "v1.1.0"]
    );
    let samples = Samples::new();
    let file = samples
        .go_mod(&Samples::module("github.com/Azure/x", "v1.0.0-RC1"), 0, 0)
        .await;
    assert_eq!(
        read(&store, file.file()).await.unwrap().as_deref(),
        Some(&b"module github.com/Azure/x\n"[..])
    );
    assert!(store.insert(file.clone()).await.is_err(), "it is for reading");
    let mut found: Vec<String> = open(&bucket)
        .files_as_written()
        .await
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "github.com/Azure/x/v2@v2.0.0.info",
            "github.com/Azure/x@v1.0.0-RC1.info",
            "github.com/Azure/x@v1.0.0-RC1.mod",
            "github.com/Azure/x@v1.1.0.info",
        ],
        "those that our own spelling does not find"
    );
    assert_eq!(
        read(&open(&bucket), file.file()).await.unwrap(),
        None,
        "the other spelling is another name"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_object_is_damage_and_a_zip_of_another_sum_is_refused() {
    let bucket = match TestBucket::whole(BucketServer::Moto).await {
        Ok(bucket) => bucket,
        Err(why) => skip_or_fail!("{why}"),
    };
    let (store, samples) = (open(&bucket), Samples::new());
    let module = Samples::module("example.com/m", "v1.0.0");
    put(&bucket, "example.com/m/@v/v1.0.0.info", "").await;
    let info = samples.info(&module, 0).await;
    for part in [
        proxy_core::store::Part::Whole,
        proxy_core::store::Part::Nothing,
        proxy_core::store::Part::Last(3),
    ] {
        let error = store.open(info.file(), part).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    }
    assert!(matches!(
        store.insert(info).await,
        Err(StoreError::Corrupt { .. })
    ));

    let (kept, offered) = (
        samples.zip(&module, 0, 1000).await,
        samples.zip(&module, 1, 1000).await,
    );
    let (is, was) = (offered.h1().unwrap(), kept.h1().unwrap());
    put(&bucket, "example.com/m/@v/v1.0.0.ziphash", &format!("{was}\n")).await;
    let error = store.insert(offered.clone()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("example.com/m@v1.0.0.zip was refused: its sum is {is}, but the store keeps {was}")
    );
    insert(&store, &kept).await;
    assert_eq!(store.insert(offered).await.unwrap(), Inserted::Other);
    // What is no sum is made anew, by who comes next.
    let sum = ModuleFile::new(module, proxy_core::file::Kind::Zip).tree_path() + "hash";
    put(&bucket, &sum, "h1:").await;
    assert_eq!(store.insert(kept).await.unwrap(), Inserted::Same);
    let text = get(&format!("{}/{sum}", open_to_all(&bucket)))
        .await
        .unwrap()
        .text();
    assert_eq!(text, was.to_string());
}
