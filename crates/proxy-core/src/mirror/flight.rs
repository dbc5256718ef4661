//! Flights: one piece of work at a time for each key, whoever asks and whoever hangs up.
//!
//! A flight is a task of its own, so a client that goes away cancels nobody; everybody who asked gets its outcome.
//! A key is free again the moment before its outcome is known: who looks in the store after the outcome and finds
//! nothing may start the next flight.

use super::MirrorError;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use std::{
    collections::HashMap,
    fmt,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// The flights under way. Cheap to clone.
pub(super) struct Flights<K, T> {
    under_way: Arc<Mutex<HashMap<K, Flight<T>>>>,
    /// How many may be under way before new ones are refused.
    limit: usize,
}

/// One piece of work under way, to be awaited by everybody who wants it.
pub(super) type Flight<T> = Shared<BoxFuture<'static, Result<T, MirrorError>>>;

impl<K, T> Flights<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    pub(super) fn new(limit: usize) -> Self {
        Self {
            under_way: Arc::default(),
            limit,
        }
    }

    /// The flight under way for this key, else the one that `work` starts.
    pub(super) fn join<F>(&self, key: &K, work: impl FnOnce() -> F) -> Result<Flight<T>, MirrorError>
    where
        F: Future<Output = Result<T, MirrorError>> + Send + 'static,
    {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = under_way.get(key) {
            return Ok(flight.clone());
        }
        if under_way.len() >= self.limit {
            return Err(MirrorError::Overloaded);
        }
        let landing = Landing {
            under_way: Arc::clone(&self.under_way),
            key: key.clone(),
        };
        let work = work();
        let task = tokio::spawn(async move {
            let outcome = work.await;
            drop(landing);
            outcome
        });
        let flight = async move { task.await.unwrap_or(Err(MirrorError::Internal)) }
            .boxed()
            .shared();
        under_way.insert(key.clone(), flight.clone());
        Ok(flight)
    }
}

/// Frees the key when the work ends, however it ends.
struct Landing<K: Eq + Hash, T> {
    under_way: Arc<Mutex<HashMap<K, Flight<T>>>>,
    key: K,
}

impl<K: Eq + Hash, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

impl<K, T> Clone for Flights<K, T> {
    fn clone(&self) -> Self {
        Self {
            under_way: Arc::clone(&self.under_way),
            limit: self.limit,
        }
    }
}

impl<K, T> fmt::Debug for Flights<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn everybody_gets_the_outcome_of_one_piece_of_work() {
        let flights: Flights<&str, usize> = Flights::new(8);
        let (started, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let join = || {
            let (started, go) = (Arc::clone(&started), Arc::clone(&go));
            flights.join(&"key", || async move {
                go.notified().await;
                Ok(started.fetch_add(1, Ordering::SeqCst))
            })
        };
        let (first, second) = (join().unwrap(), join().unwrap());
        drop(first); // the first client hangs up
        go.notify_one();
        assert_eq!(second.await.unwrap(), 0);
        assert_eq!(started.load(Ordering::SeqCst), 1);
        go.notify_one();
        assert_eq!(join().unwrap().await.unwrap(), 1, "a landed flight frees its key");
    }

    #[tokio::test]
    async fn work_that_dies_is_an_error_and_frees_its_key() {
        async fn die() -> Result<usize, MirrorError> {
            panic!("on purpose")
        }
        let flights: Flights<&str, usize> = Flights::new(1);
        assert!(matches!(
            flights.join(&"key", die).unwrap().await,
            Err(MirrorError::Internal)
        ));
        assert_eq!(
            flights.join(&"key", || async { Ok(7) }).unwrap().await.unwrap(),
            7
        );
    }

    #[tokio::test]
    async fn past_the_limit_new_work_is_refused() {
        let flights: Flights<&str, ()> = Flights::new(1);
        let _hanging = flights.join(&"one", std::future::pending).unwrap();
        assert!(matches!(
            flights.join(&"two", || async { Ok(()) }),
            Err(MirrorError::Overloaded)
        ));
        assert!(
            flights.join(&"one", || async { Ok(()) }).is_ok(),
            "who joins is never refused"
        );
    }
}
