//! Records: small things beside the module files that outlive a process or are shared by nodes.

use crate::store::StoreError;
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt::{self, Debug};

/// Keeps small compare-and-set records: signed heads, tiles, first sight, leases, feed pages; never a module file.
///
/// # What a record store promises
///
/// - A record is read whole, as one write left it, or not at all.
/// - A write replaces just the state it expects: of any number of writers that expect the same one, from any number of
///   processes, one is [`Written::Done`] and the others are [`Written::Changed`] and change nothing.
/// - Two states with different bytes have different revisions. States with equal bytes may share one.
/// - A write or removal that answered is durable; one that was dropped halfway happened or did not.
///
/// # What it may assume
///
/// - Records are small (a few megabytes at most) and fit into memory.
/// - No key in use is a folder of another: beside `a/b` there is no `a/b/c`.
/// - Keys in use differ in more than the case of letters: what could differ only in case is escaped, as module paths
///   are.
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
    /// Takes a key whose every element is non-empty, has no leading dot, and holds only ASCII letters, digits and
    /// `!+,-.=@_~`: what is safe in a file name, an object key and a column alike.
    pub fn parse(key: &str) -> Result<Self, InvalidKey> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!+,-.=@_~".contains(&byte);
        let sound =
            |element: &str| !element.is_empty() && !element.starts_with('.') && element.bytes().all(allowed);
        if key.split('/').all(sound) {
            Ok(Self(key.to_owned()))
        } else {
            Err(InvalidKey(key.to_owned()))
        }
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where it lies in a tree that also holds module files: under `.stoa/`, but `sumdb/…` as Go's module cache lays it.
    ///
    /// Neither can be a module path: no element of one starts with a dot, and the first has a dot inside.
    pub fn tree_path(&self) -> String {
        if self.0.starts_with("sumdb/") {
            self.0.clone()
        } else {
            format!(".stoa/{}", self.0)
        }
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_elements_joined_by_slashes() {
        for key in [
            "head",
            "seen/github.com/!azure/x@v1.2.0+incompatible",
            "sumdb/sum.golang.org/tile/8/0/x001/234.p,=_~",
        ] {
            assert_eq!(RecordKey::parse(key).unwrap().as_str(), key);
        }
    }

    #[test]
    fn what_is_no_safe_file_name_is_no_key() {
        let wrong = [
            "", "/", "/a", "a/", "a//b", "..", "a/../b", "a/.b", ".stoa/x", "a b", "a\\b", "a\0", "ä", "a:b",
            "a%2fb",
        ];
        for key in wrong {
            assert_eq!(RecordKey::parse(key), Err(InvalidKey(key.to_owned())));
        }
    }

    #[test]
    fn records_lie_where_no_module_path_can() {
        let lies = |key| RecordKey::parse(key).unwrap().tree_path();
        assert_eq!(
            lies("seen/example.com/m@v1.0.0"),
            ".stoa/seen/example.com/m@v1.0.0"
        );
        assert_eq!(lies("sumdb/sum.golang.org/latest"), "sumdb/sum.golang.org/latest");
        assert_eq!(lies("sumdb"), ".stoa/sumdb");
    }
}
