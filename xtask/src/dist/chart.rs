//! The Helm chart of a release: the version of this build and the name of its images written in, then packed by `helm`.

use super::build::{command_output, with_folder};
use crate::{Failure, step::program, tree::root};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Writes `stoa-VERSION.tgz`, whose images have this name (`registry.example.com/stoa`, without a tag).
pub(super) fn write(image: &str, into: &Path) -> Result<PathBuf, Failure> {
    let version = version()?;
    with_folder("chart", |folder| {
        let chart = folder.join("stoa");
        let failed = |error: std::io::Error| format!("{}: {error}", chart.display());
        copy(&root().join("deploy/helm/stoa"), &chart).map_err(failed)?;
        let values = chart.join("values.yaml");
        let text = fs::read_to_string(&values).map_err(failed)?;
        let named = text.replacen("repository: stoa", &format!("repository: {image}"), 1);
        if named == text {
            return Err("values.yaml does not say where images come from".to_owned());
        }
        fs::write(&values, named).map_err(failed)?;
        let mut helm = Command::new("helm");
        helm.arg("package")
            .arg(&chart)
            .args(["--version", &version, "--app-version", &version, "--destination"])
            .arg(into);
        program("helm package", &mut helm)
    })?;
    Ok(into.join(format!("stoa-{version}.tgz")))
}

/// The version of this checkout: the environment's, else the tag's, else the package's.
fn version() -> Result<String, Failure> {
    let described = command_output(
        "git",
        &["describe", "--tags", "--abbrev=12", "--match", "v[0-9]*"],
    );
    let version = version_of_environment().or_else(|| described.ok());
    let version = version.unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned());
    Ok(version.trim().trim_start_matches('v').to_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a packager says the version by the environment"
)]
fn version_of_environment() -> Option<String> {
    std::env::var("STOA_VERSION")
        .ok()
        .filter(|version| !version.is_empty())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        } else {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
