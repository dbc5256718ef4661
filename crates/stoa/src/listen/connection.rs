//! One connection, from its first byte to its end.
//!
//! Three things end one that does nothing. Over HTTP/1, hyper closes it when a request's head does not come in time,
//! which covers silence, half a head, and rest between requests. HTTP/2 has no such limit in hyper, so there the
//! connection is asked to end once nothing has moved for so long. And over both, a client that takes nothing of its
//! answer is cut off after the longer time for sending.

use super::{
    Reception,
    pulse::{Felt, Pulse},
    sockets::Peer,
};
use crate::{
    config::Limits,
    front::{Connection, Front},
};
use hyper::{
    Version,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use std::{fmt, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// A handshake is a few round trips; who takes longer does something else.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// No request of the protocol has a head near this size, and what is taken in of one lies in memory.
const LARGEST_HEAD: usize = 64 << 10;

/// How much of an answer waits for a slow reader, about: one piece of a file, not the 400 KiB that hyper would queue.
const WAITING: usize = 128 << 10;

/// Requests under way on one HTTP/2 connection; as many as a `go` command ever makes.
const STREAMS: u32 = 256;

/// How long clients may do nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Before and between requests.
    pub(crate) idle: Duration,
    /// While an answer waits to be taken. Since a rest between requests looks the same from outside, it is never
    /// shorter than the other.
    pub(crate) send: Duration,
}

impl Patience {
    /// As the configuration has it.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            idle: limits.header_timeout,
            send: limits.send_timeout.max(limits.header_timeout),
        }
    }
}

/// Serves one connection to its end.
pub(crate) async fn serve<S>(reception: Reception, stream: S, peer: Peer)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let pulse = Pulse::new();
    let stream = Felt::new(stream, Arc::clone(&pulse));
    let Some(tls) = &reception.tls else {
        return serve_http1(&reception, stream, peer, pulse).await;
    };
    let handshake = timeout(HANDSHAKE.min(reception.patience.idle), tls.accept(stream));
    let stream = tokio::select! {
        () = reception.farewell.cancelled() => return,
        outcome = handshake => match outcome {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%peer, %error, "no TLS handshake"),
            Err(_) => return tracing::debug!(%peer, "no TLS handshake in time"),
        },
    };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        serve_http2(&reception, stream, peer, pulse).await;
    } else {
        serve_http1(&reception, stream, peer, pulse).await;
    }
}

async fn serve_http1<S>(reception: &Reception, stream: S, peer: Peer, pulse: Arc<Pulse>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = Arc::new(Connection {
        peer,
        pulse: Arc::clone(&pulse),
        version: Version::HTTP_11,
    });
    let front = Arc::clone(&reception.front);
    let service = service_fn(move |request| answer(Arc::clone(&front), request, Arc::clone(&connection)));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(reception.patience.idle)
        .max_header_size(LARGEST_HEAD)
        .max_buf_size(WAITING);
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    drive(
        serving,
        &pulse,
        reception.patience,
        None,
        &reception.farewell,
        peer,
    )
    .await;
}

async fn serve_http2<S>(reception: &Reception, stream: S, peer: Peer, pulse: Arc<Pulse>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = Arc::new(Connection {
        peer,
        pulse: Arc::clone(&pulse),
        version: Version::HTTP_2,
    });
    let front = Arc::clone(&reception.front);
    let service = service_fn(move |request| answer(Arc::clone(&front), request, Arc::clone(&connection)));
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).max_concurrent_streams(STREAMS);
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    let idle = Some(reception.patience.idle);
    drive(
        serving,
        &pulse,
        reception.patience,
        idle,
        &reception.farewell,
        peer,
    )
    .await;
}

async fn answer(
    front: Arc<Front>,
    request: http::Request<hyper::body::Incoming>,
    connection: Arc<Connection>,
) -> Result<http::Response<crate::front::Sent>, std::convert::Infallible> {
    Ok(front.respond(request.into_parts().0, &connection).await)
}

/// Runs a connection until it ends by itself, or its client has done nothing for too long. `idle` asks it to end as
/// soon as it may, for protocols that have no such limit of their own.
async fn drive<C>(
    serving: C,
    pulse: &Pulse,
    patience: Patience,
    idle: Option<Duration>,
    farewell: &CancellationToken,
    peer: Peer,
) where
    C: GracefulConnection<Error: fmt::Display>,
{
    let mut serving = pin!(serving);
    let mut asked_to_end = false;
    let mut look = pin!(sleep_until(Instant::now() + idle.unwrap_or(patience.send)));
    loop {
        tokio::select! {
            outcome = serving.as_mut() => {
                if let Err(error) = outcome {
                    tracing::debug!(%peer, %error, "a connection ended early");
                }
                return;
            }
            () = farewell.cancelled(), if !asked_to_end => {
                asked_to_end = true;
                serving.as_mut().graceful_shutdown();
            }
            () = look.as_mut() => {
                let silent = pulse.silent_since();
                if silent + patience.send <= Instant::now() {
                    tracing::debug!(%peer, "a client that does nothing was cut off");
                    return;
                }
                let mut next = silent + patience.send;
                if let (Some(idle), false) = (idle, asked_to_end) {
                    if silent + idle <= Instant::now() {
                        asked_to_end = true;
                        serving.as_mut().graceful_shutdown();
                    } else {
                        next = next.min(silent + idle);
                    }
                }
                look.as_mut().reset(next);
            }
        }
    }
}
