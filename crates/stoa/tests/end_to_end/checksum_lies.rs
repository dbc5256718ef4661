//! Whoever lies about a module (an upstream, a database, somebody in between) is refused: 502 and a sentence, nothing
//! kept, nothing relayed, and no `go` believes it.

use crate::world::stoa;
use std::path::Path;
use testkit::{
    checksum_database::{ChecksumDatabase, Reply},
    go::{GoCommand, Project},
    module::Module,
    proxy::{Action, FakeUpstream},
    stoa::StoaProcess,
};

const NAME: &str = "sums.example.test";

/// An honest world, a mirror in it, and one module that nobody asked for yet.
struct World {
    upstream: FakeUpstream,
    database: ChecksumDatabase,
    stoa: StoaProcess,
}

impl World {
    fn new() -> Self {
        let modules = ["example.test/first", "example.test/m"].map(|path| Module::new(path, "v1.0.0"));
        let database = ChecksumDatabase::new(NAME);
        database.ledger(|ledger| ledger.fill(290));
        modules.iter().for_each(|module| database.add(module));
        database.ledger(|ledger| ledger.fill(10));
        let upstream = FakeUpstream::serving(modules);
        let stoa = stoa()
            .upstream(&upstream.url())
            .environment("STOA_CHECKSUMS__DATABASE", database.setting())
            .start();
        assert_eq!(stoa.get_blocking("/example.test/first/@v/v1.0.0.zip").status, 200);
        Self {
            upstream,
            database,
            stoa,
        }
    }

    fn lie(&self, about: &'static str, lie: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static) {
        self.database
            .lie(move |path, (status, body): Reply| match path.starts_with(about) {
                true => (status, lie(body)),
                false => (status, body),
            });
    }

    /// The module is refused with 502 and this in the sentence, to anybody and to a real `go`.
    fn refuses(&self, what: &str, part: &str) {
        for kind in ["mod", "zip"] {
            let answer = self
                .stoa
                .get_blocking(&format!("/example.test/m/@v/v1.0.0.{kind}"));
            if kind == "mod" && answer.status == 200 {
                continue; // it is the zip alone that was altered
            }
            assert_eq!(answer.status, 502, "{what}: {answer:?}");
            let sentence = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(sentence.contains(part), "{what}: {sentence}");
            assert_eq!(answer.headers["cache-control"], "no-store");
        }
        assert!(!self.kept("example.test/m/@v/v1.0.0.zip"), "{what}");
        if !self.kept("example.test/m/@v/v1.0.0.mod") {
            assert!(!self.kept("example.test/m"), "{what}: something is kept");
        }
        if let Some(go) = GoCommand::find() {
            let go = go
                .proxy(&self.stoa.url())
                .set("GOSUMDB", self.database.signer().key());
            let project = Project::new("example.test/app");
            let finished = go.run(
                project.folder(),
                ["mod", "download", "-x", "example.test/m@v1.0.0"],
            );
            assert!(!finished.success, "{what}: {finished}");
            assert!(finished.stderr.contains("502 Bad Gateway"), "{what}: {finished}");
        }
    }

    /// The lookup is refused too, and not kept.
    fn relays_nothing(&self, what: &str) {
        let answer = self
            .stoa
            .get_blocking(&format!("/sumdb/{NAME}/lookup/example.test/m@v1.0.0"));
        assert_eq!(answer.status, 502, "{what}: {answer:?}");
        assert!(
            !self.kept(&format!("sumdb/{NAME}/lookup/example.test/m@v1.0.0")),
            "{what}"
        );
        assert!(!self.kept("example.test/m/@v/v1.0.0.mod"), "{what}");
    }

    fn kept(&self, path: &str) -> bool {
        Path::new(&self.stoa.setup().store()).join(path).exists()
    }
}

#[test]
fn an_altered_zip_is_refused() {
    let world = World::new();
    let altered = Module::new("example.test/m", "v1.0.0").file("evil.go", "package m\n");
    world
        .upstream
        .when("/example.test/m/@v/v1.0.0.zip", Action::bytes(altered.zip()));
    world.refuses("an altered zip", &format!("but {NAME} says h1:"));
    world.upstream.behave();
    assert_eq!(
        world.stoa.get_blocking("/example.test/m/@v/v1.0.0.zip").status,
        200
    );
}

#[test]
fn an_altered_go_mod_is_refused() {
    let world = World::new();
    let altered = Module::new("example.test/m", "v1.0.0").requiring("example.test/evil", "v1.0.0");
    world
        .upstream
        .when("/example.test/m/@v/v1.0.0.mod", Action::bytes(altered.go_mod()));
    world.refuses("an altered go.mod", &format!("but {NAME} says h1:"));
    assert!(!world.kept("example.test/m/@v/v1.0.0.mod"));
}

#[test]
fn every_lie_of_a_database_is_refused() {
    let world = World::new();
    let unrelated = world.database.ledger(|ledger| {
        let unrelated = ledger.answer(world.database.signer(), "lookup/filler.example.test/m7@v1.0.0");
        unrelated.1
    });
    let flipped = |mut body: Vec<u8>, place: usize| {
        body[place] ^= 1;
        body
    };
    let refused = "was refused";
    world.lie("lookup/", move |body| flipped(body, 60));
    world.refuses("one byte of the record", refused);
    world.relays_nothing("one byte of the record");
    world.lie("lookup/", move |body| {
        let last = body.len() - 10;
        flipped(body, last)
    });
    world.refuses("one byte of the head's signature", refused);
    world.relays_nothing("one byte of the head's signature");
    world.lie("lookup/", move |_| unrelated.clone());
    world.refuses("an unrelated but valid record", refused);
    world.relays_nothing("an unrelated but valid record");
    world.lie("lookup/", |body| {
        let text = String::from_utf8(body).unwrap();
        format!("291\n\n{}", text.split_once("\n\n").unwrap().1).into_bytes()
    });
    world.refuses("an empty record", refused);
    world.relays_nothing("an empty record");
    world.lie("lookup/", |body| {
        String::from_utf8(body)
            .unwrap()
            .replace("example.test/m ", "example.test/n ")
            .into_bytes()
    });
    world.refuses("a record of another module", refused);
    world.relays_nothing("a record of another module");

    // A head that was signed long ago, honestly: it does not reach the record.
    let older = world
        .database
        .ledger(|ledger| ledger.head(world.database.signer(), 200));
    world.lie("lookup/", move |body| {
        let text = String::from_utf8(body).unwrap();
        format!("{}\n\n{older}", text.split_once("\n\n").unwrap().0).into_bytes()
    });
    world.refuses("an older head", refused);
    world.relays_nothing("an older head");

    world.database.behave();
    assert_eq!(
        world.stoa.get_blocking("/example.test/m/@v/v1.0.0.zip").status,
        200
    );
}

#[test]
fn a_fork_is_refused_and_leaves_evidence() {
    let world = World::new();
    // Signed with the right key: the same module with other sums, in another tree.
    let evil = Module::new("example.test/m", "v1.0.0").file("evil.go", "package m\n");
    world.database.ledger(|ledger| ledger.truncate(291));
    world.database.add(&evil);
    world.database.ledger(|ledger| ledger.fill(40));
    world.upstream.add(evil);
    world.refuses("a fork", "was caught contradicting itself");
    world.relays_nothing("a fork");
    world.stoa.wait_for_log("a checksum database contradicts itself");
    let evidence = world.stoa.setup().store().join(format!("sumdb/{NAME}/evidence"));
    assert_eq!(std::fs::read_dir(evidence).unwrap().count(), 1);
    let metrics = world.stoa.get_blocking("/metrics");
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(
        metrics.contains("stoa_checksum_alarms_total{kind=\"fork\"}"),
        "{metrics}"
    );
}

#[test]
fn forged_tiles_are_refused() {
    let world = World::new();
    world.database.ledger(|ledger| ledger.fill(600));
    world.lie("tile/", |mut body| {
        body[0] ^= 1;
        body
    });
    world.refuses("forged tiles", "was refused");
    world.relays_nothing("forged tiles");
    for tile in ["tile/8/0/002", "tile/8/0/000"] {
        let answer = world.stoa.get_blocking(&format!("/sumdb/{NAME}/{tile}"));
        assert_eq!(answer.status, 502, "{answer:?}");
    }
}
