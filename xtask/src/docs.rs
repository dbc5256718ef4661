//! `cargo xtask docs`: writes the generated pages anew. Tests compare them with the code they come from.

use crate::{
    Failure,
    step::step,
    tree::{cargo, root},
};

/// A page, and the command of the program that prints it.
const PAGES: [(&str, &[&str]); 1] = [("docs/configuration.md", &["config", "reference"])];

pub(crate) fn run() -> Result<(), Failure> {
    PAGES
        .iter()
        .try_for_each(|(page, command)| step(page, || write(page, command)))
}

fn write(page: &str, command: &[&str]) -> Result<(), Failure> {
    let mut cargo = cargo();
    cargo
        .args(["run", "--quiet", "--locked", "--package", "stoa", "--"])
        .args(command);
    let output = cargo
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "{page}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    std::fs::write(root().join(page), output.stdout).map_err(|error| format!("{page}: {error}"))
}
