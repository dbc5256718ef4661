//! The store: where module files are kept for ever.

use crate::{
    file::ModuleFile,
    module::{ModulePath, Version},
    sums::H1,
    upstream::Chunks,
    verify::Verified,
};
use async_trait::async_trait;
use bytes::Bytes;
use std::{fmt::Debug, fs::File, ops::Range, sync::Arc};

/// Keeps module files for ever and unchanged.
#[async_trait]
pub trait ModuleStore: Debug + Send + Sync + 'static {
    /// Opens one file, or `None` if it was never inserted.
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError>;
    /// The versions whose `.info` was inserted, in no order; those of exactly this path.
    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError>;
    /// Inserts one verified file: readable whole, once, or not at all.
    async fn insert(&self, file: Verified) -> Result<Inserted, StoreError>;
}

/// How much of a file to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Size and validator alone (HEAD, look-ups).
    Nothing,
    /// From this byte to the end.
    From(u64),
    /// The last so many bytes.
    Last(u64),
    /// From `first` to `last`, both included.
    Span {
        /// The first byte wanted.
        first: u64,
        /// The last byte wanted; past the end means the end.
        last: u64,
    },
}

/// An opened file.
#[derive(Debug)]
pub struct Content {
    /// The whole file's size, in bytes.
    pub size: u64,
    /// Equal only if the bytes are.
    pub validator: Option<Validator>,
    /// What `bytes` holds; empty if the part lies past the end.
    pub range: Range<u64>,
    /// The bytes of that range.
    pub bytes: ContentBytes,
}

/// An entity tag without its quotes: equal only if the bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Validator(pub Arc<str>);

/// The fastest form the store has; [`Content::into_stream`] reads each.
#[non_exhaustive]
pub enum ContentBytes {
    /// The bytes themselves.
    Memory(Bytes),
    /// An open file, positioned anywhere: the range of the [`Content`] says what to read.
    File(File),
    /// A stream of just the range.
    Stream(Chunks<StoreError>),
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

/// Why a store could not answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Try again later: the store cannot be reached or answered nonsense.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// What failed, as a phrase without paths.
        reason: String,
        /// The cause.
        #[source]
        source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    },
    /// Make room: the store is full.
    #[error("the store is full")]
    Full(#[source] Option<Arc<dyn std::error::Error + Send + Sync>>),
    /// Stop and tell someone: what is kept is damaged.
    #[error("{file} is damaged in the store: {reason}")]
    Corrupt {
        /// The file.
        file: ModuleFile,
        /// How it shows.
        reason: String,
    },
    /// Refuse the file: the sum kept beside it (an adopted `.ziphash`) is another.
    #[error("{file} was refused: its sum is {offered}, but the store keeps {kept}")]
    SumDisagrees {
        /// The file.
        file: ModuleFile,
        /// The sum the store keeps.
        kept: H1,
        /// The sum of the bytes offered.
        offered: H1,
    },
}

impl Part {
    /// The bytes of a file of this size that the part means; empty if it lies past the end.
    pub fn of(self, size: u64) -> Range<u64> {
        match self {
            Self::Whole => 0..size,
            Self::Nothing => 0..0,
            Self::From(first) => first.min(size)..size,
            Self::Last(count) => size.saturating_sub(count)..size,
            Self::Span { first, last } => {
                first.min(size)..last.saturating_add(1).min(size).max(first.min(size))
            }
        }
    }
}

impl Content {
    /// Reads the range as a stream, whatever form it has.
    pub fn into_stream(self) -> Chunks<StoreError> {
        todo!()
    }

    /// Reads the range to its end, into memory.
    pub async fn into_bytes(self) -> Result<Bytes, StoreError> {
        todo!()
    }
}

impl Debug for ContentBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Memory(_) => "Memory",
            Self::File(_) => "File",
            Self::Stream(_) => "Stream",
        })
    }
}
