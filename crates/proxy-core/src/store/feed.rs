//! The feed: module versions in the order in which they were first kept.
//!
//! Whoever mirrors or indexes this store follows it, so its order must hold still: what was once read up to a moment
//! never changes before that moment. A backend that orders its inserts itself implements [`Feed`]; for every other one
//! [`RecordFeed`] keeps the order in records.

mod in_records;
mod page;

pub use in_records::RecordFeed;

use super::StoreError;
use crate::module::ModuleVersion;
use async_trait::async_trait;
use jiff::Timestamp;
use std::fmt::Debug;

/// Lists versions in the order in which their `.info` was first kept.
///
/// # What a feed promises
///
/// - **A strict order.** Moments grow strictly from entry to entry (by a microsecond where inserts fall together), so a
///   moment is a cursor: a reader who asks again from the last moment it has seen gets that entry and what came after.
/// - **Nothing behind.** Once an entry was read, no entry with an earlier moment appears any more, whichever node
///   inserts it and whatever its clock says.
/// - **Each version once**, and in the end every version whose `.info` was inserted, also when the process died in
///   between.
#[async_trait]
pub trait Feed: Debug + Send + Sync + 'static {
    /// At most `limit` entries, in order, beginning with the first whose moment is not before `since`.
    async fn since(&self, since: Option<Timestamp>, limit: usize) -> Result<Vec<FeedEntry>, StoreError>;
}

/// A version, and when it was first kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    /// The version.
    pub module: ModuleVersion,
    /// When; no two entries have the same, to the microsecond.
    pub when: Timestamp,
}

#[cfg(test)]
mod tests;
