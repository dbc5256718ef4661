//! What the build stamps into the binary: the script itself, compiled and run as cargo would.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use testkit::process::{Finished, run};

const LIMIT: Duration = Duration::from_secs(120);

fn done(command: Command) -> Finished {
    let finished = run(command, LIMIT).expect("it ends");
    assert!(finished.success, "{finished}");
    finished
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .args(["-c", "user.name=t", "-c", "user.email=t@t.test"])
        .args(arguments)
        .current_dir(folder);
    command.envs([
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z"),
    ]);
    done(command).stdout.trim().to_owned()
}

/// The script, compiled.
fn compiled(folder: &Path) -> PathBuf {
    let script = folder.join("script");
    let mut command = Command::new("rustc");
    command
        .args([
            "--edition",
            "2024",
            concat!(env!("CARGO_MANIFEST_DIR"), "/build.rs"),
            "-o",
        ])
        .arg(&script);
    done(command);
    script
}

/// What it stamps into a build of the package in this folder, with these variables set.
fn stamped(script: &Path, package: &Path, variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut command = Command::new(script);
    command
        .env_remove("STOA_VERSION")
        .env_remove("STOA_COMMIT")
        .env_remove("SOURCE_DATE_EPOCH");
    command
        .env("CARGO_MANIFEST_DIR", package)
        .env("CARGO_PKG_VERSION", "0.7.0")
        .current_dir(package);
    command.envs(variables.iter().copied());
    let stamps = done(command).stdout;
    let stamps = stamps
        .lines()
        .filter_map(|line| line.strip_prefix("cargo::rustc-env=STOA_BUILT_")?.split_once('='));
    stamps
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_environment_goes_before_git_before_the_package() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = compiled(folder.path());
    let package = folder.path().join("tree/crates/stoa");
    fs::create_dir_all(&package).expect("a folder");
    let stamps = |variables: &[(&str, &str)]| {
        let stamps = stamped(&script, &package, variables);
        ["VERSION", "COMMIT", "SECONDS"].map(|name| stamps[name].clone())
    };
    assert_eq!(stamps(&[]), ["0.7.0", "", ""], "no git, no environment");

    let tree = folder.path().join("tree");
    git(&tree, &["init", "-q"]);
    git(&tree, &["commit", "-q", "--allow-empty", "-m", "first"]);
    let commit = git(&tree, &["rev-parse", "HEAD"]);
    let time = "1767323045"; // 2026-01-02T03:04:05Z
    assert_eq!(stamps(&[]), ["0.7.0", &commit, time], "git, and no tag");
    git(&tree, &["tag", "v1.2.3"]);
    assert_eq!(stamps(&[]), ["1.2.3", &commit, time], "git, and a tag");

    let all = [
        ("STOA_VERSION", "v9.9.9"),
        ("STOA_COMMIT", "abc"),
        ("SOURCE_DATE_EPOCH", "0"),
    ];
    assert_eq!(stamps(&all), ["9.9.9", "abc", "0"], "the environment");

    let inside = tree.join("vendor/crates/stoa");
    fs::create_dir_all(&inside).expect("a folder");
    let stamps = stamped(&script, &inside, &[]);
    assert_eq!(
        stamps["COMMIT"], "",
        "the checkout of something else says nothing of us"
    );
}
