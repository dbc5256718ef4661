//! Where redirects may lead.

use crate::{
    client, configured, learned,
    origin::{Origin, Reply},
};
use http::StatusCode;
use http_client::{Error, HeaderValue, Request, Trust};
use proxy_core::upstream::FetchContext;
use testkit::{
    certificates::TestAuthority,
    proxy::{Action, FakeUpstream},
};

#[tokio::test]
async fn an_internal_upstream_may_lead_to_internal_addresses() {
    let files = Origin::always(Reply::ok("the file")).await;
    let target = files.url("/file");
    let upstream = Origin::start(move |seen, _| match seen.target.as_str() {
        "/start" => Reply::redirect("/next"),
        _ => Reply::redirect(&target),
    })
    .await;
    let response = client()
        .send(configured(&upstream.url("/start")), &FetchContext::default())
        .await
        .unwrap();
    assert_eq!(response.url().as_str(), files.url("/file"));
    assert_eq!(response.bytes(100).await.unwrap(), "the file");
    assert_eq!((upstream.count(), files.count()), (2, 1));
}

#[tokio::test]
async fn not_even_an_internal_upstream_may_lead_to_a_metadata_service() {
    for target in [
        "http://169.254.169.254/latest/",
        "http://[fd00:ec2::254]/",
        "http://0.0.0.0/",
        "http://[::]/",
    ] {
        let upstream = Origin::always(Reply::redirect(target)).await;
        let outcome = client()
            .send(configured(&upstream.url("/")), &FetchContext::default())
            .await;
        assert!(
            matches!(outcome, Err(Error::Refused { .. })),
            "{target}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_private_module_may_be_led_about_in_the_private_network() {
    let files = Origin::always(Reply::ok("the file")).await;
    let host = Origin::always(Reply::redirect(&files.url("/"))).await;
    let request = learned(&host.url("/"), Trust::LearnedPrivate);
    assert_eq!(
        client()
            .send(request, &FetchContext::default())
            .await
            .unwrap()
            .status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn circles_end() {
    let upstream = Origin::start(|_, number| Reply::redirect(&format!("/{number}"))).await;
    let outcome = client()
        .send(configured(&upstream.url("/")), &FetchContext::default())
        .await;
    assert!(matches!(outcome, Err(Error::Refused { .. })), "{outcome:?}");
    assert_eq!(upstream.count(), 11);
}

#[tokio::test]
async fn https_never_leads_to_http() {
    let authority = TestAuthority::new();
    let secure = FakeUpstream::serving_tls([], &authority);
    let plain = Origin::always(Reply::ok("unprotected")).await;
    secure.when("*", Action::redirect(&plain.url("/")));
    let client = crate::tls::trusting(&authority);
    let outcome = client
        .send(configured(&secure.url()), &FetchContext::default())
        .await;
    assert!(matches!(outcome, Err(Error::Refused { .. })), "{outcome:?}");
    assert_eq!(plain.count(), 0);
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_malformed() {
    for reply in [Reply::status(302), Reply::redirect("http://[broken")] {
        let upstream = Origin::always(reply).await;
        let outcome = client()
            .send(configured(&upstream.url("/")), &FetchContext::default())
            .await;
        assert!(matches!(outcome, Err(Error::Malformed { .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_post_is_not_redirected() {
    let upstream = Origin::always(Reply::status(307).header("location", "/other")).await;
    let request = Request::post(
        configured(&upstream.url("/")),
        HeaderValue::from_static("text/plain"),
        "body",
    );
    let outcome = client().send(request, &FetchContext::default()).await;
    assert!(matches!(outcome, Err(Error::Refused { .. })), "{outcome:?}");
    assert_eq!(upstream.seen()[0].method, "POST");
    assert_eq!(upstream.count(), 1);
}
