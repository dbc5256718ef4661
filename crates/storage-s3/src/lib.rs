#![doc = include_str!("../README.md")]

mod address;
mod catalog;
mod clouds;
mod files;
mod links;
mod objects;
mod payload;
mod preflight;
mod profile;
mod quarantine;
mod records;
mod transport;
mod ziphash;

pub use address::{BucketUrl, Cloud, InvalidBucketUrl};
pub use clouds::OpenError;
pub use preflight::{Abilities, PreflightError};

use objects::Objects;
use std::sync::Arc;

/// Module files and records in a bucket. Cheap to clone; any number of handles and processes may share the bucket.
#[derive(Clone, Debug)]
pub struct BucketStore {
    objects: Arc<Objects>,
    spelling: Spelling,
}

/// How module paths and versions are written in the names of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// With `!` before what was an upper-case letter, as the GOPROXY protocol has it.
    Escaped,
    /// As they are, upper-case letters and all.
    AsWritten,
}

impl BucketStore {
    /// Opens a bucket, with credentials out of these variables (those of the process' environment, usually). Nothing
    /// is asked of the bucket yet: [`preflight`](Self::preflight) does that.
    pub fn open(
        url: &BucketUrl,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            objects: Arc::new(clouds::open(url, variables.into_iter().collect())?),
            spelling: Spelling::Escaped,
        })
    }

    /// Opens a bucket that is only read: nothing is ever put into it, so an account that may read and list it is enough.
    pub fn open_to_read(
        url: &BucketUrl,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, OpenError> {
        let mut objects = clouds::open(url, variables.into_iter().collect())?;
        objects.only_read = true;
        Ok(Self {
            objects: Arc::new(objects),
            spelling: Spelling::Escaped,
        })
    }

    /// The same bucket, read as a tree whose names have upper-case letters as they are: Athens lays out its buckets
    /// so. Such a tree is for reading; what is inserted through this handle is refused.
    pub fn spelled_as_written(&self) -> Self {
        Self {
            objects: Arc::clone(&self.objects),
            spelling: Spelling::AsWritten,
        }
    }
}
