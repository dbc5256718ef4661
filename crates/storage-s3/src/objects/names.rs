//! Names that every server keeps.

use proxy_core::file::Sha256;
use std::borrow::Cow;

/// The longest element of a name that every server keeps, in bytes.
const LONGEST_NAME: usize = 255;

/// What is left of a longer one: enough to recognise it, and room for a sum.
const CUT: usize = 128;

/// A name of ours (not that of a module file) with every element short enough for servers that keep objects in files.
/// One that is longer is cut, and told from others by its sum, as it is on a disk.
pub(super) fn short_enough(name: &str) -> Cow<'_, str> {
    if !name.starts_with(".stoa/") || name.split('/').all(|element| element.len() <= LONGEST_NAME) {
        return Cow::Borrowed(name);
    }
    let elements = name.split('/').map(|element| match element.get(..CUT) {
        Some(start) if element.len() > LONGEST_NAME => {
            Cow::Owned(format!("{start}~{}", Sha256::of(element.as_bytes())))
        }
        _ => Cow::Borrowed(element),
    });
    Cow::Owned(elements.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::short_enough;

    #[test]
    fn only_a_long_element_of_a_name_of_ours_is_cut() {
        let long = "m".repeat(256);
        for name in [
            ".stoa/seen/a@v1",
            &format!("{long}/@v/v1.0.0.info"),
            &format!(".stoa/{}", &long[1..]),
        ] {
            assert_eq!(short_enough(name), *name);
        }
        let (one, other) = (format!(".stoa/a/{long}a/b"), format!(".stoa/a/{long}b/b"));
        let (one, other) = (short_enough(&one), short_enough(&other));
        assert_ne!(one, other);
        assert!(
            one.starts_with(".stoa/a/mmm") && one.ends_with("/b") && one.len() < 220,
            "{one}"
        );
    }
}
