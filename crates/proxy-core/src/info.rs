//! `.info` files.

use crate::module::Version;
use jiff::Timestamp;

/// What a `.info` file says of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The canonical version.
    pub version: Version,
    /// The commit time; Go's zero time (the year 1) where the file has none.
    pub time: Timestamp,
    /// Where it came from, if told.
    pub origin: Option<Origin>,
}

/// The `Origin` of a `.info`: the commit that pins the version's other files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// `git`, `hg`, …
    pub vcs: String,
    /// The repository.
    pub url: String,
    /// The module's folder in it, if not the root.
    pub subdir: Option<String>,
    /// The full commit hash.
    pub hash: Option<String>,
    /// The full ref name the version was resolved by.
    pub reference: Option<String>,
}

/// Why bytes are no `.info`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed .info: {reason}")]
pub struct InvalidInfo {
    /// What is wrong.
    pub reason: String,
}

impl Info {
    /// Reads the JSON of a `.info` or `@latest` answer; unknown fields are ignored.
    pub fn parse(_json: &[u8]) -> Result<Self, InvalidInfo> {
        todo!()
    }

    /// Writes the bytes that the go command writes into its module cache: compact, `Version`, `Time`, `Origin`.
    pub fn to_json(&self) -> Vec<u8> {
        todo!()
    }
}
