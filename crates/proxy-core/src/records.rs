//! Records: small things beside the module files that outlive a process or are shared by nodes.

use crate::store::StoreError;
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt::Debug;

/// Keeps small compare-and-set records: signed heads, tiles, first sight, leases, feed pages; never a module file.
#[async_trait]
pub trait RecordStore: Debug + Send + Sync + 'static {
    /// Reads a record, or `None` if there is none.
    async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError>;
    /// Writes if the record is still at `expected` (`None`: absent); [`Written::Changed`] if it is not.
    async fn write(
        &self,
        key: &RecordKey,
        bytes: Bytes,
        expected: Option<&Revision>,
    ) -> Result<Written, StoreError>;
    /// Removes a record; removing none is fine.
    async fn remove(&self, key: &RecordKey) -> Result<(), StoreError>;
}

/// The name of a record, such as `seen/github.com/!azure/x@v1.2.0`: elements joined by `/`, none starting with a dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey(String);

/// A record as it is now.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its bytes.
    pub bytes: Bytes,
    /// What a write must expect to replace just these.
    pub revision: Revision,
}

/// Marks one state of one record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revision(pub String);

/// What a write found.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is written, and now at this revision.
    Done(Revision),
    /// Somebody else wrote or removed it first; nothing was changed.
    Changed,
}

/// A text that is no record key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed record key {0:?}")]
pub struct InvalidKey(pub String);

impl RecordKey {
    /// Takes a key whose every element is non-empty, has no leading dot, and holds only letters, digits and `!+,-.=@_~`.
    pub fn parse(_key: &str) -> Result<Self, InvalidKey> {
        todo!()
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where it lies in a tree that also holds module files: under `.stoa/`, but `sumdb/…` as Go's module cache lays it.
    pub fn tree_path(&self) -> String {
        if self.0.starts_with("sumdb/") {
            self.0.clone()
        } else {
            format!(".stoa/{}", self.0)
        }
    }
}
