//! A folder that is only read, be it ours or another program's.

use crate::tree::files_below;
use async_trait::async_trait;
use proxy_core::{
    file::{Kind, ModuleFile},
    module::ModulePath,
    records::{RecordKey, RecordStore, Written},
    store::{
        Catalog, Inserted, ModuleStore, ModuleStoreExt, Quarantine,
        conformance::{CatalogPlace, Samples},
    },
};
use std::{fs, path::Path, sync::Arc};
use storage_fs::{FsStore, FsTree};

struct Read(tempfile::TempDir);

#[async_trait]
impl CatalogPlace for Read {
    async fn open(&self) -> (Arc<dyn ModuleStore>, Arc<dyn Catalog>) {
        let store = FsStore::open(self.0.path()).unwrap();
        (Arc::new(store), Arc::new(FsTree::open(self.0.path()).unwrap()))
    }
}

mod catalog {
    use super::Read;
    proxy_core::catalog_conformance!(async || Ok(Read(tempfile::tempdir().unwrap())));
}

#[tokio::test]
async fn what_a_store_left_is_read_and_nothing_is_written() {
    let (folder, samples) = (tempfile::tempdir().unwrap(), Samples::new());
    let module = Samples::module("example.com/Up/m", "v1.0.0");
    let (zip, key) = (
        samples.zip(&module, 0, 1000).await,
        RecordKey::parse("seen/example.com/!up/m@v1.0.0").unwrap(),
    );
    let info = samples.info(&module, 0).await;
    {
        let store = FsStore::open(folder.path()).unwrap();
        assert_eq!(store.insert(info.clone()).await.unwrap(), Inserted::New);
        assert_eq!(store.insert(zip.clone()).await.unwrap(), Inserted::New);
        let written = store.write(&key, "a record".into(), None).await.unwrap();
        assert!(matches!(written, Written::Done(_)));
    }
    // As a mount for reading alone is: neither locks nor a place to stage files.
    for ours in [".stoa/.staging", ".stoa/.locks"] {
        fs::remove_dir_all(folder.path().join(ours)).unwrap();
    }
    let before = files_below(folder.path());
    let tree = FsTree::open(folder.path()).unwrap();
    let listed = tree.files(None, 10).await.unwrap();
    assert_eq!(listed, [info.file().clone(), zip.file().clone()]);
    assert_eq!(tree.files_otherwise().await.unwrap(), []);
    let record = RecordStore::read(&tree, &key).await.unwrap().unwrap();
    assert_eq!(record.bytes, "a record");
    let sum = tree.sum_beside(zip.file()).await.unwrap().unwrap();
    assert_eq!(sum, zip.h1().unwrap().to_string());

    let other = samples.info(&Samples::module("example.com/m", "v1.0.0"), 0).await;
    assert!(tree.insert(other).await.is_err());
    assert!(
        tree.write(&key, "another".into(), Some(&record.revision))
            .await
            .is_err()
    );
    assert!(tree.remove(&key).await.is_err());
    assert_eq!(files_below(folder.path()), before);
    assert!(!folder.path().join(".stoa/.staging").exists());
}

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn what_athens_laid_out_is_found_in_both_of_its_ways() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        // Its disk.
        ("github.com/Azure/x/v1.0.0-RC1/v1.0.0-RC1.info", "info"),
        ("github.com/Azure/x/v1.0.0-RC1/go.mod", "mod"),
        ("github.com/Azure/x/v1.0.0-RC1/source.zip", "zip"),
        ("github.com/Azure/x/v2/v2.0.0/v2.0.0.info", "info of v2"),
        ("github.com/!azure/x/v1.4.0-!r!c1/v1.4.0-!r!c1.info", "escaped"),
        // Its bucket.
        ("github.com/Azure/x/@v/v1.1.0.info", "info"),
        ("github.com/Azure/x/@v/v1.1.0.mod", "mod"),
        // Ours, and nobody's.
        ("github.com/!azure/x/@v/v1.2.0.info", "info"),
        ("github.com/Azure/x/v1.3.0/README.md", "text"),
        (
            "github.com/Azure/x/v2.0.0/v2.0.0.info",
            "v2 is not a version of this path",
        ),
        (".stoa/damaged/github.com/Azure/x/@v/v1.4.0.info", "info"),
        ("sumdb/Azure/x/@v/v1.4.0.info", "info"),
    ] {
        put(folder.path(), name, text);
    }
    let tree = FsTree::open(folder.path()).unwrap();
    let found: Vec<String> = tree
        .files_otherwise()
        .await
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    let mut sorted = found.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "github.com/Azure/x/v2@v2.0.0.info",
            "github.com/Azure/x@v1.0.0-RC1.info",
            "github.com/Azure/x@v1.0.0-RC1.mod",
            "github.com/Azure/x@v1.0.0-RC1.zip",
            "github.com/Azure/x@v1.1.0.info",
            "github.com/Azure/x@v1.1.0.mod",
            "github.com/Azure/x@v1.4.0-RC1.info",
        ]
    );
    let [as_written, folders, escaped] = tree.otherwise();
    let path = ModulePath::parse("github.com/Azure/x").unwrap();
    for (store, versions) in [
        (&as_written, ["v1.1.0"]),
        (&folders, ["v1.0.0-RC1"]),
        (&escaped, ["v1.4.0-RC1"]),
    ] {
        let found = store.versions(&path).await.unwrap();
        assert_eq!(
            found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            versions
        );
    }
    let module = Samples::module("github.com/Azure/x", "v1.0.0-RC1");
    for (kind, text) in [(Kind::Info, "info"), (Kind::Mod, "mod"), (Kind::Zip, "zip")] {
        let file = ModuleFile::new(module.clone(), kind);
        assert_eq!(
            folders.read(&file).await.unwrap().as_deref(),
            Some(text.as_bytes())
        );
        assert_eq!(as_written.read(&file).await.unwrap(), None);
    }
}
