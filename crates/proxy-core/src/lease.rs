//! Leases: the right to fetch one version now. They save work; the store's insert-once is what is right.

mod local;

pub use local::LocalLeases;

use crate::module::ModuleVersion;
use async_trait::async_trait;
use std::{any::Any, fmt, fmt::Debug};

/// Hands out the right to fetch.
///
/// At most one holder of a version at a time, as far as the service can tell; whoever waits gets its turn when the
/// holder is done or gone, and never an error because somebody else holds the lease.
#[async_trait]
pub trait Leases: Debug + Send + Sync + 'static {
    /// Waits for the right to fetch this version; grants it where the lease service is away.
    async fn acquire(&self, module: &ModuleVersion) -> Lease;
}

/// The right to fetch one version; given back when dropped.
#[must_use]
pub struct Lease(Option<Box<dyn Any + Send>>);

impl Lease {
    /// A lease that gives `held` back by dropping it.
    pub fn holding(held: impl Any + Send) -> Self {
        Self(Some(Box::new(held)))
    }

    /// A lease nobody keeps: for where the lease service is away.
    pub fn free() -> Self {
        Self(None)
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.0.is_some()).finish()
    }
}
