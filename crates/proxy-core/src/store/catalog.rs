//! The catalog: everything a store keeps, page by page.
//!
//! Walking a store is how it is checked, copied and shown. The order is that of the names themselves, because it is
//! the one order every backend has: a bucket lists its keys in it, a database sorts by it, a disk can be walked in it.

use super::StoreError;
use crate::file::ModuleFile;
use async_trait::async_trait;
use std::fmt::Debug;

/// Lists the module files of a store.
///
/// # What a catalog promises
///
/// - **Order.** Files come in the order of the bytes of their [`tree_path`](ModuleFile::tree_path), each strictly
///   behind the one before. (That is not the order of [`ModuleFile`], and files of one version need not be
///   neighbours: `v1.0.0-a.j.info` lies between `v1.0.0-a.info` and `v1.0.0-a.mod`.)
/// - **Once.** Pages that each start `after` the last file of the one before give every file that was kept when the
///   first page was asked for exactly once, whatever is inserted meanwhile. A file inserted meanwhile comes once if
///   its name lies ahead, and not at all if it lies behind.
/// - **Ended by an empty page.** A page may be shorter than its limit before the end; only an empty one is the end.
/// - **In bounded memory.** A page costs memory for its files, not for the store's. (An order that a backend cannot
///   list from the middle may cost it time, which its README then says.)
#[async_trait]
pub trait Catalog: Debug + Send + Sync + 'static {
    /// At most `limit` files (at least one unless none is left) whose names lie behind `after`.
    async fn files(&self, after: Option<&ModuleFile>, limit: usize) -> Result<Vec<ModuleFile>, StoreError>;
}
