//! `cargo xtask bench`: installs what the benchmark needs and runs it on the release build.

use crate::{Failure, programs, step::program, tree::cargo};

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    for needed in [programs::NGINX, programs::WRK, programs::GO] {
        needed.provide()?;
    }
    let bench = [
        "bench",
        "--locked",
        "--package",
        "stoa",
        "--bench",
        "side_by_side",
        "--",
    ];
    program("bench", cargo().args(bench).args(arguments))
}
