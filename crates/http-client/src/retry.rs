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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{guard::Reach, redirect::Hop};
    use std::sync::Arc;
    use url::Url;

    fn answered(status: u16, retry_after: Option<&str>) -> Result<Answer, Error> {
        let mut response = http::Response::builder().status(status);
        if let Some(retry_after) = retry_after {
            response = response.header("retry-after", retry_after);
        }
        let hop = Hop {
            url: Url::parse("http://a.test").unwrap(),
            reach: Reach::Everywhere,
            credentials: None,
        };
        Ok(Answer {
            response: response.body("").unwrap().into(),
            hop,
        })
    }

    fn unreachable() -> Result<Answer, Error> {
        Err(Error::Unreachable {
            host: Arc::from("a.test"),
            reason: Arc::from("no route"),
            source: None,
        })
    }

    #[test]
    fn there_are_three_tries_ever_later() {
        let mut retries = Retries::new();
        let first = retries.after(&unreachable()).unwrap();
        let second = retries.after(&answered(503, None)).unwrap();
        // Up to as much again is jitter.
        assert!((100..=200).contains(&first.as_millis()), "{first:?}");
        assert!((300..=600).contains(&second.as_millis()), "{second:?}");
        assert_eq!(retries.after(&unreachable()), None);
    }

    #[test]
    fn an_origin_is_heeded_that_asks_for_a_short_wait() {
        assert!(Retries::new().after(&answered(429, Some("3"))).unwrap() >= Duration::from_secs(3));
        assert_eq!(Retries::new().after(&answered(429, Some("6"))), None);
    }

    #[test]
    fn no_try_begins_after_the_budget() {
        let mut retries = Retries::new();
        retries.begun -= BUDGET;
        assert_eq!(retries.after(&unreachable()), None);
    }

    #[test]
    fn what_is_settled_is_not_asked_again() {
        for status in [200, 302, 404, 410, 401, 500] {
            assert_eq!(Retries::new().after(&answered(status, None)), None, "{status}");
        }
        let silent = Error::Silent {
            host: Arc::from("a.test"),
            limit: Duration::ZERO,
        };
        assert_eq!(Retries::new().after(&Err(silent)), None);
        assert_eq!(Retries::new().after(&Err(Error::refused("no"))), None);
    }
}
