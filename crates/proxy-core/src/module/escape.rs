//! The escaping of module paths and versions.

/// Writes each upper-case ASCII letter as `!` and its lower case.
pub fn escape(_text: &str) -> String {
    todo!()
}
