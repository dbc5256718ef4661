//! Connections that do nothing are closed; those that do something are not.

use crate::{stoa, stoa_of};
use std::time::Duration;
use testkit::{
    client::Ask,
    module::Module,
    proxy::FakeUpstream,
    stoa::{Stoa, StoaProcess},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Only ends what hangs.
const LIMIT: Duration = Duration::from_secs(30);

fn impatient(setup: Stoa) -> StoaProcess {
    setup
        .environment("STOA_LIMITS__HEADER_TIMEOUT", "200ms")
        .environment("STOA_LIMITS__SEND_TIMEOUT", "400ms")
        .start()
}

async fn connect(server: &StoaProcess) -> TcpStream {
    TcpStream::connect(server.url().replace("http://", ""))
        .await
        .expect("it listens")
}

/// Everything until the server closes.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(LIMIT, stream.read_to_end(&mut answer))
        .await
        .expect("the server closes");
    // A reset is a way of closing, too.
    let _ = read;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn silence_half_a_request_and_rest_are_closed() {
    let server = impatient(stoa());
    assert_eq!(until_closed(connect(&server).await).await, "");
    let mut half = connect(&server).await;
    half.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        .await
        .expect("sent");
    let answer = until_closed(half).await;
    assert!(!answer.contains("200"), "{answer}");
    let mut resting = connect(&server).await;
    resting
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .expect("sent");
    let answer = until_closed(resting).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("ok\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_head_may_be_long_and_not_endless() {
    let server = impatient(stoa());
    for (length, status) in [(10_000, " 404 "), (100_000, " 4"), (1_000_000, " 4")] {
        let mut stream = connect(&server).await;
        let request = format!(
            "GET /{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "x".repeat(length)
        );
        // The server may answer and close before it has read all of it.
        let _ = stream.write_all(request.as_bytes()).await;
        let answer = until_closed(stream).await;
        assert!(
            answer.is_empty() && length > 64 << 10 || answer.starts_with(&format!("HTTP/1.1{status}")),
            "{answer}"
        );
    }
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_body_that_never_comes_keeps_nobody() {
    let server = impatient(stoa());
    let mut stream = connect(&server).await;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        .await
        .expect("sent");
    let answer = until_closed(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_cut_off() {
    let module = Module::new("example.test/big", "v1.0.0").weighing(24, 7);
    let upstream = FakeUpstream::serving([module]);
    let server = impatient(stoa_of(&upstream));
    let path = "/example.test/big/@v/v1.0.0.zip";
    let size = server.get(path).await.body.len() as u64;
    assert!(size > 24 << 20, "{size}");

    let url = format!("{}{path}", server.url());
    let standing_still = Ask::get(&url)
        .header("x-request-id", "still")
        .open()
        .await
        .expect("a head");
    server.wait_for_log("request_id=still");
    let log = server.log();
    let line = log
        .lines()
        .find(|line| line.contains("request_id=still"))
        .expect("a line");
    assert!(line.ends_with("incomplete"), "{line}");
    drop(standing_still);
}
