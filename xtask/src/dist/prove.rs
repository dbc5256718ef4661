//! `cargo xtask dist prove`: two builds of one commit, in two folders, are one binary byte for byte; and with `--image`,
//! the stage of the image that compiles is really run.

use super::{
    build::{TIME, build_in, command_output},
    sums::sha256,
};
use crate::{Failure, deploy, step::program, tree::root};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Builds twice, or once where a binary of this commit is given, and compares.
pub(super) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let given = match arguments {
        [] => None,
        ["--binary", file] => Some(PathBuf::from(file)),
        ["--image"] => return deploy::from_source(),
        _ => return Err("usage: cargo xtask dist prove [--binary FILE | --image]".to_owned()),
    };
    let changed = command_output("git", &["status", "--porcelain", "--untracked-files=no"])?;
    if !changed.is_empty() {
        return Err("the tree has changes that are not committed; they would be in no build".to_owned());
    }
    let commit = command_output("git", &["rev-parse", "HEAD"])?.trim().to_owned();
    let first = match given {
        Some(binary) => of_this_commit(binary, &commit)?,
        None => build("one", &commit)?,
    };
    // The other folder's name is longer: a path that stays in the binary moves everything behind it.
    let second = build("another-folder-with-a-longer-name", &commit)?;
    compare(&first, &second)?;
    let bytes = fs::read(&first).map_err(|error| format!("{}: {error}", first.display()))?;
    println!("commit {commit}: both builds have the sha-256 {}", sha256(&bytes));
    Ok(())
}

/// A binary that says it is of this commit.
fn of_this_commit(binary: PathBuf, commit: &str) -> Result<PathBuf, Failure> {
    let binary = binary
        .canonicalize()
        .map_err(|error| format!("{}: {error}", binary.display()))?;
    let said = command_output(&binary, &["version", "--json"])?;
    if said.contains(commit) {
        Ok(binary)
    } else {
        Err(format!(
            "{} is of another commit: {}",
            binary.display(),
            said.trim()
        ))
    }
}

/// Lays the commit into a folder of its own, where git knows nothing of it, and builds it.
fn build(name: &str, commit: &str) -> Result<PathBuf, Failure> {
    let folder = root().join("target/prove").join(name);
    let tree = folder.join("tree");
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    fs::create_dir_all(&tree).map_err(failed)?;
    let archive = folder.join("tree.tar");
    let mut git = Command::new("git");
    git.args(["archive", "--format=tar", "--output"])
        .arg(&archive)
        .arg(commit)
        .current_dir(root());
    program("git archive", &mut git)?;
    let mut tar = Command::new("tar");
    tar.arg("--extract")
        .arg("--file")
        .arg(&archive)
        .arg("--directory")
        .arg(&tree);
    program("tar", &mut tar)?;
    build_in(&tree, &folder.join("target"), &stamps(commit)?)
}

/// What git would have told the build.
fn stamps(commit: &str) -> Result<Vec<(&'static str, String)>, Failure> {
    let time = command_output("git", &["log", "-1", "--format=%ct", commit])?;
    let mut stamps = vec![("STOA_COMMIT", commit.to_owned()), (TIME, time.trim().to_owned())];
    // No tag at all is no failure: then the package says the version.
    if let Ok(version) = command_output(
        "git",
        &["describe", "--tags", "--abbrev=12", "--match", "v[0-9]*"],
    ) {
        stamps.push(("STOA_VERSION", version.trim().to_owned()));
    }
    Ok(stamps)
}

/// Says where the first difference is.
fn compare(first: &Path, second: &Path) -> Result<(), Failure> {
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let (one, other) = (read(first)?, read(second)?);
    if one == other {
        return Ok(());
    }
    let at = one.iter().zip(&other).position(|(one, other)| one != other);
    let at = at.unwrap_or(one.len().min(other.len()));
    let around = |bytes: &[u8]| {
        let near = &bytes[at.saturating_sub(40).min(bytes.len())..(at + 80).min(bytes.len())];
        String::from_utf8_lossy(near).escape_debug().to_string()
    };
    Err(format!(
        "the builds differ: {} and {} bytes, first at {at}:\n  {}\n  {}",
        one.len(),
        other.len(),
        around(&one),
        around(&other)
    ))
}
