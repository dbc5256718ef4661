//! Leaving in good order.

use crate::stoa_of;
use testkit::{
    client::{Ask, block_on, get},
    gate::Gate,
    module::fixtures,
    proxy::{Action, FakeUpstream},
    stoa::StoaProcess,
};

const SLOW: &str = "/example.test/greet/@v/v1.0.0.info";

/// A server one of whose answers waits behind the gate, and a client that waits for it.
async fn one_under_way(
    gate: &Gate,
    drain: &str,
) -> (StoaProcess, tokio::task::JoinHandle<Option<u16>>, FakeUpstream) {
    let upstream = FakeUpstream::serving(fixtures());
    upstream.when("*v1.0.0.info", Action::serve().behind(gate));
    let server = stoa_of(&upstream)
        .environment("STOA_LIMITS__DRAIN", drain)
        .start();
    let url = format!("{}{SLOW}", server.url());
    let client = tokio::spawn(async move { get(&url).await.ok().map(|answer| answer.status) });
    upstream.wait_for("*v1.0.0.info", 1).await;
    (server, client, upstream)
}

#[tokio::test]
async fn what_is_under_way_is_answered_and_readiness_ends_at_once() {
    let gate = Gate::shut();
    let (mut server, client, _upstream) = one_under_way(&gate, "60s").await;
    assert_eq!(server.get("/readyz").await.status, 200);
    server.ask_to_stop();
    server.wait_for_log("shutting down");
    // Whoever was sent here a moment before is still served, and told to go.
    let unready = server.get("/readyz").await;
    assert_eq!((unready.status, unready.header("connection")), (503, "close"));
    assert_eq!(server.get("/healthz").await.status, 200);
    gate.open();
    assert_eq!(client.await.expect("the client ends"), Some(200));
    // It was told already; a second signal would end it at once.
    let (status, log) = (server.wait(), server.log());
    assert!(
        status.success() && log.contains("stopped") && !log.contains("cut_off"),
        "{log}"
    );
}

#[tokio::test]
async fn connections_at_rest_keep_nobody() {
    let upstream = FakeUpstream::serving([]);
    let server = stoa_of(&upstream).start();
    let url = format!("{}/healthz", server.url());
    let resting = Ask::get(&url).open().await.expect("an answer"); // keeps its connection
    let (status, log) = server.stop();
    assert!(status.success() && log.contains("stopped"), "{log}");
    drop(resting);
}

#[tokio::test]
async fn the_limit_ends_what_takes_too_long() {
    let (server, client, _upstream) = one_under_way(&Gate::shut(), "100ms").await;
    let (status, log) = server.stop();
    assert!(
        status.success() && log.contains("requests took longer than limits.drain cut_off=1"),
        "{log}"
    );
    assert_eq!(client.await.expect("the client ends"), None);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let (server, client, _upstream) = one_under_way(&Gate::shut(), "60s").await;
    server.ask_to_stop();
    server.wait_for_log("shutting down");
    let (status, log) = server.stop();
    assert!(
        status.success() && log.contains("told to stop a second time"),
        "{log}"
    );
    assert_eq!(client.await.expect("the client ends"), None);
}

#[test]
fn nothing_under_way_is_nothing_to_wait_for() {
    let upstream = FakeUpstream::serving([]);
    let server = stoa_of(&upstream).start();
    let url = format!("{}/healthz", server.url());
    let (status, log) = server.stop();
    assert!(status.success() && log.contains("stopped"), "{log}");
    assert!(block_on(get(&url)).is_err(), "nobody listens any more");
}

#[test]
fn who_asks_for_files_to_be_read_again_where_there_are_none_ends_nothing() {
    let server = stoa_of(&FakeUpstream::serving(fixtures())).start();
    server.hang_up();
    server.wait_for_log("there is no TLS certificate to read again");
    assert_eq!(server.get_blocking("/healthz").status, 200);
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
}
