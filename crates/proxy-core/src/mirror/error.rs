//! Why a request has no answer.

use crate::{
    checksums::ChecksumError, module::ModuleVersion, spool::SpoolError, store::StoreError,
    upstream::UpstreamError, verify::VerifyError,
};
use std::sync::Arc;

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
    #[error("{0} is not kept here, and this request may not fetch it")]
    NotKept(String),
    /// The policy refuses it.
    #[error("{0}")]
    Denied(Arc<str>),
    /// It was taken down on purpose.
    #[error("{0}")]
    TakenDown(Arc<str>),
    /// No upstream could give it; never [`UpstreamError::NotFound`].
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
    /// Two rounds in a row, somebody else kept other files of the version while it was fetched here.
    #[error("{0} was kept by somebody else while it was fetched here, and from another commit; ask again")]
    Contended(ModuleVersion),
    /// Too much is being fetched already.
    #[error("too many fetches are under way; ask again in a moment")]
    Overloaded,
    /// A task of ours died: our bug.
    #[error("an internal task ended without an answer")]
    Internal,
}

impl MirrorError {
    /// Settled absence, in a sentence.
    pub fn not_found(reason: impl Into<Arc<str>>) -> Self {
        Self::NotFound {
            reason: reason.into(),
        }
    }

    /// Whether an authority settled that there is nothing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

impl From<UpstreamError> for MirrorError {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::NotFound { reason } => Self::NotFound { reason },
            UpstreamError::Spool(error) => Self::Spool(error),
            other => Self::Upstream(other),
        }
    }
}

impl From<VerifyError> for MirrorError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Checksums(error) => Self::Checksums(error),
            VerifyError::Store(error) => Self::Store(error),
            other => Self::Verify(other),
        }
    }
}
