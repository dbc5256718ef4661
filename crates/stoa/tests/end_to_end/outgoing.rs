//! How the mirror goes out: with credentials bound to their host, through forward proxies, trusting a private
//! authority.

use crate::world::{small_world, stoa};
use std::fs;
use testkit::{
    certificates::TestAuthority,
    forward_proxy::ForwardProxy,
    module::fixtures,
    proxy::{Action, FakeUpstream},
    stoa::Stoa,
};

const INFO: &str = "/example.test/greet/@v/v1.0.0.info";

/// The same mirror with this netrc.
fn with_netrc(stoa: Stoa, lines: &str) -> Stoa {
    let file = stoa.folder().join("netrc");
    fs::write(&file, lines).unwrap();
    stoa.environment("NETRC", file)
}

/// The same mirror, trusting this authority alone.
fn trusting(stoa: Stoa, authority: &TestAuthority) -> Stoa {
    let file = stoa.folder().join("authority.pem");
    authority.write_pem(&file).unwrap();
    stoa.environment("SSL_CERT_FILE", file)
}

#[tokio::test(flavor = "multi_thread")]
async fn netrc_opens_the_host_it_names() {
    let authority = TestAuthority::new();
    let upstream = FakeUpstream::serving_tls(fixtures(), &authority);
    upstream.require("gopher", "secret");
    let with_port = format!(
        "machine 127.0.0.1:{} login gopher password secret\n",
        upstream.port()
    );
    for netrc in ["machine 127.0.0.1 login gopher password secret\n", &with_port] {
        let stoa = trusting(with_netrc(stoa().upstream(&upstream.url()), netrc), &authority).start();
        let answer = stoa.get(INFO).await;
        assert_eq!(answer.status, 200, "{netrc}: {}", answer.text());
        assert!(!stoa.log().contains("secret"), "{}", stoa.log());
    }
    let other = "machine other.test login gopher password secret\n";
    let stoa = trusting(with_netrc(stoa().upstream(&upstream.url()), other), &authority).start();
    let answer = stoa.get(INFO).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn netrc_of_the_home_folder_goes_to_loopback_over_plain_http() {
    let upstream = small_world();
    upstream.require("gopher", "secret");
    let setup = stoa().upstream(&upstream.url());
    fs::write(
        setup.folder().join("home/.netrc"),
        "machine 127.0.0.1 login gopher password secret\n",
    )
    .unwrap();
    assert_eq!(setup.start().get(INFO).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_do_not_follow_to_another_host() {
    let (upstream, elsewhere) = (small_world(), small_world());
    upstream.require("gopher", "secret");
    let there = elsewhere.url().replace("127.0.0.1", "localhost");
    upstream.when(INFO, Action::redirect(&format!("{there}{INFO}")));
    let netrc = "machine 127.0.0.1 login gopher password secret\n";
    let stoa = with_netrc(stoa().upstream(&upstream.url()), netrc).start();
    let answer = stoa.get(INFO).await;
    assert_eq!(
        answer.status,
        200,
        "a loopback upstream may send to loopback: {}",
        answer.text()
    );
    let seen = elsewhere.requests();
    assert_eq!(seen.len(), 1);
    assert!(
        !seen[0].headers.contains_key("authorization"),
        "{:?}",
        seen[0].headers
    );
    assert!(upstream.requests()[0].headers.contains_key("authorization"));
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_the_address_never_show() {
    let upstream = small_world();
    upstream.require("gopher", "hidden-word");
    let list = upstream.url().replace("http://", "http://gopher:hidden-word@");
    let stoa = stoa().upstream(&list).start();
    assert_eq!(stoa.get(INFO).await.status, 200);
    upstream.unplug();
    let trouble = stoa.get("/example.test/unknown/@v/list").await;
    assert_eq!(trouble.status, 502, "{}", trouble.text());
    for said in [trouble.text(), stoa.log()] {
        assert!(!said.contains("hidden-word"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_authority_is_trouble_not_absence() {
    let authority = TestAuthority::new();
    let upstream = FakeUpstream::serving_tls(fixtures(), &authority);
    let stoa = trusting(stoa().upstream(&upstream.url()), &TestAuthority::new()).start();
    let answer = stoa.get(INFO).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn forward_proxies_are_gone_through() {
    let authority = TestAuthority::new();
    let (plain, secure) = (small_world(), FakeUpstream::serving_tls(fixtures(), &authority));
    let proxy = ForwardProxy::start();
    proxy.route("plain.example.test", 80, ([127, 0, 0, 1], plain.port()).into());
    proxy.route("secure.example.test", 443, ([127, 0, 0, 1], secure.port()).into());
    for (list, method) in [
        ("http://plain.example.test", "GET"),
        ("https://secure.example.test", "CONNECT"),
    ] {
        let setup = trusting(stoa().upstream(list), &authority);
        let stoa = setup
            .environment("HTTP_PROXY", proxy.url())
            .environment("HTTPS_PROXY", proxy.url())
            .start();
        let answer = stoa.get(INFO).await;
        assert_eq!(answer.status, 200, "{list}: {}", answer.text());
        assert!(
            proxy.passed().iter().any(|passed| passed.method == method),
            "{:?}",
            proxy.passed()
        );
    }
    assert_eq!((plain.count(INFO), secure.count(INFO)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_proxy_names_is_reached_directly() {
    let (upstream, proxy) = (small_world(), ForwardProxy::start());
    let setup = stoa()
        .upstream(&upstream.url())
        .environment("HTTP_PROXY", proxy.url());
    let stoa = setup.environment("NO_PROXY", "127.0.0.1").start();
    assert_eq!(stoa.get(INFO).await.status, 200);
    assert!(proxy.passed().is_empty(), "{:?}", proxy.passed());
}
