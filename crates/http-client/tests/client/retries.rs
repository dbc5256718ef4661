//! What may pass is tried again, and not too often.

use crate::{
    client, configured,
    origin::{Origin, Reply},
};
use http::StatusCode;
use http_client::{Error, HeaderValue, Request};
use proxy_core::upstream::FetchContext;
use std::time::Duration;

#[tokio::test]
async fn trouble_that_passes_goes_unnoticed() {
    for trouble in [429, 502, 503, 504] {
        let origin = Origin::start(move |_, number| match number {
            0 | 1 => Reply::status(trouble),
            _ => Reply::ok("at last"),
        })
        .await;
        let answer = client()
            .get_bytes(configured(&origin.url("/")), 100, &FetchContext::default())
            .await;
        assert_eq!(answer.unwrap(), "at last", "{trouble}");
    }
}

#[tokio::test]
async fn trouble_that_stays_is_told_after_three_tries() {
    let origin = Origin::always(Reply::text(503, "down for today")).await;
    let response = client()
        .send(configured(&origin.url("/")), &FetchContext::default())
        .await
        .unwrap();
    assert_eq!(origin.count(), 3);
    let error = response.success().await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("(503 Service Unavailable): down for today"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_settled_is_asked_once() {
    for status in [200, 204, 400, 401, 403, 404, 410, 500, 501, 508] {
        let origin = Origin::always(Reply::status(status)).await;
        let response = client()
            .send(configured(&origin.url("/")), &FetchContext::default())
            .await
            .unwrap();
        assert_eq!((response.status().as_u16(), origin.count()), (status, 1));
    }
}

#[tokio::test]
async fn a_long_wait_is_passed_on_instead_of_waited_for() {
    let origin = Origin::always(Reply::status(429).header("retry-after", "3600")).await;
    let response = client()
        .send(configured(&origin.url("/")), &FetchContext::default())
        .await
        .unwrap();
    assert_eq!(origin.count(), 1);
    match response.success().await.unwrap_err() {
        Error::Status {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after,
            ..
        } => {
            assert_eq!(retry_after, Some(Duration::from_secs(3600)));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_connection_that_dies_before_an_answer_is_made_again() {
    let origin = Origin::start(|_, number| match number {
        // No head at all: the connection is closed at once.
        0 => Reply::status(0),
        _ => Reply::ok("at last"),
    })
    .await;
    let answer = client()
        .get_bytes(configured(&origin.url("/")), 100, &FetchContext::default())
        .await;
    assert_eq!(answer.unwrap(), "at last");
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let origin = Origin::always(Reply::ok("")).await;
    let url = origin.url("/");
    drop(origin);
    let error = client()
        .send(configured(&url), &FetchContext::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .ends_with("cannot be reached: Connection refused"),
        "{error}"
    );
    let unknown = client()
        .send(
            configured("http://no-such-host.invalid/"),
            &FetchContext::default(),
        )
        .await;
    assert!(matches!(unknown, Err(Error::Unreachable { .. })), "{unknown:?}");
}

#[tokio::test]
async fn a_post_is_sent_once() {
    let origin = Origin::always(Reply::status(503)).await;
    let request = Request::post(
        configured(&origin.url("/")),
        HeaderValue::from_static("text/plain"),
        "body",
    );
    let response = client().send(request, &FetchContext::default()).await.unwrap();
    assert_eq!(
        (response.status(), origin.count()),
        (StatusCode::SERVICE_UNAVAILABLE, 1)
    );
}
