//! HTTP/2, which the large proxies speak: one connection, many streams, and streams that are reset.

use crate::{configured, tls::trusting};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Request, Response, Version};
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use proxy_core::upstream::FetchContext;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    convert::Infallible,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use testkit::certificates::TestAuthority;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const FILE: &[u8] = &[42; 100_000];
const BREAK: usize = 30_000;

fn acceptor(authority: &TestAuthority) -> TlsAcceptor {
    let pem = authority.issue(&["localhost"]);
    let certificate = CertificateDer::from_pem_slice(pem.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes()).unwrap();
    let mut configuration = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    configuration.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(configuration).into()
}

/// Resets the stream of every whole file halfway; gives parts as asked.
async fn answer(request: Request<Incoming>) -> Result<Response<UnsyncBoxBody<Bytes, io::Error>>, Infallible> {
    assert_eq!(request.version(), Version::HTTP_2);
    let head = Response::builder().header("etag", "\"one\"");
    let Some(range) = request.headers().get("range") else {
        let sent = stream::iter([Ok(Frame::data(Bytes::from_static(&FILE[..BREAK])))]);
        let reset = stream::once(async {
            // What is still queued when a stream is reset is dropped.
            tokio::time::sleep(Duration::from_millis(30)).await;
            Err(io::Error::other("reset on purpose"))
        });
        let head = head.header("content-length", FILE.len());
        return Ok(head
            .body(StreamBody::new(sent.chain(reset)).boxed_unsync())
            .unwrap());
    };
    let start: usize = range.to_str().unwrap()["bytes=".len()..]
        .trim_end_matches('-')
        .parse()
        .unwrap();
    let range = format!("bytes {start}-{}/{}", FILE.len() - 1, FILE.len());
    let rest = stream::iter([Ok(Frame::data(Bytes::from_static(&FILE[start..])))]);
    let head = head.status(206).header("content-range", range);
    Ok(head.body(StreamBody::new(rest).boxed_unsync()).unwrap())
}

#[tokio::test]
async fn a_reset_stream_goes_on_over_the_same_connection() {
    let authority = TestAuthority::new();
    let acceptor = acceptor(&authority);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/file", listener.local_addr().unwrap().port());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let stream = TokioIo::new(acceptor.accept(stream).await.unwrap());
            tokio::spawn(
                http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service_fn(answer)),
            );
        }
    });
    let client = trusting(&authority);
    let whole = client
        .get_bytes(configured(&url), 1 << 20, &FetchContext::default())
        .await
        .unwrap();
    assert!(whole == FILE);
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    serving.abort();
}
