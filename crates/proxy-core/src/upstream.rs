//! Upstreams: anything the mirror can fetch from.

pub mod chain;
pub mod context;
mod kept;
mod walk;

pub use context::FetchContext;
pub use kept::KeptUpstream;

use crate::{
    file::{Body, Kind},
    info::Info,
    module::{ModulePath, ModuleVersion, Query, Version},
    spool::SpoolError,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use std::{fmt, fmt::Debug, sync::Arc, time::Duration};

/// Bytes as they come.
pub type Chunks<E> = BoxStream<'static, Result<Bytes, E>>;

/// Somewhere module files come from: another proxy, version control, an adopted store.
#[async_trait]
pub trait Upstream: Debug + Send + Sync + 'static {
    /// What a query means now. The answer is also the version's `.info`.
    async fn resolve(
        &self,
        path: &ModulePath,
        query: &Query,
        context: &FetchContext,
    ) -> Result<Info, UpstreamError>;
    /// The versions there are, in any order; canonical ones without pseudo-versions.
    async fn versions(
        &self,
        path: &ModulePath,
        context: &FetchContext,
    ) -> Result<Vec<Version>, UpstreamError>;
    /// The wanted files of one version, all from one place and commit. More may come than was wanted.
    async fn fetch(&self, wanted: &Wanted, context: &FetchContext) -> Result<Fetched, UpstreamError>;
}

/// What is wanted of an upstream.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The version.
    pub module: ModuleVersion,
    /// Which of its files.
    pub kinds: Vec<Kind>,
    /// The stored `.info`, whose commit pins the other files.
    pub pinned: Option<Info>,
}

/// What an upstream gave: at least the kinds that were wanted.
#[derive(Debug, Default)]
pub struct Fetched {
    /// The `.info`.
    pub info: Option<Incoming>,
    /// The `.mod`.
    pub go_mod: Option<Incoming>,
    /// The `.zip`.
    pub zip: Option<Incoming>,
    /// Where these came from, without credentials: an address, or a repository and commit.
    pub from: String,
}

/// A file on its way in.
pub enum Incoming {
    /// Finished.
    Whole(Body),
    /// Still coming.
    Stream {
        /// The size announced, in bytes.
        size: Option<u64>,
        /// The bytes; an error inside ends the file.
        chunks: Chunks<UpstreamError>,
    },
}

/// Why an upstream did not give what was asked. Cheap to clone: everybody who waits gets it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpstreamError {
    /// Settled: an authority says that there is no such module or version (404, 410 of a proxy; what `go` itself
    /// would refuse of version control). The chain goes on behind either separator.
    #[error("{reason}")]
    NotFound {
        /// What it said, as a sentence a Go user can read.
        reason: Arc<str>,
    },
    /// Not reached, or reached and in trouble (5xx, 429, 401, 403, TLS): nothing is settled.
    #[error("{reason}")]
    Unavailable {
        /// What happened, naming the upstream without credentials.
        reason: Arc<str>,
        /// When it asked to be left alone until.
        retry_after: Option<Duration>,
    },
    /// It went silent.
    #[error("{reason}")]
    TimedOut {
        /// Who, and for how long.
        reason: Arc<str>,
    },
    /// It answered what the protocol does not allow (no JSON, another version, cut off).
    #[error("{reason}")]
    Malformed {
        /// What was wrong.
        reason: Arc<str>,
    },
    /// The request came back to this mirror.
    #[error("{reason}")]
    Loop {
        /// Through whom.
        reason: Arc<str>,
    },
    /// The version moved: its ref now names another commit than the one pinned, and the pinned one cannot be had.
    #[error("{module} moved: it was made from {pinned}, and {found} is what its origin has now")]
    Moved {
        /// The version.
        module: ModuleVersion,
        /// The commit the stored `.info` names.
        pinned: Arc<str>,
        /// The commit found.
        found: Arc<str>,
    },
    /// It needs a program or a setting that is not here.
    #[error("{reason}")]
    Unsupported {
        /// What is missing and what to do, as a sentence.
        reason: Arc<str>,
    },
    /// Our own spool failed; no other upstream would do better.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl UpstreamError {
    /// Settled absence, in a sentence.
    pub fn not_found(reason: impl Into<Arc<str>>) -> Self {
        Self::NotFound {
            reason: reason.into(),
        }
    }
    /// Trouble, in a sentence.
    pub fn unavailable(reason: impl Into<Arc<str>>) -> Self {
        Self::Unavailable {
            reason: reason.into(),
            retry_after: None,
        }
    }
    /// Silence, in a sentence.
    pub fn timed_out(reason: impl Into<Arc<str>>) -> Self {
        Self::TimedOut {
            reason: reason.into(),
        }
    }
    /// A broken answer, in a sentence.
    pub fn malformed(reason: impl Into<Arc<str>>) -> Self {
        Self::Malformed {
            reason: reason.into(),
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(body) => f.debug_tuple("Whole").field(body).finish(),
            Self::Stream { size, .. } => f
                .debug_struct("Stream")
                .field("size", size)
                .finish_non_exhaustive(),
        }
    }
}
