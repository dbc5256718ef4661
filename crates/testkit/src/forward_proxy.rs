//! A forward HTTP proxy, as `HTTP_PROXY` and `HTTPS_PROXY` name one: absolute requests and `CONNECT`.
//!
//! It reaches loopback addresses, and whatever hosts it was given a route for; so a name that no resolver knows can
//! stand for a server of the test.

use crate::server::{Body, Server, runtime, text};
use futures::future::BoxFuture;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::net::TcpStream;

/// A forward proxy that counts what passes.
#[derive(Debug)]
pub struct ForwardProxy {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    routes: Mutex<HashMap<String, SocketAddr>>,
    passed: Mutex<Vec<Passed>>,
}

/// One request that passed, or wanted to.
#[derive(Clone, Debug)]
pub struct Passed {
    /// `CONNECT` or the method of an absolute request.
    pub method: String,
    /// The host and port it was for.
    pub authority: String,
    /// The whole target, as sent.
    pub target: String,
    /// Its headers.
    pub headers: HeaderMap,
}

impl ForwardProxy {
    /// Starts one without routes.
    pub fn start() -> Self {
        let state = Arc::new(State::default());
        let answering = Arc::clone(&state);
        let server = Server::start(
            None,
            Arc::new(move |request| -> BoxFuture<'static, Response<Body>> {
                let state = Arc::clone(&answering);
                Box::pin(async move {
                    let outcome = state.pass(request).await;
                    outcome.unwrap_or_else(|error| text(502, format!("the forward proxy failed: {error}")))
                })
            }),
        );
        Self { server, state }
    }

    /// Its address, for `HTTP_PROXY` and `HTTPS_PROXY`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Sends what is for this host and port to this address.
    pub fn route(&self, host: &str, port: u16, to: SocketAddr) {
        self.state
            .routes
            .lock()
            .expect("no holder panics")
            .insert(format!("{host}:{port}"), to);
    }

    /// What passed, or wanted to, so far.
    pub fn passed(&self) -> Vec<Passed> {
        self.state.passed.lock().expect("no holder panics").clone()
    }
}

impl State {
    async fn pass(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let secure = request.method() == Method::CONNECT;
        let authority = request
            .uri()
            .authority()
            .map(ToString::to_string)
            .unwrap_or_default();
        let authority = match authority.rsplit_once(':') {
            Some(_) => authority,
            None => format!("{authority}:{}", if secure { 443 } else { 80 }),
        };
        self.passed.lock().expect("no holder panics").push(Passed {
            method: request.method().to_string(),
            authority: authority.clone(),
            target: request.uri().to_string(),
            headers: request.headers().clone(),
        });
        let stream = TcpStream::connect(self.address(&authority)?).await?;
        if secure {
            runtime().spawn(tunnel(request, stream));
            return Ok(text(200, ""));
        }
        forward(request, stream).await
    }

    /// Where a host is: by its route, or because it is a loopback address.
    fn address(&self, authority: &str) -> io::Result<SocketAddr> {
        if let Some(address) = self.routes.lock().expect("no holder panics").get(authority) {
            return Ok(*address);
        }
        let loopback = authority.replace("localhost", "127.0.0.1").parse().ok();
        loopback
            .filter(|address: &SocketAddr| address.ip().is_loopback())
            .ok_or_else(|| io::Error::other(format!("no route to {authority}")))
    }
}

/// Copies both ways until either side ends.
async fn tunnel(request: Request<Incoming>, mut stream: TcpStream) {
    if let Ok(upgraded) = hyper::upgrade::on(request).await {
        // How a tunnel ends is the business of those who talk through it.
        let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(upgraded), &mut stream).await;
    }
}

/// Passes an absolute request on, with the target in the form a server expects.
async fn forward(mut request: Request<Incoming>, stream: TcpStream) -> io::Result<Response<Body>> {
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str())
        .to_owned();
    *request.uri_mut() = target.parse().map_err(io::Error::other)?;
    request.headers_mut().remove("proxy-connection");
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(io::Error::other)?;
    runtime().spawn(connection);
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    Ok(answer.map(|body| body.map_err(io::Error::other).boxed_unsync()))
}
