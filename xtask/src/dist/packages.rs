//! What is built into the binary: cargo knows.

use super::command_output;
use crate::{
    Failure,
    tree::{cargo, root},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// One package that is built in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Package {
    /// Its name.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
    /// The licences it may be used under, in SPDX terms.
    pub(super) licence: String,
    /// Its folder, where cargo has it.
    pub(super) folder: PathBuf,
    /// Where its source is kept by its authors.
    pub(super) repository: Option<String>,
    /// The sha-256 of the archive it came in; ours came in none.
    pub(super) checksum: Option<String>,
    /// What it uses of the others, by name and version.
    pub(super) uses: BTreeSet<(String, String)>,
    /// Whether it is one of this tree.
    pub(super) ours: bool,
}

/// The packages of the `stoa` of this target, in the order of their names. What only builds or tests it is not in it.
pub(super) fn built_in(target: &str) -> Result<Vec<Package>, Failure> {
    let inside = inside(target)?;
    let metadata = metadata(target)?;
    let sums = checksums()?;
    let mut names: BTreeMap<&str, (String, String)> = BTreeMap::new();
    for package in array(&metadata["packages"]) {
        names.insert(text(&package["id"]), named(package));
    }
    let mut uses: BTreeMap<(String, String), BTreeSet<(String, String)>> = BTreeMap::new();
    for node in array(&metadata["resolve"]["nodes"]) {
        let Some(name) = names.get(text(&node["id"])) else {
            continue;
        };
        let normal = |edge: &&Value| array(&edge["dep_kinds"]).any(|kind| kind["kind"].is_null());
        let used = array(&node["deps"])
            .filter(normal)
            .filter_map(|edge| names.get(text(&edge["pkg"])).cloned())
            .filter(|used| inside.contains(used));
        uses.entry(name.clone()).or_default().extend(used);
    }
    let mut packages: Vec<Package> = array(&metadata["packages"])
        .filter(|package| inside.contains(&named(package)))
        .map(|package| {
            let (name, version) = named(package);
            let manifest = PathBuf::from(text(&package["manifest_path"]));
            Package {
                licence: text(&package["license"]).replace('/', " OR "),
                folder: manifest.parent().map(PathBuf::from).unwrap_or_default(),
                repository: package["repository"].as_str().map(str::to_owned),
                checksum: sums.get(&(name.clone(), version.clone())).cloned(),
                uses: uses.remove(&(name.clone(), version.clone())).unwrap_or_default(),
                ours: package["source"].is_null(),
                name,
                version,
            }
        })
        .collect();
    packages.sort();
    Ok(packages)
}

/// Names and versions of all that is linked, by the features of this build alone.
fn inside(target: &str) -> Result<BTreeSet<(String, String)>, Failure> {
    let arguments = [
        "tree",
        "--locked",
        "--edges",
        "normal",
        "--package",
        "stoa",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--target",
        target,
    ];
    let output = cargo()
        .args(arguments)
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "cargo tree: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let named = |line: &str| {
        let (name, rest) = line.split_once(' ')?;
        let version = rest.split(' ').next()?.strip_prefix('v')?;
        Some((name.to_owned(), version.to_owned()))
    };
    Ok(printed.lines().filter_map(named).collect())
}

fn metadata(target: &str) -> Result<Value, Failure> {
    let output = cargo()
        .args([
            "metadata",
            "--locked",
            "--format-version",
            "1",
            "--filter-platform",
            target,
        ])
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata is no JSON: {error}"))
}

/// The sums of the lock file, by name and version. Of two sources with one name, the lock file of this tree has none.
fn checksums() -> Result<BTreeMap<(String, String), String>, Failure> {
    let lock =
        std::fs::read_to_string(root().join("Cargo.lock")).map_err(|error| format!("Cargo.lock: {error}"))?;
    let mut sums = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let line = package
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""))?;
            Some(line.trim_end_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(sum)) = (field("name"), field("version"), field("checksum")) {
            sums.insert((name, version), sum);
        }
    }
    Ok(sums)
}

/// The version of the compiler, whose own library is linked too.
pub(super) fn compiler() -> Result<String, Failure> {
    let printed = command_output("rustc", &["--version"])?;
    Ok(printed.split(' ').nth(1).unwrap_or_default().trim().to_owned())
}

fn named(package: &Value) -> (String, String) {
    (
        text(&package["name"]).to_owned(),
        text(&package["version"]).to_owned(),
    )
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
