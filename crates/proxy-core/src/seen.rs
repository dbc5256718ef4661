//! First sight: what was recorded of each module file when it was first kept.
//!
//! One record a version, `seen/<path>@<version>`, written after the file, so it never claims what is not kept.

use crate::{
    file::{Kind, Sha256},
    module::ModuleVersion,
    records::RecordStore,
    store::StoreError,
    sums::H1,
};
use jiff::Timestamp;

/// What was recorded of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Its size, in bytes.
    pub size: u64,
    /// The sum of its bytes as they are.
    pub sha256: Sha256,
    /// Its `h1:` sum; `.info` files have none.
    pub h1: Option<H1>,
    /// When it was first kept.
    pub when: Timestamp,
    /// Which upstream it came from, without credentials; `adopted` where the store held it before us.
    pub from: String,
    /// The commit it was made from, if known.
    pub commit: Option<String>,
}

/// What was recorded of a file, or `None`.
pub async fn read(
    _records: &dyn RecordStore,
    _module: &ModuleVersion,
    _kind: Kind,
) -> Result<Option<Sight>, StoreError> {
    todo!()
}

/// Records a file; the first record stands, and is the answer.
pub async fn note(
    _records: &dyn RecordStore,
    _module: &ModuleVersion,
    _kind: Kind,
    _sight: Sight,
) -> Result<Sight, StoreError> {
    todo!()
}
