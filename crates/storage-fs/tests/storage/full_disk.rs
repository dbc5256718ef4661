//! A full disk: nothing half, nothing lost, and on again once there is room.

use super::tree::files_below;
use bytes::Bytes;
use proxy_core::{
    records::{RecordKey, RecordStore},
    store::{Inserted, ModuleStore, ModuleStoreExt, StoreError, conformance::Samples},
    verify::Verified,
};
use std::{fs, path::Path, process::Command};
use storage_fs::FsStore;

/// A small file system of its own; unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where we may not mount.
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(folder.path());
        mount
            .output()
            .is_ok_and(|done| done.status.success())
            .then(|| Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

async fn kept_bytes(store: &dyn ModuleStore, file: &Verified) -> Option<Bytes> {
    store.read(file.file()).await.unwrap()
}

#[tokio::test]
async fn a_full_disk_is_an_error_that_leaves_nothing_half() {
    // Not an error on CI: mounting is a right that a container need not have.
    let Some(disk) = SmallDisk::mount("1m") else {
        println!("skipped: a small file system cannot be mounted here");
        return;
    };
    let (samples, store) = (Samples::new(), FsStore::open(disk.path()).unwrap());
    let mut kept = Vec::new();
    let refused = loop {
        let module = Samples::module("example.com/m", &format!("v1.0.{}", kept.len()));
        // In memory or in a spool file, by turns.
        let file = samples
            .go_mod(&module, 0, if kept.len() % 2 == 0 { 60_000 } else { 90_000 })
            .await;
        match store.insert(file.clone()).await {
            Ok(inserted) => assert_eq!(inserted, Inserted::New),
            Err(error) => {
                assert!(matches!(error, StoreError::Full(_)), "{error:?}");
                break file;
            }
        }
        kept.push(file);
    };
    assert!(kept.len() > 5);
    assert_eq!(kept_bytes(&store, &refused).await, None);
    for file in &kept {
        assert!(kept_bytes(&store, file).await.unwrap() == file.body().read_to_bytes().unwrap());
    }
    let key = RecordKey::parse("large").unwrap();
    let error = store
        .write(&key, vec![0; 100_000].into(), None)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    assert!(RecordStore::read(&store, &key).await.unwrap().is_none());

    let mut left = files_below(disk.path());
    left.retain(|file| !file.starts_with(".stoa/"));
    assert_eq!(left.len(), kept.len(), "{left:?}");
    fs::remove_file(disk.path().join(kept.pop().unwrap().file().tree_path())).unwrap();
    assert_eq!(store.insert(refused.clone()).await.unwrap(), Inserted::New);
    assert!(kept_bytes(&store, &refused).await.is_some());
}
