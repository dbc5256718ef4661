//! The GOPROXY wire, both ends.
#![doc = include_str!("../README.md")]

pub mod body;
pub mod request;
pub mod response;
pub mod service;
pub mod status;
pub mod upstream;
pub mod via;

mod conditions;
mod meters;

pub use body::Body;
pub use request::{BadRequest, Request, RequestKind};
pub use service::{Answered, DownloadService, Redirects};
pub use status::Failure;
pub use upstream::ProxyUpstream;
