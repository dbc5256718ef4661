#![doc = include_str!("../README.md")]

mod answer;
mod client;
mod credentials;
mod destination;
mod error;
mod exchange;
mod guard;
mod gzip;
mod meters;
mod names;
mod netrc;
mod proxies;
mod redirect;
mod request;
mod response;
mod resume;
mod retry;
mod settings;
mod transport;
mod via;

pub use client::Client;
pub use credentials::Credentials;
pub use destination::{Destination, InvalidDestination, Trust};
pub use error::Error;
pub use guard::{Reach, Scope};
pub use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
pub use names::{Names, SystemNames};
pub use netrc::{Netrc, NetrcFile};
pub use proxies::ForwardProxies;
pub use request::Request;
pub use response::Response;
pub use settings::{Settings, SettingsError, Timeouts};
pub use url::Url;
