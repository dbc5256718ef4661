//! The Compose files: loaded as Docker Compose loads them, and each Stoa in them started with its own variables.

use crate::{
    container, environment,
    house::{Running, all, at, binary, command, decode, is_here},
};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::PathBuf};
use testkit::{go::GoCommand, module::fixtures, port::Port, proxy::FakeUpstream, skip_or_fail, stoa::Stoa};

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
    assert_eq!(
        s3["services"]["front"]["stop_grace_period"], "1m15s",
        "it passes the last answers on"
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

#[test]
fn three_nodes_answer_at_one_address_and_two_when_one_is_gone() {
    if !all() {
        return;
    }
    if std::process::Command::new("nginx").arg("-v").output().is_err() {
        skip_or_fail!("there is no nginx (package nginx-light)");
    }
    if GoCommand::find().is_none() {
        skip_or_fail!("there is no go command");
    }
    // Their store is one folder here; that they start with the bucket's variables is another test.
    let upstream = FakeUpstream::serving(fixtures());
    let first = Stoa::new(binary()).upstream(&upstream.url());
    let (second, third) = (
        Stoa::new(binary()).upstream(&upstream.url()).beside(&first),
        Stoa::new(binary()).upstream(&upstream.url()).beside(&first),
    );
    let nodes = [first.start(), second.start(), third.start()];
    let servers = nodes.iter().map(|node| {
        let url = node.url();
        format!("server {};", url.trim_start_matches("http://"))
    });
    let servers: Vec<String> = servers.collect();
    let front = load("s3")["configs"]["front"]["content"]
        .as_str()
        .expect("the configuration of nginx")
        .replace("server stoa:3000;", &servers.join(" "));
    let port = Port::reserve();
    let front = front.replace("listen 8080;", &format!("listen {};", port.address()));
    let folder = tempfile::tempdir().expect("a folder");
    let whole = format!(
        "daemon off; pid {0}/pid; error_log stderr; events {{}} http {{ access_log off; client_body_temp_path {0}/b; \
         proxy_temp_path {0}/p; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;\n{front}}}\n",
        folder.path().display()
    );
    let file = folder.path().join("nginx.conf");
    fs::write(&file, whole).expect("a file");
    let mut nginx = command("nginx", ["-c"]);
    nginx.arg(&file);
    let mut nginx = Running::start(nginx);
    let url = format!("http://{}", port.address());
    nginx.answers(&format!("{url}/readyz"));
    let download = |version: &str| {
        let go = GoCommand::find()
            .expect("it was here")
            .proxy(&url)
            .set("GOSUMDB", "off");
        let folder = tempfile::tempdir().expect("a folder");
        let module = format!("example.test/greet@{version}");
        go.succeed(folder.path(), ["mod", "download", &module]);
    };
    download("v1.0.0");
    let [gone, ..] = nodes;
    gone.kill();
    download("v1.1.0");
    assert!(nginx.stop().success());
}
