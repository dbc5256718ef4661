//! Versions.

use std::{cmp::Ordering, fmt, sync::Arc};

/// A canonical module version: `v1.2.3`, `v1.2.3-pre`, `v2.0.0+incompatible`, or a pseudo-version.
///
/// Ordered as Go orders versions, ties by the bytes of the text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

/// Why a text is no canonical version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed version {version:?}: {reason}")]
pub struct InvalidVersion {
    /// The text as it came, shortened if it is very long.
    pub version: String,
    /// The rule it breaks, as a phrase.
    pub reason: String,
}

impl Version {
    /// Takes a text that is a module-canonical version already; nothing is filled in or dropped.
    pub fn parse(_version: &str) -> Result<Self, InvalidVersion> {
        todo!()
    }

    /// Reads the escaped form that URLs and file names use.
    pub fn unescape(_escaped: &str) -> Result<Self, InvalidVersion> {
        todo!()
    }

    /// The version's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The version with each upper-case letter as `!` and its lower case.
    pub fn escaped(&self) -> String {
        todo!()
    }

    /// Whether it names a commit (`v0.0.0-20200102030405-0123456789ab` and its two other forms).
    pub fn is_pseudo(&self) -> bool {
        todo!()
    }

    /// Whether it has a pre-release part; pseudo-versions have one.
    pub fn is_prerelease(&self) -> bool {
        todo!()
    }

    /// Whether it ends in `+incompatible`.
    pub fn is_incompatible(&self) -> bool {
        self.0.ends_with("+incompatible")
    }

    /// The major part with its `v`: `v2`.
    pub fn major(&self) -> &str {
        todo!()
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        super::semver::compare(&self.0, &other.0).then_with(|| self.0.cmp(&other.0))
    }
}
impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
