//! `cargo xtask deploy`: installs Stoa every way there is, and tries it.
//!
//! The ways are tests of this crate (`xtask/tests/deploy`), each with a name. Those that take more than moments, since
//! they make root folders, images and programs, run only when this command or `cargo xtask test` asks for them.

use crate::{
    Failure, dist,
    install::Program,
    programs,
    step::{last_program, program, step},
    tree::{cargo, root},
};
use std::{path::PathBuf, process::Command};

const USAGE: &str = "\
usage: cargo xtask deploy [--quick] [--binary FILE] [part …]

  parts: chart compose container image package systemd workflows; none means all
  --quick            what takes moments, with the binary of an ordinary build
  --binary FILE      this release binary, rather than one built now";

/// The modules of the tests, by which one way is asked for.
const PARTS: [&str; 7] = [
    "chart",
    "compose",
    "container",
    "image",
    "package",
    "systemd",
    "workflows",
];

/// What the quick ones run.
const QUICK: [Program; 2] = [
    Program {
        name: "systemd-analyze",
        probe: &["--version"],
        package: "systemd",
        purpose: "checking units",
    },
    Program {
        name: "pip",
        probe: &["--version"],
        package: "python3-pip",
        purpose: "installing hadolint",
    },
];

/// What the long ones run as well.
const LONG: [Program; 4] = [
    programs::NGINX,
    Program {
        name: "buildah",
        probe: &["--version"],
        package: "buildah",
        purpose: "building and running images",
    },
    Program {
        name: "mmdebstrap",
        probe: &["--version"],
        package: "mmdebstrap",
        purpose: "fresh roots and base images",
    },
    Program {
        name: "dpkg-deb",
        probe: &["--version"],
        package: "dpkg",
        purpose: "the Debian package",
    },
];

/// Installs what all of them run.
pub(crate) fn programs() -> Result<(), Failure> {
    QUICK.iter().chain(&LONG).try_for_each(Program::provide)
}

/// Builds the image from the source.
pub(crate) fn from_source() -> Result<(), Failure> {
    step("programs", programs)?;
    let mut test = tests();
    test.arg("from_source::").env("STOA_TEST_DEPLOY", "prove");
    last_program("image", &mut test)
}

/// The tests of all ways.
fn tests() -> Command {
    let mut tests = cargo();
    tests.args(["test", "--locked", "--package", "xtask", "--test", "deploy", "--"]);
    tests.args(["--nocapture", "--test-threads=1"]);
    tests
}

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let (mut quick, mut binary, mut parts) = (false, None, Vec::new());
    let mut rest = arguments;
    loop {
        match rest {
            [] => break,
            ["--quick", behind @ ..] => (quick, rest) = (true, behind),
            ["--binary", file, behind @ ..] => (binary, rest) = (Some(PathBuf::from(file)), behind),
            [part, behind @ ..] if PARTS.contains(part) => {
                parts.push(*part);
                rest = behind;
            }
            _ => return Err(USAGE.to_owned()),
        }
    }
    let mut tests = tests();
    tests.args(parts.iter().map(|part| format!("{part}::")));
    if quick {
        step("programs", || QUICK.iter().try_for_each(Program::provide))?;
        match binary {
            Some(binary) => tests.env("STOA_TEST_BINARY", root().join(binary)),
            None => {
                program("build", cargo().args(["build", "--locked", "--package", "stoa"]))?;
                &mut tests
            }
        };
        return last_program("deploy", &mut tests);
    }
    step("programs", programs)?;
    let build = dist::Build::of(binary)?;
    tests
        .env("STOA_TEST_BINARY", &build.binary)
        .env("STOA_TEST_DEPLOY", "all");
    last_program("deploy", &mut tests)
}
