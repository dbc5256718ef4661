//! Through a forward proxy.

use crate::{
    configured, learned,
    names::TestNames,
    origin::{Origin, Reply},
};
use http_client::{Client, Error, ForwardProxies, Settings, Trust};
use proxy_core::upstream::FetchContext;
use std::sync::Arc;
use testkit::{
    certificates::TestAuthority,
    forward_proxy::ForwardProxy,
    proxy::{Action, FakeUpstream},
};

/// A client behind the proxy, which knows where some names lead.
fn behind(proxy: &ForwardProxy, names: TestNames, extra_roots: &str) -> Client {
    let settings = Settings {
        forward_proxies: ForwardProxies::new(&proxy.url(), &proxy.url(), "").unwrap(),
        names: Arc::new(names),
        extra_roots: extra_roots.into(),
        ..Settings::default()
    };
    Client::new(&settings).unwrap()
}

#[tokio::test]
async fn names_only_the_proxy_knows_are_reached() {
    let origin = Origin::always(Reply::ok("here")).await;
    let proxy = ForwardProxy::start();
    proxy.route("far.test", 80, origin.address());
    let client = behind(&proxy, TestNames::default(), "");
    let context = FetchContext::default();
    assert_eq!(
        client
            .get_bytes(configured("http://far.test/x"), 100, &context)
            .await
            .unwrap(),
        "here"
    );
    client
        .send(learned("http://far.test/y", Trust::Learned), &context)
        .await
        .unwrap();
    let passed = proxy.passed();
    assert_eq!(passed[0].target, "http://far.test/x");
    assert_eq!(passed.len(), 2);
}

#[tokio::test]
async fn https_passes_through_a_tunnel() {
    let authority = TestAuthority::new();
    let upstream = FakeUpstream::serving_tls([], &authority);
    upstream.when("*", Action::bytes("here"));
    let proxy = ForwardProxy::start();
    proxy.route("far.test", 443, ([127, 0, 0, 1], upstream.port()).into());
    let client = behind(&proxy, TestNames::default(), authority.pem());
    let answer = client
        .get_bytes(configured("https://far.test/"), 100, &FetchContext::default())
        .await;
    assert_eq!(answer.unwrap(), "here");
    assert_eq!(proxy.passed()[0].method, "CONNECT");
}

#[tokio::test]
async fn the_guard_judges_before_a_name_is_handed_over() {
    let origin = Origin::always(Reply::ok("secret")).await;
    let proxy = ForwardProxy::start();
    for host in ["inside.test", "half.test", "10.0.0.7"] {
        proxy.route(host, 80, origin.address());
    }
    let names = TestNames::new(&[
        ("inside.test", &[&["10.0.0.7"]]),
        ("half.test", &[&["8.8.8.8", "10.0.0.7"]]),
    ]);
    let client = behind(&proxy, names, "");
    let context = FetchContext::default();
    for url in [
        "http://inside.test/",
        "http://half.test/",
        "http://10.0.0.7/",
        "http://169.254.169.254/",
    ] {
        let outcome = client.send(learned(url, Trust::Learned), &context).await;
        assert!(
            matches!(outcome, Err(Error::Refused { .. })),
            "{url}: {outcome:?}"
        );
    }
    assert!(proxy.passed().is_empty());
    client
        .send(learned("http://inside.test/", Trust::LearnedPrivate), &context)
        .await
        .unwrap();
    assert_eq!(proxy.passed().len(), 1);
}

#[tokio::test]
async fn a_public_upstream_may_not_lead_inside() {
    let inside = Origin::always(Reply::ok("secret")).await;
    let upstream = Origin::always(Reply::redirect(&inside.url("/"))).await;
    let proxy = ForwardProxy::start();
    for host in ["public.test", "unknown.test", "internal.test"] {
        proxy.route(host, 80, upstream.address());
    }
    let names = TestNames::new(&[
        ("public.test", &[&["8.8.8.8"]]),
        ("internal.test", &[&["10.0.0.7"]]),
    ]);
    let client = behind(&proxy, names, "");
    let context = FetchContext::default();
    for url in ["http://public.test/", "http://unknown.test/"] {
        let outcome = client.send(configured(url), &context).await;
        assert!(
            matches!(outcome, Err(Error::Refused { .. })),
            "{url}: {outcome:?}"
        );
    }
    assert_eq!((upstream.count(), inside.count()), (2, 0));
    client
        .send(configured("http://internal.test/"), &context)
        .await
        .unwrap();
    assert_eq!(inside.count(), 1);
}

#[tokio::test]
async fn a_proxy_that_wants_credentials_gets_them() {
    let origin = Origin::always(Reply::ok("here")).await;
    let proxy = ForwardProxy::start();
    proxy.route("far.test", 80, origin.address());
    let address = proxy.url().replacen("://", "://gopher:canary@", 1);
    let settings = Settings {
        forward_proxies: ForwardProxies::new(&address, "", "").unwrap(),
        ..Settings::default()
    };
    assert!(!format!("{settings:?}").contains("canary"));
    let client = Client::new(&settings).unwrap();
    client
        .send(configured("http://far.test/"), &FetchContext::default())
        .await
        .unwrap();
    assert_eq!(
        proxy.passed()[0].headers["proxy-authorization"],
        "Basic Z29waGVyOmNhbmFyeQ=="
    );
    assert_eq!(origin.seen()[0].header("authorization"), None);
    let unrouted = client
        .send(configured("http://nowhere.test/"), &FetchContext::default())
        .await
        .unwrap();
    let error = unrouted.success().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
}
