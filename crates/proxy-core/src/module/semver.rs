//! Go's dialect of semantic versions.

use std::cmp::Ordering;

/// Whether the text is a version, shorthand (`v1`, `v1.2`) included.
pub fn is_valid(_version: &str) -> bool {
    todo!()
}

/// Orders two versions; build parts are ignored, an invalid version is below every valid one.
pub fn compare(_a: &str, _b: &str) -> Ordering {
    todo!()
}
