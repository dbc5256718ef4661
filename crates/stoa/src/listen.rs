//! Listening: sockets, TLS, and one task for each connection that cannot outstay its welcome.

mod connection;
mod descriptors;
mod inherited;
mod pulse;
mod sockets;
pub(crate) mod tls;

pub(crate) use connection::Patience;
pub(crate) use descriptors::raise_limit;
pub(crate) use pulse::Pulse;
pub(crate) use sockets::{BindError, Listeners, Peer};

use crate::front::Front;
use connection::serve;
use sockets::{Socket, Stream};
use std::{io, sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What accepting needs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reception {
    /// Who answers.
    pub(crate) front: Arc<Front>,
    /// TLS, if it is spoken here.
    pub(crate) tls: Option<TlsAcceptor>,
    /// How long clients may do nothing.
    pub(crate) patience: Patience,
    /// One permit for each connection that may be open.
    pub(crate) room: Arc<Semaphore>,
    /// Says that nobody more is let in.
    pub(crate) closed: CancellationToken,
    /// Says that connections end once they have said what they were saying.
    pub(crate) farewell: CancellationToken,
    /// The connections.
    pub(crate) connections: TaskTracker,
}

impl Reception {
    /// Lets clients in until the reception closes.
    pub(crate) async fn accept(self, sockets: Vec<Socket>) {
        let loops = sockets.into_iter().map(|socket| self.clone().accept_from(socket));
        futures::future::join_all(loops).await;
    }

    async fn accept_from(self, socket: Socket) {
        loop {
            let next = async {
                let permit = Arc::clone(&self.room).acquire_owned().await;
                (permit, socket.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                () = self.closed.cancelled() => return,
                next = next => next,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let reception = self.clone();
                    self.connections.spawn(async move {
                        let _permit = permit;
                        match stream {
                            Stream::Tcp(stream) => serve(reception, stream, peer).await,
                            Stream::Unix(stream) => serve(reception, stream, peer).await,
                        }
                    });
                }
                Err(error) => recover(&error).await,
            }
        }
    }
}

/// A client that was gone before it was let in is nothing; when there are no more file descriptors, some will come
/// back.
async fn recover(error: &io::Error) {
    let of_client = [
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::ConnectionRefused,
        io::ErrorKind::Interrupted,
    ];
    if !of_client.contains(&error.kind()) {
        tracing::warn!(%error, "connections cannot be accepted; trying again");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
