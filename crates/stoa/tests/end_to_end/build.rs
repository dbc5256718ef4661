//! A Go developer points GOPROXY at the mirror, builds, unplugs the network, and builds again.

use crate::world::{mirror_of, small_world};
use std::collections::BTreeMap;
use testkit::{
    go::{GoCommand, Project},
    module::Module,
    skip_or_fail,
};

const MAIN: &str = r#"package main

import (
	"example.test/greet"
	louder "example.test/greet/v2"
	"example.test/plain"
)

func main() {
	println(greet.Hello("gopher"), louder.Hello("gopher"), plain.Old)
}
"#;

#[test]
fn a_project_builds_cold_warm_and_unplugged() {
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command here")
    };
    let upstream = small_world();
    let stoa = mirror_of(&upstream);
    let go = go.proxy(&stoa.url());
    let project = Project::new("example.test/app").file("main.go", MAIN);

    go.succeed(project.folder(), ["mod", "tidy"]);
    go.succeed(project.folder(), ["build", "-o", "app", "."]);
    let sums = project.read("go.sum");
    for module in [
        "greet v1.1.0",
        "greet/v2 v2.0.0",
        "plain v2.0.0+incompatible",
        "text v0.3.1",
        "Upper v1.0.0",
    ] {
        assert!(
            sums.contains(&format!("example.test/{module} h1:")),
            "{module} is not in\n{sums}"
        );
    }
    let mut fetched = BTreeMap::new();
    for path in upstream
        .paths()
        .into_iter()
        .filter(|path| !path.ends_with("list") && !path.ends_with("@latest"))
    {
        *fetched.entry(path).or_insert(0) += 1;
    }
    assert!(
        fetched.values().all(|&times| times == 1),
        "fetched more than once: {fetched:?}"
    );

    upstream.forget();
    go.forget_modules();
    go.succeed(project.folder(), ["build", "-o", "app", "."]);
    assert_eq!(
        upstream.paths(),
        Vec::<String>::new(),
        "what is kept is not asked for again"
    );

    upstream.unplug();
    let _stoa = stoa.restart();
    go.forget_modules();
    go.succeed(project.folder(), ["mod", "download"]);
    go.succeed(project.folder(), ["build", "-o", "app", "."]);
    assert_eq!(project.read("go.sum"), sums);
    assert!(
        go.succeed(
            project.folder(),
            ["list", "-m", "-versions", "example.test/greet"]
        )
        .contains("v1.1.0")
    );
}

#[test]
fn go_gets_branches_latest_and_lists() {
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command here")
    };
    let upstream = small_world();
    let pseudo = "v1.1.1-0.20210701000000-0123456789ab";
    upstream.add(Module::new("example.test/greet", pseudo).at("2021-07-01T00:00:00Z"));
    upstream.name("example.test/greet", "main", pseudo);
    upstream.name("example.test/greet", "0123456789ab", pseudo);
    let stoa = mirror_of(&upstream);
    let go = go.proxy(&stoa.url());
    let project = Project::new("example.test/app");

    let listed = go.succeed(
        project.folder(),
        ["list", "-m", "-versions", "example.test/greet"],
    );
    assert_eq!(listed.trim(), "example.test/greet v1.0.0 v1.1.0 v1.2.0-rc.1");
    go.succeed(project.folder(), ["get", "example.test/greet@latest"]);
    assert!(
        project.read("go.mod").contains("example.test/greet v1.1.0"),
        "{}",
        project.read("go.mod")
    );
    go.succeed(project.folder(), ["get", "example.test/greet@main"]);
    assert!(
        project.read("go.mod").contains(pseudo),
        "{}",
        project.read("go.mod")
    );
    go.succeed(project.folder(), ["get", "example.test/greet@0123456789ab"]);
    go.succeed(project.folder(), ["get", "example.test/greet@v1.0.0"]);
    assert!(
        project.read("go.mod").contains("example.test/greet v1.0.0"),
        "{}",
        project.read("go.mod")
    );
    let again = go.succeed(
        project.folder(),
        ["list", "-m", "-versions", "example.test/greet"],
    );
    assert_eq!(again, listed, "a pseudo-version that is kept is not listed");

    let missing = go.run(project.folder(), ["get", "example.test/greet@v9.9.9"]);
    assert!(!missing.success);
    assert!(missing.stderr.contains("404"), "{missing}");
}

#[test]
fn a_moved_version_of_an_upstream_changes_nothing() {
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command here")
    };
    let upstream = small_world();
    let stoa = mirror_of(&upstream);
    let go = go.proxy(&stoa.url());
    let version = "example.test/text@v0.3.0";
    let first = go.succeed(go.home(), ["mod", "download", "-json", version]);
    upstream.add(Module::new("example.test/text", "v0.3.0").file("text.go", "package text // moved\n"));
    let stoa = stoa.restart();
    go.forget_modules();
    let second = go.succeed(go.home(), ["mod", "download", "-json", version]);
    assert_eq!(second, first, "{}", stoa.log());
}
