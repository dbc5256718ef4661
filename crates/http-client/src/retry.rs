//! When a question is asked again.

use crate::{answer::retry_after, error::Error, exchange::Answer};
use backon::{BackoffBuilder, ExponentialBuilder};
use std::time::Duration;
use tokio::time::Instant;

/// Tries in all.
const TRIES: usize = 3;
/// No try begins later than this after the first: the client behind us is waiting.
const BUDGET: Duration = Duration::from_secs(10);
/// A longer `Retry-After` is passed on instead of being waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The tries left for one question.
#[derive(Debug)]
pub(crate) struct Retries {
    delays: backon::ExponentialBackoff,
    begun: Instant,
}

impl Retries {
    pub(crate) fn new() -> Self {
        let delays = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .with_factor(3.0)
            .with_max_times(TRIES - 1)
            .with_jitter()
            .build();
        Self {
            delays,
            begun: Instant::now(),
        }
    }

    /// How long to wait before the next try, if there should be one.
    pub(crate) fn after(&mut self, outcome: &Result<Answer, Error>) -> Option<Duration> {
        let asked = match outcome {
            Ok(Answer { response, .. }) => match response.status().as_u16() {
                429 | 502..=504 => retry_after(response.headers()).unwrap_or_default(),
                _ => return None,
            },
            Err(Error::Unreachable { .. }) => Duration::ZERO,
            Err(_) => return None,
        };
        if asked > LONGEST_WAIT {
            return None;
        }
        let delay = self.delays.next()?.max(asked);
        (self.begun.elapsed() + delay < BUDGET).then_some(delay)
    }
}
