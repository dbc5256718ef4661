//! The mirror: what is kept is served, what is not is fetched once, checked, kept and served.

use crate::{
    checksums::{ChecksumAuthority, ChecksumError},
    file::ModuleFile,
    lease::Leases,
    module::{ModulePath, ModuleVersion, Query, Version},
    policy::Caller,
    records::RecordStore,
    spool::{Spool, SpoolError},
    store::{Content, ModuleStore, Part, StoreError},
    upstream::{UpstreamError, chain::Chain},
    verify::VerifyError,
};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};

/// What a mirror is made of.
#[derive(Debug)]
pub struct MirrorParts {
    /// Where module files are kept (wrapped in a memory cache, if wanted).
    pub store: Arc<dyn ModuleStore>,
    /// Where records are kept.
    pub records: Arc<dyn RecordStore>,
    /// Where misses are fetched from.
    pub chain: Chain,
    /// Who may fetch.
    pub leases: Arc<dyn Leases>,
    /// Who knows the sums.
    pub checksums: Arc<dyn ChecksumAuthority>,
    /// Where bytes on their way in are.
    pub spool: Spool,
    /// How long things are believed.
    pub lifetimes: Lifetimes,
}

/// How long answers that can change are believed, and how long silence is borne.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// Lists, `@latest` and queries: fresh for so long, then served stale while being refreshed.
    pub fresh: Duration,
    /// "No such version": remembered for so long.
    pub absent: Duration,
    /// No byte from any origin for so long ends a request's search.
    pub silence: Duration,
}

/// An immutable mirror of Go modules. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mirror {}

/// The versions of a module, and the same as the text that `@v/list` answers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct VersionList {
    /// Sorted, lowest first.
    pub versions: Arc<[Version]>,
    /// One version a line, in that order.
    pub text: Bytes,
}

/// An answer, and where it came from.
#[derive(Debug)]
pub struct Served<T> {
    /// The answer.
    pub answer: T,
    /// Where it came from.
    pub cache: Cache,
}

/// Where an answer came from, in RFC 9211's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// It was kept.
    Hit,
    /// An origin was asked for it now.
    Miss,
    /// It was kept, is older than we like, and the origin could not be asked or is being asked.
    Stale,
}

/// Why a request has no answer. Cheap to clone: everybody who waits gets it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MirrorError {
    /// Settled: there is no such module or version.
    #[error("{reason}")]
    NotFound {
        /// Who says so, as a sentence.
        reason: Arc<str>,
    },
    /// It is not kept, and origins may not be asked for this request.
    #[error("{0} is not kept here, and the request asked not to fetch it")]
    NotKept(String),
    /// The policy refuses it.
    #[error("{0}")]
    Denied(Arc<str>),
    /// It was taken down on purpose.
    #[error("{0}")]
    TakenDown(Arc<str>),
    /// No upstream could give it.
    #[error(transparent)]
    Upstream(UpstreamError),
    /// What came failed its checks.
    #[error(transparent)]
    Verify(VerifyError),
    /// The checksum database gave no answer.
    #[error(transparent)]
    Checksums(ChecksumError),
    /// The store gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Our own spool failed.
    #[error(transparent)]
    Spool(SpoolError),
    /// A task of ours died: our bug.
    #[error("an internal task ended without an answer")]
    Internal,
}

impl Mirror {
    /// Puts a mirror together.
    pub fn new(_parts: MirrorParts) -> Self {
        todo!()
    }

    /// One file of one version.
    pub async fn file(
        &self,
        _file: &ModuleFile,
        _part: Part,
        _caller: &Caller,
    ) -> Result<Served<Content>, MirrorError> {
        todo!()
    }

    /// What a query means: the version, and the bytes of its `.info`.
    pub async fn query(
        &self,
        _path: &ModulePath,
        _query: &Query,
        _caller: &Caller,
    ) -> Result<Served<(ModuleVersion, Bytes)>, MirrorError> {
        todo!()
    }

    /// The versions known, sorted; no pseudo-versions.
    pub async fn versions(
        &self,
        _path: &ModulePath,
        _caller: &Caller,
    ) -> Result<Served<VersionList>, MirrorError> {
        todo!()
    }

    /// Whether the store answers.
    pub async fn ready(&self) -> Result<(), StoreError> {
        todo!()
    }
}
