//! Packed files that several versions may hold, in memory for a while.
//!
//! Versions of a module that are asked for together share most of their files. Each is read, converted and deflated
//! once, whichever version comes first; what a zip's bytes are does not depend on what lay on the shelf.

use super::super::attributes::Checkout;
use gix::ObjectId;
use moka::{policy::EvictionPolicy, sync::Cache};
use proxy_core::{upstream::UpstreamError, zip::Packed};
use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

/// The most the shelf holds, in bytes; what was of longest no use goes first.
const LIMIT: u64 = 64 << 20;
/// A file larger than this has no place there: it would take those of many. In bytes, before packing.
pub(super) const LARGEST: u64 = 1 << 20;
/// How long after the last zip the shelf is kept.
pub(in crate::git) const KEPT: Duration = Duration::from_secs(60);

/// A blob and what is made of it; `None` leaves it as it is.
pub(super) type Key = (ObjectId, Option<Checkout>);

/// Leads to the shelf while there is one. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(in crate::git) struct Shelves(Arc<Mutex<Weak<Shelf>>>);

/// Packed files. Whoever holds it keeps it.
#[derive(Debug)]
pub(in crate::git) struct Shelf(Cache<Key, Arc<Packed>>);

impl Shelves {
    /// The shelf there is, else a new one.
    pub(in crate::git) fn open(&self) -> Arc<Shelf> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.upgrade().unwrap_or_else(|| {
            let shelf = Arc::new(Shelf::new(LIMIT));
            *known = Arc::downgrade(&shelf);
            shelf
        })
    }
}

impl Shelf {
    fn new(limit: u64) -> Self {
        let cache = Cache::builder()
            .max_capacity(limit)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|_: &Key, packed: &Arc<Packed>| u32::try_from(packed.memory()).unwrap_or(u32::MAX));
        Self(cache.build())
    }

    /// The packed file of this key, made now by one of those who want it at the same time.
    pub(super) fn get(
        &self,
        key: Key,
        make: impl FnOnce() -> Result<Packed, UpstreamError>,
    ) -> Result<Arc<Packed>, UpstreamError> {
        self.0
            .try_get_with(key, || make().map(Arc::new))
            .map_err(|error: Arc<UpstreamError>| UpstreamError::clone(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        let mut id = [0; 20];
        id[..8].copy_from_slice(&number.to_le_bytes());
        (ObjectId::from_bytes_or_panic(&id), None)
    }

    fn noise(number: u64) -> Result<Packed, UpstreamError> {
        let content: Vec<u8> = (0..1000_u64)
            .map(|nth| (nth * (number + 3)).wrapping_mul(0x9e37_79b9_7f4a_7c15) as u8)
            .collect();
        Packed::new(&content).map_err(|error| UpstreamError::malformed(error.to_string()))
    }

    #[test]
    fn it_holds_no_more_than_its_limit() {
        let shelf = Shelf::new(20_000);
        for number in 0..200 {
            shelf.get(key(number), || noise(number)).unwrap();
        }
        shelf.0.run_pending_tasks();
        assert!(shelf.0.weighted_size() <= 20_000 && shelf.0.entry_count() > 5);
        let kept = shelf.get(key(199), || panic!("the last one is still here"));
        assert!(kept.is_ok());
    }

    #[test]
    fn it_is_there_as_long_as_somebody_holds_it() {
        let shelves = Shelves::default();
        let first = shelves.open();
        first.get(key(1), || noise(1)).unwrap();
        assert!(Arc::ptr_eq(&first, &shelves.open()));
        drop(first);
        let made = shelves
            .open()
            .get(key(1), || Err(UpstreamError::malformed("made anew")));
        assert!(made.is_err(), "a new shelf is empty");
    }
}
