//! Module zips: what one may hold, reading and writing one.

use crate::{file::Body, module::ModuleVersion, sums::H1};

/// What a check of a whole zip found out on the way.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The zip's `h1:` sum.
    pub h1: H1,
    /// The root `go.mod` inside it, if there is one.
    pub go_mod: Option<bytes::Bytes>,
}

/// Why a zip is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidZip {
    /// The rule it breaks, naming the entry.
    pub reason: String,
}

/// Reads the whole zip once, checks every rule and limit, and works out its sum. Blocks; run it off the runtime.
pub fn check(_module: &ModuleVersion, _zip: &Body) -> Result<Checked, CheckError> {
    todo!()
}

/// Why a check did not end well.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The zip is at fault.
    #[error(transparent)]
    Invalid(#[from] InvalidZip),
    /// Our own disk is.
    #[error("a spooled zip could not be read")]
    Io(#[source] std::io::Error),
}
