//! The client on real sockets.

#![expect(
    clippy::unwrap_used,
    reason = "a test panics where something is not as it should be"
)]

mod bodies;
mod credentials;
mod forward_proxy;
mod guard;
mod http2;
mod names;
mod origin;
mod redirects;
mod resume;
mod retries;
mod tls;

use http_client::{Client, Destination, Request, Settings, Timeouts, Trust};
use std::time::Duration;

/// A client with nothing special.
fn client() -> Client {
    Client::new(&Settings::default()).unwrap()
}

/// A client that loses patience soon.
fn impatient() -> Client {
    let limit = Duration::from_millis(300);
    let timeouts = Timeouts {
        connect: Duration::from_secs(5),
        head: limit,
        idle: limit,
    };
    Client::new(&Settings {
        timeouts,
        ..Settings::default()
    })
    .unwrap()
}

fn configured(url: &str) -> Destination {
    Destination::configured(url).unwrap()
}

fn learned(url: &str, trust: Trust) -> Request {
    Request::get(Destination::learned(url, trust).unwrap())
}
