//! What travels with a question to the origins: whose request it is, and whether anything still moves.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Travels with one question through every upstream that is tried for it. Cheap to clone.
///
/// *Via* names the mirrors the request has come through, so that a loop is recognised when it comes back. *Activity*
/// is the one budget of silence that all attempts share: any byte from any origin renews it.
#[derive(Clone, Debug)]
pub struct FetchContext {
    via: Arc<[Arc<str>]>,
    started: Instant,
    last_activity: Arc<AtomicU64>,
}

impl FetchContext {
    /// A context for a request that came through these mirrors, nearest last.
    pub fn new(via: impl Into<Arc<[Arc<str>]>>) -> Self {
        Self {
            via: via.into(),
            started: Instant::now(),
            last_activity: Arc::default(),
        }
    }

    /// The mirrors the request has come through, nearest last.
    pub fn via(&self) -> &[Arc<str>] {
        &self.via
    }

    /// Says that bytes arrived, or that other provable progress was made: the budget of silence starts anew.
    pub fn note_activity(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_activity.fetch_max(elapsed, Ordering::Relaxed);
    }

    /// Leaves at least this much of a budget of silence of `limit`: for time that was spent on something else than
    /// waiting for an origin.
    pub fn leave(&self, left: Duration, limit: Duration) {
        let heard = (self.started.elapsed() + left).saturating_sub(limit);
        let heard = u64::try_from(heard.as_millis()).unwrap_or(u64::MAX);
        self.last_activity.fetch_max(heard, Ordering::Relaxed);
    }

    /// How long nothing has been heard, from the start of the question at most.
    pub fn silent_for(&self) -> Duration {
        let heard = Duration::from_millis(self.last_activity.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(heard)
    }

    /// Ends once nothing has been heard for `limit`.
    pub fn silence(&self, limit: Duration) -> impl Future<Output = ()> + Send + 'static {
        let context = self.clone();
        async move {
            loop {
                let heard = context.last_activity.load(Ordering::Relaxed);
                let until = context.started + Duration::from_millis(heard) + limit;
                if Instant::now() >= until {
                    return;
                }
                tokio::time::sleep_until(until).await;
            }
        }
    }
}

impl Default for FetchContext {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn some_silence_is_left_and_none_is_taken_away() {
        let context = FetchContext::default();
        tokio::time::advance(Duration::from_secs(50)).await;
        context.leave(Duration::from_secs(10), LIMIT);
        assert_eq!(context.silent_for(), Duration::from_secs(20));
        context.note_activity();
        context.leave(Duration::from_secs(10), LIMIT);
        assert_eq!(context.silent_for(), Duration::ZERO);
        context.leave(LIMIT, LIMIT);
        assert_eq!(context.silent_for(), Duration::ZERO);
    }
}
