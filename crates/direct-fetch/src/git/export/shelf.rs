//! Packed files that several versions may hold, on disk for a while.
//!
//! Versions of a module that are asked for together share most of their files. Each is read, converted and deflated
//! once, whichever version comes first; what a zip's bytes are does not depend on what lay on the shelf.
//!
//! They lie in files without a name, since in memory they would take more of it the larger the tree is. What a file
//! holds goes together with it, so that no room has to be found again within one.

use super::super::attributes::Checkout;
use crate::git::cache::{disk, lock};
use gix::ObjectId;
use proxy_core::{spool::Spool, upstream::UpstreamError, zip::Packed};
use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    io, mem,
    os::unix::fs::FileExt as _,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

/// The most the shelf holds, in bytes; what came first goes first.
const LIMIT: u64 = 128 << 20;
/// Into how many boxes that is divided.
const BOXES: u64 = 8;
/// What knowing of a packed file counts for beside its own bytes, so that many small ones take little memory as well.
const PLACE: u64 = 1 << 10;
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
pub(in crate::git) struct Shelf {
    spool: Spool,
    limit: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    places: HashMap<Key, Arc<Mutex<Option<Place>>>>,
    /// The last is filled, the first is emptied.
    boxes: VecDeque<Filled>,
}

/// Several packed files in one file of this disk.
#[derive(Debug)]
struct Filled {
    file: Arc<File>,
    length: u64,
    /// What it counts for.
    weight: u64,
    keys: Vec<Key>,
}

/// Where a packed file is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    file: Arc<File>,
    start: u64,
    length: usize,
    /// Of the content.
    size: u64,
}

/// A packed file, made just now or left where it is until it is wanted.
#[derive(Debug)]
pub(super) enum Shelved {
    Made(Packed),
    There(Place),
}

impl Shelves {
    /// The shelf there is, else a new one.
    pub(in crate::git) fn open(&self, spool: &Spool) -> Arc<Shelf> {
        let mut known = lock(&self.0);
        known.upgrade().unwrap_or_else(|| {
            let shelf = Arc::new(Shelf::new(spool.clone(), LIMIT));
            *known = Arc::downgrade(&shelf);
            shelf
        })
    }
}

impl Shelf {
    fn new(spool: Spool, limit: u64) -> Self {
        Self {
            spool,
            limit,
            state: Mutex::default(),
        }
    }

    /// The packed file of this key, made now by one of those who want it at the same time.
    pub(super) fn get(
        &self,
        key: Key,
        make: impl FnOnce() -> Result<Packed, UpstreamError>,
    ) -> Result<Shelved, UpstreamError> {
        let place = Arc::clone(lock(&self.state).places.entry(key.clone()).or_default());
        let mut place = lock(&place);
        if let Some(found) = place.clone() {
            return Ok(Shelved::There(found));
        }
        let made = make().and_then(|packed| Ok((self.put(&key, &packed)?, packed)));
        match made {
            Ok((put, packed)) => {
                *place = Some(put);
                Ok(Shelved::Made(packed))
            }
            Err(error) => {
                lock(&self.state).places.remove(&key);
                Err(error)
            }
        }
    }

    fn put(&self, key: &Key, packed: &Packed) -> Result<Place, UpstreamError> {
        let place = self.reserve(key, packed)?;
        place
            .file
            .write_all_at(packed.as_bytes(), place.start)
            .map_err(disk)?;
        Ok(place)
    }

    /// Room in the last box, after others had to go if there is too much.
    fn reserve(&self, key: &Key, packed: &Packed) -> Result<Place, UpstreamError> {
        let mut state = lock(&self.state);
        let full = |filled: &mut Filled| filled.weight >= self.limit / BOXES;
        if state.boxes.back_mut().is_none_or(full) {
            state.boxes.push_back(Filled {
                file: Arc::new(self.spool.scratch()?),
                length: 0,
                weight: 0,
                keys: Vec::new(),
            });
        }
        let bytes = packed.as_bytes();
        let filled = state.boxes.back_mut();
        let filled = filled.ok_or_else(|| UpstreamError::unavailable("the shelf has no box"))?;
        let place = Place {
            file: Arc::clone(&filled.file),
            start: filled.length,
            length: bytes.len(),
            size: packed.size(),
        };
        filled.length += bytes.len() as u64;
        filled.weight += bytes.len() as u64 + PLACE;
        filled.keys.push(key.clone());
        state.make_room(self.limit);
        Ok(place)
    }
}

impl State {
    fn make_room(&mut self, limit: u64) {
        while self.boxes.len() > 1
            && self.weight() > limit
            && let Some(first) = self.boxes.pop_front()
        {
            for key in &first.keys {
                self.places.remove(key);
            }
        }
    }

    fn weight(&self) -> u64 {
        self.boxes.iter().map(|filled| filled.weight).sum()
    }
}

impl Shelved {
    /// Gives `work` the packed file. One that is on disk is read into `buffer`, whose memory serves for one after the
    /// other: asking for new memory for each takes longer than reading it.
    pub(super) fn with<T>(self, buffer: &mut Vec<u8>, work: impl FnOnce(&Packed) -> T) -> io::Result<T> {
        match self {
            Self::Made(packed) => Ok(work(&packed)),
            Self::There(place) => {
                let mut bytes = mem::take(buffer);
                bytes.resize(place.length, 0);
                place.file.read_exact_at(&mut bytes, place.start)?;
                let packed = Packed::from_parts(bytes, place.size);
                let done = work(&packed);
                *buffer = packed.into_bytes();
                Ok(done)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proxy_core::spool::Spool;
    use tempfile::TempDir;

    fn shelf(limit: u64) -> (TempDir, Shelf) {
        let folder = TempDir::new().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        (folder, Shelf::new(spool, limit))
    }

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
        let (_folder, shelf) = shelf(50_000);
        for number in 0..200 {
            shelf.get(key(number), || noise(number)).unwrap();
        }
        {
            let state = lock(&shelf.state);
            assert!(
                state.weight() <= 50_000 && state.places.len() > 5,
                "{}",
                state.weight()
            );
            let kept = state.boxes.iter().map(|filled| filled.keys.len()).sum::<usize>();
            assert_eq!(state.places.len(), kept);
        }
        let kept = shelf.get(key(199), || panic!("the last one is still here"));
        assert!(kept.is_ok());
        let gone = shelf.get(key(0), || Err(UpstreamError::malformed("made anew")));
        assert!(gone.is_err());
    }

    #[test]
    fn what_is_taken_from_it_is_what_was_put_there() {
        let (folder, shelf) = shelf(1 << 20);
        let mut buffer = Vec::new();
        for number in 0..50 {
            shelf.get(key(number), || noise(number)).unwrap();
        }
        for number in 0..50 {
            let found = shelf.get(key(number), || panic!("it is here")).unwrap();
            let made = noise(number).unwrap();
            let same = |found: &Packed| found.as_bytes() == made.as_bytes() && found.size() == made.size();
            assert!(matches!(found, Shelved::There(_)) && found.with(&mut buffer, same).unwrap());
        }
        // Nobody finds it by a name, and nothing is left of it.
        let names = std::fs::read_dir(folder.path())
            .unwrap()
            .flat_map(|spool| std::fs::read_dir(spool.unwrap().path()).unwrap())
            .map(|entry| entry.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["lock"]);
    }

    #[test]
    fn it_is_there_as_long_as_somebody_holds_it() {
        let folder = TempDir::new().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let shelves = Shelves::default();
        let first = shelves.open(&spool);
        first.get(key(1), || noise(1)).unwrap();
        assert!(Arc::ptr_eq(&first, &shelves.open(&spool)));
        drop(first);
        let made = shelves
            .open(&spool)
            .get(key(1), || Err(UpstreamError::malformed("made anew")));
        assert!(made.is_err(), "a new shelf is empty");
    }
}
