//! Leases of processes that share a folder: by locks, and in the folder's records.

use crate::processes::{Order, Process};
use async_trait::async_trait;
use proxy_core::{
    lease::{Leases, RecordLeases, conformance::LeasePlace},
    module::ModuleVersion,
};
use std::{fs, path::Path, sync::Arc, time::Duration};
use storage_fs::FsStore;
use tempfile::TempDir;

struct Locks(TempDir);

#[async_trait]
impl LeasePlace for Locks {
    async fn open(&self, _: Duration) -> Arc<dyn Leases> {
        Arc::new(FsStore::open(self.0.path()).unwrap().leases())
    }
    async fn away(&self) -> Option<Arc<dyn Leases>> {
        let store = FsStore::open(self.0.path()).unwrap();
        fs::write(self.0.path().join(".stoa/.leases"), "in the way").unwrap();
        Some(Arc::new(store.leases()))
    }
    fn bears_silence(&self) -> bool {
        true
    }
}

mod locks {
    use super::Locks;
    proxy_core::lease_conformance!(async || Ok(Locks(tempfile::tempdir().unwrap())));
}

struct Records(TempDir);

#[async_trait]
impl LeasePlace for Records {
    async fn open(&self, dead_after: Duration) -> Arc<dyn Leases> {
        let store = FsStore::open(self.0.path()).unwrap();
        Arc::new(RecordLeases::taken_over_after(Arc::new(store), dead_after))
    }
}

mod records {
    use super::Records;
    proxy_core::lease_conformance!(async || Ok(Records(tempfile::tempdir().unwrap())));
}

fn module() -> ModuleVersion {
    ModuleVersion::parse("example.com/m", "v1.0.0").unwrap()
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder.join(".stoa/.leases")).map_or(0, Iterator::count)
}

/// What the child runs: it keeps a lease until it is killed.
#[tokio::test(flavor = "multi_thread")]
async fn holds_a_lease() {
    let order = Order::read();
    let _held = FsStore::open(&order.folder)
        .unwrap()
        .leases()
        .acquire(&module())
        .await;
    order.await_start();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_gives_back_its_lease_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Process::start("leases::holds_a_lease", folder.path(), 0);
    let leases = FsStore::open(folder.path()).unwrap().leases();
    let wanted = module();
    let waiting = tokio::time::timeout(Duration::from_secs(1), leases.acquire(&wanted));
    assert!(waiting.await.is_err(), "two processes hold one lease");
    child.kill();
    let lease = leases.acquire(&wanted).await;
    assert_eq!(files(folder.path()), 1);
    drop(lease);
    // Given back by a task of its own; whoever gets it next comes after that.
    drop(leases.acquire(&wanted).await);
}
