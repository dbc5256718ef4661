//! Leaving in good order.
//!
//! When the process is told to stop it is no longer ready, so that nobody new is sent here. Until the requests that
//! were under way have been answered it goes on letting clients in, since some were sent here a moment before; then
//! nobody more is let in, the rest is answered, and connections end. All of it takes no longer than `limits.drain`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tokio::sync::Notify;

/// Counts requests under way, and knows whether we are leaving.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    begun: AtomicBool,
    /// Requests under way that came before leaving began.
    before: AtomicUsize,
    /// Those that came after.
    after: AtomicUsize,
    answered: Notify,
}

/// One request under way, until this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay {
    drain: Arc<Drain>,
    came_after: bool,
}

impl Drain {
    /// Says that a request is under way.
    pub(crate) fn enter(self: &Arc<Self>) -> UnderWay {
        let came_after = self.has_begun();
        self.count(came_after).fetch_add(1, Ordering::AcqRel);
        UnderWay {
            drain: Arc::clone(self),
            came_after,
        }
    }

    /// Whether we are leaving.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    /// Says that we are leaving.
    pub(crate) fn begin(&self) {
        self.begun.store(true, Ordering::Release);
    }

    /// Waits until every request has been answered that came before leaving began.
    pub(crate) async fn answered_before(&self) {
        loop {
            let answered = self.answered.notified();
            if self.before.load(Ordering::Acquire) == 0 {
                return;
            }
            answered.await;
        }
    }

    /// How many requests are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.before.load(Ordering::Acquire) + self.after.load(Ordering::Acquire)
    }

    fn count(&self, came_after: bool) -> &AtomicUsize {
        if came_after { &self.after } else { &self.before }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let left = self.drain.count(self.came_after).fetch_sub(1, Ordering::AcqRel) - 1;
        if left == 0 && self.drain.has_begun() {
            self.drain.answered.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn only_requests_from_before_are_waited_for() {
        let drain = Arc::new(Drain::default());
        let before = drain.enter();
        drain.begin();
        let after = drain.enter();
        let mut waiting = Box::pin(drain.answered_before());
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(drain.under_way(), 2);
        drop(before);
        waiting.await;
        assert_eq!(drain.under_way(), 1);
        drop(after);
    }
}
