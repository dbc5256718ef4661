//! The Compose files: loaded as Docker Compose loads them, and each Stoa in them started with its own variables.

use crate::{
    container, environment,
    house::{at, decode, is_here},
};
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf};
use testkit::skip_or_fail;

const FILES: [&str; 3] = ["disk", "s3", "postgres"];

fn load(name: &str) -> Value {
    let file: PathBuf = at("deploy/compose").join(format!("{name}.yaml"));
    decode("compose", &[file], &[]).pop().expect("a project")
}

/// The services that are a Stoa.
fn mirrors(project: &Value) -> Vec<(String, Value)> {
    let services = project["services"].as_object().expect("services");
    let ours = services.iter().filter(|(_, service)| service["image"] == "stoa");
    ours.map(|(name, service)| (name.clone(), service.clone()))
        .collect()
}

#[test]
fn each_file_is_what_it_says() {
    if !is_here("go") {
        skip_or_fail!("there is no go to build what loads them");
    }
    let [disk, s3, postgres] = FILES.map(load);
    assert_eq!(mirrors(&disk).len(), 1);
    let many = mirrors(&s3);
    assert_eq!((many.len(), &many[0].1["deploy"]["replicas"]), (1, &3.into()));
    assert!(s3["services"]["redis"].is_object() && many[0].1["ports"].is_null());
    assert_eq!(
        s3["services"]["front"]["ports"][0]["published"], "3000",
        "one address"
    );
    assert_eq!(mirrors(&postgres).len(), 2);
    for project in [disk, s3, postgres] {
        for (name, service) in mirrors(&project) {
            assert_eq!(service["read_only"], true, "{name}");
            assert_eq!(service["cap_drop"][0], "ALL", "{name}");
            assert_eq!(service["healthcheck"]["test"][1], "/usr/bin/stoa", "{name}");
            assert_eq!(
                service["stop_grace_period"], "1m15s",
                "{name}: longer than the drain"
            );
            assert_eq!(service["environment"]["STOA_LIMITS__DRAIN"], "60s", "{name}");
            // Only the volume is written.
            assert_eq!(service["volumes"][0]["target"], "/var/lib/stoa", "{name}");
            for port in service["ports"].as_array().into_iter().flatten() {
                assert_eq!(
                    port["host_ip"], "127.0.0.1",
                    "{name}: nobody else is served unasked"
                );
            }
        }
    }
}

#[test]
fn each_stoa_starts_with_its_variables() {
    if !is_here("go") {
        skip_or_fail!("there is no go to build what loads them");
    }
    for file in FILES {
        for (name, service) in mirrors(&load(file)) {
            let mut variables: BTreeMap<String, String> = container::environment("minimal");
            let said = service["environment"].as_object().expect("variables");
            variables.extend(
                said.iter()
                    .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))),
            );
            variables.insert("GOSUMDB".into(), "off".into());
            environment::starts(&format!("{file}: {name}"), &variables, &BTreeMap::new());
        }
    }
}
