//! Credentials go to the host they belong to, and nowhere else.

use crate::{
    client, configured, learned,
    names::TestNames,
    origin::{Origin, Reply},
};
use http_client::{Client, Credentials, Destination, ForwardProxies, Netrc, Settings, Trust};
use proxy_core::upstream::{FetchContext, UpstreamError};
use std::sync::Arc;
use testkit::{
    certificates::TestAuthority,
    forward_proxy::ForwardProxy,
    proxy::{Action, FakeUpstream},
};

/// `gopher` and `canary`, as they are sent.
const SENT: &str = "Basic Z29waGVyOmNhbmFyeQ==";

fn with_userinfo(url: &str) -> Destination {
    configured(&url.replacen("://", "://gopher:canary@", 1))
}

fn with_netrc(netrc: &str) -> Client {
    Client::new(&Settings {
        netrc: Netrc::parse(netrc).into(),
        ..Settings::default()
    })
    .unwrap()
}

fn authorizations(origin: &Origin) -> Vec<Option<String>> {
    origin
        .seen()
        .iter()
        .map(|seen| seen.header("authorization").map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn they_follow_redirects_on_their_own_origin_only() {
    let other = Origin::always(Reply::redirect("/back")).await;
    let elsewhere = other.url("/elsewhere");
    let other_end = Origin::start(move |seen, _| match seen.target.as_str() {
        "/one" => Reply::redirect("/two"),
        "/two" => Reply::redirect(&elsewhere),
        _ => Reply::ok("end"),
    })
    .await;
    let context = FetchContext::default();
    let _ = client()
        .send(with_userinfo(&other_end.url("/one")), &context)
        .await;
    assert_eq!(
        authorizations(&other_end),
        [Some(SENT.to_owned()), Some(SENT.to_owned())]
    );
    assert!(other.count() > 0);
    assert!(authorizations(&other).iter().all(Option::is_none));
}

#[tokio::test]
async fn they_do_not_come_back_once_they_have_left() {
    let home = Arc::new(std::sync::OnceLock::<String>::new());
    let to = Arc::clone(&home);
    let other = Origin::start(move |_, _| Reply::redirect(to.get().unwrap())).await;
    let away = other.url("/");
    let origin = Origin::start(move |seen, _| match seen.target.as_str() {
        "/start" => Reply::redirect(&away),
        _ => Reply::ok("end"),
    })
    .await;
    home.set(origin.url("/end")).unwrap();
    let answer = client()
        .get_bytes(
            with_userinfo(&origin.url("/start")),
            100,
            &FetchContext::default(),
        )
        .await;
    assert_eq!(answer.unwrap(), "end");
    assert_eq!(authorizations(&origin), [Some(SENT.to_owned()), None]);
}

#[tokio::test]
async fn a_redirect_brings_none_of_its_own() {
    let other = Origin::always(Reply::ok("end")).await;
    let origin = Origin::always(Reply::redirect(&other.url("/").replacen(
        "://",
        "://planted:secret@",
        1,
    )))
    .await;
    client()
        .send(configured(&origin.url("/")), &FetchContext::default())
        .await
        .unwrap();
    assert_eq!(authorizations(&other), [None]);
}

#[tokio::test]
async fn netrc_knows_hosts_with_and_without_port() {
    let origin = Origin::always(Reply::ok("end")).await;
    let port = origin.address().port();
    let context = FetchContext::default();
    for (netrc, sent) in [
        ("machine 127.0.0.1 login gopher password canary".to_owned(), true),
        (
            format!("machine 127.0.0.1:{port} login gopher password canary"),
            true,
        ),
        (
            "machine 127.0.0.1:1 login gopher password canary".to_owned(),
            false,
        ),
        (
            "machine other.test login gopher password canary".to_owned(),
            false,
        ),
        ("default login gopher password canary".to_owned(), true),
    ] {
        with_netrc(&netrc)
            .send(configured(&origin.url("/")), &context)
            .await
            .unwrap();
        assert_eq!(authorizations(&origin).pop().flatten().is_some(), sent, "{netrc}");
    }
    // What the address itself says comes first.
    let client = with_netrc("machine 127.0.0.1 login other password other");
    client
        .send(with_userinfo(&origin.url("/")), &context)
        .await
        .unwrap();
    assert_eq!(authorizations(&origin).pop().flatten().as_deref(), Some(SENT));
}

#[tokio::test]
async fn the_default_entry_is_for_configured_hosts() {
    let origin = Origin::always(Reply::ok("end")).await;
    let client = with_netrc("default login gopher password canary");
    let context = FetchContext::default();
    client
        .send(learned(&origin.url("/"), Trust::LearnedPrivate), &context)
        .await
        .unwrap();
    assert_eq!(authorizations(&origin), [None]);
    let named = with_netrc("machine 127.0.0.1 login gopher password canary");
    named
        .send(learned(&origin.url("/"), Trust::LearnedPrivate), &context)
        .await
        .unwrap();
    assert_eq!(authorizations(&origin).pop().flatten().as_deref(), Some(SENT));
}

#[tokio::test]
async fn they_do_not_cross_a_network_in_clear() {
    let origin = Origin::always(Reply::ok("end")).await;
    let proxy = ForwardProxy::start();
    proxy.route("far.test", 80, origin.address());
    let settings = Settings {
        forward_proxies: ForwardProxies::new(&proxy.url(), "", "").unwrap(),
        netrc: Netrc::parse("machine far.test login gopher password canary").into(),
        names: Arc::new(TestNames::default()),
        ..Settings::default()
    };
    let client = Client::new(&settings).unwrap();
    client
        .send(configured("http://far.test/"), &FetchContext::default())
        .await
        .unwrap();
    let given = configured("http://far.test/").with_credentials(Credentials::basic("gopher", "canary"));
    client.send(given, &FetchContext::default()).await.unwrap();
    assert_eq!(authorizations(&origin), [None, None]);
}

#[tokio::test]
async fn they_are_sent_over_https_that_is_verified() {
    let authority = TestAuthority::new();
    let upstream = FakeUpstream::serving_tls([], &authority);
    upstream.when("*", Action::bytes("here"));
    let settings = Settings {
        extra_roots: authority.pem().into(),
        netrc: Netrc::parse("machine code.test login gopher password canary").into(),
        names: Arc::new(TestNames::new(&[("code.test", &[&["127.0.0.1"]])])),
        ..Settings::default()
    };
    let client = Client::new(&settings).unwrap();
    let destination = configured(&format!("https://code.test:{}/", upstream.port()));
    let context = FetchContext::default();
    client.send(destination.clone(), &context).await.unwrap();
    assert_eq!(upstream.requests()[0].headers["authorization"], SENT);
    client
        .send(destination.with_unverified_tls(), &context)
        .await
        .unwrap();
    assert!(!upstream.requests()[1].headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_server_that_echoes_them_gives_nothing_away() {
    for text in [
        format!("not found; you sent {SENT}"),
        "no such user: gopher:canary".to_owned(),
    ] {
        let origin = Origin::always(Reply::text(404, &text)).await;
        let response = client()
            .send(with_userinfo(&origin.url("/")), &FetchContext::default())
            .await
            .unwrap();
        assert!(!format!("{response:?}").contains("canary"), "{response:?}");
        let error = response.success().await.unwrap_err();
        let told = UpstreamError::from(error.clone());
        let printed = format!("{error} {error:?} {told} {told:?}");
        assert!(
            !printed.contains("canary") && !printed.contains("Z29waGVy"),
            "{printed}"
        );
    }
}

#[tokio::test]
async fn no_failure_tells_them() {
    let origin = Origin::always(Reply::ok("x".repeat(50)).cut_at(10)).await;
    let context = FetchContext::default();
    let with = with_userinfo(&origin.url("/a?key=canary"));
    let mut failures = vec![
        client().get_bytes(with.clone(), 5, &context).await.unwrap_err(),
        client().get_bytes(with.clone(), 500, &context).await.unwrap_err(),
    ];
    let gone = origin.url("/a?key=canary");
    drop(origin);
    failures.push(
        client()
            .get_bytes(with_userinfo(&gone), 500, &context)
            .await
            .unwrap_err(),
    );
    let endless =
        Origin::start(|_, _| Reply::redirect("http://gopher:canary@169.254.169.254/?key=canary")).await;
    failures.push(
        client()
            .get_bytes(with_userinfo(&endless.url("/")), 500, &context)
            .await
            .unwrap_err(),
    );
    for failure in failures {
        let mut printed = format!("{failure:?} {failure}");
        let mut source = std::error::Error::source(&failure);
        while let Some(error) = source {
            printed = format!("{printed} {error} {error:?}");
            source = error.source();
        }
        assert!(
            !printed.contains("canary") && !printed.contains("Z29waGVy"),
            "{printed}"
        );
    }
    assert!(!format!("{with:?} {with}").contains("canary"));
}
