//! One step of a longer command: announced, timed, and the end of it all if it fails.

use crate::Failure;
use std::{process::Command, time::Instant};

/// Runs a program with its output shown.
pub(crate) fn program(what: &str, command: &mut Command) -> Result<(), Failure> {
    step(what, || run(what, command))
}

/// The same for the last step, which has the last word: if it ends well, nothing is printed behind its output.
pub(crate) fn last_program(what: &str, command: &mut Command) -> Result<(), Failure> {
    eprintln!("==> {what}");
    run(what, command)
}

fn run(what: &str, command: &mut Command) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .map_err(|error| format!("{name} cannot be started: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{what} failed ({status})"))
    }
}

/// Does something, saying what before and how long it took after.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    eprintln!("==> {what}");
    let start = Instant::now();
    let outcome = work();
    let verdict = if outcome.is_ok() { "done" } else { "FAILED" };
    eprintln!("==> {what}: {verdict} in {:.1} s", start.elapsed().as_secs_f64());
    outcome
}
