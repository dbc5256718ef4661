//! The release binary: how it is built, so that no folder of the machine is in it, and which build it says it is.

use crate::{
    Failure,
    step::program,
    tree::{cargo, root},
};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The time of a source, in seconds since 1970. (reproducible-builds.org.)
pub(super) const TIME: &str = "SOURCE_DATE_EPOCH";

/// A release binary, and what it says of itself.
#[derive(Debug)]
pub(crate) struct Build {
    /// Where it is.
    pub(crate) binary: PathBuf,
    /// What it runs on, as rustc names it.
    pub(crate) target: String,
    /// Its version.
    pub(crate) version: String,
    /// When it was built or its source was committed, in seconds since 1970; 0 where nobody knows.
    pub(crate) seconds: u64,
}

impl Build {
    /// Of a binary made before, else of one made now.
    pub(crate) fn of(binary: Option<PathBuf>) -> Result<Self, Failure> {
        let binary = binary.map_or_else(release, Ok)?;
        let path = binary
            .canonicalize()
            .map_err(|error| format!("{}: {error}", binary.display()))?;
        let printed = command_output(&path, &["version", "--json"])?;
        let said: Value = serde_json::from_str(&printed)
            .map_err(|error| format!("{} is no stoa: {error}", path.display()))?;
        let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            target: host()?,
            version: text("version"),
            seconds: seconds(&text("build_time")),
            binary: path,
        })
    }

    /// What the files of this release are called, without what follows the dot.
    pub(crate) fn name(&self) -> String {
        format!("stoa-{}-{}", self.version, self.target)
    }
}

/// Builds the release binary of this tree.
pub(crate) fn release() -> Result<PathBuf, Failure> {
    let folder = root().join("target/release-build");
    build_in(&root(), &folder, &time_of_source())
}

/// The time that git has of this checkout, if it is one: the build script finds it too, but compilers of C, which write
/// the time of day where a source asks for it, are told by the environment alone.
fn time_of_source() -> Vec<(&'static str, String)> {
    let git = |arguments: &[&str]| command_output("git", arguments).ok();
    let top = git(&["rev-parse", "--show-toplevel"]).map(|top| PathBuf::from(top.trim()).canonicalize());
    if !matches!((top, root().canonicalize()), (Some(Ok(top)), Ok(root)) if top == root) {
        return Vec::new();
    }
    let time = git(&["log", "-1", "--format=%ct"]);
    time.map(|time| (TIME, time.trim().to_owned()))
        .into_iter()
        .collect()
}

/// Builds the release binary of this tree, and lays it where it is wanted.
pub(super) fn release_into(file: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::copy(release()?, file).map_err(failed).map(drop)
}

/// Whether the environment of this command says it; then that goes before, as it does in any build.
#[expect(
    clippy::disallowed_methods,
    reason = "a packager says version and time by the environment"
)]
fn is_said(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

/// Builds the release binary of a tree, into a folder of its own: its flags would unsettle what other builds keep.
pub(super) fn build_in(tree: &Path, into: &Path, stamps: &[(&str, String)]) -> Result<PathBuf, Failure> {
    let mut cargo = cargo();
    cargo
        .args(["build", "--release", "--locked", "--package", "stoa"])
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", into)
        .envs(
            stamps
                .iter()
                .filter(|(name, _)| !is_said(name))
                .map(|(name, value)| (*name, value)),
        )
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    let folders = remapped(tree, into)?;
    let rust: Vec<String> = folders
        .iter()
        .map(|(from, to)| format!("--remap-path-prefix={from}={to}"))
        .collect();
    let c: Vec<String> = folders
        .iter()
        .map(|(from, to)| format!("-ffile-prefix-map={from}={to}"))
        .collect();
    cargo.env("RUSTFLAGS", rust.join(" ")).env("CFLAGS", c.join(" "));
    program("release build", &mut cargo)?;
    Ok(into.join("release/stoa"))
}

/// Every folder that compilers would write into the binary, and what they write instead.
fn remapped(tree: &Path, into: &Path) -> Result<Vec<(String, &'static str)>, Failure> {
    let sysroot = command_output("rustc", &["--print", "sysroot"])?;
    let cargo_home = home::cargo();
    // The last one that fits is taken, so the longer ones come behind.
    let folders = [
        (tree.to_owned(), "/stoa"),
        (into.to_owned(), "/stoa/target"),
        (cargo_home, "/cargo"),
        (PathBuf::from(sysroot.trim()), "/rust"),
    ];
    folders
        .into_iter()
        .map(|(from, to)| {
            let text = from.to_string_lossy().into_owned();
            if text.contains(char::is_whitespace) {
                return Err(format!(
                    "{text}: a release cannot be built in a folder with blanks"
                ));
            }
            Ok((text, to))
        })
        .collect()
}

/// Where cargo keeps what it downloads.
mod home {
    use std::path::PathBuf;

    #[expect(
        clippy::disallowed_methods,
        reason = "cargo's own folder is said by the environment"
    )]
    pub(super) fn cargo() -> PathBuf {
        std::env::var_os("CARGO_HOME").map_or_else(
            || std::env::home_dir().unwrap_or_default().join(".cargo"),
            PathBuf::from,
        )
    }
}

/// What this machine's builds run on.
fn host() -> Result<String, Failure> {
    let words = command_output("rustc", &["-vV"])?;
    let host = words.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| "rustc does not say what it builds for".to_owned())
}

/// Seconds since 1970 of a time such as `2026-01-02T03:04:05Z`.
fn seconds(time: &str) -> u64 {
    let numbers: Vec<u64> = time
        .trim_end_matches('Z')
        .split(['-', 'T', ':'])
        .filter_map(|number| number.parse().ok())
        .collect();
    let [year, month, day, hour, minute, second] = numbers[..] else {
        return 0;
    };
    // Years begin in March here, so that the day that comes every fourth year is their last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let since_1970 = days.saturating_sub(719_468);
    ((since_1970 * 24 + hour) * 60 + minute) * 60 + second
}

/// A folder of this process for what is made on the way, fresh and empty, and gone when `use_it` is done.
pub(super) fn with_folder<T>(
    name: &str,
    use_it: impl FnOnce(&Path) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let folder = root()
        .join("target/dist-work")
        .join(format!("{name}-{}", std::process::id()));
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let clear = || match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    };
    clear()?;
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let outcome = use_it(&folder);
    clear()?;
    outcome
}

/// What a program prints; its failure is ours.
pub(crate) fn command_output(
    program: impl AsRef<std::ffi::OsStr>,
    arguments: &[&str],
) -> Result<String, Failure> {
    let program = program.as_ref();
    let name = program.to_string_lossy();
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .map_err(|error| format!("{name} cannot be started: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let complaint = String::from_utf8_lossy(&output.stderr);
        Err(format!("{name} {}: {}", arguments.join(" "), complaint.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_are_counted() {
        for (time, counted) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2026-01-02T03:04:05Z", 1_767_323_045),
            ("", 0),
        ] {
            assert_eq!(seconds(time), counted, "{time}");
        }
    }
}
