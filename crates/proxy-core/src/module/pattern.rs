//! Lists of module path patterns (`GOPRIVATE`).

/// A comma-separated list of globs, matched against the leading elements of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns(Vec<String>);

impl Patterns {
    /// Takes GOPRIVATE syntax; a malformed glob is an error here, though Go would let it never match.
    pub fn parse(_list: &str) -> Result<Self, String> {
        todo!()
    }

    /// Whether any pattern matches the path or an ancestor of it.
    pub fn matches(&self, _path: &str) -> bool {
        todo!()
    }

    /// Whether there is no pattern at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
