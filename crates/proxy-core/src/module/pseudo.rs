//! Pseudo-versions: versions that name a commit.
//!
//! A commit without a tag gets a version that sorts after the tag before it and before the next one. There are three
//! forms, with the commit's time in UTC and the first digits of its hash (Go modules reference, "Pseudo-versions"):
//!
//! ```text
//! vX.0.0-yyyymmddhhmmss-abcdefabcdef        no tag came before
//! vX.Y.(Z+1)-0.yyyymmddhhmmss-abcdefabcdef  after the release vX.Y.Z
//! vX.Y.Z-pre.0.yyyymmddhhmmss-abcdefabcdef  after the pre-release vX.Y.Z-pre
//! ```
//!
//! The last two may end in `+incompatible`, which is that of the tag they come after.

use super::{Version, semver};
use jiff::{Timestamp, civil, tz::TimeZone};

/// A pseudo-version, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PseudoVersion<'a> {
    core: &'a str,
    prerelease: &'a str,
    time: &'a str,
    rev: &'a str,
    build: &'a str,
}

/// Why a text of a pseudo-version's shape cannot be one that a go command made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPseudoVersion {
    /// The fourteen digits are no date and time.
    #[error("malformed time {0}")]
    Time(String),
    /// It ends in a build part although no version comes before it.
    #[error("it lacks a base version, but has build metadata {0}")]
    BuildWithoutBase(String),
    /// It says that it comes after a version with a patch number of minus one.
    #[error("the version before {0} would have a negative patch number")]
    NegativePatch(String),
}

/// Whether the text has the shape of a pseudo-version; the date in it need not exist.
pub fn is_pseudo(version: &str) -> bool {
    take_apart(version).is_some()
}

impl<'a> PseudoVersion<'a> {
    /// Takes a version apart, if it has the shape of a pseudo-version.
    pub fn of(version: &'a Version) -> Option<Self> {
        take_apart(version.as_str())
    }

    /// The commit's time.
    pub fn time(&self) -> Result<Timestamp, InvalidPseudoVersion> {
        parse_time(self.time).ok_or_else(|| InvalidPseudoVersion::Time(self.time.to_owned()))
    }

    /// The first digits of the commit's hash, or what stands for a commit elsewhere than in git.
    pub fn rev(&self) -> &'a str {
        self.rev
    }

    /// The version it comes after, with the build part of both; `None` where no version came before.
    pub fn base(&self) -> Result<Option<String>, InvalidPseudoVersion> {
        match self.prerelease {
            "" if self.build.is_empty() => Ok(None),
            "" => Err(InvalidPseudoVersion::BuildWithoutBase(self.build.to_owned())),
            "0" => {
                let lower = self
                    .core
                    .rsplit_once('.')
                    .and_then(|(head, patch)| Some(format!("{head}.{}", decrement(patch)?)));
                match lower {
                    Some(release) => Ok(Some(release + self.build)),
                    None => Err(InvalidPseudoVersion::NegativePatch(format!("{}-0", self.core))),
                }
            }
            prerelease => {
                let base = prerelease.strip_suffix(".0").unwrap_or(prerelease);
                Ok(Some(format!("{}-{base}{}", self.core, self.build)))
            }
        }
    }
}

/// The pseudo-version of a commit: of its time, the short form of its hash, and the tag before it.
///
/// `major` (`v2`) counts only without a base; empty, it means `v0`. A base that is no version counts as none.
pub fn build(major: &str, base: Option<&str>, time: Timestamp, rev: &str) -> String {
    let stamp = format_time(time);
    let Some((canonical, build)) = base.and_then(|base| Some((without_build(base)?, semver::build(base)?)))
    else {
        let major = if major.is_empty() { "v0" } else { major };
        return format!("{major}.0.0-{stamp}-{rev}");
    };
    if canonical.contains('-') {
        return format!("{canonical}.0.{stamp}-{rev}{build}");
    }
    let (head, patch) = canonical.rsplit_once('.').unwrap_or((&canonical, "0"));
    format!("{head}.{}-0.{stamp}-{rev}{build}", increment(patch))
}

/// A time as pseudo-versions write it: `yyyymmddhhmmss`, in UTC.
pub fn format_time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%S").to_string()
}

fn without_build(version: &str) -> Option<String> {
    let canonical = semver::canonical(version)?;
    Some(
        canonical
            .strip_suffix("+incompatible")
            .map(str::to_owned)
            .unwrap_or(canonical),
    )
}

fn take_apart(version: &str) -> Option<PseudoVersion<'_>> {
    if !semver::is_valid(version) {
        return None;
    }
    let (plain, build) = version.split_at(version.find('+').unwrap_or(version.len()));
    let (core, prerelease) = plain.split_once('-')?;
    let (before, rev) = prerelease.rsplit_once('-')?;
    let (before, time) = before.split_at_checked(before.len().checked_sub(14)?)?;
    let rev_is_valid = !rev.is_empty() && rev.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !rev_is_valid || !time.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let prerelease = match before.strip_suffix('.') {
        None if before.is_empty() && core.ends_with(".0.0") => "",
        Some(prerelease) if prerelease == "0" || prerelease.ends_with(".0") => prerelease,
        _ => return None,
    };
    Some(PseudoVersion {
        core,
        prerelease,
        time,
        rev,
        build,
    })
}

fn parse_time(digits: &str) -> Option<Timestamp> {
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i8>().ok();
    let year = digits.get(..4)?.parse().ok()?;
    let (month, day) = (number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    let time = civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Adds one to a decimal number of any length.
fn increment(number: &str) -> String {
    let mut digits = number.as_bytes().to_vec();
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return String::from_utf8_lossy(&digits).into_owned();
        }
        *digit = b'0';
    }
    format!("1{}", String::from_utf8_lossy(&digits))
}

/// Takes one from a decimal number of any length; `None` for zero.
fn decrement(number: &str) -> Option<String> {
    let mut digits = number.as_bytes().to_vec();
    for digit in digits.iter_mut().rev() {
        if *digit > b'0' {
            *digit -= 1;
            let text = String::from_utf8(digits).ok()?;
            let shorter = text.trim_start_matches('0');
            return Some(if shorter.is_empty() {
                "0".to_owned()
            } else {
                shorter.to_owned()
            });
        }
        *digit = b'9';
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const REV: &str = "abcdefabcdef";

    #[test]
    fn the_shape_of_pseudo_versions() {
        for version in [
            "v0.0.0-20200102030405-abcdefabcdef",
            "v3.0.0-20200102030405-abcdefabcdef",
            "v1.2.4-0.20200102030405-abcdefabcdef",
            "v1.2.3-rc.1.0.20200102030405-abcdefabcdef",
            "v2.0.1-0.20200102030405-abcdefabcdef+incompatible",
            "v1.2.4-0.20200102030405-r1",
            "v1.2.4-0.20209902030405-abcdefabcdef",
            "v1.2.3-a-b.0.20200102030405-0",
        ] {
            assert!(is_pseudo(version), "{version}");
        }
        for version in [
            "v0.1.0-20210801000000-abcdefabcdef",
            "v0.0.1-20210801000000-abcdefabcdef",
            "v1.2.4-0.2020010203040-abcdefabcdef",
            "v1.2.4-0.202001020304050-abcdefabcdef",
            "v1.2.4-1.20200102030405-abcdefabcdef",
            "v1.2.4-rc-0.20200102030405-abcdefabcdef",
            "v1.2.4-rc0.20200102030405-abcdefabcdef",
            "v1.2.4-0.20200102030405-abc.def",
            "v1.2.4-0.20200102030405",
            "v1.2.4-0.20200102030405-",
            "v1.2.3",
            "v1.2.3-20200102030405",
            "v1.2-0.20200102030405-abcdefabcdef",
            "main",
        ] {
            assert!(!is_pseudo(version), "{version}");
        }
    }

    #[test]
    fn building_and_taking_apart_are_inverse() {
        let time: Timestamp = "2020-01-02T03:04:05Z".parse().unwrap();
        for (major, base, expected) in [
            ("", None, "v0.0.0-20200102030405-abcdefabcdef"),
            ("v3", None, "v3.0.0-20200102030405-abcdefabcdef"),
            ("v1", Some("v1.2.3"), "v1.2.4-0.20200102030405-abcdefabcdef"),
            ("v1", Some("v1.2.99"), "v1.2.100-0.20200102030405-abcdefabcdef"),
            (
                "v1",
                Some("v1.3.0-rc.1"),
                "v1.3.0-rc.1.0.20200102030405-abcdefabcdef",
            ),
            (
                "",
                Some("v2.0.0+incompatible"),
                "v2.0.1-0.20200102030405-abcdefabcdef+incompatible",
            ),
            (
                "",
                Some("v2.0.0-rc.1+incompatible"),
                "v2.0.0-rc.1.0.20200102030405-abcdefabcdef+incompatible",
            ),
        ] {
            let text = build(major, base, time, REV);
            assert_eq!(text, expected);
            let version = Version::parse(&text).unwrap();
            let pseudo = PseudoVersion::of(&version).unwrap();
            assert_eq!(pseudo.time(), Ok(time));
            assert_eq!(pseudo.rev(), REV);
            assert_eq!(pseudo.base().unwrap().as_deref(), base);
        }
        assert_eq!(
            build("v1", Some("main"), time, REV),
            "v1.0.0-20200102030405-abcdefabcdef"
        );
        assert_eq!(
            build("", Some("v0.2.0+meta"), time, REV),
            "v0.2.1-0.20200102030405-abcdefabcdef+meta"
        );
    }

    #[test]
    fn versions_that_no_commit_can_have() {
        let version = |text: &str| Version::parse(text).unwrap();
        let base = |text: &str| PseudoVersion::of(&version(text)).unwrap().base();
        assert_eq!(
            base("v1.3.0-0.20200102030405-abcdefabcdef"),
            Err(InvalidPseudoVersion::NegativePatch("v1.3.0-0".into()))
        );
        assert_eq!(
            base("v2.0.0-20200102030405-abcdefabcdef+incompatible"),
            Err(InvalidPseudoVersion::BuildWithoutBase("+incompatible".into()))
        );
        for time in [
            "20209902030405",
            "20200230030405",
            "20200102240405",
            "20200102036005",
            "20200102030460",
        ] {
            let version = version(&format!("v0.0.0-{time}-{REV}"));
            assert_eq!(
                PseudoVersion::of(&version).unwrap().time(),
                Err(InvalidPseudoVersion::Time(time.into()))
            );
        }
    }

    #[test]
    fn patch_numbers_may_be_of_any_length() {
        assert_eq!(increment("99999999999999999999"), "100000000000000000000");
        assert_eq!(
            decrement("100000000000000000000").as_deref(),
            Some("99999999999999999999")
        );
        assert_eq!(decrement("1").as_deref(), Some("0"));
        assert_eq!(decrement("0"), None);
    }
}
