//! `cargo xtask docs`: writes the generated pages anew.

use crate::Failure;

pub(crate) fn run() -> Result<(), Failure> {
    Err("there is no generated page yet".to_owned())
}
