//! What is no store, and what is no module file.

use proxy_core::store::{Inserted, ModuleStore, Part, StoreError, conformance::Samples};
use std::{error::Error, fs, os::unix::fs::symlink, path::Path};
use storage_fs::{FsStore, OpenError};

#[test]
fn a_missing_folder_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b/c");
    let _ = FsStore::open(&deep).unwrap();
    assert!(deep.join(".stoa").is_dir());
}

#[test]
fn a_folder_that_cannot_be_made_or_written_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for taken in [file.clone(), file.join("below")] {
        let error = FsStore::open(&taken).unwrap_err();
        assert!(matches!(error, OpenError::NoFolder(_)), "{error:?}");
        assert_eq!(error.to_string(), "the store's folder cannot be made");
        assert!(error.source().is_some());
    }
    // Not even root can write here.
    let error = FsStore::open("/proc/self").unwrap_err();
    assert!(matches!(error, OpenError::NotWritable(_)), "{error:?}");
    assert_eq!(error.to_string(), "the store's folder cannot be written");
}

/// Puts something in the place of a module file, and takes it away again.
async fn assert_damaged(store: &FsStore, path: &Path, put: impl Fn(&Path), reason: &str) {
    let (samples, module) = (Samples::new(), Samples::module("example.com/m", "v1.0.0"));
    let file = samples.info(&module, 0).await;
    put(path);
    for part in [Part::Whole, Part::Nothing] {
        let error = store.open(file.file(), part).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        assert!(error.to_string().ends_with(reason), "{error}");
    }
    let error = store.insert(file).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    if path.is_dir() && !path.is_symlink() {
        fs::remove_dir(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn only_a_file_with_bytes_is_a_module_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = FsStore::open(folder.path()).unwrap();
    let versions = folder.path().join("example.com/m/@v");
    fs::create_dir_all(&versions).unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "not a module file").unwrap();
    let path = versions.join("v1.0.0.info");
    assert_damaged(&store, &path, |path| fs::write(path, "").unwrap(), "it is empty").await;
    assert_damaged(
        &store,
        &path,
        |path| fs::create_dir(path).unwrap(),
        "no file is in its place",
    )
    .await;
    assert_damaged(
        &store,
        &path,
        |path| symlink(&secret, path).unwrap(),
        "a symbolic link is in its place",
    )
    .await;
    assert_damaged(
        &store,
        &path,
        |path| symlink("nowhere", path).unwrap(),
        "a symbolic link is in its place",
    )
    .await;
    let pipe = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    };
    assert_damaged(&store, &path, pipe, "no file is in its place").await;

    let file = Samples::new()
        .info(&Samples::module("example.com/m", "v1.0.0"), 0)
        .await;
    assert_eq!(store.insert(file).await.unwrap(), Inserted::New);
}

#[tokio::test]
async fn something_else_where_a_folder_should_be_holds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = FsStore::open(folder.path()).unwrap();
    fs::write(folder.path().join("example.com"), "").unwrap();
    let (samples, module) = (Samples::new(), Samples::module("example.com/m", "v1.0.0"));
    let file = samples.info(&module, 0).await;
    assert!(store.open(file.file(), Part::Whole).await.unwrap().is_none());
    assert_eq!(store.versions(module.path()).await.unwrap(), []);
    let error = store.insert(file).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_zip_whose_sum_is_not_the_one_kept_beside_it_is_refused_with_both_sums() {
    let (folder, samples) = (tempfile::tempdir().unwrap(), Samples::new());
    let store = FsStore::open(folder.path()).unwrap();
    let module = Samples::module("example.com/m", "v1.0.0");
    let (kept, offered) = (
        samples.zip(&module, 0, 1000).await,
        samples.zip(&module, 1, 1000).await,
    );
    let ziphash = folder.path().join("example.com/m/@v/v1.0.0.ziphash");
    fs::create_dir_all(ziphash.parent().unwrap()).unwrap();
    fs::write(&ziphash, format!("{}\n", kept.h1().unwrap())).unwrap();

    let error = store.insert(offered.clone()).await.unwrap_err();
    let (is, was) = (offered.h1().unwrap(), kept.h1().unwrap());
    assert_eq!(
        error.to_string(),
        format!("example.com/m@v1.0.0.zip was refused: its sum is {is}, but the store keeps {was}")
    );
    assert!(store.open(offered.file(), Part::Nothing).await.unwrap().is_none());
    assert_eq!(store.insert(kept.clone()).await.unwrap(), Inserted::New);
    // The zip itself is there now, so other bytes are what they are everywhere: an answer.
    assert_eq!(store.insert(offered).await.unwrap(), Inserted::Other);
    assert_eq!(fs::read_to_string(&ziphash).unwrap().trim(), was.to_string());
}
