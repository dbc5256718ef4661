//! `h1:` sums.

use std::{fmt, str::FromStr};

/// Go's `h1:` sum of a module zip or a go.mod.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct H1(pub [u8; 32]);

/// The two sums a version has in `go.sum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// Of the zip.
    pub zip: H1,
    /// Of the go.mod.
    pub go_mod: H1,
}

/// A text that is no `h1:` sum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed sum {0:?}: expected h1: and 44 base64 characters")]
pub struct InvalidSum(pub String);

impl H1 {
    /// The sum of a `go.mod` alone.
    pub fn of_go_mod(_bytes: &[u8]) -> Self {
        todo!()
    }
}

impl fmt::Display for H1 {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
impl fmt::Debug for H1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for H1 {
    type Err = InvalidSum;
    fn from_str(_text: &str) -> Result<Self, InvalidSum> {
        todo!()
    }
}
