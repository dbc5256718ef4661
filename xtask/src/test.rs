//! `cargo xtask test`: everything CI does, in the order in which failing is cheap.

use crate::{
    Failure, deploy, dist, services,
    step::{last_program, program, step},
    tidy,
    tree::cargo,
};
use std::num::NonZero;

/// How long each fuzz target makes up input in an ordinary run, in seconds.
const FUZZ_SECONDS: &str = "10";

pub(crate) fn run() -> Result<(), Failure> {
    // Stopped when this ends, however it ends.
    let services = step("services", services::up)?;
    step("programs", deploy::programs)?;
    program("format", cargo().args(["fmt", "--all", "--check"]))?;
    step("tidy", tidy::run)?;
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
    // One release binary: what people install is tried as they get it, by the image, the package, the book and the page.
    let release = dist::Build::of(None)?;
    // Last, so that cargo's own closing lines are those of the whole run.
    let tests = ["test", "--workspace", "--locked", "--no-fail-fast"];
    last_program(
        "tests",
        cargo()
            .args(tests)
            .env("STOA_FUZZ_SECONDS", FUZZ_SECONDS)
            .env("STOA_TEST_BINARY", &release.binary)
            .env("STOA_TEST_DEPLOY", "all")
            .env("RUST_TEST_THREADS", threads())
            .envs(services.environment.iter().cloned()),
    )
}

/// How many tests run at a time, unless somebody says so: two for each processor, since half of what they do is to wait
/// for servers, for leases that run out and for origins that are away.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests says so by the environment"
)]
fn threads() -> String {
    let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
    std::env::var("RUST_TEST_THREADS").unwrap_or_else(|_| (2 * processors()).to_string())
}
