//! Arrows point down only: which crate may use which, and who may name the HTTP libraries.

use crate::{Failure, tree};
use serde_json::Value;

/// A crate and those of ours it may use; a name that ends in `-*` stands for all that begin so. Tests may use more.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("proxy-core", &[]),
    ("http-client", &["proxy-core"]),
    ("download-protocol", &["http-client", "proxy-core"]),
    ("checksum-db", &["http-client", "proxy-core"]),
    ("direct-fetch", &["http-client", "proxy-core"]),
    ("storage-fs", &["proxy-core"]),
    ("storage-s3", &["proxy-core"]),
    ("storage-postgres", &["proxy-core"]),
    ("lease-redis", &["proxy-core"]),
    (
        "stoa",
        &[
            "proxy-core",
            "http-client",
            "download-protocol",
            "checksum-db",
            "direct-fetch",
            "storage-*",
            "lease-*",
        ],
    ),
    ("testkit", &[]),
    ("fuzz", &["proxy-core", "download-protocol", "checksum-db"]),
    ("xtask", &[]),
];

/// A library and the only crates that may name it outside their tests.
const NAMED_BY: [(&str, &[&str]); 3] = [
    ("reqwest", &["http-client"]),
    ("hyper", &["download-protocol", "stoa", "testkit"]),
    ("hyper-util", &["download-protocol", "stoa", "testkit"]),
];

/// Asks cargo who uses whom.
pub(super) fn check() -> Result<Vec<String>, Failure> {
    let mut cargo = tree::cargo();
    let output = cargo
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output();
    let output = output.map_err(|error| format!("cargo cannot be started: {error}"))?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata is no JSON: {error}"))?;
    Ok(judge(&metadata))
}

fn judge(metadata: &Value) -> Vec<String> {
    let packages: Vec<&Value> = metadata["packages"].as_array().into_iter().flatten().collect();
    let ours: Vec<&str> = packages
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    let mut complaints = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| *known == name) else {
            complaints.push(format!("the crate {name} has no place among the arrows of tidy"));
            continue;
        };
        for used in package["dependencies"].as_array().into_iter().flatten() {
            let library = used["name"].as_str().unwrap_or_default();
            if used["kind"] == "dev" {
                continue;
            }
            if ours.contains(&library) && !allowed.iter().any(|pattern| stands_for(pattern, library)) {
                complaints.push(format!("{name} must not use {library}: arrows point down only"));
            }
            if let Some((_, namers)) = NAMED_BY.iter().find(|(known, _)| *known == library)
                && !namers.contains(&name)
            {
                complaints.push(format!(
                    "{name} must not name {library}: only {} may",
                    namers.join(", ")
                ));
            }
        }
    }
    complaints
}

fn stands_for(pattern: &str, name: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(pattern == name, |start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::judge;
    use serde_json::json;

    #[test]
    fn an_arrow_upwards_is_found() {
        let metadata = json!({ "packages": [
            { "name": "stoa", "dependencies": [{ "name": "storage-fs", "kind": null }, { "name": "hyper", "kind": null }] },
            { "name": "storage-fs", "dependencies": [{ "name": "stoa", "kind": null }, { "name": "reqwest", "kind": null }] },
            { "name": "proxy-core", "dependencies": [{ "name": "storage-fs", "kind": "dev" }, { "name": "hyper", "kind": "dev" }] },
            { "name": "newcomer", "dependencies": [] },
        ]});
        assert_eq!(
            judge(&metadata),
            [
                "storage-fs must not use stoa: arrows point down only",
                "storage-fs must not name reqwest: only http-client may",
                "the crate newcomer has no place among the arrows of tidy",
            ]
        );
    }
}
