//! A loopback port that stays ours, so that a server can go away and come back on it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use tokio::net::TcpSocket;

/// A reserved port of `127.0.0.1`.
///
/// It is bound but not listened on: connecting is refused, the kernel gives it to nobody else, and whoever binds
/// it by number with `SO_REUSEADDR` (as tokio, Go and std do) may listen on it, time and again.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    _reservation: TcpSocket,
}

impl Port {
    /// Reserves a free port.
    pub fn reserve() -> Self {
        let socket = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let address = socket.local_addr().expect("a bound socket has an address");
        Self {
            address,
            _reservation: socket,
        }
    }

    /// The address to listen on or to connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port's number.
    pub fn number(&self) -> u16 {
        self.address.port()
    }

    /// Starts listening.
    pub(crate) fn listen(&self) -> tokio::net::TcpListener {
        bound(self.address)
            .listen(1024)
            .expect("a reserved port can be listened on")
    }
}

/// A socket bound to this address, not listening.
fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket can be made");
    socket.set_reuseaddr(true).expect("SO_REUSEADDR can be set");
    socket.bind(address).expect("a loopback port can be bound");
    socket
}

/// A listening socket that never accepts: connecting to it succeeds, and nothing ever comes.
#[derive(Debug)]
pub struct Silence(TcpListener);

impl Silence {
    /// Listens on a free port.
    pub fn start() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port can be bound"))
    }

    /// Its address as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!(
            "http://{}",
            self.0.local_addr().expect("a bound socket has an address")
        )
    }
}
