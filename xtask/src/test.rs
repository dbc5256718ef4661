//! `cargo xtask test`: everything CI does, in the order in which failing is cheap.

use crate::{
    Failure, services,
    step::{program, step},
    tidy,
    tree::cargo,
};
use std::process::{Command, Stdio};

/// How long each fuzz target makes up input in an ordinary run, in seconds.
const FUZZ_SECONDS: &str = "10";

pub(crate) fn run() -> Result<(), Failure> {
    let environment = step("services", services::up)?;
    program("format", cargo().args(["fmt", "--all", "--check"]))?;
    step("tidy", tidy::run)?;
    deny()?;
    let clippy = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    program("clippy", cargo().args(clippy))?;
    let docs = [
        "doc",
        "--workspace",
        "--locked",
        "--no-deps",
        "--document-private-items",
    ];
    program("docs", cargo().args(docs).env("RUSTDOCFLAGS", "-D warnings"))?;
    // Last, so that cargo's own closing lines are those of the whole run.
    let tests = ["test", "--workspace", "--locked", "--no-fail-fast"];
    program(
        "tests",
        cargo()
            .args(tests)
            .env("STOA_FUZZ_SECONDS", FUZZ_SECONDS)
            .envs(environment),
    )
}

/// Licences, sources and bans by cargo-deny, where it is installed: building it takes longer than all our tests.
fn deny() -> Result<(), Failure> {
    let mut probe = Command::new("cargo-deny");
    if probe.arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("==> deny: skipped: cargo-deny is not installed");
        return Ok(());
    }
    program(
        "deny",
        cargo().args(["deny", "--offline", "check", "bans", "licenses", "sources"]),
    )
}
