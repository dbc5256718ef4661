//! `stoa config`: the configuration shown, or checked.

use super::print;
use crate::{
    config::{Config, reference, show},
    exit::Failure,
};

/// Prints every value and where it came from.
pub(crate) fn show(config: &Config) -> Result<(), Failure> {
    print(&show::show(config))
}

/// A configuration that could be loaded is in order.
pub(crate) fn check(_config: &Config) -> Result<(), Failure> {
    print("ok\n")
}

/// Prints the page of the book.
pub(crate) fn reference() -> Result<(), Failure> {
    print(&reference::reference())
}
