//! One request to a plain HTTP server on a connection of its own, its body and that of the answer streamed: what
//! everything that stands before another server is made of.

use crate::server::{Body, runtime};
use http::{Request, Response, Uri};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use std::io;
use tokio::net::TcpStream;

/// Sends a request to the server at this address (`http://host:port`) and gives the answer as soon as its head is there.
/// The request's own `Host` is kept, if it has one.
pub(crate) async fn exchange(server: &Uri, mut request: Request<Body>) -> io::Result<Response<Body>> {
    let authority = server
        .authority()
        .ok_or_else(|| io::Error::other("an address without a host"))?;
    if !request.headers().contains_key("host") {
        let host = authority.as_str().parse().map_err(io::Error::other)?;
        request.headers_mut().insert("host", host);
    }
    let stream = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(80))).await?;
    stream.set_nodelay(true)?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(io::Error::other)?;
    runtime().spawn(connection);
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    Ok(answer.map(|body| body.map_err(io::Error::other).boxed_unsync()))
}
