//! A team that has only Postgres: store, records, leases and feed are one database, and the mirror's own folder holds
//! nothing that matters.

use crate::world::{small_world, stoa};
use testkit::{
    go::{GoCommand, Project},
    postgres::{Servers, fresh_word},
    skip_or_fail,
    stoa::StoaProcess,
};

const MAIN: &str = r#"package main

import (
	"example.test/greet"
	louder "example.test/greet/v2"
)

func main() {
	println(greet.Hello("gopher"), louder.Hello("gopher"))
}
"#;

#[test]
fn a_project_builds_from_a_database_alone() {
    builds_from(|servers| servers.direct);
}

#[test]
fn a_project_builds_from_a_database_behind_a_pooler() {
    builds_from(|servers| servers.pooled);
}

/// `SSL_CERT_FILE` holds for every outgoing connection, that to the database too.
#[test]
fn the_systems_authorities_vouch_for_a_database() {
    let servers = match Servers::find() {
        Ok(servers) => servers,
        Err(why) => skip_or_fail!("{why}"),
    };
    let url = format!("{}?schema={}&sslmode=verify-full", servers.direct, fresh_word());
    let on_database = || {
        stoa()
            .environment("STOA_UPSTREAM__CHAIN", "off")
            .environment("STOA_STORAGE__URL", url.clone())
    };
    let refused = on_database().run(["serve"]);
    assert_eq!(refused.code, 69, "{refused:?}");
    assert!(refused.stderr.contains("certificate"), "{refused:?}");
    let trusting = on_database().environment("SSL_CERT_FILE", servers.authority.display().to_string());
    assert_eq!(trusting.start().get_blocking("/readyz").status, 200);
}

fn builds_from(server: fn(Servers) -> String) {
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command here")
    };
    let server = match Servers::find() {
        Ok(servers) => server(servers),
        Err(why) => skip_or_fail!("{why}"),
    };
    let upstream = small_world();
    let url = format!("{server}?schema={}", fresh_word());
    let on_database = || {
        stoa()
            .upstream(&upstream.url())
            .environment("STOA_STORAGE__URL", url.clone())
            .start()
    };
    let first = on_database();
    let go = go.proxy(&first.url());
    let project = Project::new("example.test/app").file("main.go", MAIN);
    go.succeed(project.folder(), ["mod", "tidy"]);
    go.succeed(project.folder(), ["build", "-o", "app", "."]);
    let sums = project.read("go.sum");
    let index = first.get_blocking("/index").text();
    assert!(index.contains("example.test/greet"), "{index}");
    assert!(
        !first.log().contains("stoa:stoa"),
        "a password was printed:\n{}",
        first.log()
    );

    // Another node, on an empty disk, with the upstream gone.
    upstream.unplug();
    drop(first);
    let second = on_database();
    let go = go.proxy(&second.url());
    go.forget_modules();
    go.succeed(project.folder(), ["mod", "download"]);
    go.succeed(project.folder(), ["build", "-o", "app", "."]);
    assert_eq!(project.read("go.sum"), sums);
    assert_eq!(second.get_blocking("/index").text(), index);
    let listed = go.succeed(
        project.folder(),
        ["list", "-m", "-versions", "example.test/greet"],
    );
    assert!(listed.contains("v1.1.0"), "{listed}");
    keeps_nothing_of_its_own(&second);
}

fn keeps_nothing_of_its_own(stoa: &StoaProcess) {
    assert!(
        !stoa.setup().store().exists(),
        "a node with a database made a folder for files"
    );
}
