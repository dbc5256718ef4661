//! `stoa copy`: one store filled from another.

use crate::{stoa, stoa_of};
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use testkit::{
    bucket::{BucketServer, TestBucket},
    client::block_on,
    module::Module,
    postgres::{Servers, fresh_word},
    process::Finished,
    proxy::FakeUpstream,
    skip_or_fail,
    stoa::Stoa,
};

const KINDS: [&str; 3] = ["info", "mod", "zip"];

fn versions() -> Vec<Module> {
    let mut versions: Vec<Module> = (0..12)
        .map(|number| Module::new("example.test/m", &format!("v1.{number}.0")))
        .collect();
    versions.push(Module::new("example.test/Upper/x", "v1.0.0-RC.1"));
    versions.push(Module::new("example.test/heavy", "v1.0.0").weighing(3, 1));
    versions
}

/// A store in `stoa-data` that fetched all versions.
fn filled() -> Stoa {
    let upstream = FakeUpstream::serving(versions());
    let server = stoa_of(&upstream).start();
    for version in versions() {
        for kind in KINDS {
            assert_eq!(server.get_blocking(&version.url_path(kind)).status, 200);
        }
    }
    let setup = server.setup().clone();
    assert!(server.stop().0.success());
    setup
}

fn copy(setup: &Stoa, from: &str, to: &str) -> Finished {
    setup.run(["copy", from, to, "--upstream", "off"])
}

/// A store's files and first sights: paths and bytes.
fn files(store: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![store.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(store).expect("it is in there").to_owned();
                files.push((name, fs::read(path).expect("a file can be read")));
            }
        }
    }
    files.retain(|(name, _)| !name.starts_with(".stoa") || name.starts_with(".stoa/seen"));
    files.sort();
    files
}

#[test]
fn everything_is_copied_with_its_first_sight_and_then_nothing() {
    let setup = filled();
    let done = copy(&setup, "file:stoa-data", "file:other");
    assert_eq!(
        (done.code, done.stdout.as_str()),
        (0, &*summary(42, "0 were there")),
        "{}",
        done.stderr
    );
    let (from, to) = (files(&setup.store()), files(&setup.folder().join("other")));
    let names = |files: &[(PathBuf, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&from), names(&to));
    for ((name, from), (_, to)) in from.iter().zip(&to) {
        if name.starts_with(".stoa") {
            assert_eq!(without_mark(from), without_mark(to), "{}", name.display());
        } else {
            assert!(from == to, "{} differs", name.display());
        }
    }
    let again = copy(&setup, "file:stoa-data", "file:other");
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(
        again.stdout.ends_with("0 files copied (0 B), 42 were there\n"),
        "{}",
        again.stdout
    );

    // What is gone comes back, and nothing else is touched.
    let lost = setup.folder().join("other/example.test/m/@v/v1.3.0.zip");
    fs::remove_file(&lost).expect("it was copied");
    let healed = copy(&setup, "file:stoa-data", "file:other");
    assert!(
        healed.stdout.contains("1 files copied") && healed.stdout.contains("41 were there"),
        "{}",
        healed.stdout
    );
    assert!(lost.is_file());
    // The index of the new store has what its catalog has.
    let server = setup.clone().arguments(["--storage", "file:other"]).start();
    assert_eq!(server.get_blocking("/index").text().lines().count(), 14);
}

/// The end of the summary, with the size of the files left out of the question.
fn summary(files: usize, rest: &str) -> String {
    let bytes: usize = versions()
        .iter()
        .map(|version| version.info().len() + version.go_mod().len() + version.zip().len())
        .sum();
    let size = indicatif_bytes(bytes);
    format!("14 versions: {files} files copied ({size}), {rest}\n")
}

/// Binary units with two decimals, as people read them.
fn indicatif_bytes(bytes: usize) -> String {
    let units = ["B", "KiB", "MiB", "GiB"];
    let (mut size, mut unit) = (bytes as f64, 0);
    while size >= 1024.0 {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.2} {}", units[unit])
}

/// A record of first sight without the mark of the feed, which is the store's own.
fn without_mark(record: &[u8]) -> serde_json::Value {
    let mut record: serde_json::Value = serde_json::from_slice(record).expect("a record is JSON");
    record.as_object_mut().expect("an object").remove("feed");
    record
}

#[test]
fn a_disagreement_is_told_and_stands() {
    let setup = filled();
    let theirs = Module::new("example.test/m", "v1.5.0")
        .file("more.go", "package m\n")
        .at("2022-02-02T00:00:00Z");
    let upstream = FakeUpstream::serving([theirs.clone()]);
    let other = stoa_of(&upstream)
        .beside(&setup)
        .arguments(["--storage", "file:other"])
        .start();
    for kind in KINDS {
        assert_eq!(other.get_blocking(&theirs.url_path(kind)).status, 200);
    }
    assert!(other.stop().0.success());
    let done = copy(&setup, "file:stoa-data", "file:other");
    assert_eq!(done.code, 1, "{}{}", done.stdout, done.stderr);
    assert!(
        done.stderr
            .contains("example.test/m@v1.5.0.info disagrees: another time; the target's stands"),
        "{}",
        done.stderr
    );
    assert!(
        done.stdout.contains("39 files copied") && done.stdout.contains("1 refused"),
        "{}",
        done.stdout
    );
    let kept = fs::read(setup.folder().join("other/example.test/m/@v/v1.5.0.zip")).expect("it is kept");
    assert_eq!(kept, theirs.zip());
}

#[test]
fn what_is_damaged_or_torn_in_the_source_is_told_and_not_copied() {
    let setup = filled();
    let versions = setup.store().join("example.test/m/@v");
    let damage =
        |name: &str, bytes: &[u8]| fs::write(versions.join(name), bytes).expect("a file can be written");
    let mut zip = Module::new("example.test/m", "v1.1.0").zip().to_vec();
    let middle = zip.len() / 2;
    zip[middle] ^= 1;
    fs::remove_file(versions.join("v1.1.0.zip")).expect("it is there");
    damage("v1.1.0.zip", &zip);
    for name in ["v1.2.0.info", "v1.3.0.mod"] {
        fs::remove_file(versions.join(name)).expect("it is there");
    }
    let done = copy(&setup, "file:stoa-data", "file:other");
    assert_eq!(done.code, 1, "{}{}", done.stdout, done.stderr);
    for part in [
        "example.test/m@v1.1.0.zip is damaged in the source",
        "example.test/m@v1.2.0.zip is not copied: no .info of its version is there",
        "example.test/m@v1.3.0.zip cannot be checked: no go.mod of its version is kept",
    ] {
        assert!(done.stderr.contains(part), "{part}: {}", done.stderr);
    }
    assert!(
        done.stdout.contains("37 files copied") && done.stdout.contains("3 refused"),
        "{}",
        done.stdout
    );
    let other = setup.folder().join("other/example.test/m/@v");
    for name in ["v1.1.0.zip", "v1.2.0.zip", "v1.3.0.zip"] {
        assert!(!other.join(name).exists(), "{name}");
    }
}

#[test]
fn wrong_words_are_64_and_make_nothing() {
    let setup = stoa();
    fs::create_dir(setup.folder().join("here")).expect("a folder can be made");
    symlink("here", setup.folder().join("link")).expect("a link can be made");
    for (from, to, part) in [
        ("file:missing", "file:other", "FROM: there is no folder missing"),
        ("missing", "file:other", "FROM: it is not a storage URL"),
        ("file:here", "nowhere:", "TO: it is not a storage URL"),
        ("memory:", "file:other", "FROM: a store in memory"),
        ("file:here", "memory:", "TO: a store in memory"),
        ("file:here", "file:./here", "the same store"),
        ("file:here", "file:link", "the same store"),
    ] {
        let done = copy(&setup, from, to);
        assert_eq!(done.code, 64, "{from} {to}: {}", done.stderr);
        assert!(done.stderr.contains(part), "{from} {to}: {}", done.stderr);
    }
    assert!(!setup.folder().join("missing").exists() && !setup.folder().join("other").exists());
    let help = setup.run(["copy", "--help"]);
    assert!(help.success && help.stdout.contains("Examples:") && help.stdout.contains("Exit codes:"));
}

/// `.info` and `.mod` of so many versions, written as a tree.
fn tree(folder: &Path, versions: usize) {
    let place = folder.join("example.test/many/@v");
    fs::create_dir_all(&place).expect("a folder can be made");
    for number in 0..versions {
        let module = Module::new("example.test/many", &format!("v1.{number}.0"));
        for (kind, bytes) in [("info", module.info()), ("mod", module.go_mod())] {
            fs::write(place.join(format!("{}.{kind}", module.version)), bytes)
                .expect("a file can be written");
        }
    }
}

#[test]
fn an_interrupted_copy_ends_in_good_order_and_goes_on_where_it_was() {
    const VERSIONS: usize = 400;
    let setup = stoa();
    tree(&setup.folder().join("from"), VERSIONS);
    let mut copying = Command::new(env!("CARGO_BIN_EXE_stoa"))
        .args([
            "copy",
            "file:from",
            "file:to",
            "--upstream",
            "off",
            "--parallel",
            "1",
        ])
        .env_clear()
        .env("HOME", setup.folder())
        .env("GOSUMDB", "off")
        .current_dir(setup.folder())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let mut said = BufReader::new(copying.stderr.take().expect("it is piped"));
    let mut first = String::new();
    said.read_line(&mut first).expect("it says what it does");
    assert!(first.starts_with("from "), "{first}");
    let some = setup.folder().join("to/example.test/many/@v/v1.0.0.mod");
    while !some.exists() {
        assert!(
            copying.try_wait().expect("it was started").is_none(),
            "it ended by itself"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    let interrupt = Command::new("kill")
        .args(["-INT", &copying.id().to_string()])
        .status();
    assert!(interrupt.expect("kill is everywhere").success());
    let done = copying.wait_with_output().expect("it ends");
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("it has ended");
    assert_eq!(done.status.code(), Some(130), "{rest}");
    assert!(rest.contains("run it again to go on"), "{rest}");
    let summary = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(summary.contains(" files copied "), "{summary}");
    for (name, _) in files(&setup.folder().join("to")) {
        if name.extension().is_some_and(|extension| extension == "mod") {
            let info = setup.folder().join("to").join(name.with_extension("info"));
            assert!(info.is_file(), "{} came before its .info", name.display());
        }
    }
    let before = files(&setup.folder().join("to"))
        .into_iter()
        .filter(|(name, _)| {
            name.extension()
                .is_some_and(|extension| extension == "info" || extension == "mod")
        })
        .count();
    assert!(
        (1..2 * VERSIONS).contains(&before),
        "it was interrupted in between: {before}"
    );

    let rest = copy(&setup, "file:from", "file:to");
    assert_eq!(rest.code, 0, "{}", rest.stderr);
    let expected = format!("{VERSIONS} versions: {} files copied", 2 * VERSIONS - before);
    assert!(rest.stdout.starts_with(&expected), "{expected}: {}", rest.stdout);
    assert!(
        rest.stdout.ends_with(&format!(", {before} were there\n")),
        "{}",
        rest.stdout
    );
}

/// From a disk into a database, from there into a bucket, and back onto a disk.
#[test]
fn every_store_can_be_copied_into_every_other() {
    let servers = match (
        Servers::find(),
        block_on(TestBucket::fresh(BucketServer::SeaweedFs)),
    ) {
        (Ok(servers), Ok(bucket)) => (servers, bucket),
        (Err(why), _) | (_, Err(why)) => skip_or_fail!("{why}"),
    };
    let (servers, bucket) = servers;
    let variables = bucket.variables().into_iter();
    // The bucket's account has variables of its own, which its address names.
    let setup = variables.fold(filled(), |setup, (name, value)| {
        setup.environment(&format!("MINE_{name}"), value)
    });
    let database = format!("{}?schema={}", servers.direct, fresh_word());
    let bucket = format!("{}&env=MINE_", bucket.url());
    for (from, to) in [
        ("file:stoa-data", &*database),
        (&database, &bucket),
        (&bucket, "file:back"),
    ] {
        let done = copy(&setup, from, to);
        assert_eq!(done.code, 0, "{from} {to}: {}{}", done.stdout, done.stderr);
        assert!(
            done.stdout.starts_with("14 versions: 42 files copied"),
            "{}",
            done.stdout
        );
        let again = copy(&setup, from, to);
        assert!(
            again.code == 0 && again.stdout.contains("0 files copied (0 B), 42 were there"),
            "{}",
            again.stdout
        );
    }
    for ((name, before), (_, after)) in files(&setup.store())
        .iter()
        .zip(&files(&setup.folder().join("back")))
    {
        let same = if name.starts_with(".stoa") {
            without_mark(before) == without_mark(after)
        } else {
            before == after
        };
        assert!(same, "{} differs", name.display());
    }
}
