//! The list of what is built in, in `CycloneDX` 1.6: for scanners that ask whether a release holds a package with a flaw.

use super::{
    build::Build,
    packages::{Package, compiler},
    sums::sha256,
};
use crate::Failure;
use serde_json::{Value, json};

/// The whole document. Its serial number is drawn from what it says, so that the same build has the same document.
pub(super) fn document(build: &Build, packages: &[Package], time: &str) -> Result<String, Failure> {
    let binary =
        std::fs::read(&build.binary).map_err(|error| format!("{}: {error}", build.binary.display()))?;
    let components: Vec<Value> = packages
        .iter()
        .filter(|package| package.name != "stoa")
        .map(component)
        .chain([standard_library()?])
        .collect();
    let dependencies: Vec<Value> = packages.iter().map(dependency).collect();
    let stoa = packages.iter().find(|package| package.name == "stoa");
    let mut document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": time,
            "component": {
                "type": "application",
                "bom-ref": stoa.map(reference).unwrap_or_default(),
                "name": "stoa",
                "version": build.version,
                "licenses": [{ "expression": "Apache-2.0 OR MIT" }],
                "hashes": [{ "alg": "SHA-256", "content": sha256(&binary) }],
                "properties": [{ "name": "stoa:target", "value": build.target }],
            },
        },
        "components": components,
        "dependencies": dependencies,
    });
    document["serialNumber"] = json!(serial(&sha256(document.to_string().as_bytes())));
    serde_json::to_string_pretty(&document)
        .map(|text| text + "\n")
        .map_err(|error| format!("the list of what is built in: {error}"))
}

fn component(package: &Package) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
        "licenses": [{ "expression": package.licence }],
    });
    if !package.ours {
        component["purl"] = json!(reference(package));
    }
    if let Some(sum) = &package.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
    }
    if let Some(repository) = &package.repository {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}

fn standard_library() -> Result<Value, Failure> {
    let version = compiler()?;
    Ok(json!({
        "type": "library",
        "bom-ref": format!("rust-std@{version}"),
        "name": "rust-std",
        "version": version,
        "licenses": [{ "expression": "MIT OR Apache-2.0" }],
    }))
}

fn dependency(package: &Package) -> Value {
    let uses: Vec<String> = package
        .uses
        .iter()
        .map(|(name, version)| purl(name, version))
        .collect();
    json!({ "ref": reference(package), "dependsOn": uses })
}

fn reference(package: &Package) -> String {
    purl(&package.name, &package.version)
}

fn purl(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

/// A UUID (version 8, of one's own making: RFC 9562) from a sum.
fn serial(sum: &str) -> String {
    format!(
        "urn:uuid:{}-{}-8{}-8{}-{}",
        &sum[..8],
        &sum[8..12],
        &sum[13..16],
        &sum[17..20],
        &sum[20..32]
    )
}

#[cfg(test)]
mod tests {
    use super::{purl, serial};

    #[test]
    fn names_are_those_scanners_know() {
        assert_eq!(
            purl("zstd-sys", "2.0.16+zstd.1.5.7"),
            "pkg:cargo/zstd-sys@2.0.16%2Bzstd.1.5.7"
        );
        assert_eq!(
            serial(&"0123456789abcdef".repeat(4)),
            "urn:uuid:01234567-89ab-8def-8123-456789abcdef"
        );
    }
}
