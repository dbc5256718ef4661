//! The promises of a store, each a named test that a backend or a wrapper runs against itself.
//!
//! A store that looks right can break every one of these: it answers when asked once, and is wrong when two ask
//! together, when an insert is cut off, or when it is opened again. So the suite asks what races fifty times, drops
//! inserts halfway, and works on a [`Place`] that it can open twice. Each promise has a limit of time, since a store
//! that hangs is wrong too.
//!
//! ```
//! # use proxy_core::store::{MemoryStore, ModuleStore, conformance::Place};
//! # use std::sync::Arc;
//! # fn main() {} // so that the items below are those of a module
//! #[derive(Default)]
//! struct InMemory(MemoryStore);
//!
//! #[async_trait::async_trait]
//! impl Place for InMemory {
//!     async fn open(&self) -> Arc<dyn ModuleStore> {
//!         Arc::new(self.0.clone()) // the same files, however often it is opened
//!     }
//!     fn is_memory(&self) -> bool {
//!         true
//!     }
//! }
//!
//! mod conformance {
//!     # use super::InMemory;
//!     // one `#[test]` a promise, such as `conformance::racing_inserts_have_one_winner`
//!     proxy_core::module_store_conformance!(async || Ok(InMemory::default()));
//! }
//! ```

#![expect(
    clippy::unwrap_used,
    reason = "the suite is test code: a promise panics where it is not kept"
)]

mod catalog;
mod feeds;
mod inserting;
mod large;
mod lasting;
mod naming;
mod quarantine;
mod racing;
mod reading;
mod records;
mod run;
mod samples;

pub use feeds::{FeedHandle, FeedPlace};
pub(crate) use run::{broken, prove};
pub use run::{broken_by, prove_catalog, prove_feed, prove_quarantine, prove_records, prove_store};
pub use samples::Samples;

use super::{Catalog, ModuleStore, Quarantine};
use crate::records::RecordStore;
use async_trait::async_trait;
use futures::future::BoxFuture;
use std::{sync::Arc, time::Duration};

/// Somewhere a store keeps its files, fresh for every promise, and open to more than one handle.
#[async_trait]
pub trait Place: Send + Sync + 'static {
    /// Opens the store that is here: a handle of its own, such as another process would have.
    async fn open(&self) -> Arc<dyn ModuleStore>;
    /// Whether the store keeps everything in memory, and so is excused from streaming in little of it.
    fn is_memory(&self) -> bool {
        false
    }
}

/// Somewhere records are kept, fresh for every promise, and open to more than one handle.
#[async_trait]
pub trait RecordPlace: Send + Sync + 'static {
    /// Opens the records that are here: a handle of its own, such as another process would have.
    async fn open(&self) -> Arc<dyn RecordStore>;
}

/// Somewhere a store that lists its files keeps them, fresh for every promise, and open to more than one handle.
#[async_trait]
pub trait CatalogPlace: Send + Sync + 'static {
    /// Opens the store that is here, and what lists it.
    async fn open(&self) -> (Arc<dyn ModuleStore>, Arc<dyn Catalog>);
}

/// Somewhere a store that sets damaged files aside keeps them, fresh for every promise, and open to more than one
/// handle.
#[async_trait]
pub trait QuarantinePlace: Send + Sync + 'static {
    /// Opens the store that is here, and what takes files out of it.
    async fn open(&self) -> (Arc<dyn ModuleStore>, Arc<dyn Quarantine>);
}

/// One promise: it panics where the place does not keep it.
#[derive(Clone, Copy, Debug)]
pub struct Promise<P: ?Sized + 'static> {
    /// What is promised; also the test's name.
    pub name: &'static str,
    /// How long it may take: far longer than a right store needs, so that only a hang meets it.
    pub limit: Duration,
    /// Asks.
    pub ask: for<'a> fn(&'a P) -> BoxFuture<'a, ()>,
}

/// How often a promise about timing is asked. Asked once, half of the wrong stores get away with it.
const ROUNDS: u32 = 50;

/// How many races are run at a time: they are about different names, and some servers let who loses wait for seconds.
const RACES: usize = 5;

/// How long a promise may take: only a store that hangs meets it. Fifty rounds of eight writers for one name take two
/// minutes on a server that makes each of them wait its turn.
const LIMIT: Duration = Duration::from_secs(300);

/// Passes the promises of a module store, one by one, to another macro; the one list of them.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_module_store_promise {
    ([$($to:tt)*] $($arguments:tt)*) => {
        $($to)*! {
            [$($arguments)*]
            reading::a_file_never_inserted_is_none
            reading::an_inserted_file_reads_back
            reading::every_part_is_the_part_asked_for
            reading::files_of_every_size_read_back
            reading::a_file_has_one_validator
            inserting::inserting_the_same_bytes_again_is_same
            inserting::inserting_other_bytes_is_other_and_changes_nothing
            inserting::a_file_is_kept_on_its_own
            inserting::an_abandoned_insert_leaves_the_file_whole_or_free
            racing::racing_inserts_have_one_winner
            racing::racing_inserts_of_the_same_bytes_are_new_once
            racing::readers_see_all_of_a_file_or_none
            naming::paths_that_differ_in_case_stay_apart
            naming::versions_are_those_of_the_exact_path
            naming::every_legal_name_is_kept_as_it_is
            lasting::a_reopened_store_has_everything
            lasting::what_one_handle_inserts_the_other_opens
            large::a_large_zip_streams_in_bounded_memory
        }
    };
}

/// Passes the promises of a record store, one by one, to another macro; the one list of them.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_record_store_promise {
    ([$($to:tt)*] $($arguments:tt)*) => {
        $($to)*! {
            [$($arguments)*]
            records::a_record_never_written_is_none
            records::a_written_record_reads_back
            records::a_write_replaces_only_the_state_it_expects
            records::a_removed_record_is_none
            records::keys_stay_apart
            records::racing_writes_have_one_winner
            records::no_count_is_lost
            records::readers_see_whole_records
            records::an_abandoned_write_happened_or_did_not
            records::reopened_records_are_all_there
        }
    };
}

/// Passes the promises of a catalog, one by one, to another macro; the one list of them.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_catalog_promise {
    ([$($to:tt)*] $($arguments:tt)*) => {
        $($to)*! {
            [$($arguments)*]
            catalog::an_empty_store_has_an_empty_page
            catalog::every_file_is_listed_once_in_order
            catalog::names_sort_by_their_bytes
            catalog::pages_go_on_from_any_name
            catalog::what_is_inserted_meanwhile_disturbs_nothing
        }
    };
}

/// Passes the promises of a feed, one by one, to another macro; the one list of them.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_feed_promise {
    ([$($to:tt)*] $($arguments:tt)*) => {
        $($to)*! {
            [$($arguments)*]
            feeds::an_empty_feed_is_empty
            feeds::racing_inserts_have_one_strict_order
            feeds::nothing_appears_behind_what_was_read
            feeds::each_version_comes_once
            feeds::only_an_info_makes_an_entry
            feeds::a_moment_is_a_cursor
            feeds::a_reopened_feed_is_the_same
            feeds::what_was_missed_comes_late_and_once
        }
    };
}

/// Passes the promises of a quarantine, one by one, to another macro; the one list of them.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_quarantine_promise {
    ([$($to:tt)*] $($arguments:tt)*) => {
        $($to)*! {
            [$($arguments)*]
            quarantine::a_file_set_aside_is_a_miss
            quarantine::a_file_set_aside_can_be_inserted_anew
            quarantine::other_bytes_than_those_found_stay
            quarantine::what_is_not_there_is_no_matter
            quarantine::a_file_can_be_set_aside_again_and_again
            quarantine::racing_nodes_take_nothing_that_was_healed
            quarantine::an_abandoned_setting_aside_happened_or_did_not
        }
    };
}

macro_rules! list {
    ([] $($group:ident::$name:ident)*) => {
        &[$(Promise { name: stringify!($name), limit: LIMIT, ask: |place| Box::pin($group::$name(place)) }),*]
    };
}

/// What every module store promises.
pub const MODULE_STORE: &[Promise<dyn Place>] = for_each_module_store_promise!([list]);

/// What every record store promises.
pub const RECORD_STORE: &[Promise<dyn RecordPlace>] = for_each_record_store_promise!([list]);

/// What every catalog promises.
pub const CATALOG: &[Promise<dyn CatalogPlace>] = for_each_catalog_promise!([list]);

/// What every feed promises.
pub const FEED: &[Promise<dyn FeedPlace>] = for_each_feed_promise!([list]);

/// What every quarantine promises.
pub const QUARANTINE: &[Promise<dyn QuarantinePlace>] = for_each_quarantine_promise!([list]);

/// Writes one `#[test]` for each promise of a module store. The argument makes a fresh [`Place`] in an async closure:
/// `async || Ok(place)`, or `Err(why)` where what the store needs is not here and the tests are skipped.
#[macro_export]
macro_rules! module_store_conformance {
    ($fresh:expr) => {
        $crate::for_each_module_store_promise! { [$crate::conformance_tests] prove_store, $fresh }
    };
}

/// Writes one `#[test]` for each promise of a record store. The argument makes a fresh [`RecordPlace`] in an async
/// closure: `async || Ok(place)`, or `Err(why)` where what the store needs is not here and the tests are skipped.
#[macro_export]
macro_rules! record_store_conformance {
    ($fresh:expr) => {
        $crate::for_each_record_store_promise! { [$crate::conformance_tests] prove_records, $fresh }
    };
}

/// Writes one `#[test]` for each promise of a catalog. The argument makes a fresh [`CatalogPlace`] in an async closure:
/// `async || Ok(place)`, or `Err(why)` where what the store needs is not here and the tests are skipped.
#[macro_export]
macro_rules! catalog_conformance {
    ($fresh:expr) => {
        $crate::for_each_catalog_promise! { [$crate::conformance_tests] prove_catalog, $fresh }
    };
}

/// Writes one `#[test]` for each promise of a feed. The argument makes a fresh [`FeedPlace`] in an async closure:
/// `async || Ok(place)`, or `Err(why)` where what the store needs is not here and the tests are skipped.
#[macro_export]
macro_rules! feed_conformance {
    ($fresh:expr) => {
        $crate::for_each_feed_promise! { [$crate::conformance_tests] prove_feed, $fresh }
    };
}

/// Writes one `#[test]` for each promise of a quarantine. The argument makes a fresh [`QuarantinePlace`] in an async
/// closure: `async || Ok(place)`, or `Err(why)` where what the store needs is not here and the tests are skipped.
#[macro_export]
macro_rules! quarantine_conformance {
    ($fresh:expr) => {
        $crate::for_each_quarantine_promise! { [$crate::conformance_tests] prove_quarantine, $fresh }
    };
}

/// Writes the tests themselves.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ([$prove:ident, $fresh:expr] $($group:ident::$name:ident)*) => {
        $(
            #[test]
            fn $name() {
                $crate::store::conformance::$prove(stringify!($name), $fresh);
            }
        )*
    };
}
