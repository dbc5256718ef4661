//! Sockets that are open before we are: a service manager that activates by socket opens them, and hands them over.
//!
//! They stay open while the service is restarted, so that nobody who connects meanwhile is refused: the protocol is
//! systemd's `sd_listen_fds`, by which any supervisor may hand over a port or a name in the file system.

use super::sockets::{BindError, Listeners, Socket};
use crate::config::address::Listen;
use listenfd::ListenFd;
use std::{io, path::Path};
use tokio::net::{TcpListener, UnixListener};

impl Listeners {
    /// The sockets that were handed over, in their order; `None` where nobody did.
    pub(crate) fn inherited() -> Result<Option<Self>, BindError> {
        let mut handed_over = ListenFd::from_env();
        let sockets: io::Result<Vec<Socket>> = (0..handed_over.len())
            .map(|index| socket(&mut handed_over, index))
            .collect();
        let sockets = sockets.map_err(BindError::HandedOver)?;
        let Some(first) = sockets.first() else {
            return Ok(None);
        };
        let address = address(first).map_err(BindError::HandedOver)?;
        // A name in the file system belongs to whoever made it.
        Ok(Some(Self {
            sockets,
            address,
            _name: None,
        }))
    }
}

/// A port, or else a name in the file system; an error says which of both it is not.
fn socket(handed_over: &mut ListenFd, index: usize) -> io::Result<Socket> {
    if let Ok(Some(listener)) = handed_over.take_tcp_listener(index) {
        listener.set_nonblocking(true)?;
        return TcpListener::from_std(listener).map(Socket::Tcp);
    }
    let gone = || io::Error::other(format!("socket {index} is taken"));
    let listener = handed_over.take_unix_listener(index)?.ok_or_else(gone)?;
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener).map(Socket::Unix)
}

fn address(socket: &Socket) -> io::Result<Listen> {
    Ok(match socket {
        Socket::Tcp(listener) => {
            let address = listener.local_addr()?;
            Listen::Tcp {
                host: address.ip().to_string(),
                port: address.port(),
            }
        }
        Socket::Unix(listener) => {
            let address = listener.local_addr()?;
            Listen::Unix(
                address
                    .as_pathname()
                    .unwrap_or_else(|| Path::new("(no name)"))
                    .into(),
            )
        }
    })
}
