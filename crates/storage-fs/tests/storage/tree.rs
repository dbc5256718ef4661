//! What lies in the folder.

use proxy_core::{
    file::Held,
    records::{RecordKey, RecordStore, Written},
    store::{ContentBytes, Inserted, ModuleStore, Part, conformance::Samples},
};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};
use storage_fs::FsStore;

/// All files below a folder, by their paths in it, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn the_tree_is_the_one_that_go_reads() {
    let (folder, samples) = (tempfile::tempdir().unwrap(), Samples::new());
    let store = FsStore::open(folder.path()).unwrap();
    let module = Samples::module("github.com/Azure/x", "v1.2.0-RC1");
    let zip = samples.zip(&module, 0, 100_000).await;
    for file in [
        samples.info(&module, 0).await,
        samples.go_mod(&module, 0, 0).await,
        zip.clone(),
    ] {
        assert_eq!(store.insert(file).await.unwrap(), Inserted::New);
    }
    let key = RecordKey::parse("seen/github.com/!azure/x@v1.2.0-!r!c1").unwrap();
    assert!(matches!(
        store.write(&key, "seen".into(), None).await.unwrap(),
        Written::Done(_)
    ));
    let key = RecordKey::parse("sumdb/sum.example.com/latest").unwrap();
    assert!(matches!(
        store.write(&key, "head".into(), None).await.unwrap(),
        Written::Done(_)
    ));
    let sum = zip.h1().unwrap().to_string();
    drop((store, zip));

    let stored = "github.com/!azure/x/@v/v1.2.0-!r!c1";
    let mut files = files_below(folder.path());
    files.retain(|file| !file.starts_with(".stoa/.locks/"));
    assert_eq!(
        files,
        [
            ".stoa/seen/github.com/!azure/x@v1.2.0-!r!c1".to_owned(),
            format!("{stored}.info"),
            format!("{stored}.mod"),
            format!("{stored}.zip"),
            format!("{stored}.ziphash"),
            "sumdb/sum.example.com/latest".to_owned(),
        ]
    );
    assert_eq!(
        fs::read_to_string(folder.path().join(format!("{stored}.ziphash"))).unwrap(),
        sum
    );
    for file in &files {
        let metadata = fs::metadata(folder.path().join(file)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o444, "{file}");
        assert_eq!(metadata.nlink(), 1, "{file} still has another name");
    }
}

#[tokio::test]
async fn what_was_spooled_in_the_store_is_linked_and_what_was_not_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    let store = FsStore::open(folder.path()).unwrap();
    let samples = Samples::new();
    let elsewhere = samples
        .zip(&Samples::module("example.com/m", "v1.0.0"), 0, 100_000)
        .await;
    let Held::File(spooled) = elsewhere.body().held() else {
        panic!("a body of 100 kB is in a file")
    };
    let before = fs::metadata(spooled.path()).unwrap();
    assert_eq!(store.insert(elsewhere.clone()).await.unwrap(), Inserted::New);
    let kept = fs::metadata(folder.path().join(elsewhere.file().tree_path())).unwrap();
    // Both folders are temporary, so they lie on one disk, and one file has both names until the body is dropped.
    assert_eq!(kept.ino(), before.ino());
    drop(elsewhere);
    assert_eq!(
        fs::metadata(folder.path().join("example.com/m/@v/v1.0.0.zip"))
            .unwrap()
            .nlink(),
        1
    );

    // Memory of the machine is another file system.
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else {
        println!("skipped: there is no /dev/shm to spool in");
        return;
    };
    let store = FsStore::open(memory.path()).unwrap();
    let file = samples
        .zip(&Samples::module("example.com/m", "v1.0.0"), 0, 100_000)
        .await;
    assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
    let kept = memory.path().join(file.file().tree_path());
    assert!(fs::read(&kept).unwrap() == file.body().read_to_bytes().unwrap());
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o444);
}

#[tokio::test]
async fn small_parts_come_at_once_and_large_ones_as_an_open_file() {
    let (folder, samples) = (tempfile::tempdir().unwrap(), Samples::new());
    let store = FsStore::open(folder.path()).unwrap();
    let file = samples
        .zip(&Samples::module("example.com/m", "v1.0.0"), 0, 100_000)
        .await;
    assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
    let open = async |part| store.open(file.file(), part).await.unwrap().unwrap().bytes;
    assert!(matches!(open(Part::Whole).await, ContentBytes::File(_)));
    assert!(matches!(open(Part::From(1)).await, ContentBytes::File(_)));
    assert!(
        matches!(open(Part::Last(64 << 10)).await, ContentBytes::Memory(bytes) if bytes.len() == 64 << 10)
    );
    assert!(matches!(open(Part::Nothing).await, ContentBytes::Memory(bytes) if bytes.is_empty()));
}

#[tokio::test]
async fn a_missing_sum_beside_a_zip_is_written_by_the_next_insert() {
    let (folder, samples) = (tempfile::tempdir().unwrap(), Samples::new());
    let store = FsStore::open(folder.path()).unwrap();
    let zip = samples
        .zip(&Samples::module("example.com/m", "v1.0.0"), 0, 0)
        .await;
    let ziphash = folder.path().join("example.com/m/@v/v1.0.0.ziphash");
    assert_eq!(store.insert(zip.clone()).await.unwrap(), Inserted::New);
    for left in [None, Some(""), Some("\0\0\0\0"), Some("h1:")] {
        fs::remove_file(&ziphash).unwrap();
        if let Some(left) = left {
            fs::write(&ziphash, left).unwrap();
        }
        assert_eq!(store.insert(zip.clone()).await.unwrap(), Inserted::Same);
        assert_eq!(
            fs::read_to_string(&ziphash).unwrap(),
            zip.h1().unwrap().to_string(),
            "after {left:?}"
        );
    }
}

#[tokio::test]
async fn opening_sweeps_what_a_dead_process_left_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let living = FsStore::open(folder.path()).unwrap();
    let left = folder.path().join(".stoa/.staging/incoming-0123456789abcdef");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("lock"), "").unwrap();
    fs::write(left.join("7"), "half a zip").unwrap();
    let before = fs::read_dir(folder.path().join(".stoa/.staging"))
        .unwrap()
        .count();
    let next = FsStore::open(folder.path()).unwrap();
    assert!(!left.exists());
    assert!(living.spool().folder().exists());
    assert_eq!(
        fs::read_dir(folder.path().join(".stoa/.staging"))
            .unwrap()
            .count(),
        before
    );
    drop((living, next));
    assert_eq!(files_below(folder.path()), [""; 0]);
}
