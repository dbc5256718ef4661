//! A real `go` that trusts a checksum database and nobody else, with the mirror between the two.

use crate::world::stoa;
use testkit::{
    checksum_database::ChecksumDatabase,
    client::{Ask, block_on},
    go::{GoCommand, Project},
    module::{Module, fixtures},
    proxy::FakeUpstream,
    reference_database::ReferenceDatabase,
    skip_or_fail,
    stoa::StoaProcess,
};

const NAME: &str = "sums.example.test/db";

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

/// A database that knows the small world, among a few hundred other modules.
fn database() -> ChecksumDatabase {
    let database = ChecksumDatabase::new(NAME);
    for module in fixtures() {
        database.ledger(|ledger| ledger.fill(60));
        database.add(&module);
    }
    database
}

fn mirror(upstream: &FakeUpstream, database: &ChecksumDatabase) -> StoaProcess {
    stoa()
        .upstream(&upstream.url())
        .environment("STOA_CHECKSUMS__DATABASE", database.setting())
        .environment("STOA_UPSTREAM__PRIVATE", "corp.test")
        .start()
}

/// A `go` with empty caches that knows the key of the database, and asks the mirror for everything.
fn go(stoa: &StoaProcess, database: &ChecksumDatabase) -> Option<GoCommand> {
    let go = GoCommand::find()?;
    Some(go.proxy(&stoa.url()).set("GOSUMDB", database.signer().key()))
}

#[test]
fn a_project_builds_with_the_database_on_and_again_with_everything_unplugged() {
    let (upstream, database) = (FakeUpstream::serving(fixtures()), database());
    let stoa = mirror(&upstream, &database);
    let Some(go_online) = go(&stoa, &database) else {
        skip_or_fail!("there is no go command here")
    };
    let project = Project::new("example.test/app").file("main.go", MAIN);
    go_online.succeed(project.folder(), ["mod", "tidy"]);
    go_online.succeed(project.folder(), ["build", "-o", "app", "."]);
    assert!(database.count("lookup/") >= 5);
    for asked in database.requests() {
        assert!(!asked.headers.contains_key("authorization") && !asked.headers.contains_key("cookie"));
    }

    // The world goes on, then it goes away.
    database.ledger(|ledger| ledger.fill(700));
    let late = Module::new("example.test/late", "v1.0.0");
    upstream.add(late.clone());
    database.add(&late);
    let answer = stoa.get_blocking("/example.test/late/@v/v1.0.0.zip");
    assert_eq!(answer.status, 200);
    upstream.unplug();
    database.unplug();
    let stoa = stoa.restart();
    let fresh = go(&stoa, &database).unwrap();
    let again = Project::new("example.test/app")
        .file("main.go", MAIN)
        .file("go.mod", &project.read("go.mod"));
    fresh.succeed(again.folder(), ["mod", "download", "all"]);
    fresh.succeed(again.folder(), ["build", "-mod=mod", "-o", "app", "."]);
    let known = |sums: String| {
        sums.lines()
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert!(known(again.read("go.sum")).is_superset(&known(project.read("go.sum"))));
    // A client that knows an older tree sees that it grew.
    go_online.forget_modules();
    go_online.succeed(project.folder(), ["mod", "download", "all"]);
}

#[test]
fn a_mirror_with_no_way_out_is_copied_with_all_that_a_client_verifies_by() {
    let (upstream, database) = (FakeUpstream::serving(fixtures()), database());
    let stoa = mirror(&upstream, &database);
    let Some(go_online) = go(&stoa, &database) else {
        skip_or_fail!("there is no go command here")
    };
    let project = Project::new("example.test/app").file("main.go", MAIN);
    go_online.succeed(project.folder(), ["mod", "tidy"]);
    go_online.succeed(project.folder(), ["build", "-o", "app", "."]);
    upstream.unplug();
    database.unplug();
    let setup = stoa.setup().clone();
    assert!(stoa.stop().0.success());
    let done = setup.run(["copy", "file:stoa-data", "file:other"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    let copied = setup.arguments(["--storage", "file:other"]).start();
    let fresh = go(&copied, &database).unwrap();
    let again = Project::new("example.test/app")
        .file("main.go", MAIN)
        .file("go.mod", &project.read("go.mod"));
    fresh.succeed(again.folder(), ["mod", "download", "all"]);
    fresh.succeed(again.folder(), ["build", "-mod=mod", "-o", "app", "."]);
}

#[test]
fn a_module_that_the_database_does_not_know_is_refused() {
    let unknown = Module::new("example.test/unknown", "v1.0.0");
    let (upstream, database) = (FakeUpstream::serving([unknown]), database());
    let stoa = mirror(&upstream, &database);
    for kind in ["mod", "zip", "info", "mod"] {
        let answer = stoa.get_blocking(&format!("/example.test/unknown/@v/v1.0.0.{kind}"));
        assert_eq!(answer.status, 502, "{answer:?}");
        let sentence = String::from_utf8_lossy(&answer.body).into_owned();
        for word in [
            NAME,
            "example.test/unknown@v1.0.0",
            "upstream.private",
            "checksums.skip",
        ] {
            assert!(sentence.contains(word), "{sentence}");
        }
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    assert_eq!(
        database.count("lookup/example.test/unknown"),
        1,
        "it is remembered briefly"
    );
    assert!(!stoa.setup().store().join("example.test/unknown").exists());
    // Nor is what was refused fetched anew each time.
    assert_eq!(
        upstream.count("/example.test/unknown/@v/v1.0.0.mod"),
        2,
        "alone, and with the zip"
    );
    // To clients that ask for it here it is what the database says.
    let lookup = stoa.get_blocking(&format!("/sumdb/{NAME}/lookup/example.test/unknown@v1.0.0"));
    assert_eq!(lookup.status, 404);
}

#[test]
fn while_the_database_is_down_new_versions_wait_and_kept_ones_do_not() {
    let (upstream, database) = (FakeUpstream::serving(fixtures()), database());
    let stoa = mirror(&upstream, &database);
    assert_eq!(stoa.get_blocking("/example.test/text/@v/v0.3.0.zip").status, 200);
    database.unplug();
    let answer = stoa.get_blocking("/example.test/text/@v/v0.3.1.zip");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(
        !stoa
            .setup()
            .store()
            .join("example.test/text/@v/v0.3.1.mod")
            .exists()
    );
    assert_eq!(stoa.get_blocking("/example.test/text/@v/v0.3.0.zip").status, 200);
    database.plug();
    assert_eq!(stoa.get_blocking("/example.test/text/@v/v0.3.1.zip").status, 200);
}

#[test]
fn private_names_are_refused_before_anything_leaves() {
    let private = Module::new("corp.test/secret", "v1.0.0");
    let (upstream, database) = (FakeUpstream::serving([private]), database());
    let stoa = mirror(&upstream, &database);
    for name in ["corp.test/secret", "corp.test/!secret", "corp.test/x/y"] {
        let answer = stoa.get_blocking(&format!("/sumdb/{NAME}/lookup/{name}@v1.0.0"));
        assert_eq!(answer.status, 403, "{answer:?}");
    }
    let encoded = stoa.get_blocking(&format!("/sumdb/{NAME}/lookup/corp%2Etest/%21secret@v1.0.0"));
    assert_eq!(encoded.status, 403);
    // A database that is not ours is none, whatever its name.
    for path in [
        "sum.golang.org/supported",
        "127.0.0.1/lookup/example.test/text@v0.3.0",
        "sums.example.test/latest",
    ] {
        assert_eq!(stoa.get_blocking(&format!("/sumdb/{path}")).status, 404);
    }
    assert_eq!(database.requests().len(), 0);
    assert_eq!(upstream.paths(), [""; 0]);
}

#[test]
fn nothing_of_a_client_is_passed_on() {
    let (upstream, database) = (FakeUpstream::serving(fixtures()), database());
    let stoa = mirror(&upstream, &database);
    let lookup = format!("{}/sumdb/{NAME}/lookup/example.test/text@v0.3.0", stoa.url());
    let ask = Ask::get(&lookup)
        .header("authorization", "Basic canary")
        .header("cookie", "canary=1");
    let answer = block_on(async { ask.header("x-canary", "canary").send().await }).unwrap();
    assert_eq!(answer.status, 200);
    assert!(database.count("lookup/") == 1);
    for asked in database.requests() {
        assert!(!format!("{:?}", asked.headers).contains("canary"), "{asked:?}");
    }
}

#[test]
fn a_chain_of_mirrors_relays_the_database() {
    let (upstream, database) = (FakeUpstream::serving(fixtures()), database());
    let near_it = stoa()
        .upstream(&upstream.url())
        .environment("STOA_CHECKSUMS__DATABASE", database.setting())
        .environment("STOA_BASE_PATH", "/go/mirror")
        .start();
    let far_from_it = stoa()
        .upstream(&format!("{}/go/mirror", near_it.url()))
        .environment("STOA_CHECKSUMS__DATABASE", database.signer().key())
        .start();
    let Some(go) = go(&far_from_it, &database) else {
        skip_or_fail!("there is no go command here")
    };
    let project = Project::new("example.test/app").file("main.go", MAIN);
    go.succeed(project.folder(), ["mod", "tidy"]);
    go.succeed(project.folder(), ["build", "-o", "app", "."]);
    assert_eq!(database.count("lookup/example.test/text@v0.3.1"), 1);
}

/// Go's own database server behind the mirror, and the real `go` in front of it: nothing of ours between but the mirror.
#[test]
fn the_reference_database_is_relayed_and_outlived() {
    let upstream = FakeUpstream::serving(fixtures());
    let Some(mut database) = ReferenceDatabase::knowing(&fixtures()) else {
        skip_or_fail!("there is no go command here")
    };
    let stoa = stoa()
        .upstream(&upstream.url())
        .environment("STOA_CHECKSUMS__DATABASE", database.setting())
        .start();
    let go = || {
        let go = GoCommand::find().unwrap().proxy(&stoa.url());
        go.set("GOSUMDB", database.key())
    };
    let (online, offline) = (go(), go());
    let project = Project::new("example.test/app").file("main.go", MAIN);
    online.succeed(project.folder(), ["mod", "tidy"]);
    online.succeed(project.folder(), ["build", "-o", "app", "."]);
    database.stop();
    upstream.unplug();
    let again = Project::new("example.test/app")
        .file("main.go", MAIN)
        .file("go.mod", &project.read("go.mod"));
    offline.succeed(again.folder(), ["mod", "download", "all"]);
    offline.succeed(again.folder(), ["build", "-mod=mod", "-o", "app", "."]);
}
