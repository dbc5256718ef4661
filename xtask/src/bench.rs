//! `cargo xtask bench`: installs what a benchmark needs and runs it on the release build.

use crate::{
    Failure,
    install::Program,
    programs::{GIT, GO, NGINX, WRK},
    step::program,
    tree::cargo,
};

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    match arguments {
        ["growth", rest @ ..] => bench("stoa", "growth", &[], rest),
        ["git", rest @ ..] => bench("direct-fetch", "git", &[GIT, GO], rest),
        rest => bench("stoa", "side_by_side", &[NGINX, WRK, GO], rest),
    }
}

fn bench(package: &str, name: &str, needed: &[Program], arguments: &[&str]) -> Result<(), Failure> {
    for needed in needed {
        needed.provide()?;
    }
    let bench = ["bench", "--locked", "--package", package, "--bench", name, "--"];
    program("bench", cargo().args(bench).args(arguments))
}
