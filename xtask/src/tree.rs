//! Where the tree is and which files belong to it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The top of the tree.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or_else(|| here.to_owned(), Path::to_owned)
}

/// The cargo that runs us, at the top of the tree.
///
/// Where none runs us it is found by its name, not where it was when this was built: that may be the program behind
/// rustup, which would leave the choice of the compiler to the folder of each crate.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo says by the environment where it is"
)]
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// The text of every file git tracks or would track, with its path from the top. Files that are no text are left out.
pub(crate) fn files() -> Result<Vec<(String, String)>, crate::Failure> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root());
    let output = git
        .output()
        .map_err(|error| format!("git cannot be started: {error}"))?;
    if !output.status.success() {
        return Err("git does not know this tree".to_owned());
    }
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    let read = |name: &str| Some((name.to_owned(), std::fs::read_to_string(root().join(name)).ok()?));
    Ok(names
        .split('\0')
        .filter(|name| !name.is_empty())
        .filter_map(read)
        .collect())
}
