//! What a database said and what was proven, kept as records: as Go's module cache lays it.
//!
//! `sumdb/<name>/latest` is the greatest signed head, `lookup/…` and `tile/…` are named as they are asked for, and
//! `evidence/…` holds what proves that the database contradicted itself.

use bytes::Bytes;
use proxy_core::{
    records::{Record, RecordKey, RecordStore, Revision, Written},
    store::StoreError,
};
use std::{fmt::Write as _, sync::Arc};

/// How often a record is written anew because somebody else wrote it in between.
const ATTEMPTS: usize = 5;

/// The records of one database.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    records: Arc<dyn RecordStore>,
    folder: String,
}

impl Shelf {
    pub(crate) fn new(records: Arc<dyn RecordStore>, name: &str) -> Self {
        Self {
            records,
            folder: format!("sumdb/{}", spelled(name)),
        }
    }

    pub(crate) async fn read(&self, path: &str) -> Result<Option<Record>, StoreError> {
        self.records.read(&self.key(path)?).await
    }

    /// Writes in place of just this state; `false` if there is another one by now.
    pub(crate) async fn swap(
        &self,
        path: &str,
        bytes: Bytes,
        expected: Option<&Revision>,
    ) -> Result<bool, StoreError> {
        match self.records.write(&self.key(path)?, bytes, expected).await? {
            Written::Done(_) => Ok(true),
            Written::Changed => Ok(false),
        }
    }

    /// Writes whatever is there now: for what was proven, so that all who write it write the same.
    pub(crate) async fn put(&self, path: &str, bytes: Bytes) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS {
            let there = self.read(path).await?;
            let same = there.as_ref().is_some_and(|there| there.bytes == bytes);
            let expected = there.as_ref().map(|there| &there.revision);
            if same || self.swap(path, bytes.clone(), expected).await? {
                return Ok(());
            }
        }
        Err(unavailable(format!(
            "the record {path} of a checksum database keeps changing"
        )))
    }

    pub(crate) async fn remove(&self, path: &str) -> Result<(), StoreError> {
        self.records.remove(&self.key(path)?).await
    }

    fn key(&self, path: &str) -> Result<RecordKey, StoreError> {
        RecordKey::parse(&format!("{}/{path}", self.folder)).map_err(|error| unavailable(error.to_string()))
    }
}

fn unavailable(reason: String) -> StoreError {
    StoreError::Unavailable { reason, source: None }
}

/// A database's name as elements of a record's key: upper case escaped as in module paths, other signs by number.
fn spelled(name: &str) -> String {
    let mut spelled = String::new();
    for byte in name.bytes() {
        let begins = spelled.is_empty() || spelled.ends_with('/');
        match byte {
            b'A'..=b'Z' => spelled.extend(['!', char::from(byte.to_ascii_lowercase())]),
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'/' => spelled.push(char::from(byte)),
            b'.' if !begins => spelled.push('.'),
            _ => write!(spelled, "={byte:02x}").expect("a string takes every text"),
        }
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_database_is_a_key() {
        for (name, expected) in [
            ("sum.golang.org", "sum.golang.org"),
            ("sums.example.test/db", "sums.example.test/db"),
            ("localhost:8080/Db", "localhost=3a8080/!db"),
            (".a/.b", "=2ea/=2eb"),
            ("ü", "=c3=bc"),
        ] {
            assert_eq!(spelled(name), expected);
            RecordKey::parse(&format!("sumdb/{expected}/latest")).unwrap();
        }
    }
}
