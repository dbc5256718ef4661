//! Installing a program through the machine's package manager, by its package's name, and saying so.

use crate::Failure;
use std::process::{Command, Stdio};

/// A program that something here needs.
#[derive(Debug)]
pub(crate) struct Program {
    /// What is run.
    pub(crate) name: &'static str,
    /// Arguments that make it show it is there, quickly and without effect.
    pub(crate) probe: &'static [&'static str],
    /// The Debian package it comes in.
    pub(crate) package: &'static str,
    /// What it is needed for.
    pub(crate) purpose: &'static str,
}

impl Program {
    /// Whether it is there and runs.
    pub(crate) fn is_here(&self) -> bool {
        let mut command = Command::new(self.name);
        command
            .args(self.probe)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // Some programs (wrk) answer a request for their version with a failure; that they start is enough.
        command.status().is_ok()
    }

    /// Installs it if it is missing.
    pub(crate) fn provide(&self) -> Result<(), Failure> {
        if self.is_here() {
            return Ok(());
        }
        eprintln!("==> {} is missing", self.name);
        package(self.package, self.purpose)?;
        if self.is_here() {
            return Ok(());
        }
        Err(format!(
            "{} is needed ({}) and did not come with the package {}",
            self.name, self.purpose, self.package
        ))
    }
}

/// Installs a package, whatever it brings.
pub(crate) fn package(package: &str, purpose: &str) -> Result<(), Failure> {
    eprintln!("==> installing the package {package} ({purpose})");
    // The lists of packages may be missing or old; if they cannot be had, installing will say so.
    let _ = apt(&["update"]);
    if apt(&["install", "--yes", "--no-install-recommends", package]) {
        return Ok(());
    }
    Err(format!(
        "the package {package} is needed ({purpose}) and could not be installed: install it by hand"
    ))
}

/// Runs `apt-get`, by `sudo` where that is there and needed.
fn apt(arguments: &[&str]) -> bool {
    let mut attempts = [Command::new("apt-get"), Command::new("sudo")];
    attempts[1].args(["--non-interactive", "apt-get"]);
    attempts.into_iter().any(|mut command| {
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command.status().is_ok_and(|status| status.success())
    })
}

#[cfg(test)]
mod tests {
    use super::Program;

    #[test]
    fn a_program_is_here_or_not() {
        let program = |name| Program {
            name,
            probe: &["--version"],
            package: "none",
            purpose: "this test",
        };
        assert!(program("git").is_here());
        assert!(!program("stoa-no-such-program").is_here());
    }
}
