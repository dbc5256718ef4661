//! `stoa warm` and `stoa import`: a store filled before anybody asks.

use crate::{stoa, stoa_of};
use std::{fs, path::Path};
use testkit::{
    module::{Module, fixtures},
    process::Finished,
    proxy::FakeUpstream,
    stoa::Stoa,
};

fn warm(setup: &Stoa, upstream: &FakeUpstream, what: &[&str]) -> Finished {
    let url = upstream.url();
    setup.run(["warm"].iter().chain(what).copied().chain(["--upstream", &url]))
}

fn kept(setup: &Stoa, module: &Module, kind: &str) -> bool {
    setup.store().join(&module.url_path(kind)[1..]).is_file()
}

#[test]
fn what_a_go_sum_names_is_fetched_once() {
    let (used, seen) = (
        Module::new("example.test/used", "v1.0.0"),
        Module::new("example.test/seen", "v1.0.0"),
    );
    let upstream = FakeUpstream::serving([used.clone(), seen.clone()]);
    let setup = stoa();
    let sums = "example.test/used v1.0.0 h1:x=\nexample.test/used v1.0.0/go.mod h1:x=\nexample.test/seen v1.0.0/go.mod h1:x=\n";
    fs::write(setup.folder().join("go.sum"), sums).expect("a file can be written");
    let done = warm(&setup, &upstream, &["go.sum"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    for kind in ["info", "mod", "zip"] {
        assert!(kept(&setup, &used, kind), "{kind}");
        assert_eq!(upstream.count(&used.url_path(kind)), 1, "{kind}");
    }
    assert!(kept(&setup, &seen, "mod") && !kept(&setup, &seen, "zip"));
    upstream.unplug();
    let again = warm(&setup, &upstream, &["go.sum"]);
    assert_eq!(
        (again.code, &*again.stdout),
        (0, "0 files fetched, 4 were kept\n"),
        "{}",
        again.stderr
    );
}

#[test]
fn versions_queries_and_lists_are_understood_and_what_is_missing_is_told() {
    let upstream = FakeUpstream::serving(fixtures());
    let setup = stoa();
    fs::write(
        setup.folder().join("go.mod"),
        "module example.test/us\n\nrequire (\n\texample.test/greet v1.0.0\n\texample.test/text v0.3.1 // indirect\n)\n",
    )
    .expect("a file can be written");
    fs::write(
        setup.folder().join("more.txt"),
        "# more\nexample.test/greet v1.1.0\n",
    )
    .expect("a file can be written");
    let done = warm(
        &setup,
        &upstream,
        &[
            "go.mod",
            "more.txt",
            "example.test/greet/v2@latest",
            "example.test/no@v1.0.0",
        ],
    );
    assert_eq!(done.code, 1, "{}{}", done.stdout, done.stderr);
    assert!(done.stderr.contains("example.test/no@v1.0.0"), "{}", done.stderr);
    for (path, version) in [
        ("example.test/greet", "v1.0.0"),
        ("example.test/greet", "v1.1.0"),
        ("example.test/text", "v0.3.1"),
        ("example.test/greet/v2", "v2.0.0"),
    ] {
        assert!(
            kept(&setup, &Module::new(path, version), "zip"),
            "{path}@{version}"
        );
    }
    upstream.unplug();
    let down = warm(&setup, &upstream, &["example.test/text@v0.3.0"]);
    assert_eq!(down.code, 69, "{}{}", down.stdout, down.stderr);
    for (what, part) in [
        ("example.test/text", "neither a file nor module@version"),
        ("Bad@v1.0.0", "Bad@v1.0.0: "),
    ] {
        let wrong = warm(&setup, &upstream, &[what]);
        assert_eq!(wrong.code, 64, "{what}: {}", wrong.stderr);
        assert!(wrong.stderr.contains(part), "{what}: {}", wrong.stderr);
    }
}

/// Writes a version in a layout of somebody else.
fn write(folder: &Path, names: [String; 3], module: &Module) {
    for (name, bytes) in names
        .into_iter()
        .zip([module.info(), module.go_mod(), module.zip()])
    {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder can be made");
        fs::write(path, bytes).expect("a file can be written");
    }
}

#[test]
fn a_module_cache_and_both_layouts_of_athens_are_taken_in() {
    let setup = stoa_of(&FakeUpstream::serving([]));
    let folder = setup.folder().join("theirs");
    let [cached, bucket, disk] = ["Cached", "Bucket", "Disk"]
        .map(|name| Module::new(&format!("example.test/{name}/m"), "v1.0.0-RC.1"));
    let escaped = |kind: &str| cached.url_path(kind)[1..].to_owned();
    write(
        &folder,
        [escaped("info"), escaped("mod"), escaped("zip")],
        &cached,
    );
    let plain = |kind: &str| format!("{}/@v/{}.{kind}", bucket.path, bucket.version);
    write(&folder, [plain("info"), plain("mod"), plain("zip")], &bucket);
    let below = |name: &str| format!("{}/{}/{name}", disk.path, disk.version);
    write(
        &folder,
        [below("v1.0.0-RC.1.info"), below("go.mod"), below("source.zip")],
        &disk,
    );
    fs::write(folder.join("example.test/!cached/m/@v/list"), "v1.0.0-RC.1\n").expect("a file can be written");

    let done = setup.run(["import", "theirs"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert!(
        done.stdout.starts_with("3 versions: 9 files copied"),
        "{}",
        done.stdout
    );
    for module in [&cached, &bucket, &disk] {
        for (kind, bytes) in [
            ("info", module.info()),
            ("mod", module.go_mod()),
            ("zip", module.zip()),
        ] {
            let path = setup.store().join(&module.url_path(kind)[1..]);
            assert_eq!(
                fs::read(&path).ok().as_deref(),
                Some(&bytes[..]),
                "{}",
                path.display()
            );
        }
    }
    let again = setup.run(["import", "theirs"]);
    assert!(
        again.code == 0 && again.stdout.contains("9 were there"),
        "{}{}",
        again.stdout,
        again.stderr
    );

    // What somebody else has of a version that is kept is told, and changes nothing.
    let other = Module::new("example.test/Disk/m", "v1.0.0-RC.1").file("more.go", "package m\n");
    fs::write(folder.join(below("source.zip")), other.zip()).expect("a file can be written");
    let differs = setup.run(["import", "theirs"]);
    assert_eq!(differs.code, 1, "{}{}", differs.stdout, differs.stderr);
    assert!(
        differs
            .stderr
            .contains("example.test/Disk/m@v1.0.0-RC.1.zip disagrees"),
        "{}",
        differs.stderr
    );
    assert_eq!(
        fs::read(setup.store().join(&disk.url_path("zip")[1..])).expect("it is kept"),
        disk.zip()
    );
    for (arguments, code) in [
        (vec!["import", "nowhere"], 64),
        (vec!["import", "theirs", "--storage", "memory:"], 64),
    ] {
        assert_eq!(setup.run(arguments.clone()).code, code, "{arguments:?}");
    }
}

#[test]
fn a_tree_goes_out_as_a_folder_and_as_a_tar_file_and_go_reads_it() {
    let versions = ["v1.0.0", "v1.1.0", "v0.0.0-20210304050607-0123456789ab"]
        .map(|version| Module::new("example.test/Up/m", version));
    let upstream = FakeUpstream::serving(versions.clone());
    let setup = stoa();
    let names: Vec<String> = versions
        .iter()
        .map(|module| format!("{}@{}", module.path, module.version))
        .collect();
    let done = warm(
        &setup,
        &upstream,
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    assert_eq!(done.code, 0, "{}", done.stderr);
    let folder = setup.folder().join("mirror");
    for (round, part) in ["9 files written", "0 files written (0 B), 9 were there"]
        .into_iter()
        .enumerate()
    {
        let done = setup.run(["export", "mirror"]);
        assert!(
            done.code == 0 && done.stdout.contains(part),
            "round {round}: {}{}",
            done.stdout,
            done.stderr
        );
    }
    let list = fs::read_to_string(folder.join("example.test/!up/m/@v/list")).expect("there is a list");
    assert_eq!(list, "v1.0.0\nv1.1.0\n", "without pseudo-versions");
    let inside = fs::read_dir(&folder)
        .expect("it is a folder")
        .flatten()
        .map(|entry| entry.file_name());
    assert_eq!(
        inside.collect::<Vec<_>>(),
        ["example.test"],
        "nothing of ours is in it"
    );
    if let Some(go) = testkit::go::GoCommand::find() {
        let go = go.proxy(&format!("file://{}", folder.display()));
        let said = go.succeed(go.home(), ["list", "-m", "-versions", "example.test/Up/m@latest"]);
        assert_eq!(said.trim(), "example.test/Up/m v1.0.0 v1.1.0");
        go.succeed(go.home(), ["mod", "download", "example.test/Up/m@v1.1.0"]);
    }

    for name in ["one.tar", "two.tar"] {
        let done = setup.run(["export", name]);
        assert_eq!(done.code, 0, "{}", done.stderr);
    }
    let [one, two] =
        ["one.tar", "two.tar"].map(|name| fs::read(setup.folder().join(name)).expect("it was written"));
    assert!(one == two, "the same store makes the same tar file");
    fs::create_dir(setup.folder().join("unpacked")).expect("a folder can be made");
    let mut tar = std::process::Command::new("tar");
    tar.args(["-x", "-f", "one.tar", "-C", "unpacked"])
        .current_dir(setup.folder());
    assert!(tar.status().expect("tar is everywhere").success());
    let imported = setup.run(["import", "unpacked", "--storage", "file:other"]);
    assert!(
        imported.code == 0 && imported.stdout.contains("9 files copied"),
        "{}{}",
        imported.stdout,
        imported.stderr
    );

    let zip = setup.store().join(&versions[0].url_path("zip")[1..]);
    let mut bytes = fs::read(&zip).expect("it is kept");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&zip).expect("it is there");
    fs::write(&zip, bytes).expect("a file can be written");
    let damaged = setup.run(["export", "third", "--modules", "example.test"]);
    assert_eq!(damaged.code, 1, "{}{}", damaged.stdout, damaged.stderr);
    assert!(
        damaged.stderr.contains("v1.0.0.zip is damaged"),
        "{}",
        damaged.stderr
    );
    let none = setup.run(["export", "fourth", "--modules", "example.com"]);
    assert!(
        none.code == 0 && none.stdout.starts_with("0 files written"),
        "{}{}",
        none.stdout,
        none.stderr
    );
}

#[test]
fn the_doctor_says_what_is_well_and_what_is_not() {
    let upstream = FakeUpstream::serving(fixtures());
    let setup = stoa();
    let url = upstream.url();
    let well = setup.run(["doctor", "--upstream", &url, "--listen", "127.0.0.1:0"]);
    assert_eq!(well.code, 0, "{}{}", well.stdout, well.stderr);
    assert!(
        well.stdout.contains("is not there yet") && well.stdout.contains("answers"),
        "{}",
        well.stdout
    );
    assert!(!setup.store().exists(), "looking makes nothing");
    fs::create_dir(setup.store()).expect("a folder can be made");
    let well = setup.run(["doctor", "--upstream", &url, "--listen", "127.0.0.1:0"]);
    assert!(
        well.code == 0 && well.stdout.contains("nothing is kept yet"),
        "{}{}",
        well.stdout,
        well.stderr
    );
    let left: Vec<_> = fs::read_dir(setup.store().join(".stoa"))
        .expect("it was opened")
        .flatten()
        .collect();
    assert!(
        left.iter().all(
            |entry| entry.file_name() != "doctor" || fs::read_dir(entry.path()).unwrap().next().is_none()
        )
    );

    upstream.unplug();
    fs::remove_dir_all(setup.store()).expect("it is ours");
    fs::write(setup.store(), "a file").expect("a file can be written");
    let ill = setup.run(["doctor", "--upstream", &url, "--listen", "127.0.0.1:0"]);
    assert_eq!(ill.code, 1, "{}{}", ill.stdout, ill.stderr);
    assert!(
        ill.stdout.contains("\n! storage") && ill.stdout.contains("\n! upstream"),
        "{}",
        ill.stdout
    );
    assert!(ill.stderr.contains("2 things are not well"), "{}", ill.stderr);
}
