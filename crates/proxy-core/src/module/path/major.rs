//! The major version at the end of a module path, and whether a version fits it.

use crate::module::semver;

/// Splits a path into what comes before its major version and the major version, empty if there is none.
///
/// `None` where the path ends in a major version that no module path may have: `/v0`, `/v1`, `/v02`, `/v2.1`, and
/// for gopkg.in any path without `.vN` (Go's `module.SplitPathVersion`).
pub fn split(path: &str) -> Option<(&str, &str)> {
    if path.starts_with("gopkg.in/") {
        return split_gopkg_in(path);
    }
    let before = path.trim_end_matches(|character: char| character.is_ascii_digit() || character == '.');
    let number = &path[before.len()..];
    let Some(prefix) = before.strip_suffix("/v").filter(|_| !number.is_empty()) else {
        return Some((path, ""));
    };
    let valid = !number.contains('.') && !number.starts_with('0') && number != "1";
    valid.then(|| path.split_at(prefix.len()))
}

fn split_gopkg_in(path: &str) -> Option<(&str, &str)> {
    let stable = path.strip_suffix("-unstable").unwrap_or(path);
    let before = stable.trim_end_matches(|character: char| character.is_ascii_digit());
    let prefix = before.strip_suffix(".v")?;
    let (prefix, major) = path.split_at(prefix.len());
    // What follows ".v" as Go's own test sees it: "v0" stands, "v01" and "v0-unstable" do not.
    let number = major.strip_prefix(".v").unwrap_or_default();
    let valid = !number.is_empty() && (number == "0" || !number.starts_with('0'));
    valid.then_some((prefix, major))
}

/// Whether a version fits a path's major version; the error says what was expected (Go's `module.CheckPathMajor`).
pub fn check_version(path_major: &str, version: &str) -> Result<(), String> {
    let path_major = match path_major.strip_suffix("-unstable") {
        Some(stable) if path_major.starts_with(".v") => stable,
        _ => path_major,
    };
    // An old go command made `v0.0.0-…` of untagged commits for gopkg.in/….v1 too; those versions are in use.
    if path_major == ".v1" && version.starts_with("v0.0.0-") {
        return Ok(());
    }
    let major = semver::major(version).unwrap_or_default();
    let (fits, expected) = match path_major.get(1..) {
        None => (
            matches!(major, "v0" | "v1") || semver::build(version) == Some("+incompatible"),
            "v0 or v1",
        ),
        Some(expected) => (major == expected, expected),
    };
    if fits {
        Ok(())
    } else {
        Err(format!("it should be {expected}, not {major}"))
    }
}
