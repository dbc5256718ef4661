//! The names of Go modules: what a module path, a version, a query and a pattern are.
//!
//! Everything from outside is parsed here once, at the door; past it there are only [`ModulePath`],
//! [`Version`], [`ModuleVersion`] and [`Query`], so a branch name can never become a store key.

pub mod escape;
pub mod path;
pub mod pattern;
pub mod pseudo;
pub mod query;
pub mod semver;
pub mod version;

pub use path::{InvalidPath, ModulePath};
pub use pattern::Patterns;
pub use query::{InvalidQuery, Query};
pub use version::{InvalidVersion, Version};

use std::fmt;

/// One version of one module, and the two fit together (`v2.0.0` fits `…/v2`, not `…`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleVersion {
    path: ModulePath,
    version: Version,
}

/// A version whose major number the module path does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("version {version} does not fit the module path {path}: {reason}")]
pub struct VersionDoesNotFit {
    /// The module path.
    pub path: ModulePath,
    /// The version that does not fit it.
    pub version: Version,
    /// What was expected instead.
    pub reason: String,
}

impl ModuleVersion {
    /// Joins a path and a version that fits it (Go's `module.CheckPathMajor`).
    pub fn new(path: ModulePath, version: Version) -> Result<Self, VersionDoesNotFit> {
        match path.check_version(&version) {
            Ok(()) => Ok(Self { path, version }),
            Err(reason) => Err(VersionDoesNotFit {
                path,
                version,
                reason,
            }),
        }
    }

    /// The module path.
    pub fn path(&self) -> &ModulePath {
        &self.path
    }

    /// The version.
    pub fn version(&self) -> &Version {
        &self.version
    }
}

impl fmt::Display for ModuleVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.path, self.version)
    }
}
