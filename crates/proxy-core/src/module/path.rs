//! Module paths.
//!
//! A module path names a module and says where to find it: `example.com/m`, `example.com/m/v2`, `gopkg.in/yaml.v3`.
//! The rules are those of Go's `module.CheckPath` (Go modules reference, "Module paths"), and they are what makes a
//! path safe to use as a folder on any system: no element is `..`, is hidden, is a device of Windows, or differs from
//! another one only in case once it is escaped. On top of them come two limits that Go does not have, so that each
//! path fits file systems and object stores: [`MAX_ELEMENT`] and [`MAX_PATH`].

pub(super) mod elements;
pub(crate) mod major;

pub use elements::{check_file_path, check_import_path};
pub use major::{check_version as check_major, split as split_major};

use super::{
    Version,
    escape::{escape, escaped_len, unescape},
    excerpt,
};
use std::{fmt, sync::Arc};

/// The longest element of a module path, in bytes of its escaped form: what file systems take as one name.
pub const MAX_ELEMENT: usize = 255;

/// The longest module path, in bytes of its escaped form: a quarter of what Linux takes as one path.
pub const MAX_PATH: usize = 1024;

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
    /// Checks a path against Go's `module.CheckPath` and our limits.
    pub fn parse(path: &str) -> Result<Self, InvalidPath> {
        match check(path) {
            Ok(()) => Ok(Self(path.into())),
            Err(reason) => Err(InvalidPath {
                path: excerpt(path),
                reason,
            }),
        }
    }

    /// Reads the escaped form that URLs and file names use (`github.com/!azure`).
    pub fn unescape(escaped: &str) -> Result<Self, InvalidPath> {
        let invalid = |reason| InvalidPath {
            path: excerpt(escaped),
            reason,
        };
        if escaped.len() > MAX_PATH {
            return Err(invalid(too_long()));
        }
        let path = unescape(escaped).map_err(|error| invalid(error.to_string()))?;
        check(&path).map_err(invalid)?;
        Ok(Self(path.into()))
    }

    /// The path as Go source writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path with each upper-case letter as `!` and its lower case.
    pub fn escaped(&self) -> String {
        escape(&self.0)
    }

    /// Splits off the major version: `("example.com/m", "/v2")`, `("gopkg.in/yaml", ".v3")`, `("example.com/m", "")`.
    ///
    /// gopkg.in's `-unstable` stays with the major version: `("gopkg.in/m", ".v2-unstable")`.
    pub fn split_major(&self) -> (&str, &str) {
        major::split(&self.0).unwrap_or((&self.0, ""))
    }

    /// Whether the version's major number is the one the path asks for; if not, what was expected.
    ///
    /// Go's `module.CheckPathMajor`.
    pub fn check_version(&self, version: &Version) -> Result<(), String> {
        major::check_version(self.split_major().1, version.as_str())
    }
}

fn check(path: &str) -> Result<(), String> {
    if path.len() > MAX_PATH || escaped_len(path) > MAX_PATH {
        return Err(too_long());
    }
    elements::check_module_path(path)?;
    match major::split(path) {
        Some(_) => Ok(()),
        None if path.starts_with("gopkg.in/") => {
            Err("a path of gopkg.in must end in .v0, .v1, .v2 and so on".into())
        }
        None => Err("it ends in a major version that is not /v2, /v3 and so on".into()),
    }
}

fn too_long() -> String {
    format!("it is longer than {MAX_PATH} bytes")
}

impl AsRef<str> for ModulePath {
    fn as_ref(&self) -> &str {
        &self.0
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_paths_are_what_go_takes() {
        for path in [
            "gopkg.in/yaml.v3",
            "gopkg.in/yaml.v0",
            "gopkg.in/check.v1-unstable",
            "example.test/a..b",
            "127.0.0.1/x",
            "github.com/Azure/azure-sdk-for-go/v2",
            "example.test/v2x/v10",
            "example.test/console",
            "example.test/x~y",
            "example.test/x~1y",
            "example.test/m-v2",
            "example.test/mv1.2",
            "example.test/v",
            "a.b",
        ] {
            let parsed = ModulePath::parse(path).unwrap();
            assert_eq!(parsed.as_str(), path);
            assert_eq!(ModulePath::unescape(&parsed.escaped()).unwrap(), parsed);
        }
        for path in [
            "",
            "/",
            ".",
            "..",
            "-e.test/x",
            "gopkg.in/yaml",
            "gopkg.in/yaml.v3/x",
            "gopkg.in/yaml.v01",
            "example.test/v0",
            "example.test/v1",
            "example.test/v02",
            "example.test/v2.1",
            "example.test/v.",
            "Example.test/x",
            "example_x.test/x",
            "fmt",
            "example.test//x",
            "example.test/x/",
            "/example.test/x",
            "example.test/con",
            "example.test/CoM1.x",
            "example.test/x~1",
            "example.test/x~1.y",
            "example.test/a+b",
            "example.test/é",
            "example.test/.hidden",
            "example.test/../x",
            "example.test/x.",
            "example.test/x y",
            "example.test/x\\y",
            "example.test/x\0",
            "example.test/a!b",
            "example.test/a@v1",
            "127.0.0.1:80/x",
        ] {
            assert!(ModulePath::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn limits_count_the_escaped_form() {
        let path = |element: &str| format!("example.test/{element}");
        assert!(ModulePath::parse(&path(&"x".repeat(MAX_ELEMENT))).is_ok());
        assert!(ModulePath::parse(&path(&"x".repeat(MAX_ELEMENT + 1))).is_err());
        assert!(ModulePath::parse(&path(&"X".repeat(MAX_ELEMENT / 2))).is_ok());
        assert!(ModulePath::parse(&path(&"X".repeat(MAX_ELEMENT / 2 + 1))).is_err());
        let long = format!("example.test{}", "/abc".repeat(MAX_PATH / 4 - 3));
        assert_eq!(long.len(), MAX_PATH);
        assert!(ModulePath::parse(&long).is_ok());
        assert!(ModulePath::parse(&format!("{long}d")).is_err());
        let error = ModulePath::unescape(&"é".repeat(10_000)).unwrap_err();
        assert!(
            error.to_string().len() < 400,
            "a refusal does not repeat ten kilobytes"
        );
    }

    #[test]
    fn escaped_paths_have_one_form() {
        assert_eq!(
            ModulePath::unescape("github.com/owner/no!mod").unwrap().as_str(),
            "github.com/owner/noMod"
        );
        for escaped in [
            "github.com/owner/noMod",
            "example.test/a!",
            "example.test/a!!b",
            "example.test/a!1",
            "!e.x/y",
        ] {
            assert!(ModulePath::unescape(escaped).is_err(), "{escaped}");
        }
    }

    #[test]
    fn versions_fit_their_path() {
        for (path, version, fits) in [
            ("example.test/m", "v0.1.0", true),
            ("example.test/m", "v1.9.0", true),
            ("example.test/m", "v2.0.0", false),
            ("example.test/m", "v2.0.0+incompatible", true),
            ("example.test/m/v2", "v2.0.0", true),
            ("example.test/m/v2", "v2.0.0+incompatible", true),
            ("example.test/m/v2", "v1.0.0", false),
            ("example.test/m/v2", "v20.0.0", false),
            ("gopkg.in/m.v1", "v1.0.0", true),
            ("gopkg.in/m.v1", "v0.0.0-20200102030405-0123456789ab", true),
            (
                "gopkg.in/m.v1-unstable",
                "v0.0.0-20200102030405-0123456789ab",
                true,
            ),
            ("gopkg.in/m.v2", "v0.0.0-20200102030405-0123456789ab", false),
            ("gopkg.in/m.v1", "v0.1.0", false),
            ("gopkg.in/m.v2-unstable", "v2.1.0", true),
        ] {
            let path = ModulePath::parse(path).unwrap();
            let version = Version::parse(version).unwrap();
            assert_eq!(path.check_version(&version).is_ok(), fits, "{path}@{version}");
        }
        let v2 = Version::parse("v2.0.0").unwrap();
        let reason = ModulePath::parse("example.test/m")
            .unwrap()
            .check_version(&v2)
            .unwrap_err();
        assert_eq!(reason, "it should be v0 or v1, not v2");
    }

    #[test]
    fn the_major_version_is_split_off() {
        for (path, prefix, major) in [
            ("example.test/m", "example.test/m", ""),
            ("example.test/m/v2", "example.test/m", "/v2"),
            ("gopkg.in/yaml.v3", "gopkg.in/yaml", ".v3"),
            ("gopkg.in/yaml.v3-unstable", "gopkg.in/yaml", ".v3-unstable"),
        ] {
            assert_eq!(ModulePath::parse(path).unwrap().split_major(), (prefix, major));
        }
    }
}
