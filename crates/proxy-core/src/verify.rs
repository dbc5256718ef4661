//! From unverified to verified: the only way bytes get into a store.

use crate::{
    checksums::{ChecksumAuthority, ChecksumError},
    file::{Body, ModuleFile},
    records::RecordStore,
    store::{ModuleStore, StoreError},
    sums::H1,
};
use std::sync::Arc;

/// A module file as somebody gave it to us.
#[derive(Debug)]
pub struct Unverified {
    file: ModuleFile,
    body: Body,
}

/// A module file that passed its checks: what [`ModuleStore::insert`] demands. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Verified {
    file: Arc<ModuleFile>,
    body: Body,
    h1: Option<H1>,
}

/// Why a file was refused, or could not be judged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VerifyError {
    /// The bytes break a rule; nothing is compared with anything.
    #[error("{file} was refused: {reason}")]
    Invalid {
        /// The file.
        file: ModuleFile,
        /// The rule and the place, as a phrase.
        reason: String,
    },
    /// Two sums that must be equal are not.
    #[error("{file} was refused: its sum is {offered}, but {authority} says {expected}")]
    SumMismatch {
        /// The file.
        file: ModuleFile,
        /// The sum the file must have.
        expected: H1,
        /// The sum of the bytes that came.
        offered: H1,
        /// Who says so: the checksum database's name, or "the record of its first sight".
        authority: String,
    },
    /// The zip came before the `.mod` it is checked against.
    #[error("{0} cannot be checked: no go.mod of its version is kept")]
    NoGoMod(ModuleFile),
    /// The checksum database could not be asked, or does not know the version.
    #[error(transparent)]
    Checksums(#[from] ChecksumError),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Our own disk failed while reading the spooled file.
    #[error("a spooled file could not be read")]
    Spool(#[source] Arc<std::io::Error>),
}

impl Unverified {
    /// Names the bytes.
    pub fn new(file: ModuleFile, body: Body) -> Self {
        Self { file, body }
    }

    /// Asks the authority for sums, the store for the `.mod` and the records for what was seen first, then
    /// checks in a blocking task. The only way to a [`Verified`].
    pub async fn verify(
        self,
        _store: &dyn ModuleStore,
        _records: &dyn RecordStore,
        _authority: &dyn ChecksumAuthority,
    ) -> Result<Verified, VerifyError> {
        todo!()
    }
}

impl Verified {
    /// The file's name.
    pub fn file(&self) -> &ModuleFile {
        &self.file
    }

    /// Its bytes.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Its `h1:` sum; `.info` files have none.
    pub fn h1(&self) -> Option<H1> {
        self.h1
    }
}
