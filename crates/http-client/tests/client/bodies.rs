//! Bodies: bounded, decoded, and never silent for long.

use crate::{
    client, configured, impatient,
    origin::{Origin, Reply},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures::TryStreamExt;
use http_client::Error;
use proxy_core::upstream::FetchContext;
use std::{
    io::Write,
    time::{Duration, Instant},
};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn get(origin: &Origin, limit: u64) -> Result<Bytes, Error> {
    client()
        .get_bytes(configured(&origin.url("/")), limit, &FetchContext::default())
        .await
}

#[tokio::test]
async fn a_document_has_a_limit() {
    for reply in [Reply::ok("x".repeat(5000)), Reply::ok("x".repeat(5000)).chunked()] {
        let origin = Origin::always(reply).await;
        assert_eq!(get(&origin, 5000).await.unwrap().len(), 5000);
        let error = get(&origin, 4999).await.unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn compression_that_nobody_asked_for_is_undone() {
    let text = "compressed ".repeat(10_000);
    for (name, body) in [
        ("gzip", gzip(text.as_bytes())),
        ("X-GZIP", gzip(text.as_bytes())),
        ("identity", text.clone().into()),
    ] {
        let origin = Origin::always(Reply::ok(body).header("content-encoding", name)).await;
        assert_eq!(get(&origin, 1 << 20).await.unwrap(), text, "{name}");
        assert_eq!(origin.seen()[0].header("accept-encoding"), Some("identity"));
    }
    let origin = Origin::always(Reply::ok(gzip(text.as_bytes())).header("content-encoding", "gzip")).await;
    let response = client()
        .send(configured(&origin.url("/")), &FetchContext::default())
        .await
        .unwrap();
    assert_eq!(response.size(), None);
}

#[tokio::test]
async fn what_cannot_be_decoded_is_malformed() {
    let whole = gzip(&[7; 1000]);
    for (name, body) in [
        ("br", vec![1, 2, 3]),
        ("gzip", b"no gzip at all".to_vec()),
        ("gzip", whole[..whole.len() - 9].to_vec()),
    ] {
        let origin = Origin::always(Reply::ok(body).header("content-encoding", name)).await;
        let error = get(&origin, 1 << 20).await.unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_bomb_does_not_go_off() {
    let bomb = gzip(&vec![0; 64 << 20]);
    let origin = Origin::always(Reply::ok(bomb).header("content-encoding", "gzip")).await;
    assert!(matches!(
        get(&origin, 1 << 20).await,
        Err(Error::Malformed { .. })
    ));
    let response = client()
        .send(configured(&origin.url("/")), &FetchContext::default())
        .await
        .unwrap();
    let chunks: Vec<usize> = response
        .into_stream()
        .map_ok(|chunk| chunk.len())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(chunks.iter().sum::<usize>(), 64 << 20);
    assert!(chunks.into_iter().max().unwrap() < 6 << 20);
}

#[tokio::test]
async fn silence_ends_a_request() {
    let context = FetchContext::default();
    let mute = Origin::always(Reply::ok("x").after(Duration::from_secs(600))).await;
    let error = impatient()
        .send(configured(&mute.url("/")), &context)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Silent { .. }), "{error:?}");
    assert_eq!(mute.count(), 1);
    let stalling = Origin::always(Reply::ok("x".repeat(5000)).stalling_at(100)).await;
    let error = impatient()
        .get_bytes(configured(&stalling.url("/")), 9999, &context)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Silent { .. }), "{error:?}");
    assert!(error.to_string().ends_with("said nothing for 0.3 s"), "{error}");
}

#[tokio::test]
async fn every_arrival_is_noted() {
    let delay = Duration::from_millis(30);
    let origin = Origin::always(Reply::ok("two parts").after(delay).pausing_at(3, delay)).await;
    let client = client();
    let begun = Instant::now();
    let context = FetchContext::default();
    // Without a note, the silence would be as long as the question so far.
    let heard_after = |delay: Duration| {
        let (silent, asked) = (context.silent_for(), begun.elapsed());
        assert!(
            silent + delay <= asked + Duration::from_millis(2),
            "{silent:?} of {asked:?}"
        );
    };
    let response = client.send(configured(&origin.url("/")), &context).await.unwrap();
    heard_after(delay);
    assert_eq!(response.bytes(100).await.unwrap(), "two parts");
    heard_after(delay * 2);
}

#[tokio::test]
async fn the_reason_of_a_refusal_is_cut_to_a_line() {
    let long = "y".repeat(10_000);
    let origin = Origin::start(move |_, number| match number {
        0 => Reply::text(404, "not found: no such module\nsecond line"),
        1 => Reply::text(404, &long),
        _ => Reply::text(404, "half a reas").cut_at(4),
    })
    .await;
    let mut reasons = Vec::new();
    for _ in 0..3 {
        match get(&origin, 100).await.unwrap_err() {
            Error::Status { reason, .. } => reasons.push(reason.unwrap_or_default().to_string()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        reasons,
        [
            "not found: no such module".to_owned(),
            "y".repeat(600),
            "half".to_owned()
        ]
    );
    assert_eq!(origin.count(), 3, "the text of a refusal is not worth resuming");
}
