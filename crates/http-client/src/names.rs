//! Names to addresses.

use async_trait::async_trait;
use std::{fmt::Debug, io, net::IpAddr};

/// Looks names up. Every connection this crate makes directly goes through here.
#[async_trait]
pub trait Names: Debug + Send + Sync + 'static {
    /// The addresses of a host, in the order they should be tried.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The names that this machine's own resolver knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0))
            .await?
            .map(|address| address.ip())
            .collect())
    }
}
