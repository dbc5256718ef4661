//! Sockets: a port, or a name in the file system.

use crate::config::address::Listen;
use std::{
    fmt, fs, io,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Why nobody can be listened to: one sentence that names the setting.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    /// Somebody else listens there.
    #[error("listen: {0} is in use by another process")]
    InUse(Listen),
    /// The address cannot be listened on.
    #[error("listen: {0} cannot be listened on: {1}")]
    Refused(Listen, io::Error),
    /// What the service manager opened for us is nothing to listen on.
    #[error("what the service manager handed over cannot be listened on: {0}")]
    HandedOver(io::Error),
}

/// Everything that is listened on.
pub(crate) struct Listeners {
    /// The sockets.
    pub(crate) sockets: Vec<Socket>,
    /// The first one's address, with the port that the system chose.
    pub(crate) address: Listen,
    /// The socket's name, removed when this is dropped.
    pub(crate) _name: Option<SocketName>,
}

/// One socket that accepts.
pub(crate) enum Socket {
    /// A port.
    Tcp(TcpListener),
    /// A name in the file system.
    Unix(UnixListener),
}

/// One accepted connection.
pub(crate) enum Stream {
    /// Through a port.
    Tcp(TcpStream),
    /// Through a name in the file system.
    Unix(UnixStream),
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// This address.
    Address(SocketAddr),
    /// Somebody on this machine.
    Local,
}

/// The name of a socket that is ours.
pub(crate) struct SocketName {
    path: PathBuf,
    inode: u64,
}

impl Listeners {
    /// Listens on every address that the setting means.
    pub(crate) async fn bind(listen: &Listen) -> Result<Self, BindError> {
        let refused = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse(listen.clone()),
            _ => BindError::Refused(listen.clone(), error),
        };
        match listen {
            Listen::Tcp { host, port } => {
                let listeners = bind_ports(host, *port).await.map_err(refused)?;
                let bound = listeners.first().map_or(Ok(*port), |first| {
                    first.local_addr().map(|address| address.port())
                });
                let address = Listen::Tcp {
                    host: host.clone(),
                    port: bound.map_err(refused)?,
                };
                Ok(Self {
                    sockets: listeners.into_iter().map(Socket::Tcp).collect(),
                    address,
                    _name: None,
                })
            }
            Listen::Unix(path) => {
                let (listener, name) = bind_name(path).await.map_err(refused)?;
                Ok(Self {
                    sockets: vec![Socket::Unix(listener)],
                    address: listen.clone(),
                    _name: Some(name),
                })
            }
        }
    }
}

impl Socket {
    /// Waits for a client.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Answers are written whole; waiting for more to send would only delay them.
                stream.set_nodelay(true)?;
                Ok((Stream::Tcp(stream), Peer::Address(address)))
            }
            Self::Unix(listener) => Ok((Stream::Unix(listener.accept().await?.0), Peer::Local)),
        }
    }
}

/// A name such as `localhost` may have several addresses. The system chooses a port once, for the first of them.
async fn bind_ports(host: &str, port: u16) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for mut address in tokio::net::lookup_host((host, port)).await? {
        if let (0, Some(first)) = (port, listeners.first()) {
            let first: &TcpListener = first;
            address.set_port(first.local_addr()?.port());
        }
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            // A machine without IPv6 still has a name for its address.
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable && !listeners.is_empty() => {}
            Err(error) => return Err(error),
        }
    }
    if listeners.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::AddrNotAvailable,
            "the name has no address",
        ));
    }
    Ok(listeners)
}

/// A socket that a killed process left behind is replaced; one that somebody answers is not, and neither is a file.
async fn bind_name(path: &Path) -> io::Result<(UnixListener, SocketName)> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket()) {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
        }
    }
    let listener = UnixListener::bind(path)?;
    // Whoever may reach a port of this machine may reach the socket; its folder can say otherwise.
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    let inode = fs::symlink_metadata(path)?.ino();
    Ok((
        listener,
        SocketName {
            path: path.to_owned(),
            inode,
        },
    ))
}

impl Drop for SocketName {
    fn drop(&mut self) {
        // It may be somebody else's by now, or gone; then there is nothing to do, and nobody left to tell.
        if fs::symlink_metadata(&self.path).is_ok_and(|metadata| metadata.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Local => f.write_str("unix"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::address::listen;

    #[tokio::test]
    async fn the_system_chooses_one_port_for_all_addresses_of_a_name() {
        let listeners = Listeners::bind(&listen("localhost:0").expect("an address"))
            .await
            .expect("a port");
        let Listen::Tcp { port, .. } = listeners.address else {
            panic!("a port was asked for")
        };
        for socket in &listeners.sockets {
            let Socket::Tcp(listener) = socket else {
                panic!("a port was asked for")
            };
            assert_eq!(listener.local_addr().expect("an address").port(), port);
        }
        let again = Listeners::bind(&Listen::Tcp {
            host: "localhost".into(),
            port,
        })
        .await;
        assert!(matches!(again, Err(BindError::InUse(_))));
    }

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("stoa.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket")); // leaves its name behind
        let name = Listen::Unix(path.clone());
        let first = Listeners::bind(&name).await.expect("the name is free");
        assert!(matches!(Listeners::bind(&name).await, Err(BindError::InUse(_))));
        drop(first);
        assert!(!path.exists(), "the name is gone with the listener");
        fs::write(&path, "somebody's file").expect("a file");
        assert!(Listeners::bind(&name).await.is_err());
        assert_eq!(fs::read_to_string(&path).expect("the file"), "somebody's file");
    }
}
