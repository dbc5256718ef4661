//! What goes over a real socket, with hyper between the service and the client.

use crate::house::{Form, House, Shelf};
use std::net::SocketAddr;
use testkit::client::{Ask, drain, send_raw};
use tokio::net::TcpListener;

async fn listen(house: House) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    house.listen(listener);
    address
}

const ZIP: &str = "example.test/m/@v/v1.0.0.zip";

fn bytes() -> Vec<u8> {
    (0..3_000_000_u32).map(|number| (number % 251) as u8).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_files_parts_and_heads_arrive() {
    for form in [Form::Memory, Form::File, Form::Stream] {
        let address = listen(House::over(Shelf::default().with(ZIP, bytes(), form))).await;
        let ask = || Ask::get(&format!("http://{address}/{ZIP}"));
        let answer = ask().send().await.unwrap();
        assert_eq!(
            (answer.status, answer.header("content-length")),
            (200, "3000000"),
            "{form:?}"
        );
        assert!(answer.body == bytes(), "{form:?}");
        let etag = answer.header("etag").to_owned();

        let answer = ask().header("range", "bytes=1000000-").send().await.unwrap();
        assert_eq!(
            (answer.status, answer.header("content-range")),
            (206, "bytes 1000000-2999999/3000000")
        );
        assert!(answer.body == bytes()[1_000_000..], "{form:?}");

        let answer = ask().method("HEAD").send().await.unwrap();
        assert_eq!(
            (answer.status, answer.header("content-length"), answer.body.len()),
            (200, "3000000", 0)
        );

        let answer = ask().header("if-none-match", &etag).send().await.unwrap();
        assert_eq!(
            (answer.status, answer.header("etag"), answer.body.len()),
            (304, &*etag, 0)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_serves_a_head_a_304_and_an_error_in_turn() {
    let address = listen(House::over(Shelf::default().with(ZIP, "PK", Form::File))).await;
    let request =
        |method: &str, path: &str, more: &str| format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{more}\r\n");
    let zip = format!("/{ZIP}");
    let requests = [
        request("HEAD", &zip, ""),
        request("GET", &zip, "if-none-match: *\r\n"),
        request("GET", "/%zz", ""),
        request("POST", &zip, "content-length: 2\r\n") + "hi",
        request("GET", &zip, "connection: close\r\n"),
    ];
    let answers = send_raw(address, requests.concat().as_bytes()).await.unwrap();
    let answers = String::from_utf8(answers).unwrap();
    let statuses: Vec<_> = answers
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3])
        .collect();
    assert_eq!(statuses, ["200", "304", "404", "405", "200"], "{answers}");
    assert!(answers.ends_with("\r\n\r\nPK"), "{answers}");
    assert_eq!(
        answers.matches("PK").count(),
        1,
        "neither the head nor the 304 has a body: {answers}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_breaks_off_breaks_the_connection() {
    let address = listen(House::over(Shelf::default().with(ZIP, bytes(), Form::Broken))).await;
    let response = Ask::get(&format!("http://{address}/{ZIP}")).open().await.unwrap();
    assert_eq!(response.status(), 200, "it was not known yet");
    let (received, end) = drain(response).await;
    assert!(received <= 1_500_000, "{received}");
    assert!(end.is_err(), "half a file must not end like a whole one");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_url_should_hold_is_answered_and_not_obeyed() {
    let address = listen(House::over(Shelf::default())).await;
    for path in [
        "/../../etc/passwd",
        "/%2e%2e/@v/list",
        "/a.test/m%00/@v/list",
        "/a.test\\m/@v/list",
        "//",
        "/-x/@v/v1.info",
        "/%",
        "*",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = send_raw(address, request.as_bytes()).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 40"), "{path}: {answer}");
    }
    let long = format!(
        "GET /example.test/{}/@v/list HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "x".repeat(10_000)
    );
    let answer = send_raw(address, long.as_bytes()).await.unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 404"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}
