//! Nodes that die and stall: holders in a runtime and on a thread of their own.

use crate::{
    lease::{Lease, Leases},
    module::{ModulePath, ModuleVersion, Version},
};
use std::{
    sync::{Arc, mpsc},
    thread,
};
use tokio::{runtime::Builder, sync::oneshot};

/// A node with one lease, or one that waits for it.
pub(super) struct Node {
    orders: mpsc::Sender<Order>,
    leases: oneshot::Receiver<Lease>,
}

/// What befalls a node.
enum Order {
    /// It stops where it is.
    Stall,
    /// It goes on.
    GoOn,
    /// It ends without giving anything back.
    Die,
}

impl Node {
    /// Starts a node that wants this lease.
    pub(super) fn wanting(leases: Arc<dyn Leases>, module: ModuleVersion) -> Self {
        let (orders, received) = mpsc::channel();
        let (held, given) = oneshot::channel();
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.spawn(async move {
                let lease = leases.acquire(&module).await;
                // A node whose test has ended holds nothing.
                let _ = held.send(lease);
                std::future::pending::<()>().await;
            });
            live(runtime, &received);
        });
        Self {
            orders,
            leases: given,
        }
    }

    /// Waits until it has the lease. The lease is still the node's: it is renewed as long as that lives.
    pub(super) async fn has_it(&mut self) -> Lease {
        (&mut self.leases).await.unwrap()
    }

    /// Stops it, as `SIGSTOP` does.
    pub(super) fn stall(&self) {
        self.orders.send(Order::Stall).unwrap();
    }

    /// Lets it go on.
    pub(super) fn go_on(&self) {
        self.orders.send(Order::GoOn).unwrap();
    }

    /// Ends it, as `kill -9` does.
    pub(super) fn die(self) {
        self.orders.send(Order::Die).unwrap();
    }
}

/// Runs what the node does until it dies. While it is stalled, nothing in it moves.
fn live(runtime: tokio::runtime::Runtime, orders: &mpsc::Receiver<Order>) {
    const TICK: std::time::Duration = std::time::Duration::from_millis(20);
    loop {
        // Within the runtime: a timer made outside of one has no clock.
        runtime.block_on(async { tokio::time::sleep(TICK).await });
        match orders.try_recv() {
            Ok(Order::Stall) => match orders.recv() {
                Ok(Order::GoOn | Order::Stall) => {}
                Ok(Order::Die) | Err(_) => break,
            },
            Ok(Order::GoOn) | Err(mpsc::TryRecvError::Empty) => {}
            Ok(Order::Die) | Err(mpsc::TryRecvError::Disconnected) => break,
        }
    }
    runtime.shutdown_background();
}

/// A version of a module that nobody has.
pub(super) fn version(version: &str) -> ModuleVersion {
    named("example.com/m", version)
}

/// A version of this module.
pub(super) fn named(path: &str, version: &str) -> ModuleVersion {
    ModuleVersion::new(ModulePath::parse(path).unwrap(), Version::parse(version).unwrap()).unwrap()
}
