//! `cargo xtask bench`: installs what a benchmark needs and runs it on the release build.

use crate::{
    Failure,
    install::Program,
    programs::{GIT, GO, NGINX, WRK},
    services,
    step::{program, step},
    tree::cargo,
};

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    match arguments {
        // Stores that somebody names are there; else there are those of the tests.
        ["growth", rest @ ..] if rest.iter().any(|argument| argument.contains("://")) => {
            run_one("stoa", "growth", rest, &[])
        }
        ["growth", rest @ ..] => {
            // Stopped when this ends, however it ends.
            let stores = step("services", || {
                services::up_those(|name| services::STORES.contains(&name))
            })?;
            run_one("stoa", "growth", rest, &stores.environment)
        }
        ["git", rest @ ..] => {
            provide(&[GIT, GO])?;
            run_one("direct-fetch", "git", rest, &[])
        }
        rest => {
            provide(&[NGINX, WRK, GO])?;
            run_one("stoa", "side_by_side", rest, &[])
        }
    }
}

fn provide(needed: &[Program]) -> Result<(), Failure> {
    needed.iter().try_for_each(Program::provide)
}

fn run_one(
    package: &str,
    name: &str,
    arguments: &[&str],
    environment: &[(String, String)],
) -> Result<(), Failure> {
    let bench = ["bench", "--locked", "--package", package, "--bench", name, "--"];
    let mut command = cargo();
    command.args(bench).args(arguments);
    program("bench", command.envs(environment.iter().cloned()))
}
