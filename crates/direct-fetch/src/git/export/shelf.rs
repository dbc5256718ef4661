//! Packed files that several versions may hold, in memory for a while.
//!
//! Versions of a module that are asked for together share most of their files. Each is read, converted and deflated
//! once, whichever version comes first; what a zip's bytes are does not depend on what lay on the shelf.

use super::super::attributes::Checkout;
use crate::git::cache::lock;
use gix::ObjectId;
use proxy_core::{upstream::UpstreamError, zip::Packed};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

/// The most the shelf holds, in bytes; what was of longest no use goes first.
const LIMIT: usize = 64 << 20;
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
///
/// No cache of a library: those forget what was taken out of them some time later, and these are too large for that.
#[derive(Debug)]
pub(in crate::git) struct Shelf {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    places: HashMap<Key, Place>,
    /// The keys of packed files, and how large those are, by the time of their last use, which is a number.
    used: BTreeMap<u64, (Key, usize)>,
    now: u64,
    size: usize,
}

/// Where a packed file is, or will be when whoever packs it is done.
#[derive(Debug, Default)]
struct Place {
    packed: Arc<Mutex<Option<Arc<Packed>>>>,
    last_use: Option<u64>,
}

impl Shelves {
    /// The shelf there is, else a new one.
    pub(in crate::git) fn open(&self) -> Arc<Shelf> {
        let mut known = lock(&self.0);
        known.upgrade().unwrap_or_else(|| {
            let shelf = Arc::new(Shelf::new(LIMIT));
            *known = Arc::downgrade(&shelf);
            shelf
        })
    }
}

impl Shelf {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            state: Mutex::default(),
        }
    }

    /// The packed file of this key, made now by one of those who want it at the same time.
    pub(super) fn get(
        &self,
        key: Key,
        make: impl FnOnce() -> Result<Packed, UpstreamError>,
    ) -> Result<Arc<Packed>, UpstreamError> {
        let place = Arc::clone(&lock(&self.state).places.entry(key.clone()).or_default().packed);
        let packed = {
            let mut place = lock(&place);
            match &*place {
                Some(packed) => Ok(Arc::clone(packed)),
                None => make().map(|packed| Arc::clone(place.insert(Arc::new(packed)))),
            }
        };
        let mut state = lock(&self.state);
        match &packed {
            Ok(packed) => state.note_use(key, packed.memory(), self.limit),
            Err(_) => {
                state.places.remove(&key);
            }
        }
        packed
    }
}

impl State {
    /// Makes a file the last that was used, and room for it.
    fn note_use(&mut self, key: Key, size: usize, limit: usize) {
        self.now += 1;
        // It may have been taken out again in between; then nobody else finds it, and it needs no room.
        let Some(place) = self.places.get_mut(&key) else {
            return;
        };
        match place.last_use.replace(self.now) {
            Some(before) => {
                self.used.remove(&before);
            }
            None => self.size += size,
        }
        self.used.insert(self.now, (key, size));
        while self.size > limit
            && let Some((_, (oldest, size))) = self.used.pop_first()
        {
            self.places.remove(&oldest);
            self.size -= size;
        }
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
        {
            let state = lock(&shelf.state);
            assert!(state.size <= 20_000 && state.places.len() > 5, "{state:?}");
            assert_eq!(state.places.len(), state.used.len());
        }
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
