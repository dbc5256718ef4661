//! The loopback server under every fake: accepts, hands requests to a function, can be unplugged and plugged in again.

use crate::port::Port;
use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    fmt, io,
    sync::{Arc, LazyLock, Mutex},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    runtime::Runtime,
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// A body that may break off.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What answers requests.
pub(crate) type Handler = Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// The runtime of all fakes, apart from the test's own: a test that blocks does not stop them.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("testkit")
            .enable_all()
            .build()
            .expect("a runtime can be built")
    });
    &RUNTIME
}

/// A server on a reserved port; it ends when it is dropped.
pub(crate) struct Server {
    port: Port,
    handler: Handler,
    tls: Option<TlsAcceptor>,
    accepting: Mutex<Option<AbortHandle>>,
    /// Held by whoever accepts and by every connection, for as long as they are there.
    alive: Arc<()>,
}

impl Server {
    /// Starts serving; over TLS if a configuration is given.
    pub(crate) fn start(tls: Option<Arc<rustls::ServerConfig>>, handler: Handler) -> Self {
        let server = Self {
            port: Port::reserve(),
            handler,
            tls: tls.map(TlsAcceptor::from),
            accepting: Mutex::new(None),
            alive: Arc::new(()),
        };
        server.plug();
        server
    }

    pub(crate) fn port(&self) -> &Port {
        &self.port
    }

    /// `http://127.0.0.1:PORT`, or `https://`.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.port.address())
    }

    /// Refuses connections from now on and cuts those there are.
    pub(crate) fn unplug(&self) {
        if let Some(accepting) = self.accepting.lock().expect("no holder panics").take() {
            accepting.abort();
            // The runtime drops the listener and the connections a moment later, and until then one of them could
            // still answer: wait until all are gone.
            while Arc::strong_count(&self.alive) > 1 {
                std::thread::yield_now();
            }
        }
    }

    /// Listens again, on the same port.
    pub(crate) fn plug(&self) {
        let mut accepting = self.accepting.lock().expect("no holder panics");
        if accepting.is_none() {
            let _inside = runtime().enter();
            let alive = Arc::clone(&self.alive);
            let serving = accept(
                self.port.listen(),
                self.tls.clone(),
                Arc::clone(&self.handler),
                alive,
            );
            *accepting = Some(runtime().spawn(serving).abort_handle());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(Some(accepting)) = self.accepting.get_mut().map(Option::take) {
            accepting.abort();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}

/// Accepts for ever. The connections belong to this future: when it is aborted, they are cut.
async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, handler: Handler, alive: Arc<()>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (handler, tls, alive) = (Arc::clone(&handler), tls.clone(), Arc::clone(&alive));
        connections.spawn(async move {
            let _alive = alive;
            match tls {
                None => converse(stream, handler).await,
                Some(tls) => {
                    // A client that does not trust us hangs up here; that is its answer, not our failure.
                    if let Ok(stream) = tls.accept(stream).await {
                        converse(stream, handler).await;
                    }
                }
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Speaks HTTP/1.1 on one connection until it ends.
pub(crate) async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, handler: Handler) {
    let service = service_fn(move |request| {
        let answer = handler(request);
        async move { Ok::<_, std::convert::Infallible>(answer.await) }
    });
    // Errors are what clients do to us (hanging up) and what fakes do on purpose (breaking off).
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}

/// A whole body.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A plain-text answer.
pub(crate) fn text(status: u16, body: impl Into<Bytes>) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", "text/plain; charset=utf-8")
        .body(full(body))
        .expect("status and headers are valid")
}
