//! Stamps the binary with its version, commit and time: what the build's environment says (`STOA_VERSION`,
//! `STOA_COMMIT`, `SOURCE_DATE_EPOCH`), else what git says of the checkout, else what the package says.
//!
//! Nothing here depends on when or where the build runs, so that two builds of one commit give one binary.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    let folder = environment("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    let git = Git::of_source(folder);
    let version = variable("STOA_VERSION")
        .or_else(|| git.as_ref()?.release())
        .or_else(|| environment("CARGO_PKG_VERSION"))
        .unwrap_or_default();
    let commit = variable("STOA_COMMIT").or_else(|| git.as_ref()?.says(&["rev-parse", "HEAD"]));
    let seconds =
        variable("SOURCE_DATE_EPOCH").or_else(|| git.as_ref()?.says(&["log", "-1", "--format=%ct"]));
    println!(
        "cargo::rustc-env=STOA_BUILT_VERSION={}",
        version.trim_start_matches('v')
    );
    println!(
        "cargo::rustc-env=STOA_BUILT_COMMIT={}",
        commit.unwrap_or_default()
    );
    println!(
        "cargo::rustc-env=STOA_BUILT_SECONDS={}",
        seconds.unwrap_or_default()
    );
    println!("cargo::rerun-if-changed=build.rs");
    for path in git.iter().flat_map(Git::files_that_tell) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

/// A variable by which a packager says what this build is; a change of it builds anew.
fn variable(name: &str) -> Option<String> {
    println!("cargo::rerun-if-env-changed={name}");
    environment(name)
}

/// A variable of the build's environment that is set and not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "a build script is told by its environment"
)]
fn environment(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?.trim().to_owned();
    Some(value).filter(|value| !value.is_empty())
}

/// The git checkout that this source is; holds the package's folder.
struct Git(PathBuf);

impl Git {
    /// None where the source is no checkout, or lies inside the checkout of something else.
    fn of_source(folder: PathBuf) -> Option<Self> {
        let workspace = folder.join("../..").canonicalize().ok()?;
        let git = Self(folder);
        let top = git.says(&["rev-parse", "--show-toplevel"])?;
        (Path::new(&top).canonicalize().ok()? == workspace).then_some(git)
    }

    /// The version of the tag that HEAD is, or of the last one with the distance from it.
    fn release(&self) -> Option<String> {
        // As many digits as git likes depend on how much of the history a checkout holds.
        self.says(&["describe", "--tags", "--abbrev=12", "--match", "v[0-9]*"])
    }

    fn says(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(&self.0)
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (output.status.success() && !text.is_empty()).then_some(text)
    }

    /// The files that change when HEAD moves or a tag is made. A file that is missing would rerun this every time.
    fn files_that_tell(&self) -> Vec<PathBuf> {
        ["HEAD", "logs/HEAD", "packed-refs", "refs/tags"]
            .iter()
            .filter_map(|name| self.says(&["rev-parse", "--git-path", name]))
            .map(|path| self.0.join(path))
            .filter(|path| path.exists())
            .collect()
    }
}
