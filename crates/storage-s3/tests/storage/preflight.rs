//! Buckets that cannot be a store are refused before a file is in them, in a sentence that says what is missing.

use crate::conformance::open;
use std::error::Error;
use storage_s3::{BucketStore, BucketUrl, PreflightError};
use testkit::{
    bucket::{BucketServer, TestBucket},
    gateway::{Came, Pass},
    port::Port,
    skip_or_fail,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_keeps_its_conditions_says_what_it_can_do() {
    for server in BucketServer::ALL {
        let bucket = match TestBucket::whole(server).await {
            Ok(bucket) => bucket.behind_a_gateway(),
            Err(why) => skip_or_fail!("{why}"),
        };
        let abilities = open(&bucket).preflight().await.unwrap();
        assert!(abilities.quarantine || server == BucketServer::Moto, "{server:?}");
        // There is no key of Google's to sign with.
        assert_eq!(abilities.links, server != BucketServer::FakeGcs, "{server:?}");
        let came = bucket.gateway().take();
        let removes = |came: &&Came| came.method == "DELETE" || came.target.contains("comp=batch");
        let removed = came.iter().filter(removes).count();
        assert_eq!(
            removed, 4,
            "one on condition, and all three that tidy up: {came:?}"
        );
    }
}

async fn refusal(bucket: &TestBucket) -> (PreflightError, String) {
    let error = open(bucket).preflight().await.unwrap_err();
    let sentence = error.to_string();
    (error, sentence)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_whose_server_ignores_a_condition_is_refused_and_the_header_named() {
    let bucket = match TestBucket::whole(BucketServer::Moto).await {
        Ok(bucket) => bucket.behind_a_gateway(),
        Err(why) => skip_or_fail!("{why}"),
    };
    bucket
        .gateway()
        .rule(|_| Pass::Without(http::header::IF_NONE_MATCH));
    let (error, sentence) = refusal(&bucket).await;
    assert!(matches!(error, PreflightError::Ignores { .. }), "{error:?}");
    for part in [
        "ignores `If-None-Match: *`",
        "turn on conditional writes",
        "pass the header on",
    ] {
        assert!(sentence.contains(part), "{sentence}");
    }
    bucket.gateway().rule(|_| Pass::Without(http::header::IF_MATCH));
    let (error, sentence) = refusal(&bucket).await;
    assert!(matches!(error, PreflightError::Ignores { .. }), "{error:?}");
    assert!(sentence.contains("ignores `If-Match`"), "{sentence}");

    bucket.gateway().rule(|came| {
        if came.method == "PUT" {
            Pass::Answer(501)
        } else {
            Pass::On
        }
    });
    let (error, sentence) = refusal(&bucket).await;
    assert!(matches!(error, PreflightError::NotKnown { .. }), "{error:?}");
    assert!(
        sentence.contains("does not know `If-None-Match: *`"),
        "{sentence}"
    );

    let google = match TestBucket::whole(BucketServer::FakeGcs).await {
        Ok(bucket) => bucket.behind_a_gateway(),
        Err(why) => skip_or_fail!("{why}"),
    };
    let header = http::HeaderName::from_static("x-goog-if-generation-match");
    google.gateway().rule(move |_| Pass::Without(header.clone()));
    let (_, sentence) = refusal(&google).await;
    assert!(
        sentence.contains("ignores `x-goog-if-generation-match: 0`"),
        "{sentence}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_else_is_wrong_has_a_sentence_of_its_own() {
    let bucket = match TestBucket::fresh(BucketServer::SeaweedFs).await {
        Ok(bucket) => bucket,
        Err(why) => skip_or_fail!("{why}"),
    };
    let preflight = async |url: &str, change: &[(&str, &str)]| {
        let mut variables = bucket.variables();
        for (name, value) in change {
            variables.retain(|(held, _)| held != name);
            variables.push(((*name).to_owned(), (*value).to_owned()));
        }
        let store = BucketStore::open(&BucketUrl::parse(url).unwrap(), variables).unwrap();
        store.preflight().await.unwrap_err()
    };
    let url = bucket.url();
    let error = preflight(&url, &[("AWS_CONDITIONAL_PUT", "disabled")]).await;
    assert!(matches!(error, PreflightError::ToldNotTo), "{error:?}");
    assert!(error.to_string().contains("AWS_CONDITIONAL_PUT"), "{error}");

    let error = preflight(&url, &[("AWS_SECRET_ACCESS_KEY", "canary")]).await;
    assert!(matches!(error, PreflightError::Denied(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("canary"));

    // SeaweedFS makes a bucket that is written to.
    let moto = match TestBucket::fresh(BucketServer::Moto).await {
        Ok(bucket) => bucket,
        Err(why) => skip_or_fail!("{why}"),
    };
    let error = preflight(&moto.url().replacen(moto.name(), "no-such-bucket", 1), &[]).await;
    assert!(matches!(error, PreflightError::NoBucket(_)), "{error:?}");

    let nobody = Port::reserve();
    let error = preflight(&format!("s3://b?endpoint=http://{}", nobody.address()), &[]).await;
    assert!(matches!(error, PreflightError::Unreachable(_)), "{error:?}");
    assert!(error.source().is_some());
}
