//! Lists of versions: read as leniently as the go command reads them, and what `latest` is in one.

use proxy_core::module::{ModulePath, Version};

/// The versions in a list: the first word of each line, unless it is no canonical version of this module, or a
/// pseudo-version, which a list may hold only to say what is newest.
pub(super) fn parse(path: &ModulePath, text: &[u8]) -> Vec<Version> {
    let mut versions: Vec<Version> = String::from_utf8_lossy(text)
        .lines()
        .filter_map(|line| Version::parse(line.split_whitespace().next()?).ok())
        .filter(|version| !version.is_pseudo() && path.check_version(version).is_ok())
        .collect();
    versions.sort();
    versions.dedup();
    versions
}

/// The highest release; if there is none, the highest pre-release.
pub(super) fn latest(versions: &[Version]) -> Option<&Version> {
    versions
        .iter()
        .filter(|version| !version.is_prerelease())
        .max()
        .or_else(|| versions.iter().max())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, text: &[u8]) -> Vec<String> {
        let path = ModulePath::parse(path).unwrap();
        parse(&path, text)
            .into_iter()
            .map(|version| version.to_string())
            .collect()
    }

    #[test]
    fn lists_are_read_leniently() {
        let text = b"v1.10.0\nv1.2.0 2020-01-02T03:04:05Z\r\n\n  v1.2.0\nv1\nv1.2\nV1.3.0\nmain\nv1.4.0+meta\nv2.0.0\n\
                     v2.0.0+incompatible\nv1.2.0-rc.1\nv0.0.0-20200102030405-0123456789ab\n\xff\xfe\nv1.11.0";
        assert_eq!(
            read("example.test/m", text),
            [
                "v1.2.0-rc.1",
                "v1.2.0",
                "v1.10.0",
                "v1.11.0",
                "v2.0.0+incompatible"
            ]
        );
        assert_eq!(read("example.test/m/v2", b"v1.0.0\nv2.0.0\nv3.0.0\n"), ["v2.0.0"]);
        assert!(read("example.test/m", b"<html>\n").is_empty());
        assert!(read("example.test/m", b"").is_empty());
    }

    #[test]
    fn a_release_is_later_than_any_prerelease() {
        let versions = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| Version::parse(text).unwrap())
                .collect::<Vec<_>>()
        };
        let latest = |texts: &[&str]| latest(&versions(texts)).map(ToString::to_string);
        assert_eq!(
            latest(&["v1.0.0", "v1.2.0", "v1.10.0", "v2.0.0-rc.1"]).as_deref(),
            Some("v1.10.0")
        );
        assert_eq!(latest(&["v1.0.0-a", "v1.0.0-b"]).as_deref(), Some("v1.0.0-b"));
        assert_eq!(latest(&[]), None);
    }
}
