//! `stoa config`: the configuration shown, or checked.

use super::print;
use crate::{
    config::{Config, environment::Environment, reference, show},
    exit::Failure,
    listen::tls::Certificate,
    wiring,
};

/// Prints every value and where it came from.
pub(crate) fn show(config: &Config) -> Result<(), Failure> {
    print(&show::show(config))
}

/// Checks what loading did not: the files that are named, and the upstreams, without asking them.
pub(crate) fn check(config: &Config, environment: &Environment) -> Result<(), Failure> {
    if let Some(files) = &config.tls {
        Certificate::load(files).map_err(|error| Failure::Usage(error.to_string()))?;
    }
    wiring::check(config, environment)?;
    print("ok\n")
}

/// Prints the page of the book.
pub(crate) fn reference() -> Result<(), Failure> {
    print(&reference::reference())
}
