//! Answers that can change (lists, `@latest`, queries): fresh for a while, then served stale.
//!
//! A fresh answer is given at once. An older one is given at once as well while a refresh runs behind it
//! (stale-while-revalidate), and for as long as the refresh fails (stale-if-error). "No such thing" is an answer of
//! its own, remembered briefly. Only when nothing is remembered does a request wait for the origin.

use super::{
    Cache, MirrorError,
    flight::{Flight, Flights},
};
use std::{
    fmt,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long a request waits for a refresh when it could be given an old answer instead: long enough for an origin
/// that works, short enough that nobody takes one that hangs for a hang of ours.
const PATIENCE: Duration = Duration::from_secs(3);
/// After a failed refresh the origin is left alone for so long.
const REST: Duration = Duration::from_secs(5);
/// Answers older than this many fresh lifetimes are given only if the refresh fails or takes too long.
const STALE_LIFETIMES: u32 = 10;
/// How many answers are remembered; the least used go first.
const CAPACITY: u64 = 20_000;

/// Remembers answers. Cheap to clone.
#[derive(Clone)]
pub(super) struct Remembered<K: Eq + Hash, V> {
    cells: moka::sync::Cache<K, Arc<Mutex<Cell<V>>>>,
    refreshes: Flights<K, V>,
    fresh: Duration,
    absent: Duration,
}

/// What is known under one key.
#[derive(Debug)]
struct Cell<V> {
    /// The last good answer, and when it was good; `None`: it never was, it is what the store could offer.
    last: Option<(V, Option<Instant>)>,
    /// The last failure since then.
    failed: Option<(MirrorError, Instant)>,
}

/// What to do with what is known.
enum Known<V> {
    Answer(V, Cache),
    Refuse(MirrorError),
    /// Answer with this while a refresh runs behind it.
    Revalidate(V),
    /// Wait for a refresh, and fall back on this if it fails or takes too long.
    Ask(Option<V>),
}

impl<K, V> Remembered<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(fresh: Duration, absent: Duration, concurrent: usize) -> Self {
        let cells = moka::sync::Cache::builder().max_capacity(CAPACITY).build();
        Self {
            cells,
            refreshes: Flights::new(concurrent),
            fresh,
            absent,
        }
    }

    /// The answer under `key`: remembered, or what `refresh` brings. Where neither is to be had in good time, what
    /// `fallback` can offer (from the store) is given as stale.
    pub(super) async fn get<R, F>(
        &self,
        key: &K,
        refresh: impl FnOnce() -> R,
        fallback: impl FnOnce() -> F,
    ) -> Result<(V, Cache), MirrorError>
    where
        R: Future<Output = Result<V, MirrorError>> + Send + 'static,
        F: Future<Output = Result<Option<V>, MirrorError>> + Send,
    {
        let cell = self
            .cells
            .get(key)
            .unwrap_or_else(|| self.cells.get_with_by_ref(key, Arc::default));
        let last = match self.look(&cell) {
            Known::Answer(answer, cache) => return Ok((answer, cache)),
            Known::Refuse(error) => return Err(error),
            Known::Revalidate(answer) => {
                // One refresh too many is refused; the next request tries again.
                let _refused = self.refresh(key, &cell, refresh).is_err();
                return Ok((answer, Cache::Stale));
            }
            Known::Ask(last) => last,
        };
        let flight = self.refresh(key, &cell, refresh)?;
        match tokio::time::timeout(PATIENCE, flight.clone()).await {
            Ok(Ok(answer)) => return Ok((answer, Cache::Miss)),
            Ok(Err(error)) if error.is_not_found() => return Err(error),
            Ok(Err(_)) | Err(_) => {}
        }
        if let Some(answer) = last {
            return Ok((answer, Cache::Stale));
        }
        if let Some(answer) = fallback().await? {
            lock(&cell).last.get_or_insert_with(|| (answer.clone(), None));
            return Ok((answer, Cache::Stale));
        }
        flight.await.map(|answer| (answer, Cache::Miss))
    }

    /// What is remembered, however old.
    pub(super) fn peek(&self, key: &K) -> Option<V> {
        let cell = self.cells.get(key)?;
        let cell = lock(&cell);
        cell.last.as_ref().map(|(answer, _)| answer.clone())
    }

    /// Changes what is remembered, if anything is; that there was nothing is forgotten.
    pub(super) fn amend(&self, key: &K, change: impl FnOnce(&V) -> Option<V>) {
        let Some(cell) = self.cells.get(key) else { return };
        let mut cell = lock(&cell);
        cell.failed.take_if(|(error, _)| error.is_not_found());
        if let Some((answer, _)) = &mut cell.last
            && let Some(changed) = change(answer)
        {
            *answer = changed;
        }
    }

    fn look(&self, cell: &Mutex<Cell<V>>) -> Known<V> {
        let (cell, now) = (lock(cell), Instant::now());
        let in_trouble = match &cell.failed {
            Some((error, at)) if error.is_not_found() && now.duration_since(*at) < self.absent => {
                return Known::Refuse(error.clone());
            }
            Some((error, at)) if !error.is_not_found() => Some(*at),
            _ => None,
        };
        let Some((answer, good)) = &cell.last else {
            return Known::Ask(None);
        };
        let age = good.map(|at| now.duration_since(at));
        match (age, in_trouble) {
            (Some(age), _) if age < self.fresh => Known::Answer(answer.clone(), Cache::Hit),
            (_, Some(at)) if now.duration_since(at) < REST => Known::Answer(answer.clone(), Cache::Stale),
            // The origin was in trouble the last time, so nobody waits for it.
            (_, Some(_)) | (None, None) => Known::Revalidate(answer.clone()),
            (Some(age), None) if age < self.fresh * STALE_LIFETIMES => Known::Revalidate(answer.clone()),
            (Some(_), None) => Known::Ask(Some(answer.clone())),
        }
    }

    fn refresh<R>(
        &self,
        key: &K,
        cell: &Arc<Mutex<Cell<V>>>,
        refresh: impl FnOnce() -> R,
    ) -> Result<Flight<V>, MirrorError>
    where
        R: Future<Output = Result<V, MirrorError>> + Send + 'static,
    {
        self.refreshes.join(key, || {
            let (cell, refresh) = (Arc::clone(cell), refresh());
            async move {
                let outcome = refresh.await;
                let mut cell = lock(&cell);
                match &outcome {
                    Ok(answer) => {
                        *cell = Cell {
                            last: Some((answer.clone(), Some(Instant::now()))),
                            failed: None,
                        };
                    }
                    Err(error) => {
                        if error.is_not_found() {
                            cell.last = None;
                        }
                        cell.failed = Some((error.clone(), Instant::now()));
                    }
                }
                outcome
            }
        })
    }
}

impl<K: Eq + Hash, V> fmt::Debug for Remembered<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered")
            .field("fresh", &self.fresh)
            .finish_non_exhaustive()
    }
}

impl<V> Default for Cell<V> {
    fn default() -> Self {
        Self {
            last: None,
            failed: None,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
