//! The store: where module files are kept for ever.
//!
//! Nothing that was inserted is ever changed or removed, and there is no method that could do it: the three verbs
//! of [`ModuleStore`] are open, list and insert. A backend keeps the promises written at the trait in whatever way
//! is native to it (a hard link, a conditional put, a row that is inserted once), and proves it by running the
//! conformance suite. Comfort for callers is in [`ModuleStoreExt`], which no backend implements. What only some backends
//! can do is a small trait of its own beside it: [`Catalog`], [`Feed`], [`SignedLinks`], [`Quarantine`].

pub mod cached;
mod catalog;
#[cfg(feature = "conformance")]
pub mod conformance;
mod content;
mod error;
mod feed;
mod links;
pub mod memory;
mod quarantine;

pub use cached::{CacheLimits, CachedStore};
pub use catalog::Catalog;
pub use content::{Content, ContentBytes, Part, Validator};
pub use error::StoreError;
pub use feed::{Feed, FeedEntry, RecordFeed};
pub use links::SignedLinks;
pub use memory::MemoryStore;
pub use quarantine::{Corrupt, Quarantine};

use crate::{
    file::ModuleFile,
    module::{ModulePath, Version},
    verify::Verified,
};
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt::Debug;

/// Keeps module files for ever and unchanged.
///
/// # What a store promises
///
/// - **Whole or absent.** A file is readable from its first byte to its last, or `open` says `None`. No reader sees
///   anything in between: not during an insert, not after a crash, not after a full disk.
/// - **Once.** Of any number of inserts under one name, from any number of processes, one finds the name free and
///   answers [`Inserted::New`]. Every later one compares its bytes with those kept, and answers
///   [`Inserted::Same`] or [`Inserted::Other`]. That other bytes are kept is an answer, not an error: two nodes that
///   race see it every day, and the caller goes on with what is kept.
/// - **For ever.** From then on every `open` gives exactly these bytes, in this handle and every other one, after a
///   restart and after a crash: an insert that answered is durable.
/// - **Abandonable.** An insert whose future is dropped halfway, or that failed, leaves the name free or the file
///   whole. The same insert may be tried again at any time.
/// - **Apart.** A name is kept as it is: paths and versions that differ in the case of a letter are different, and
///   `versions` knows those of exactly the path asked for, not of `…/v2` or of a neighbour that starts alike.
/// - **In bounded memory.** A zip may have hundreds of megabytes; inserting or streaming one takes a fixed, small
///   amount of memory. (A store that keeps everything in memory is excused.)
///
/// # What it may assume
///
/// - What is inserted was checked: a [`Verified`] can only come from the verifier. A store never judges bytes, but it
///   may refuse a zip whose sum contradicts one kept beside it ([`StoreError::SumDisagrees`]).
/// - A [`ModuleFile`] is a valid name and its [`tree_path`](ModuleFile::tree_path) is safe as a relative path and as
///   an object key: no `..`, no backslash, nothing that differs only in case.
/// - The bytes of a body cannot change any more, and the name of a spool file may be linked.
/// - No file is empty: neither an `.info`, a `.mod` nor a `.zip` of no bytes passes its checks.
/// - Callers insert the `.info` and the `.mod` before the `.zip`. A store need not look.
///
/// # Wrapping a store
///
/// A wrapper (a cache, a meter, a limit) forwards every method and carries
/// `#[deny(clippy::missing_trait_methods)]`, so that a method added here cannot be forgotten there. It keeps all the
/// promises of what it wraps and runs the same suite. It never answers from what it was offered, only from what the
/// store below says it keeps: when an insert ends in `Other`, the bytes offered are not the bytes kept. And it never
/// remembers absence, since another process may insert the file a moment later.
///
/// # Writing a store
///
/// 1. Keep a file under its [`tree_path`](ModuleFile::tree_path), so that the store can be read without us.
/// 2. Stage, make durable, then make visible by one step that fails if the name is taken. If it is taken, read what
///    is there and compare. Never look first and write then.
/// 3. Fold what can go wrong into a [`StoreError`] in one place; its variants say what the caller does next.
/// 4. Return the fastest form of bytes you have ([`ContentBytes`]); [`Content::into_stream`] reads each of them.
/// 5. Turn on the feature `conformance` and run the promises, each of them a named test, through
///    `proxy_core::module_store_conformance!`. [`MemoryStore`] is the reference: the contract in a page of code.
#[async_trait]
pub trait ModuleStore: Debug + Send + Sync + 'static {
    /// Opens one file, or `None` if it was never inserted.
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError>;
    /// The versions whose `.info` was inserted, in no order; those of exactly this path.
    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError>;
    /// Inserts one verified file: readable whole, once, or not at all.
    async fn insert(&self, file: Verified) -> Result<Inserted, StoreError>;
}

/// What an insert found.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// The file was not there and now is.
    New,
    /// The same bytes were there.
    Same,
    /// Other bytes stand, and go on standing.
    Other,
}

/// Comfort for those who use a store; every store has it and none implements it.
pub trait ModuleStoreExt: ModuleStore {
    /// Whether the file is kept.
    fn contains(&self, file: &ModuleFile) -> impl Future<Output = Result<bool, StoreError>> + Send {
        async move { Ok(self.open(file, Part::Nothing).await?.is_some()) }
    }

    /// Reads a whole file into memory, or `None`: for `.info` and `.mod`, or a zip known to be small.
    ///
    /// Memory is bounded by the largest size a file of its kind may have; a kept file that is larger is damaged.
    fn read(&self, file: &ModuleFile) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send {
        async move {
            let Some(content) = self.open(file, Part::Whole).await? else {
                return Ok(None);
            };
            if content.size > file.kind.facts().max_size {
                let reason = format!(
                    "it has {} bytes, more than any .{} may have",
                    content.size, file.kind
                );
                return Err(StoreError::Corrupt {
                    file: file.clone(),
                    reason,
                });
            }
            content.into_bytes().await.map(Some)
        }
    }
}

impl<S: ModuleStore + ?Sized> ModuleStoreExt for S {}
