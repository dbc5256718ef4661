//! Moving in from stores of others, and from stores that cannot be written: they are read, and stay as they are.

use crate::stoa;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use testkit::{
    bucket::{BucketServer, TestBucket},
    client::{Ask, block_on},
    gateway::Came,
    module::Module,
    process::Finished,
    skip_or_fail,
    stoa::Stoa,
};

const KINDS: [&str; 3] = ["info", "mod", "zip"];

fn modules() -> Vec<Module> {
    vec![
        Module::new("example.test/Burnt/Sushi", "v1.0.0-RC.1"),
        Module::new("example.test/Burnt/Sushi", "v1.1.0"),
        Module::new("example.test/Burnt/Sushi/v2", "v2.0.0"),
        Module::new("example.test/plain", "v1.0.0"),
    ]
}

fn bytes(module: &Module, kind: &str) -> Vec<u8> {
    match kind {
        "info" => module.info().to_vec(),
        "mod" => module.go_mod().to_vec(),
        _ => module.zip().to_vec(),
    }
}

/// Where Athens puts a file in a bucket.
fn in_bucket(module: &Module, kind: &str) -> String {
    format!("{}/@v/{}.{kind}", module.path, module.version)
}

/// Where Athens puts a file on a disk.
fn on_disk(module: &Module, kind: &str) -> String {
    let name = match kind {
        "info" => format!("{}.info", module.version),
        "mod" => "go.mod".to_owned(),
        _ => "source.zip".to_owned(),
    };
    format!("{}/{}/{name}", module.path, module.version)
}

fn lay_out(folder: &Path, name: impl Fn(&Module, &str) -> String) {
    for module in modules() {
        for kind in KINDS {
            let path = folder.join(name(&module, kind));
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder can be made");
            fs::write(path, bytes(&module, kind)).expect("a file can be written");
        }
    }
}

/// Everything below a folder, folders too.
fn everything(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path.clone());
                found.insert(path, None);
            } else {
                let bytes = fs::read(&path).expect("a file can be read");
                found.insert(path, Some(bytes));
            }
        }
    }
    found
}

fn copy(setup: &Stoa, from: &str, to: &str) -> Finished {
    setup.run(["copy", from, to, "--upstream", "off"])
}

/// Whether a store of ours has every file.
fn assert_has_all(store: &Path, done: &Finished) {
    for module in modules() {
        for kind in KINDS {
            let path = store.join(module.url_path(kind).trim_start_matches('/'));
            let kept = fs::read(&path).unwrap_or_else(|_| panic!("{} is there: {done}", path.display()));
            assert!(kept == bytes(&module, kind), "{}", path.display());
        }
    }
}

#[test]
fn what_athens_has_on_a_disk_is_copied_capitals_and_all_and_nothing_is_written_there() {
    for (number, layout) in [in_bucket, on_disk].into_iter().enumerate() {
        let setup = stoa();
        let old = setup.folder().join("old");
        lay_out(&old, layout);
        // One of them also lies as we spell it: that is still one file.
        let both = &modules()[1];
        let ours = old.join(both.url_path("mod").trim_start_matches('/'));
        fs::create_dir_all(ours.parent().expect("it is in a folder")).expect("a folder can be made");
        fs::write(ours, both.go_mod()).expect("a file can be written");
        let before = everything(&old);
        let done = copy(&setup, "file:old", "file:new");
        assert_eq!(done.code, 0, "{number}: {done}");
        assert!(
            done.stdout.starts_with("4 versions: 12 files copied"),
            "{number}: {done}"
        );
        assert_has_all(&setup.folder().join("new"), &done);
        let again = copy(&setup, "file:old", "file:new");
        assert!(
            again.success && again.stdout.ends_with("12 were there\n"),
            "{number}: {again}"
        );
        assert!(everything(&old) == before, "{number}: it was written to");
    }
}

#[test]
fn a_store_of_ours_is_copied_and_verified_without_a_trace() {
    let setup = stoa();
    let old = setup.folder().join("old");
    lay_out(&old, |module, kind| {
        module.url_path(kind).trim_start_matches('/').to_owned()
    });
    let before = everything(&old);
    let done = copy(&setup, "file:old", "file:new");
    assert!(
        done.success && done.stdout.starts_with("4 versions: 12 files copied"),
        "{done}"
    );
    assert!(everything(&old) == before, "copy wrote into FROM");
    let verified = setup.run(["verify", "--storage", "file:old", "--upstream", "off"]);
    assert!(verified.success, "{verified}");
    assert!(verified.stdout.starts_with("12 files"), "{verified}");
    assert!(everything(&old) == before, "verify wrote");

    // Sums beside zips are looked at as well, without a word written.
    let zip = old.join(modules()[3].url_path("zip").trim_start_matches('/'));
    fs::write(
        zip.with_extension("ziphash"),
        "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    )
    .expect("a file can be written");
    let before = everything(&old);
    let verified = setup.run(["verify", "--storage", "file:old", "--upstream", "off"]);
    assert_eq!(verified.code, 1, "{verified}");
    assert!(everything(&old) == before, "verify wrote");
}

#[test]
fn a_bucket_is_copied_capitals_and_all_and_asked_for_nothing_but_reading() {
    let bucket = match block_on(TestBucket::whole(BucketServer::Moto)) {
        Ok(bucket) => bucket,
        Err(why) => skip_or_fail!("{why}"),
    };
    for module in modules() {
        for kind in KINDS {
            put(&bucket, &in_bucket(&module, kind), bytes(&module, kind));
        }
    }
    let bucket = bucket.behind_a_gateway();
    let variables = bucket.variables().into_iter();
    let setup = variables.fold(stoa(), |setup, (name, value)| {
        setup.environment(&format!("OLD_{name}"), value)
    });
    let from = format!("{}&env=OLD_", bucket.url());
    let done = copy(&setup, &from, "file:new");
    assert_eq!(done.code, 0, "{done}");
    assert!(done.stdout.starts_with("4 versions: 12 files copied"), "{done}");
    assert_has_all(&setup.folder().join("new"), &done);
    assert_only_read(&bucket.gateway().take());

    let verified = setup.run(["verify", "--storage", &from, "--upstream", "off"]);
    assert!(
        verified.success && verified.stdout.starts_with("3 files"),
        "{verified}"
    );
    assert!(
        verified
            .stdout
            .contains("not looked at: 9 files that another program named"),
        "{verified}"
    );
    assert_only_read(&bucket.gateway().take());
}

/// Puts an object as another program would: moto lets anybody.
fn put(bucket: &TestBucket, name: &str, bytes: Vec<u8>) {
    let url = bucket.url();
    let (place, endpoint) = url
        .trim_start_matches("s3://")
        .split_once("?endpoint=")
        .expect("it says where its server is");
    let ask = Ask::get(&format!("{endpoint}/{place}/{name}")).method("PUT");
    let answer = block_on(ask.body(bytes).send()).expect("the server answers");
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn assert_only_read(came: &[Came]) {
    assert!(!came.is_empty());
    let wrote: Vec<_> = came
        .iter()
        .filter(|came| !matches!(&*came.method, "GET" | "HEAD"))
        .collect();
    assert!(wrote.is_empty(), "{wrote:?}");
}
