//! Module paths.

use super::Version;
use std::{fmt, sync::Arc};

/// A valid module path, such as `github.com/Azure/azure-sdk-for-go/v2`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModulePath(Arc<str>);

/// Why a text is no module path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed module path {path:?}: {reason}")]
pub struct InvalidPath {
    /// The text as it came, shortened if it is very long.
    pub path: String,
    /// The rule it breaks, as a phrase.
    pub reason: String,
}

impl ModulePath {
    /// Checks a path against Go's `module.CheckPath`.
    pub fn parse(_path: &str) -> Result<Self, InvalidPath> {
        todo!()
    }

    /// Reads the escaped form that URLs and file names use (`github.com/!azure`).
    pub fn unescape(_escaped: &str) -> Result<Self, InvalidPath> {
        todo!()
    }

    /// The path as Go source writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path with each upper-case letter as `!` and its lower case.
    pub fn escaped(&self) -> String {
        todo!()
    }

    /// Splits off the major version: `("example.com/m", "/v2")`, `("gopkg.in/yaml", ".v3")`, `("example.com/m", "")`.
    pub fn split_major(&self) -> (&str, &str) {
        todo!()
    }

    /// Whether the version's major number is the one the path asks for; if not, what was expected.
    pub fn check_version(&self, _version: &Version) -> Result<(), String> {
        todo!()
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
