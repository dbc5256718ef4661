//! `cargo xtask torture`: the tests that take a machine's time rather than a person's, for minutes.

use crate::{Failure, step::program, tree::cargo};

/// How long each fuzz target runs unless told otherwise, in minutes.
const MINUTES: u64 = 10;

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let minutes = match arguments {
        [] => MINUTES,
        [minutes] => minutes
            .parse()
            .map_err(|_| format!("{minutes:?} is no number of minutes"))?,
        _ => return Err("usage: cargo xtask torture [minutes]".to_owned()),
    };
    let tests = ["test", "--workspace", "--locked", "--no-fail-fast"];
    program(
        "torture",
        cargo()
            .args(tests)
            .env("STOA_FUZZ_SECONDS", (minutes * 60).to_string())
            .env("STOA_TORTURE", "1"),
    )
}
