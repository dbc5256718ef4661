//! The promises of leases, each a named test that a lease service runs against itself.
//!
//! Leases that look right are wrong where it hurts: when the holder dies, when it stalls and comes back, when the
//! service goes away. So holders here live in runtimes of their own, which are shut down or stopped as a process would
//! be by `kill -9` or `SIGSTOP`.
//!
//! ```
//! # use proxy_core::lease::{Leases, RecordLeases, conformance::LeasePlace};
//! # use proxy_core::store::MemoryStore;
//! # use std::{sync::Arc, time::Duration};
//! # fn main() {} // so that the items below are those of a module
//! #[derive(Default)]
//! struct InMemory(MemoryStore);
//!
//! #[async_trait::async_trait]
//! impl LeasePlace for InMemory {
//!     async fn open(&self, dead_after: Duration) -> Arc<dyn Leases> {
//!         Arc::new(RecordLeases::taken_over_after(Arc::new(self.0.clone()), dead_after))
//!     }
//! }
//!
//! mod conformance {
//!     # use super::InMemory;
//!     // one `#[test]` a promise, such as `conformance::a_version_has_one_holder_at_a_time`
//!     proxy_core::lease_conformance!(async || Ok(InMemory::default()));
//! }
//! ```

#![expect(
    clippy::unwrap_used,
    reason = "the suite is test code: a promise panics where it is not kept"
)]

mod dying;
mod nodes;
mod waiting;

use super::Leases;
use crate::store::conformance::{Promise, broken, prove};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};

/// Somewhere leases are kept, fresh for every promise, and open to more than one node.
#[async_trait]
pub trait LeasePlace: Send + Sync + 'static {
    /// Opens the leases that are here: a handle of its own, such as another node would have. A holder that was not
    /// heard of for `dead_after` is to be taken for dead.
    async fn open(&self, dead_after: Duration) -> Arc<dyn Leases>;
    /// Leases of the same kind whose service is away, where there is a service that could be.
    async fn away(&self) -> Option<Arc<dyn Leases>> {
        None
    }
    /// Whether the leases are those of one process and end with it, so that no holder can die without them.
    fn is_one_process(&self) -> bool {
        false
    }
    /// Whether a holder keeps its lease for as long as it is there, however long nothing is heard of it: so a lock of
    /// a file system, which ends with its process.
    fn bears_silence(&self) -> bool {
        self.is_one_process()
    }
}

/// How long a promise may take.
const LIMIT: Duration = Duration::from_secs(120);

/// A time after which nobody is taken for dead while a promise is asked.
const NEVER: Duration = Duration::from_secs(3600);

/// A time after which a holder is taken for dead, long for a busy machine and short for a test.
const SOON: Duration = Duration::from_secs(6);

/// Passes the promises of leases, one by one, to another macro; the one list of them.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_lease_promise {
    ([$($to:tt)*] $($arguments:tt)*) => {
        $($to)*! {
            [$($arguments)*]
            waiting::a_version_has_one_holder_at_a_time
            waiting::everybody_who_waits_gets_a_turn
            waiting::a_lease_is_given_back_when_it_is_dropped
            waiting::versions_do_not_wait_for_each_other
            waiting::versions_that_look_alike_do_not_wait_for_each_other
            waiting::who_stops_waiting_leaves_nothing_behind
            waiting::where_the_service_is_away_leases_are_free
            dying::a_lease_is_kept_for_as_long_as_its_holder_lives
            dying::a_dead_holder_is_taken_over
            dying::a_dead_waiter_holds_nothing
            dying::a_holder_that_comes_back_too_late_frees_nobody_elses_lease
        }
    };
}

macro_rules! list {
    ([] $($group:ident::$name:ident)*) => {
        &[$(Promise { name: stringify!($name), limit: LIMIT, ask: |place| Box::pin($group::$name(place)) }),*]
    };
}

/// What all leases promise.
pub const LEASES: &[Promise<dyn LeasePlace>] = for_each_lease_promise!([list]);

/// Asks the promise of this name of fresh leases, and panics where it is not kept.
pub fn prove_leases<P: LeasePlace>(name: &str, fresh: impl AsyncFnOnce() -> Result<P, String>) {
    prove(LEASES, name, async || {
        Ok(Arc::new(fresh().await?) as Arc<dyn LeasePlace>)
    });
}

/// Asks all promises that `chosen` picks of leases, each of fresh ones, and names those they break: how the suite itself
/// is tested.
pub fn leases_broken_by<P: LeasePlace>(
    fresh: impl AsyncFn() -> P,
    chosen: impl Fn(&str) -> bool,
) -> Vec<&'static str> {
    broken(
        LEASES,
        async || Arc::new(fresh().await) as Arc<dyn LeasePlace>,
        chosen,
    )
}

/// Writes one `#[test]` for each promise of leases. The argument makes a fresh [`LeasePlace`] in an async closure:
/// `async || Ok(place)`, or `Err(why)` where what the leases need is not here and the tests are skipped.
#[macro_export]
macro_rules! lease_conformance {
    ($fresh:expr) => {
        $crate::for_each_lease_promise! { [$crate::lease_conformance_tests] $fresh }
    };
}

/// Writes the tests themselves.
#[doc(hidden)]
#[macro_export]
macro_rules! lease_conformance_tests {
    ([$fresh:expr] $($group:ident::$name:ident)*) => {
        $(
            #[test]
            fn $name() {
                $crate::lease::conformance::prove_leases(stringify!($name), $fresh);
            }
        )*
    };
}
