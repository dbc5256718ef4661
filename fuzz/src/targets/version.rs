//! Versions: one spelling, a total order, and pseudo-versions that come apart as they were put together.
//!
//! An input is three versions, one on a line.

use super::stays_inside;
use crate::{Target, Verdict};
use proxy_core::module::{PseudoVersion, Version, pseudo, semver, version::MAX_VERSION};
use std::cmp::Ordering;

pub(crate) const VERSION: Target = Target {
    name: "version",
    run,
    longest: 400,
    words: &[
        "v",
        "v1",
        "0",
        "1",
        "01",
        ".",
        "-",
        "+",
        "\n",
        "-rc.1",
        "+incompatible",
        "+meta",
        "-0.",
        ".0.",
        "20200102030405-abcdefabcdef",
        "v0.0.0-",
        "99999999999999999999",
    ],
};

fn run(data: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let texts = [(); 3].map(|()| lines.next().unwrap_or_default());
    check_order(texts, semver::compare_total);

    let versions = texts.map(|text| Version::parse(text).ok());
    versions.iter().flatten().for_each(check);
    if let [Some(a), Some(b), Some(c)] = &versions {
        check_order([a, b, c], Ord::cmp);
        assert_eq!(a == b, a.cmp(b).is_eq());
    }
    for text in texts {
        if let Ok(version) = Version::unescape(text) {
            assert_eq!(version.escaped(), text, "a version has one escaped form");
        }
    }
    versions.iter().all(Option::is_some).into()
}

fn check(version: &Version) {
    let text = version.as_str();
    assert_eq!(Version::parse(text).as_ref(), Ok(version));
    assert_eq!(Version::unescape(&version.escaped()).as_ref(), Ok(version));
    assert_eq!(
        semver::canonical(text).as_deref(),
        Some(text),
        "a version is canonical"
    );
    assert!(
        stays_inside(&version.escaped()) && !text.contains('/') && version.escaped().len() <= MAX_VERSION
    );
    assert_eq!(PseudoVersion::of(version).is_some(), version.is_pseudo());
    let Some(pseudo) = PseudoVersion::of(version) else {
        return;
    };
    assert!(version.is_prerelease());
    if let (Ok(time), Ok(base)) = (pseudo.time(), pseudo.base()) {
        let again = pseudo::build(version.major(), base.as_deref(), time, pseudo.rev());
        assert_eq!(again, text, "a pseudo-version is put together as it came apart");
        if let Some(base) = base {
            assert_eq!(
                semver::compare(&base, text),
                Ordering::Less,
                "it comes after its base"
            );
        }
    }
}

fn check_order<T: Copy>(items: [T; 3], compare: impl Fn(T, T) -> Ordering) {
    let [a, b, c] = items;
    assert_eq!(compare(a, a), Ordering::Equal);
    assert_eq!(compare(a, b), compare(b, a).reverse());
    if compare(a, b).is_le() && compare(b, c).is_le() {
        assert!(compare(a, c).is_le(), "the order is transitive");
    }
}
