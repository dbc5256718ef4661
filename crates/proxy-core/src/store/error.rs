//! Why a store could not answer, named for what the caller does next.

use crate::{file::ModuleFile, sums::H1};
use std::{error::Error, io, sync::Arc};

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
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// Make room: the store is full.
    #[error("the store is full")]
    Full(#[source] Option<Arc<dyn Error + Send + Sync>>),
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

impl StoreError {
    /// Trouble that may pass, as a phrase without paths.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            reason: reason.into(),
            source: None,
        }
    }

    /// Trouble that may pass, and its cause.
    pub fn unavailable_because(reason: impl Into<String>, cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Unavailable {
            reason: reason.into(),
            source: Some(Arc::new(cause)),
        }
    }

    /// What an operation on our own disk ended with: [`StoreError::Full`] where room is what is missing.
    pub fn from_io(reason: impl Into<String>, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(Some(Arc::new(error))),
            _ => Self::unavailable_because(reason, error),
        }
    }
}
