//! Versions.
//!
//! A [`Version`] names bytes that never change, and it has one spelling: three numbers, perhaps a pre-release part, and
//! no build part but `+incompatible` (Go's `module.CanonicalVersion`). Everything else a client may ask for (`v1`,
//! `v1.2.3+meta`, `main`) is a [`Query`](super::Query), whose answer is a `Version`.

use super::{
    escape::{escape, escaped_len, unescape},
    excerpt,
    pseudo::is_pseudo,
    semver,
};
use std::{cmp::Ordering, fmt, sync::Arc};

/// The longest version, in bytes of its escaped form: with an ending such as `.ziphash` it is still one file name.
pub const MAX_VERSION: usize = 240;

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
    pub fn parse(version: &str) -> Result<Self, InvalidVersion> {
        match check(version) {
            Ok(()) => Ok(Self(version.into())),
            Err(reason) => Err(InvalidVersion {
                version: excerpt(version),
                reason,
            }),
        }
    }

    /// Reads the escaped form that URLs and file names use.
    pub fn unescape(escaped: &str) -> Result<Self, InvalidVersion> {
        let invalid = |reason| InvalidVersion {
            version: excerpt(escaped),
            reason,
        };
        if escaped.len() > MAX_VERSION {
            return Err(invalid(too_long()));
        }
        let version = unescape(escaped).map_err(|error| invalid(error.to_string()))?;
        check(&version).map_err(invalid)?;
        Ok(Self(version.into()))
    }

    /// The version's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The version with each upper-case letter as `!` and its lower case.
    pub fn escaped(&self) -> String {
        escape(&self.0)
    }

    /// Whether it names a commit (`v0.0.0-20200102030405-0123456789ab` and its two other forms).
    pub fn is_pseudo(&self) -> bool {
        is_pseudo(&self.0)
    }

    /// Whether it has a pre-release part; pseudo-versions have one.
    pub fn is_prerelease(&self) -> bool {
        semver::prerelease(&self.0).is_some_and(|part| !part.is_empty())
    }

    /// Whether it ends in `+incompatible`.
    pub fn is_incompatible(&self) -> bool {
        self.0.ends_with("+incompatible")
    }

    /// The major part with its `v`: `v2`.
    pub fn major(&self) -> &str {
        semver::major(&self.0).unwrap_or_default()
    }
}

fn check(version: &str) -> Result<(), String> {
    if version.len() > MAX_VERSION || escaped_len(version) > MAX_VERSION {
        Err(too_long())
    } else if semver::is_canonical(version) {
        Ok(())
    } else if let Some(canonical) = semver::canonical(version) {
        Err(format!("it is not canonical, which would be {canonical}"))
    } else {
        Err("it is not v and three numbers with an optional pre-release part".into())
    }
}

fn too_long() -> String {
    format!("it is longer than {MAX_VERSION} bytes")
}

impl AsRef<str> for Version {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        semver::compare_total(&self.0, &other.0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_one_spelling() {
        for (text, escaped) in [
            ("v1.2.3", "v1.2.3"),
            (
                "v0.0.0-20200102030405-0123456789ab",
                "v0.0.0-20200102030405-0123456789ab",
            ),
            ("v1.0.0-RC.1", "v1.0.0-!r!c.1"),
            ("v2.0.0+incompatible", "v2.0.0+incompatible"),
        ] {
            let version = Version::parse(text).unwrap();
            assert_eq!(version.escaped(), escaped);
            assert_eq!(Version::unescape(escaped).unwrap(), version);
        }
        for text in [
            "",
            "v1",
            "v1.2",
            "1.2.3",
            "v1.2.3+meta",
            "v1.2.3+incompatible.1",
            "v01.2.3",
            "V1.2.3",
            "main",
            "../v1.2.3",
        ] {
            assert!(Version::parse(text).is_err(), "{text}");
        }
        for escaped in ["v1.0.0-RC.1", "v1.0.0-!", "v1.0.0-!1", "!v1.0.0", "v1.0.0/x"] {
            assert!(Version::unescape(escaped).is_err(), "{escaped}");
        }
    }

    #[test]
    fn long_versions_are_refused() {
        let fits = format!("v1.0.0-{}", "x".repeat(MAX_VERSION - 7));
        assert!(Version::unescape(&fits).is_ok());
        assert!(Version::unescape(&format!("{fits}x")).is_err());
        assert!(Version::parse(&format!("v1.0.0-{}", "X".repeat(MAX_VERSION / 2))).is_err());
    }

    #[test]
    fn the_order_is_total_and_agrees_with_equality() {
        let mut versions: Vec<_> = [
            "v2.0.0+incompatible",
            "v1.10.0",
            "v2.0.0",
            "v1.9.0",
            "v1.9.0-rc.1",
        ]
        .iter()
        .map(|text| Version::parse(text).unwrap())
        .collect();
        versions.sort();
        let sorted: Vec<_> = versions.iter().map(Version::as_str).collect();
        assert_eq!(
            sorted,
            [
                "v1.9.0-rc.1",
                "v1.9.0",
                "v1.10.0",
                "v2.0.0",
                "v2.0.0+incompatible"
            ]
        );
    }

    #[test]
    fn parts() {
        let version = Version::parse("v2.0.1-0.20200102030405-0123456789ab+incompatible").unwrap();
        assert!(version.is_pseudo() && version.is_prerelease() && version.is_incompatible());
        assert_eq!(version.major(), "v2");
        let release = Version::parse("v1.2.3").unwrap();
        assert!(!release.is_pseudo() && !release.is_prerelease() && !release.is_incompatible());
    }
}
