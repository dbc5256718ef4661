//! Go's dialect of semantic versions.
//!
//! It differs from semver.org's: a version starts with `v`; `v1` and `v1.2` are valid and mean `v1.0.0` and `v1.2.0`;
//! numbers may be of any length; and build parts play no role in the order. A *canonical* version has its three
//! numbers and no build part; for module versions the build part `+incompatible` is canonical too, since it is part of
//! the version's name. (`golang.org/x/mod/semver`; Go modules reference, "Versions".)

use std::cmp::Ordering;

/// The parts of a valid version.
#[derive(Clone, Copy, Debug)]
struct Parts<'a> {
    /// Without the `v`.
    major: &'a str,
    /// `0` in shorthands that leave it out.
    minor: &'a str,
    /// `0` in shorthands that leave it out.
    patch: &'a str,
    /// With its `-`; empty if there is none.
    prerelease: &'a str,
    /// With its `+`; empty if there is none.
    build: &'a str,
    /// How many of the three numbers were written.
    numbers: u8,
}

/// Whether the text is a version, shorthand (`v1`, `v1.2`) included.
pub fn is_valid(version: &str) -> bool {
    parse(version).is_some()
}

/// Whether the text is a version as modules write it: three numbers, and no build part but `+incompatible`.
pub fn is_canonical(version: &str) -> bool {
    parse(version).is_some_and(|parts| parts.numbers == 3 && matches!(parts.build, "" | "+incompatible"))
}

/// Fills in the numbers a shorthand leaves out and drops the build part, but for `+incompatible`.
///
/// `None` for what is no version. (Go's `module.CanonicalVersion`.)
pub fn canonical(version: &str) -> Option<String> {
    let parts = parse(version)?;
    let mut canonical = version.strip_suffix(parts.build)?.to_owned();
    (parts.numbers..3).for_each(|_| canonical.push_str(".0"));
    if parts.build == "+incompatible" {
        canonical.push_str(parts.build);
    }
    Some(canonical)
}

/// The major part with its `v`: `v2`.
pub fn major(version: &str) -> Option<&str> {
    let parts = parse(version)?;
    version.get(..1 + parts.major.len())
}

/// The major and minor parts: `v2.1`, also of the shorthand `v2` (`v2.0`).
pub fn major_minor(version: &str) -> Option<String> {
    let parts = parse(version)?;
    Some(format!("v{}.{}", parts.major, parts.minor))
}

/// The pre-release part with its `-`, or nothing: `-rc.1` of `v1.0.0-rc.1+meta`.
pub fn prerelease(version: &str) -> Option<&str> {
    Some(parse(version)?.prerelease)
}

/// The build part with its `+`, or nothing: `+meta` of `v1.0.0-rc.1+meta`.
pub fn build(version: &str) -> Option<&str> {
    Some(parse(version)?.build)
}

/// Orders two versions; build parts are ignored, an invalid version is below every valid one.
pub fn compare(a: &str, b: &str) -> Ordering {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => compare_numbers(a.major, b.major)
            .then_with(|| compare_numbers(a.minor, b.minor))
            .then_with(|| compare_numbers(a.patch, b.patch))
            .then_with(|| compare_prereleases(a.prerelease, b.prerelease)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// Orders two texts as [`compare`] does, ties by their bytes: the order of version lists.
pub fn compare_total(a: &str, b: &str) -> Ordering {
    compare(a, b).then_with(|| a.cmp(b))
}

fn parse(version: &str) -> Option<Parts<'_>> {
    let (major, rest) = take_number(version.strip_prefix('v')?)?;
    let mut parts = Parts {
        major,
        minor: "0",
        patch: "0",
        prerelease: "",
        build: "",
        numbers: 1,
    };
    if rest.is_empty() {
        return Some(parts);
    }
    let (minor, rest) = take_number(rest.strip_prefix('.')?)?;
    parts = Parts {
        minor,
        numbers: 2,
        ..parts
    };
    if rest.is_empty() {
        return Some(parts);
    }
    let (patch, rest) = take_number(rest.strip_prefix('.')?)?;
    let (prerelease, build) = rest.split_at(rest.find('+').unwrap_or(rest.len()));
    let prerelease_is_valid = match prerelease.strip_prefix('-') {
        Some(identifiers) => identifiers
            .split('.')
            .all(|part| is_identifier(part) && !has_leading_zero(part)),
        None => prerelease.is_empty(),
    };
    let build_is_valid = build
        .strip_prefix('+')
        .is_none_or(|identifiers| identifiers.split('.').all(is_identifier));
    (prerelease_is_valid && build_is_valid).then_some(Parts {
        patch,
        prerelease,
        build,
        numbers: 3,
        ..parts
    })
}

/// Takes a number without leading zeros off the front.
fn take_number(text: &str) -> Option<(&str, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(length);
    (!number.is_empty() && !has_leading_zero(number)).then_some((number, rest))
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_leading_zero(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && is_number(text)
}

/// Numbers have no leading zeros, so the longer one is the larger one: no size is too large.
fn compare_numbers(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn compare_prereleases(a: &str, b: &str) -> Ordering {
    match (a.strip_prefix('-'), b.strip_prefix('-')) {
        (Some(a), Some(b)) => {
            // The first identifiers that differ decide; where one list ends first, it is the lower one.
            let mut others = b.split('.');
            for identifier in a.split('.') {
                let Some(other) = others.next() else {
                    return Ordering::Greater;
                };
                let order = compare_identifiers(identifier, other);
                if order.is_ne() {
                    return order;
                }
            }
            if others.next().is_some() {
                Ordering::Less
            } else {
                Ordering::Equal
            }
        }
        // A pre-release comes before its release.
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

fn compare_identifiers(a: &str, b: &str) -> Ordering {
    match (is_number(a), is_number(b)) {
        (true, true) => compare_numbers(a, b),
        (false, false) => a.cmp(b),
        (a_is_number, _) => {
            if a_is_number {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_versions() {
        for (version, filled, major_part, prerelease_part, build_part) in [
            ("v1", "v1.0.0", "v1", "", ""),
            ("v1.2", "v1.2.0", "v1", "", ""),
            ("v1.2.3", "v1.2.3", "v1", "", ""),
            ("v10.20.30-rc.1", "v10.20.30-rc.1", "v10", "-rc.1", ""),
            ("v1.2.3-a-b.0+meta.01", "v1.2.3-a-b.0", "v1", "-a-b.0", "+meta.01"),
            (
                "v2.0.0+incompatible",
                "v2.0.0+incompatible",
                "v2",
                "",
                "+incompatible",
            ),
            ("v1.2.3+meta", "v1.2.3", "v1", "", "+meta"),
            (
                "v99999999999999999999.0.0",
                "v99999999999999999999.0.0",
                "v99999999999999999999",
                "",
                "",
            ),
        ] {
            assert!(is_valid(version));
            assert_eq!(canonical(version).as_deref(), Some(filled));
            assert_eq!(is_canonical(version), version == filled);
            assert_eq!(major(version), Some(major_part));
            assert_eq!(prerelease(version), Some(prerelease_part));
            assert_eq!(build(version), Some(build_part));
        }
        assert_eq!(major_minor("v2").as_deref(), Some("v2.0"));
        assert_eq!(major_minor("v2.3.4-x").as_deref(), Some("v2.3"));
    }

    #[test]
    fn texts_that_are_no_versions() {
        for text in [
            "",
            "v",
            "1.2.3",
            "V1.2.3",
            "v01.2.3",
            "v1.02.3",
            "v1.2.03",
            "v1.",
            "v1.2.",
            "v1.2.3.4",
            "v1.2.3-",
            "v1.2.3+",
            "v1.2.3-01",
            "v1.2.3-a..b",
            "v1.2.3-a+",
            "v1.2.3-a_b",
            "v1.2-pre",
            "v1+meta",
            "v1.2.3-a\u{e9}",
            "v1.2.3 ",
            "main",
        ] {
            assert!(!is_valid(text), "{text}");
            assert_eq!(canonical(text), None);
        }
    }

    #[test]
    fn versions_are_ordered_as_go_orders_them() {
        let ascending = [
            "bad",
            "v0.0.1",
            "v1.0.0-0",
            "v1.0.0-1",
            "v1.0.0-2",
            "v1.0.0-10",
            "v1.0.0-alpha",
            "v1.0.0-alpha.1",
            "v1.0.0-alpha.beta",
            "v1.0.0-beta",
            "v1.0.0-rc.1",
            "v1",
            "v1.0.1",
            "v1.2",
            "v1.10.0",
            "v2.0.0",
            "v18446744073709551616.0.0",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a} {b}");
            }
        }
        assert_eq!(compare("v1.0.0+a", "v1.0.0+b"), Ordering::Equal);
        assert_eq!(compare_total("v1.0.0+a", "v1.0.0+b"), Ordering::Less);
        assert_eq!(compare("v1", "v1.0.0"), Ordering::Equal);
        assert_eq!(compare("bad", "worse"), Ordering::Equal);
    }
}
