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
pub use pseudo::PseudoVersion;
pub use query::{InvalidQuery, Named, Query};
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

/// Why two texts name no module version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidModuleVersion {
    /// The path is none.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// The version is none.
    #[error(transparent)]
    Version(#[from] InvalidVersion),
    /// Each is one, but they do not belong together.
    #[error(transparent)]
    DoesNotFit(#[from] VersionDoesNotFit),
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

    /// Parses and joins a path and a version, for those who write them down themselves.
    ///
    /// The error is a sentence about the one that is wrong, or about the two together.
    pub fn parse(path: &str, version: &str) -> Result<Self, InvalidModuleVersion> {
        Ok(Self::new(ModulePath::parse(path)?, Version::parse(version)?)?)
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

/// A text from outside as errors repeat it: the whole of it, unless it is very long.
fn excerpt(text: &str) -> String {
    const ENOUGH: usize = 100;
    match text.char_indices().nth(ENOUGH) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_joined_only_with_a_path_it_fits() {
        let path = ModulePath::parse("example.test/m").unwrap();
        let fits = ModuleVersion::new(path.clone(), Version::parse("v1.2.3").unwrap()).unwrap();
        assert_eq!(fits.to_string(), "example.test/m@v1.2.3");
        let error = ModuleVersion::new(path, Version::parse("v2.0.0").unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "version v2.0.0 does not fit the module path example.test/m: it should be v0 or v1, not v2"
        );
    }

    #[test]
    fn errors_repeat_a_long_text_in_part() {
        assert_eq!(excerpt("main"), "main");
        assert_eq!(excerpt(&"é".repeat(5_000)), format!("{}…", "é".repeat(100)));
    }
}
