//! https, and a certificate that changes.

use crate::stoa;
use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{fs, path::Path, sync::Arc, time::Duration};
use testkit::{
    certificates::TestAuthority,
    client::{Ask, block_on},
    stoa::{Stoa, StoaProcess},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Only ends what hangs.
const LIMIT: Duration = Duration::from_secs(30);

fn write_pair(folder: &Path, authority: &TestAuthority) {
    let pair = authority.issue(&["127.0.0.1", "localhost"]);
    fs::write(folder.join("certificate.pem"), pair.certificate).expect("a file");
    fs::write(folder.join("key.pem"), pair.key).expect("a file");
}

fn with_tls(authority: &TestAuthority) -> Stoa {
    let setup = stoa();
    write_pair(setup.folder(), authority);
    setup
        .environment("STOA_TLS__CERTIFICATE", "certificate.pem")
        .environment("STOA_TLS__KEY", "key.pem")
}

fn start(setup: &Stoa) -> StoaProcess {
    let server = setup.spawn();
    server.wait_for_log("use it");
    server
}

fn https(server: &StoaProcess, path: &str) -> String {
    format!("{}{path}", server.url().replace("http://", "https://"))
}

fn trusted(server: &StoaProcess, authority: &TestAuthority) -> bool {
    match block_on(Ask::get(&https(server, "/healthz")).trusting(authority).send()) {
        Ok(answer) => answer.status == 200,
        Err(_) => false,
    }
}

async fn connect(server: &StoaProcess, authority: &TestAuthority, protocol: &[u8]) -> TlsStream<TcpStream> {
    let mut client = (*authority.client_configuration()).clone();
    client.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(server.url().replace("http://", ""))
        .await
        .expect("it listens");
    let name = "localhost".try_into().expect("a name");
    TlsConnector::from(Arc::new(client))
        .connect(name, stream)
        .await
        .expect("a handshake")
}

async fn closes(mut stream: impl tokio::io::AsyncRead + Unpin) -> bool {
    // What comes does not matter, and a reset is a way of closing, too.
    timeout(LIMIT, stream.read_to_end(&mut Vec::new())).await.is_ok()
}

#[test]
fn https_is_served_and_a_new_certificate_is_taken_up() {
    let (first, second) = (TestAuthority::new(), TestAuthority::new());
    let setup = with_tls(&first);
    let server = start(&setup);
    server.wait_for_log(&format!("go env -w GOPROXY={}", https(&server, "")));
    assert!(trusted(&server, &first) && !trusted(&server, &second));
    let finished = setup.run(["health", "--listen", &server.url().replace("http://", "")]);
    assert_eq!(finished.code, 0, "{finished}");

    fs::write(setup.folder().join("key.pem"), "no key").expect("a file");
    server.wait_for_log("the TLS certificate in use stays");
    assert!(trusted(&server, &first), "a bad pair changes nothing");

    write_pair(setup.folder(), &second);
    server.wait_for_log("the TLS certificate was read again");
    assert!(trusted(&server, &second) && !trusted(&server, &first));
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
}

#[test]
fn a_hangup_signal_reads_the_certificate_again() {
    let authority = TestAuthority::new();
    let server = start(&with_tls(&authority));
    server.hang_up();
    server.wait_for_log("the TLS certificate was read again");
    assert!(trusted(&server, &authority));
}

#[test]
fn a_pair_that_cannot_be_used_ends_with_64() {
    let setup = with_tls(&TestAuthority::new());
    fs::remove_file(setup.folder().join("key.pem")).expect("the file");
    for command in [
        &["config", "check"] as &[&str],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        let finished = setup.run(command.iter().copied());
        assert_eq!(finished.code, 64, "{finished}");
        assert!(
            finished.stderr.contains("tls.key: key.pem cannot be read"),
            "{finished}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_spoken_with_who_can() {
    let authority = TestAuthority::new();
    let server = start(&with_tls(&authority));
    let stream = connect(&server, &authority, b"h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2" as &[u8]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("a handshake");
    let driving = tokio::spawn(connection);
    for _ in 0..3 {
        let request = http::Request::get(https(&server, "/version"))
            .body(Empty::<Bytes>::new())
            .expect("a request");
        assert_eq!(
            sender.send_request(request).await.expect("an answer").status(),
            200
        );
    }
    // A connection at rest ends with the server, and says goodbye.
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
    driving.await.expect("the client ends").expect("in good order");
}

#[tokio::test]
async fn silent_clients_are_closed_whatever_they_said_before() {
    let authority = TestAuthority::new();
    let setup = with_tls(&authority).environment("STOA_LIMITS__HEADER_TIMEOUT", "300ms");
    let server = start(&setup.environment("STOA_LIMITS__SEND_TIMEOUT", "600ms"));
    let silent = TcpStream::connect(server.url().replace("http://", ""))
        .await
        .expect("it listens");
    assert!(closes(silent).await, "no handshake");
    assert!(
        closes(connect(&server, &authority, b"http/1.1").await).await,
        "no request"
    );
    assert!(
        closes(connect(&server, &authority, b"h2").await).await,
        "no preface"
    );
    let mut half = connect(&server, &authority, b"h2").await;
    half.write_all(b"PRI * HTTP/2.0\r\n").await.expect("sent");
    assert!(closes(half).await, "half a preface");
    let mut resting = connect(&server, &authority, b"h2").await;
    // The whole preface and empty settings.
    resting
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .expect("sent");
    assert!(closes(resting).await, "no request after the preface");
}
