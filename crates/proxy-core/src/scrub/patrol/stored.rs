//! How far a patrol came, as it is written down.

use super::{Progress, Tally};
use crate::{
    file::{Kind, ModuleFile},
    module::ModuleVersion,
    store::StoreError,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct StoredProgress {
    after: Option<StoredFile>,
    now: StoredTally,
    last: Option<StoredTally>,
}

#[derive(Serialize, Deserialize)]
struct StoredFile {
    path: String,
    version: String,
    kind: String,
}

#[derive(Serialize, Deserialize)]
struct StoredTally {
    began: Option<String>,
    ended: Option<String>,
    files: u64,
    bytes: u64,
    damaged: u64,
    faults: u64,
    unread: u64,
    /// Not in what older versions wrote.
    #[serde(default)]
    unmended: u64,
}

pub(super) fn format(progress: &Progress) -> Result<Bytes, StoreError> {
    let stored = StoredProgress {
        after: progress.after.as_ref().map(|file| StoredFile {
            path: file.module.path().to_string(),
            version: file.module.version().to_string(),
            kind: file.kind.to_string(),
        }),
        now: StoredTally::from(&progress.now),
        last: progress.last.as_ref().map(StoredTally::from),
    };
    serde_json::to_vec(&stored)
        .map(Bytes::from)
        .map_err(|error| StoreError::unavailable_because("a record could not be written as JSON", error))
}

pub(super) fn parse(bytes: &[u8]) -> Option<Progress> {
    let stored: StoredProgress = serde_json::from_slice(bytes).ok()?;
    let after = match stored.after {
        Some(file) => Some(file.name()?),
        None => None,
    };
    Some(Progress {
        after,
        now: stored.now.into(),
        last: stored.last.map(Tally::from),
    })
}

impl StoredFile {
    fn name(&self) -> Option<ModuleFile> {
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.facts().extension == self.kind)?;
        let module = ModuleVersion::parse(&self.path, &self.version).ok()?;
        Some(ModuleFile::new(module, kind))
    }
}

impl From<&Tally> for StoredTally {
    fn from(tally: &Tally) -> Self {
        Self {
            began: tally.began.map(|when| when.to_string()),
            ended: tally.ended.map(|when| when.to_string()),
            files: tally.files,
            bytes: tally.bytes,
            damaged: tally.damaged,
            faults: tally.faults,
            unread: tally.unread,
            unmended: tally.unmended,
        }
    }
}

impl From<StoredTally> for Tally {
    fn from(stored: StoredTally) -> Self {
        Self {
            began: stored.began.and_then(|when| when.parse().ok()),
            ended: stored.ended.and_then(|when| when.parse().ok()),
            files: stored.files,
            bytes: stored.bytes,
            damaged: stored.damaged,
            faults: stored.faults,
            unread: stored.unread,
            unmended: stored.unmended,
        }
    }
}
