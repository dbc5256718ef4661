//! The tags of an image: which names move to a release, and which stay where they are.
//!
//! A release has its whole version. The shorter names, `1.2` and `1`, are those of the newest stable release that they
//! fit, and `latest` is the newest stable release of all: neither a pre-release nor a late patch of an old line takes
//! them. `0` is no name: below 1.0 every minor version may break the one before. Every commit on main is `canary`.

use super::command_output;
use crate::Failure;
use semver::{BuildMetadata, Version};

const USAGE: &str = "usage: cargo xtask dist tags VERSION|--canary [SUFFIX]";

/// What an image was made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Made<'a> {
    /// The last commit on main.
    OfMain,
    /// The release of this tag.
    OfRelease(&'a str),
}

/// Prints the tags, one a line, each with what the flavour's tags end in. The other releases are the tags of this
/// checkout.
pub(super) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let (made, suffix) = match arguments {
        ["--canary"] => (Made::OfMain, ""),
        ["--canary", suffix] => (Made::OfMain, *suffix),
        [version] => (Made::OfRelease(version), ""),
        [version, suffix] => (Made::OfRelease(version), *suffix),
        _ => return Err(USAGE.to_owned()),
    };
    let known = command_output("git", &["tag", "--list"])?;
    for tag in tags(made, known.lines())? {
        println!("{tag}{suffix}");
    }
    Ok(())
}

/// The tags of an image, given the tags of all releases there are; what is no release among those is nothing.
pub(super) fn tags<'a>(
    made: Made<'_>,
    known: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<String>, Failure> {
    let Made::OfRelease(tag) = made else {
        return Ok(vec!["canary".to_owned()]);
    };
    let version = parse(tag).ok_or_else(|| format!("{tag:?} is no version of a release, such as v1.2.3"))?;
    let mut tags = vec![version.to_string()];
    if !version.pre.is_empty() {
        return Ok(tags);
    }
    let stable: Vec<Version> = known
        .into_iter()
        .filter_map(parse)
        .filter(|other| other.pre.is_empty())
        .collect();
    let newest = |fits: &dyn Fn(&Version) -> bool| {
        stable
            .iter()
            .filter(|other| fits(other))
            .all(|other| *other <= version)
    };
    let (major, minor) = (version.major, version.minor);
    if newest(&|other| (other.major, other.minor) == (major, minor)) {
        tags.push(format!("{major}.{minor}"));
    }
    if major > 0 && newest(&|other| other.major == major) {
        tags.push(major.to_string());
    }
    if newest(&|_| true) {
        tags.push("latest".to_owned());
    }
    Ok(tags)
}

/// A version as releases are tagged, with or without `v`. One with build metadata is none: `+` is no letter of a tag.
fn parse(tag: &str) -> Option<Version> {
    let version = Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()?;
    (version.build == BuildMetadata::EMPTY).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::{Made, tags};

    #[test]
    fn names_move_forward_only() {
        for (release, known, expected) in [
            // the first release of all
            (
                "v1.0.0",
                &["v1.0.0"] as &[&str],
                &["1.0.0", "1.0", "1", "latest"] as &[&str],
            ),
            ("1.0.0", &[], &["1.0.0", "1.0", "1", "latest"]),
            // the newest one
            (
                "v1.2.3",
                &["v1.2.2", "v1.2.3", "v1.1.9", "v0.9.0"],
                &["1.2.3", "1.2", "1", "latest"],
            ),
            // numbers are compared as numbers
            (
                "v1.10.0",
                &["v1.9.0", "v1.10.0"],
                &["1.10.0", "1.10", "1", "latest"],
            ),
            ("v1.9.1", &["v1.9.0", "v1.10.0"], &["1.9.1", "1.9"]),
            // a patch of an old line, minor or major
            ("v1.1.5", &["v1.1.4", "v1.2.0"], &["1.1.5", "1.1"]),
            ("v1.9.9", &["v1.9.8", "v2.0.0"], &["1.9.9", "1.9", "1"]),
            // the image of an older release made once more
            ("v1.2.3", &["v1.2.3", "v1.2.4"], &["1.2.3"]),
            // pre-releases take nothing, and stand in nobody's way
            ("v2.0.0-rc.1", &["v1.0.0"], &["2.0.0-rc.1"]),
            ("v1.2.3-rc.1", &[], &["1.2.3-rc.1"]),
            (
                "v1.2.3",
                &["v1.2.3-rc.1", "v1.3.0-rc.1", "v2.0.0-alpha"],
                &["1.2.3", "1.2", "1", "latest"],
            ),
            // below 1.0
            ("v0.3.0", &["v0.2.9"], &["0.3.0", "0.3", "latest"]),
            ("v0.2.9", &["v0.3.0"], &["0.2.9", "0.2"]),
            // what is no release
            (
                "v1.0.0",
                &[
                    "nightly",
                    "v9",
                    "v3.0",
                    "v04.0.0",
                    "v9.9.9+build",
                    "release-7.0.0",
                ],
                &["1.0.0", "1.0", "1", "latest"],
            ),
        ] {
            let found = tags(Made::OfRelease(release), known.iter().copied());
            assert_eq!(
                found.as_deref(),
                Ok(&expected.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>()[..]),
                "{release} of {known:?}"
            );
        }
    }

    #[test]
    fn main_is_canary_and_nothing_else() {
        assert_eq!(tags(Made::OfMain, ["v1.0.0"]), Ok(vec!["canary".to_owned()]));
    }

    #[test]
    fn what_is_no_release_gets_no_name() {
        for tag in [
            "",
            "v",
            "latest",
            "v1",
            "v1.2",
            "v1.2.3.4",
            "v01.2.3",
            "v1.2.3+linux",
            "vv1.2.3",
            "v1.2.3-",
        ] {
            assert!(tags(Made::OfRelease(tag), []).is_err(), "{tag}");
        }
    }
}
