//! `stoa verify` and the scrub: what is damaged is named, set aside, and healed by an ordinary fetch.

use crate::world::{mirror_of, small_world, stoa};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use testkit::{
    checksum_database::ChecksumDatabase,
    module::{Module, fixtures},
    proxy::{Action, FakeUpstream},
    stoa::{Stoa, StoaProcess},
};

/// A mirror that was filled with the small world and stopped.
fn filled(upstream: &FakeUpstream) -> Stoa {
    let process = mirror_of(upstream);
    fill(&process);
    process.kill()
}

fn fill(process: &StoaProcess) {
    for module in fixtures() {
        for kind in ["info", "mod", "zip"] {
            let answer = process.get_blocking(&module.url_path(kind));
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }
}

/// Every file of the store and its bytes, but for what every process leaves.
fn tree(setup: &Stoa) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && ![".staging", ".locks"].contains(&name.as_str()) {
                walk(&path, found);
            } else if path.is_file() {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&setup.store(), &mut found);
    found
}

fn flip(setup: &Stoa, file: &str) {
    let path = setup.store().join(file);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&path, bytes).unwrap();
}

const ZIP: &str = "example.test/text/@v/v0.3.0.zip";
const MOD: &str = "example.test/greet/@v/v1.1.0.mod";

#[test]
fn a_sound_store_is_told_to_be_and_left_alone() {
    let setup = filled(&small_world());
    let before = tree(&setup);
    let finished = setup.run(["verify"]);
    assert_eq!(finished.code, 0, "{finished}");
    let files = fixtures().len() * 3;
    assert!(
        finished.stdout.contains(&format!("{files} files, ")),
        "{finished}"
    );
    assert!(finished.stdout.contains("nothing wrong"), "{finished}");
    assert_eq!(tree(&setup), before);
    let repaired = setup.run(["verify", "--repair"]);
    assert_eq!(repaired.code, 0, "{repaired}");
    assert_eq!(tree(&setup), before);
}

#[test]
fn rot_is_named_set_aside_and_healed_by_the_same_bytes_only() {
    let upstream = small_world();
    let setup = filled(&upstream);
    let right = tree(&setup);
    let [zip, go_mod] = [ZIP, fixtures_mod()].map(str::to_owned);
    flip(&setup, &zip);
    flip(&setup, &go_mod);
    let damaged = tree(&setup);
    let finished = setup.run(["verify"]);
    assert_eq!(finished.code, 1, "{finished}");
    let named: Vec<&str> = finished
        .stdout
        .lines()
        .filter(|line| line.starts_with("damaged: "))
        .collect();
    assert_eq!(named.len(), 2, "{finished}");
    assert!(finished.stdout.contains(" 2 damaged"), "{finished}");
    assert_eq!(tree(&setup), damaged, "it changed something");

    let repaired = setup.run(["verify", "--repair"]);
    assert_eq!(repaired.code, 1, "{repaired}");
    assert!(!setup.store().join(&zip).exists() && !setup.store().join(&go_mod).exists());
    let aside: Vec<PathBuf> = tree(&setup)
        .into_keys()
        .filter(|path| path.starts_with(setup.store().join(".stoa/damaged")))
        .collect();
    assert_eq!(aside.len(), 2, "{aside:?}");
    // A set that lacks only what was set aside is a miss, not torn.
    let again = setup.run(["verify"]);
    assert_eq!(again.code, 0, "{again}");

    // Other bytes, however well made, do not heal it.
    let process = setup.start();
    upstream.when(
        &format!("/{go_mod}"),
        Action::bytes("module example.test/another\n"),
    );
    assert_eq!(process.get_blocking(&format!("/{go_mod}")).status, 502);
    upstream.behave();
    for file in [&go_mod, &zip] {
        let answer = process.get_blocking(&format!("/{file}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(
            answer.body == right[&setup.store().join(file)],
            "{file} came back otherwise"
        );
    }
    drop(process);
    assert_eq!(setup.run(["verify"]).code, 0);
}

/// The `.mod` of the first module of the small world.
fn fixtures_mod() -> &'static str {
    assert!(
        fixtures()
            .iter()
            .any(|module| module.url_path("mod") == format!("/{MOD}"))
    );
    MOD
}

#[test]
fn a_set_that_lost_a_file_is_torn() {
    let setup = filled(&small_world());
    fs::remove_file(setup.store().join(MOD)).unwrap();
    for _ in 0..2 {
        let finished = setup.run(["verify"]);
        assert_eq!(finished.code, 1, "{finished}");
        assert!(
            finished.stdout.contains("torn: example.test/greet@v1.1.0.zip"),
            "{finished}"
        );
    }
    assert_eq!(setup.run(["verify", "--repair"]).code, 1);
    let finished = setup.run(["verify"]);
    assert_eq!(finished.code, 0, "{finished}");
}

#[test]
fn a_folder_that_is_no_store_is_none_without_faults() {
    let setup = stoa();
    let finished = setup.run(["verify"]);
    assert_eq!(finished.code, 69, "{finished}");
    assert!(!setup.store().exists());
}

#[test]
fn public_modules_are_held_against_the_database_too() {
    let (upstream, database) = (small_world(), ChecksumDatabase::new("sums.example.test"));
    let setup = filled(&upstream);
    let evil = Module::new("example.test/text", "v0.3.0").file("evil.go", "package text\n");
    for module in fixtures() {
        match (module.path.as_str(), module.version.as_str()) {
            ("example.test/text", "v0.3.0") => database.add(&evil),
            _ => database.add(&module),
        }
    }
    let setup = setup.environment("STOA_CHECKSUMS__DATABASE", database.setting());
    let before = tree(&setup);
    let finished = setup.run(["verify"]);
    assert_eq!(finished.code, 1, "{finished}");
    assert!(
        finished
            .stdout
            .contains("contradicted: example.test/text@v0.3.0.zip"),
        "{finished}"
    );
    assert!(
        finished.stdout.contains("held against the checksum database"),
        "{finished}"
    );
    assert_eq!(tree(&setup), before, "it changed something");
    // Not asked about: what is private, and everything while it is away.
    let private = setup
        .clone()
        .environment("STOA_UPSTREAM__PRIVATE", "example.test");
    database.forget();
    assert_eq!(private.run(["verify"]).code, 0);
    assert_eq!(database.requests().len(), 0);
    database.unplug();
    let finished = setup.run(["verify"]);
    assert_eq!(finished.code, 69, "{finished}");
    assert!(finished.stdout.contains("is unavailable"), "{finished}");
    assert!(!finished.stdout.contains("nothing wrong"), "{finished}");
    // Each zip and each go.mod was passed over, asked about or not.
    let passed_over = format!(
        ", {} not held against the checksum database",
        fixtures().len() * 2
    );
    assert!(finished.stdout.contains(&passed_over), "{finished}");
    database.plug();
    assert_eq!(setup.run(["verify", "--repair"]).code, 1);
    assert_eq!(setup.run(["verify"]).code, 0);
    // It is refused for good.
    let process = setup.start();
    let answer = process.get_blocking(&format!("/{ZIP}"));
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(answer.text().contains("is refused for good"), "{answer:?}");
}

/// Damage is damage, whether or not the database can be asked about the rest.
#[test]
fn damage_is_told_before_a_database_that_is_away() {
    let database = ChecksumDatabase::new("sums.example.test");
    let setup = filled(&small_world()).environment("STOA_CHECKSUMS__DATABASE", database.setting());
    database.unplug();
    flip(&setup, ZIP);
    let finished = setup.run(["verify"]);
    assert_eq!(finished.code, 1, "{finished}");
    assert!(finished.stdout.contains(" 1 damaged"), "{finished}");
    assert!(
        finished.stdout.contains("not held against the checksum database"),
        "{finished}"
    );
}

#[test]
fn what_a_database_cannot_prove_is_found() {
    let database = ChecksumDatabase::knowing("sums.example.test", &fixtures());
    let setup = filled(&small_world()).environment("STOA_CHECKSUMS__DATABASE", database.setting());
    assert_eq!(setup.run(["verify"]).code, 0);
    // What was kept of it is lost, and its tiles are not those of its tree.
    fs::remove_dir_all(setup.store().join("sumdb")).ok();
    database.lie(|path, reply| {
        if path.starts_with("tile/") {
            (200, vec![0; reply.1.len()])
        } else {
            reply
        }
    });
    let finished = setup.run(["verify"]);
    assert_eq!(finished.code, 1, "{finished}");
    assert!(finished.stdout.contains("unproven: example.test/"), "{finished}");
    let unproven = format!(", {} not proven by the checksum database", fixtures().len() * 2);
    assert!(finished.stdout.contains(&unproven), "{finished}");
    assert!(!finished.stdout.contains("nothing wrong"), "{finished}");
}

/// A database that forks after the store was filled by its first tree.
#[test]
fn a_database_that_contradicts_itself_is_found() {
    let database = ChecksumDatabase::new("sums.example.test");
    database.ledger(|ledger| ledger.fill(10));
    for module in fixtures() {
        database.add(&module);
    }
    let upstream = small_world();
    let setup = stoa()
        .upstream(&upstream.url())
        .environment("STOA_CHECKSUMS__DATABASE", database.setting());
    let process = setup.start();
    let module = &fixtures()[0];
    assert_eq!(process.get_blocking(&module.url_path("zip")).status, 200);
    let setup = process.kill();
    database.ledger(|ledger| {
        ledger.truncate(5);
        ledger.fill(30);
    });
    for module in fixtures() {
        database.add(&module);
    }
    fs::remove_dir_all(setup.store().join("sumdb/sums.example.test/lookup")).unwrap();
    let finished = setup.run(["verify"]);
    assert_eq!(finished.code, 1, "{finished}");
    assert!(finished.stdout.contains("contradicting itself"), "{finished}");
    assert!(!finished.stdout.contains("nothing wrong"), "{finished}");
}

#[test]
fn the_scrub_sets_aside_raises_an_alarm_and_a_request_heals() {
    let upstream = small_world();
    let setup = filled(&upstream);
    let right = tree(&setup);
    flip(&setup, ZIP);
    let setup = setup
        .environment("STOA_SCRUB__EVERY", "1s")
        .environment("STOA_SCRUB__RATE", "100MiB");
    let process = setup.start();
    process.wait_for_log("a kept file is damaged; it is set aside");
    process.wait_for_log("the scrub has read everything that is kept");
    let status = process.get_blocking("/scrub").text();
    assert!(status.contains("\"state\":"), "{status}");
    let home = process.get_blocking("/").text();
    assert!(home.contains("Scrub"), "{home}");
    let metrics = process.get_blocking("/metrics").text();
    assert!(
        metrics.contains("stoa_scrub_faults_total{kind=\"damaged\"} 1"),
        "{metrics}"
    );
    let answer = process.get_blocking(&format!("/{ZIP}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body == right[&setup.store().join(ZIP)]);
    drop(process);
    assert_eq!(stoa().beside(&setup).run(["verify"]).code, 0);
}
