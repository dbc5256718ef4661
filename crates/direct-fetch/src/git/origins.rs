//! How gently each host is treated.
//!
//! A host is asked a few questions at once and no more, so that one that hangs does not hold every thread; and one that
//! asked to be left alone (`Retry-After` with 429, 403 or 503) is left alone until then: whoever wants something of it
//! meanwhile is told so at once. What is in a cache already needs no host, and is not held up.

use super::{
    refs::Refs,
    session::Session,
    transport::{FetchError, Remote, RemoteError, Transport, Want},
};
use proxy_core::upstream::UpstreamError;
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use url::Url;

/// Questions about one host's repositories that are being answered at once: of those for all hosts, a small part.
const MOST_QUESTIONS: usize = 24;
/// Listings and fetches of one host at once.
const MOST_CONVERSATIONS: usize = 8;
/// How long a conversation waits for its turn while nothing moves.
const WAIT: Duration = Duration::from_secs(20);
/// The longest a host is left alone, whatever it asked.
const LONGEST_REST: Duration = Duration::from_secs(60 * 60);
/// Hosts remembered; of more, those nobody is asking are forgotten.
const MOST_ORIGINS: usize = 1000;

/// All hosts that were asked something. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(Arc<Mutex<HashMap<String, Arc<Origin>>>>);

/// One host: a scheme, a name and a port.
#[derive(Debug)]
pub(super) struct Origin {
    name: String,
    questions: Arc<Semaphore>,
    conversations: Semaphore,
    rests_until: Mutex<Option<Instant>>,
}

/// A transport that treats its host gently.
#[derive(Debug)]
pub(super) struct Gentle {
    transport: Arc<dyn Transport>,
    origin: Arc<Origin>,
}

impl Origins {
    /// The host of an address.
    pub(super) fn of(&self, url: &str) -> Arc<Origin> {
        let name = match Url::parse(url) {
            Ok(url) => format!(
                "{}://{}{}",
                url.scheme(),
                url.host_str().unwrap_or_default(),
                url.port().map(|port| format!(":{port}")).unwrap_or_default()
            ),
            Err(_) => url.to_owned(),
        };
        let mut origins = lock(&self.0);
        if let Some(origin) = origins.get(&name) {
            return Arc::clone(origin);
        }
        if origins.len() >= MOST_ORIGINS {
            origins.retain(|_, origin| Arc::strong_count(origin) > 1 || origin.rest().is_some());
        }
        let origin = Arc::new(Origin {
            name: name.clone(),
            questions: Arc::new(Semaphore::new(MOST_QUESTIONS)),
            conversations: Semaphore::new(MOST_CONVERSATIONS),
            rests_until: Mutex::default(),
        });
        origins.insert(name, Arc::clone(&origin));
        origin
    }
}

impl Origin {
    /// Waits for a turn to ask about a repository of this host; `None` only if there will never be one.
    pub(super) async fn question(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.questions).acquire_owned().await.ok()
    }

    /// How much longer it wants to be left alone.
    fn rest(&self) -> Option<Duration> {
        let mut until = lock(&self.rests_until);
        let left = until.and_then(|until| until.checked_duration_since(Instant::now()));
        if left.is_none_or(|left| left.is_zero()) {
            *until = None;
        }
        left.filter(|left| !left.is_zero())
    }

    /// Whether it may be asked now.
    fn may_be_asked(&self) -> Result<(), UpstreamError> {
        match self.rest() {
            None => Ok(()),
            Some(left) => Err(UpstreamError::Unavailable {
                reason: format!(
                    "{} asked to be left alone for another {} s",
                    self.name,
                    left.as_secs().max(1)
                )
                .into(),
                retry_after: Some(left),
            }),
        }
    }

    /// Learns from how a conversation ended.
    fn learn(&self, error: &UpstreamError) {
        if let UpstreamError::Unavailable {
            retry_after: Some(asked),
            ..
        } = error
        {
            let until = Instant::now() + (*asked).min(LONGEST_REST);
            let mut rests = lock(&self.rests_until);
            *rests = Some(rests.map_or(until, |other| other.max(until)));
        }
    }
}

impl Gentle {
    /// Has conversations with this host as gently as it wants to be treated.
    pub(super) fn new(transport: Arc<dyn Transport>, origin: Arc<Origin>) -> Self {
        Self { transport, origin }
    }

    /// The error, once the host's wish is noted; if it is trouble, with the transport that had it.
    fn learned(&self, error: UpstreamError) -> UpstreamError {
        self.origin.learn(&error);
        let by = |reason: Arc<str>| -> Arc<str> { format!("{reason} (by {})", self.transport.name()).into() };
        match error {
            UpstreamError::Unavailable { reason, retry_after } => UpstreamError::Unavailable {
                reason: by(reason),
                retry_after,
            },
            UpstreamError::TimedOut { reason } => UpstreamError::TimedOut { reason: by(reason) },
            UpstreamError::Malformed { reason } => UpstreamError::Malformed { reason: by(reason) },
            other => other,
        }
    }

    fn converse<T>(&self, session: &Session, converse: impl FnOnce() -> T) -> Result<T, UpstreamError> {
        self.origin.may_be_asked()?;
        let turn = session.wait(async {
            tokio::select! {
                biased; // A turn that is free is taken.
                turn = self.origin.conversations.acquire() => turn.ok(),
                () = session.context().silence(WAIT) => None,
            }
        });
        let Some(_turn) = turn.flatten() else {
            session.check()?;
            return Err(UpstreamError::unavailable(format!(
                "too many questions are being put to {}; ask again",
                self.origin.name
            )));
        };
        // It may have asked for rest while we waited.
        self.origin.may_be_asked()?;
        Ok(converse())
    }
}

impl Transport for Gentle {
    fn name(&self) -> &'static str {
        self.transport.name()
    }

    fn list(&self, remote: &Remote, session: &Session) -> Result<Refs, RemoteError> {
        let listed = self
            .converse(session, || self.transport.list(remote, session))
            .map_err(RemoteError::Failed)?;
        listed.map_err(|error| match error {
            RemoteError::Unauthorized(error) => RemoteError::Unauthorized(self.learned(error)),
            RemoteError::Withheld(error) => RemoteError::Withheld(self.learned(error)),
            RemoteError::Failed(error) => RemoteError::Failed(self.learned(error)),
        })
    }

    fn fetch(
        &self,
        remote: &Remote,
        want: &Want<'_>,
        into: &Path,
        session: &Session,
    ) -> Result<(), FetchError> {
        let fetched = self
            .converse(session, || self.transport.fetch(remote, want, into, session))
            .map_err(FetchError::Failed)?;
        fetched.map_err(|error| match error {
            FetchError::NotOffered(error) => FetchError::NotOffered(self.learned(error)),
            FetchError::Failed(error) => FetchError::Failed(self.learned(error)),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(seconds: u64) -> UpstreamError {
        UpstreamError::Unavailable {
            reason: "429".into(),
            retry_after: Some(Duration::from_secs(seconds)),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_is_left_alone_for_as_long_as_it_asked() {
        let origins = Origins::default();
        let origin = origins.of("https://a.test/one");
        origin.learn(&UpstreamError::unavailable("500"));
        assert!(origin.may_be_asked().is_ok(), "it asked for nothing");
        origin.learn(&asked(30));
        origin.learn(&asked(5));
        for url in ["https://a.test/one", "https://a.test:443/another"] {
            match origins.of(url).may_be_asked() {
                Err(UpstreamError::Unavailable { retry_after, .. }) => {
                    assert_eq!(retry_after, Some(Duration::from_secs(30)), "{url}");
                }
                other => panic!("{url}: {other:?}"),
            }
        }
        for url in [
            "https://b.test/one",
            "https://a.test:8443/one",
            "ssh://a.test/one",
        ] {
            assert!(origins.of(url).may_be_asked().is_ok(), "{url}");
        }
        tokio::time::advance(Duration::from_secs(29)).await;
        assert!(origin.may_be_asked().is_err());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(origin.may_be_asked().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_rests_for_ever() {
        let origin = Origins::default().of("https://a.test");
        origin.learn(&asked(u64::MAX));
        tokio::time::advance(LONGEST_REST).await;
        assert!(origin.may_be_asked().is_ok());
    }

    #[tokio::test]
    async fn one_host_takes_its_part_of_the_questions_and_no_more() {
        let origins = Origins::default();
        let origin = origins.of("https://a.test/r");
        let mut turns = Vec::new();
        for _ in 0..MOST_QUESTIONS {
            turns.push(origin.question().await);
        }
        let mut next = std::pin::pin!(origin.question());
        assert!(futures::poll!(&mut next).is_pending());
        assert!(origins.of("https://b.test/r").question().await.is_some());
        turns.pop();
        assert!(futures::poll!(&mut next).is_ready());
    }

    #[tokio::test]
    async fn hosts_nobody_asks_are_forgotten() {
        let origins = Origins::default();
        let resting = origins.of("https://resting.test");
        resting.learn(&asked(60));
        drop(resting);
        for number in 0..3 * MOST_ORIGINS {
            origins.of(&format!("https://{number}.test"));
        }
        assert!(lock(&origins.0).len() <= MOST_ORIGINS);
        assert!(origins.of("https://resting.test").may_be_asked().is_err());
    }
}
