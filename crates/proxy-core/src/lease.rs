//! Leases: the right to fetch one version now. They save work; the store's insert-once is what is right.
//!
//! [`LocalLeases`] are those of one process. Nodes that share a store share leases too: [`RecordLeases`] keeps them in
//! the store's own records, and any other service becomes leases by being a [`LeaseTable`], asked one question at a
//! time; [`SharedLeases`] does the waiting, the renewing and the giving back.

#[cfg(feature = "conformance")]
pub mod conformance;
mod local;
mod meters;
mod pauses;
mod records;
mod shared;

pub use local::LocalLeases;
pub use records::RecordLeases;
pub use shared::{Claimed, LeaseError, LeaseTable, Renewed, SharedLeases};

pub(crate) use pauses::Pauses;

use crate::module::ModuleVersion;
use async_trait::async_trait;
use std::{any::Any, fmt, fmt::Debug, time::Duration};

/// A holder that was not heard of for so long is taken for dead, unless leases are told otherwise.
///
/// Whoever waits asks every two seconds or so, and must first have seen the last sign of life; that makes 17 s from a
/// node's death to the next fetch in the worst case, and a holder may miss two of its signs of life in a row.
pub const DEAD_AFTER: Duration = Duration::from_secs(12);

/// Hands out the right to fetch.
///
/// At most one holder of a version at a time, as far as the service can tell; whoever waits gets its turn when the
/// holder is done or gone, and never an error because somebody else holds the lease. Whoever stops waiting (drops the
/// future) leaves nothing behind: so the mirror waits for the lease and looks in the store meanwhile.
#[async_trait]
pub trait Leases: Debug + Send + Sync + 'static {
    /// Waits for the right to fetch this version; grants it where the lease service is away.
    async fn acquire(&self, module: &ModuleVersion) -> Lease;
}

/// The right to fetch one version; given back when dropped.
#[must_use]
pub struct Lease {
    held: Option<Box<dyn Any + Send>>,
    after_death: bool,
}

impl Lease {
    /// A lease that gives `held` back by dropping it.
    pub fn holding(held: impl Any + Send) -> Self {
        Self {
            held: Some(Box::new(held)),
            after_death: false,
        }
    }

    /// A lease nobody keeps: for where the lease service is away.
    pub fn free() -> Self {
        Self {
            held: None,
            after_death: false,
        }
    }

    /// The same, taken over from a holder that died in the middle of its work.
    pub fn taken_over(self) -> Self {
        Self {
            after_death: true,
            ..self
        }
    }

    /// Whether the holder before died in the middle of its work, rather than end it without success.
    pub fn is_taken_over(&self) -> bool {
        self.after_death
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("held", &self.held.is_some())
            .field("after_death", &self.after_death)
            .finish()
    }
}
