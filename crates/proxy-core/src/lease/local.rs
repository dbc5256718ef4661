//! Leases within one process: a queue for each version somebody wants, gone when nobody does.

use super::{Lease, Leases};
use crate::module::ModuleVersion;
use async_trait::async_trait;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Leases for the one process of a mirror on a laptop's disk. Cheap to clone; clones share the queues.
#[derive(Clone, Debug, Default)]
pub struct LocalLeases(Arc<Mutex<Queues>>);

type Queues = HashMap<ModuleVersion, Arc<Turn<()>>>;

/// A place in a version's queue; the last to leave removes the queue.
struct Place {
    leases: LocalLeases,
    module: ModuleVersion,
    turn: Arc<Turn<()>>,
}

/// What a lease holds. The fields drop in this order: the turn is passed on before the place is left.
struct Holding {
    _turn: OwnedMutexGuard<()>,
    _place: Place,
}

impl LocalLeases {
    /// No queues yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, module: &ModuleVersion) -> Place {
        let turn = Arc::clone(self.queues().entry(module.clone()).or_default());
        Place {
            leases: self.clone(),
            module: module.clone(),
            turn,
        }
    }
}

#[async_trait]
impl Leases for LocalLeases {
    async fn acquire(&self, module: &ModuleVersion) -> Lease {
        // A waiter that gives up drops its place as well.
        let place = self.place(module);
        let turn = Arc::clone(&place.turn).lock_owned().await;
        Lease::holding(Holding {
            _turn: turn,
            _place: place,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queues = self.leases.queues();
        // One count is the map's and one is ours; new places are taken under this lock only.
        if Arc::strong_count(&self.turn) == 2 {
            queues.remove(&self.module);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::{ModulePath, Version};
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn module(version: &str) -> ModuleVersion {
        ModuleVersion::new(
            ModulePath::parse("example.com/m").unwrap(),
            Version::parse(version).unwrap(),
        )
        .unwrap()
    }

    #[tokio::test]
    async fn a_version_has_one_holder_and_everybody_gets_a_turn() {
        let leases = LocalLeases::new();
        let (inside, turns) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks = (0..100).map(|_| {
            let (leases, inside, turns) = (leases.clone(), Arc::clone(&inside), Arc::clone(&turns));
            tokio::spawn(async move {
                let _lease = leases.acquire(&module("v1.0.0")).await;
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
                turns.fetch_add(1, Ordering::SeqCst);
            })
        });
        futures::future::try_join_all(tasks).await.unwrap();
        assert_eq!(turns.load(Ordering::SeqCst), 100);
        assert!(leases.queues().is_empty());
    }

    #[tokio::test]
    async fn versions_do_not_wait_for_each_other() {
        let leases = LocalLeases::new();
        let _one = leases.acquire(&module("v1.0.0")).await;
        let _other = leases.acquire(&module("v1.0.1")).await;
        assert_eq!(leases.queues().len(), 2);
    }

    #[tokio::test]
    async fn a_waiter_that_gives_up_leaves_no_queue_behind() {
        let leases = LocalLeases::new();
        let wanted = module("v1.0.0");
        let held = leases.acquire(&wanted).await;
        let mut waiter = leases.acquire(&wanted);
        assert!(futures::poll!(&mut waiter).is_pending());
        drop(held);
        drop(waiter);
        assert!(leases.queues().is_empty());
        drop(leases.acquire(&wanted).await);
        assert!(leases.queues().is_empty());
    }
}
