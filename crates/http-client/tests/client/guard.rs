//! What is learned from the network is reached only where it may be.

use crate::{
    client, configured, learned,
    names::TestNames,
    origin::{Origin, Reply},
};
use http_client::{Client, Destination, Error, Settings, Trust};
use proxy_core::upstream::FetchContext;
use std::sync::Arc;
use testkit::proxy::{Action, FakeUpstream};

fn knowing(names: TestNames) -> Client {
    Client::new(&Settings {
        names: Arc::new(names),
        ..Settings::default()
    })
    .unwrap()
}

async fn refused(client: &Client, url: &str, trust: Trust) {
    let outcome = client.send(learned(url, trust), &FetchContext::default()).await;
    let error = outcome.map(|response| response.status()).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{url}: {error:?}");
}

#[tokio::test]
async fn this_machine_cannot_be_learned_in_any_spelling() {
    let origin = Origin::always(Reply::ok("secret")).await;
    let port = origin.address().port();
    let client = client();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "0.0.0.0",
        "localhost",
    ] {
        refused(&client, &format!("http://{host}:{port}/"), Trust::Learned).await;
    }
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn names_are_judged_by_where_they_lead() {
    let origin = Origin::always(Reply::ok("secret")).await;
    let client = knowing(TestNames::new(&[
        ("inside.test", &[&["127.0.0.1"]]),
        ("both.test", &[&["10.0.0.1", "::1"]]),
        ("metadata.test", &[&["169.254.169.254"]]),
    ]));
    let port = origin.address().port();
    for host in ["inside.test", "both.test", "metadata.test"] {
        refused(&client, &format!("http://{host}:{port}/"), Trust::Learned).await;
    }
    refused(
        &client,
        "http://metadata.test/latest/meta-data/",
        Trust::LearnedPrivate,
    )
    .await;
    refused(
        &client,
        "http://[fd00:ec2::254]/latest/meta-data/",
        Trust::LearnedPrivate,
    )
    .await;
    assert_eq!(origin.count(), 0);
    let private = learned(&format!("http://inside.test:{port}/"), Trust::LearnedPrivate);
    client.send(private, &FetchContext::default()).await.unwrap();
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn a_name_that_moves_after_the_check_gains_nothing() {
    let origin = Origin::always(Reply::ok("secret")).await;
    let client = knowing(TestNames::new(&[(
        "rebinding.test",
        &[&["8.8.8.8"], &["127.0.0.1"]],
    )]));
    let url = format!("http://rebinding.test:{}/", origin.address().port());
    client
        .judge(&Destination::learned(&url, Trust::Learned).unwrap())
        .await
        .unwrap();
    refused(&client, &url, Trust::Learned).await;
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn other_programs_may_ask_the_guard() {
    let client = knowing(TestNames::new(&[
        ("public.test", &[&["8.8.8.8"]]),
        ("half.test", &[&["8.8.8.8", "10.0.0.1"]]),
    ]));
    let judged = async |url: &str, trust| client.judge(&Destination::learned(url, trust).unwrap()).await;
    judged("https://public.test/", Trust::Learned).await.unwrap();
    judged("https://unknown.test/", Trust::Learned).await.unwrap();
    judged("https://half.test/", Trust::LearnedPrivate).await.unwrap();
    // Another program picks any of the addresses.
    assert!(judged("https://half.test/", Trust::Learned).await.is_err());
    assert!(judged("https://192.168.0.1/", Trust::Learned).await.is_err());
}

#[tokio::test]
async fn no_request_rides_on_a_connection_that_a_laxer_rule_opened() {
    let upstream = FakeUpstream::serving([]);
    upstream.when("*", Action::bytes("here"));
    let client = client();
    let url = format!("http://localhost:{}/", upstream.port());
    let first = client
        .get_bytes(configured(&url), 100, &FetchContext::default())
        .await
        .unwrap();
    assert_eq!(first, "here");
    refused(&client, &url, Trust::Learned).await;
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn what_the_configuration_names_may_be_anywhere() {
    let origin = Origin::always(Reply::ok("here")).await;
    let answer = client()
        .get_bytes(configured(&origin.url("/")), 100, &FetchContext::default())
        .await;
    assert_eq!(answer.unwrap(), "here");
}
