//! One question put to a repository, and the thread that answers it.
//!
//! The rules read a repository object by object and now and then find that something must be brought from its host
//! first, so they run as ordinary blocking code on a thread of their own. When nobody waits for the answer any more,
//! the session is cancelled: the transport is interrupted, and with it every process it started.

use crate::go_command::process_group::{self, Bounds, Cut, Ended};
use proxy_core::upstream::{FetchContext, UpstreamError};
use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{process::Command, runtime::Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// What blocking code needs of the world of tasks. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Session {
    context: FetchContext,
    cancelled: CancellationToken,
    interrupt: Arc<AtomicBool>,
    runtime: Handle,
}

/// Interrupts the session when dropped.
struct Interrupt(
    Arc<AtomicBool>,
    #[allow(dead_code, reason = "it acts by being dropped")] DropGuard,
);

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Session {
    /// Runs `work` on a blocking thread; dropping the future interrupts it.
    pub(super) async fn run<T: Send + 'static>(
        context: &FetchContext,
        work: impl FnOnce(&Self) -> Result<T, UpstreamError> + Send + 'static,
    ) -> Result<T, UpstreamError> {
        let session = Self {
            context: context.clone(),
            cancelled: CancellationToken::new(),
            interrupt: Arc::default(),
            runtime: Handle::current(),
        };
        let _interrupt = Interrupt(
            Arc::clone(&session.interrupt),
            session.cancelled.clone().drop_guard(),
        );
        let worked = tokio::task::spawn_blocking(move || work(&session)).await;
        worked.unwrap_or_else(|_| Err(UpstreamError::unavailable("reading the repository ended early")))
    }

    /// What travels with the question.
    pub(super) fn context(&self) -> &FetchContext {
        &self.context
    }

    /// Says that the host sent something.
    pub(super) fn note_activity(&self) {
        self.context.note_activity();
    }

    /// Becomes true when nobody waits any more.
    pub(super) fn interrupt(&self) -> &AtomicBool {
        &self.interrupt
    }

    /// Fails if nobody waits any more.
    pub(super) fn check(&self) -> Result<(), UpstreamError> {
        if self.cancelled.is_cancelled() {
            return Err(UpstreamError::unavailable("nobody waits for the answer any more"));
        }
        Ok(())
    }

    /// Runs a program to its end, watching the folders it fills.
    pub(super) fn program(
        &self,
        command: Command,
        growing: Vec<PathBuf>,
        bounds: Bounds,
    ) -> Result<Ended, Cut> {
        let run = process_group::run(command, growing, bounds, &self.context, Arc::new(()));
        self.wait(run).unwrap_or(Err(Cut::TooLong(bounds.duration)))
    }

    /// Drops something after a while: until then it is there for whoever comes next.
    pub(super) fn keep_for<T: Send + 'static>(&self, time: Duration, kept: T) {
        self.runtime.spawn(async move {
            tokio::time::sleep(time).await;
            drop(kept);
        });
    }

    /// Waits for a future; `None` if nobody waits any more.
    pub(super) fn wait<F: Future>(&self, future: F) -> Option<F::Output> {
        self.runtime.block_on(self.cancelled.run_until_cancelled(future))
    }
}
