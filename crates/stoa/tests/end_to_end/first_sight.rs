//! `checksums.when_unreachable = "first-sight"`: what is kept while the database is away is looked up when it is back.

use crate::world::stoa;
use std::time::{Duration, Instant};
use testkit::{
    checksum_database::ChecksumDatabase,
    module::Module,
    proxy::FakeUpstream,
    stoa::{Stoa, StoaProcess},
};

const PATH: &str = "/example.test/m/@v/v1.0.0";

struct World {
    upstream: FakeUpstream,
    database: ChecksumDatabase,
    setup: Stoa,
}

impl World {
    /// A mirror of one module, and a database that is down and will know `known` instead.
    fn new(served: &Module, known: &Module) -> Self {
        let database = ChecksumDatabase::knowing("sums.example.test", [known]);
        database.unplug();
        let upstream = FakeUpstream::serving([served.clone()]);
        let setup = stoa()
            .upstream(&upstream.url())
            .environment("STOA_CHECKSUMS__DATABASE", database.setting())
            .environment("STOA_CHECKSUMS__WHEN_UNREACHABLE", "first-sight");
        Self {
            upstream,
            database,
            setup,
        }
    }
}

fn status(process: &StoaProcess, kind: &str) -> u16 {
    process.get_blocking(&format!("{PATH}.{kind}")).status
}

/// Waits for something that happens in the background; a minute is far more than it takes.
fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn pending(setup: &Stoa) -> usize {
    let folder = setup.store().join(".stoa/pending");
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let texts = entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    texts.map(|text| text.lines().count()).sum()
}

#[test]
fn what_the_database_agrees_with_later_is_as_any_other() {
    let module = Module::new("example.test/m", "v1.0.0");
    let world = World::new(&module, &module);
    let process = world.setup.start();
    for kind in ["info", "mod", "zip"] {
        assert_eq!(status(&process, kind), 200);
    }
    assert_eq!(pending(&world.setup), 1);
    // What has to be looked up is not forgotten by a process that is killed.
    let process = process.kill().start();
    world.database.plug();
    wait_until("it is looked up", || pending(&world.setup) == 0);
    assert!(world.database.count("lookup/example.test/m@v1.0.0") >= 1);
    for kind in ["info", "mod", "zip"] {
        assert_eq!(status(&process, kind), 200);
    }
    assert!(!process.log().contains("contradicts"), "{}", process.log());
}

#[test]
fn what_the_database_contradicts_is_refused_for_good() {
    let module = Module::new("example.test/m", "v1.0.0");
    let altered = module.clone().file("evil.go", "package m\n");
    let world = World::new(&altered, &module);
    let process = world.setup.start();
    for kind in ["info", "mod", "zip"] {
        assert_eq!(status(&process, kind), 200);
    }
    world.database.plug();
    process.wait_for_log("the checksum database contradicts a version that was kept while it was away");
    wait_until("it is set aside", || status(&process, "zip") == 502);
    let metrics = process.get_blocking("/metrics").text();
    assert!(
        metrics.contains("stoa_checksum_alarms_total{kind=\"first-sight\"} 1"),
        "{metrics}"
    );
    wait_until("it is off the list", || pending(&world.setup) == 0);

    // Not even the right bytes take its place, whoever asks, whenever.
    world.upstream.add(module);
    let fetched = world.upstream.requests().len();
    let mut process = process;
    for _ in 0..2 {
        for kind in ["info", "mod", "zip"] {
            let answer = process.get_blocking(&format!("{PATH}.{kind}"));
            assert_eq!(answer.status, 502, "{answer:?}");
            assert_eq!(answer.header("cache-control"), "no-store");
            let sentence = answer.text();
            assert!(sentence.contains("is refused for good"), "{sentence}");
            assert_eq!(sentence.matches("h1:").count(), 2, "{sentence}");
        }
        process = process.restart();
    }
    assert_eq!(world.upstream.requests().len(), fetched, "it was fetched again");
    assert_eq!(world.setup.run(["verify"]).code, 0);
}

#[test]
fn what_disagrees_with_what_was_seen_first_is_refused_meanwhile() {
    let module = Module::new("example.test/m", "v1.0.0");
    let world = World::new(&module, &module);
    let process = world.setup.start();
    assert_eq!(status(&process, "zip"), 200);
    // The file is lost behind our back, and the upstream has another by now.
    std::fs::remove_file(world.setup.store().join("example.test/m/@v/v1.0.0.zip")).unwrap();
    let process = process.restart();
    world.upstream.add(module.clone().file("evil.go", "package m\n"));
    let answer = process.get_blocking(&format!("{PATH}.zip"));
    assert_eq!(answer.status, 502, "{answer:?}");
    assert_eq!(answer.text().matches("h1:").count(), 2, "{answer:?}");
}

/// No database speaks for it, so what was recorded when it was first seen holds for ever.
#[test]
fn a_private_version_that_comes_otherwise_is_refused_with_both_sums_and_commits() {
    let (before, after) = ("1".repeat(40), "2".repeat(40));
    let of_commit = |module: Module, commit: &str| {
        module.from_origin(&format!(
            r#"{{"VCS":"git","URL":"https://git.example.test/m","Hash":"{commit}","Ref":"refs/tags/v1.0.0"}}"#
        ))
    };
    let module = Module::new("example.test/m", "v1.0.0");
    let upstream = FakeUpstream::serving([of_commit(module.clone(), &before)]);
    let process = stoa().upstream(&upstream.url()).start();
    assert_eq!(status(&process, "zip"), 200);
    // Its files are lost behind our back, and somebody moved the tag.
    std::fs::remove_dir_all(process.setup().store().join("example.test")).unwrap();
    let process = process.restart();
    upstream.add(of_commit(module.file("evil.go", "package m\n"), &after));
    let answer = process.get_blocking(&format!("{PATH}.zip"));
    assert_eq!(answer.status, 502, "{answer:?}");
    let sentence = answer.text();
    assert_eq!(sentence.matches("h1:").count(), 2, "{sentence}");
    assert!(
        sentence.contains(&before) && sentence.contains(&after),
        "{sentence}"
    );
    assert!(!process.setup().store().join("example.test").exists());
}
