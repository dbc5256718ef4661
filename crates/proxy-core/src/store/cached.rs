//! A store with its small files in memory.
//!
//! Almost every request a mirror answers is for an `.info` or a `.mod` of a few hundred bytes, or for a small zip.
//! Since no kept file ever changes, one that was read once can be answered from memory for ever: nothing is
//! invalidated but what is set aside as damaged, and the only other question is which files to let go of when memory is full, which the cache answers by how
//! often each is asked for.

use super::{Content, Corrupt, Inserted, ModuleStore, Part, Quarantine, StoreError, Validator};
use crate::{
    file::{Held, ModuleFile, Sha256},
    lease::{Leases, LocalLeases},
    module::{ModulePath, Version},
    sums::H1,
    verify::Verified,
};
use async_trait::async_trait;
use bytes::Bytes;
use moka::sync::Cache;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A store whose small files are kept in memory, whole and once; parts of them are slices.
///
/// Their validator is the sha-256 of their bytes, whatever the store below has: it is the same before and after a
/// file is let go of, and on every node.
pub struct CachedStore {
    store: Arc<dyn ModuleStore>,
    small: Cache<ModuleFile, Kept>,
    limits: CacheLimits,
    /// Whoever reads a file into memory; those who want the same one wait, rather than read it once each.
    reading: LocalLeases,
    /// Counts files that were set aside: what was read before one was may be that one.
    forgotten: AtomicU64,
}

/// How much a [`CachedStore`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// The largest file it holds, in bytes.
    pub file: u64,
    /// All it holds, in bytes, names included.
    pub total: u64,
}

impl Default for CacheLimits {
    /// 1 MiB a file: nine module zips in ten are smaller, and larger ones spend their time on the wire anyway.
    /// 64 MiB in all: the `.info` and `.mod` of tens of thousands of versions, on the smallest of machines.
    fn default() -> Self {
        Self {
            file: 1 << 20,
            total: 64 << 20,
        }
    }
}

/// A file in memory. Cheap to clone.
#[derive(Clone)]
struct Kept {
    bytes: Bytes,
    validator: Validator,
}

/// What an entry costs beside its bytes: the name, the table's own parts and the counters.
const ENTRY: usize = 512;

/// How long an entry is held at most. Nothing in it changes, but another process may set the file aside below.
const HELD_FOR: Duration = Duration::from_secs(600);

/// Files up to this size are hashed where they are; larger ones in a blocking task, as a worker thread must not be
/// held up for milliseconds.
const HASHED_IN_PLACE: usize = 64 << 10;

impl CachedStore {
    /// Puts a memory of these limits before a store.
    pub fn new(store: Arc<dyn ModuleStore>, limits: CacheLimits) -> Self {
        let weight =
            |_: &ModuleFile, kept: &Kept| u32::try_from(kept.bytes.len() + ENTRY).unwrap_or(u32::MAX);
        let small = Cache::builder()
            .weigher(weight)
            .max_capacity(limits.total)
            .time_to_live(HELD_FOR)
            .build();
        Self {
            store,
            small,
            limits,
            reading: LocalLeases::new(),
            forgotten: AtomicU64::new(0),
        }
    }

    /// What takes damaged files out of the store below and out of this memory.
    pub fn quarantine(self: &Arc<Self>, below: Arc<dyn Quarantine>) -> Arc<dyn Quarantine> {
        Arc::new(Forgetting {
            cached: Arc::clone(self),
            below,
        })
    }

    /// Lets go of a file, so that the store below is asked again.
    pub fn forget(&self, file: &ModuleFile) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.small.invalidate(file);
    }

    /// Holds a file that was read, or inserted, when so many had been forgotten.
    fn remember(&self, file: &ModuleFile, kept: Kept, forgotten: u64) {
        if self.forgotten.load(Ordering::SeqCst) != forgotten {
            return;
        }
        self.small.insert(file.clone(), kept);
        // Either this sees that somebody forgets, or who forgets sees what was inserted.
        if self.forgotten.load(Ordering::SeqCst) != forgotten {
            self.small.invalidate(file);
        }
    }

    /// Opens a file that is not in memory; if it is small, it is afterwards.
    async fn open_below(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        let Some(opened) = self.store.open(file, part).await? else {
            return Ok(None);
        };
        if opened.size > self.limits.file {
            return Ok(Some(opened));
        }
        let _turn = self.reading.acquire(&file.module).await;
        if let Some(kept) = self.small.get(file) {
            return Ok(Some(kept.part(part)));
        }
        // Also for a look at the size alone: whoever looks comes back for the bytes, and the validator must be the
        // same at both times.
        let whole = if opened.range == (0..opened.size) {
            opened
        } else {
            let Some(whole) = self.store.open(file, Part::Whole).await? else {
                return Ok(None);
            };
            whole
        };
        let kept = Kept::hash(whole.into_bytes().await?).await?;
        self.remember(file, kept.clone(), forgotten);
        Ok(Some(kept.part(part)))
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl ModuleStore for CachedStore {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        match self.small.get(file) {
            Some(kept) => Ok(Some(kept.part(part))),
            // Boxed apart, so that the future of a hit stays a few words long.
            None => Box::pin(self.open_below(file, part)).await,
        }
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        self.store.versions(path).await
    }

    async fn insert(&self, file: Verified) -> Result<Inserted, StoreError> {
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        let inserted = self.store.insert(file.clone()).await?;
        // `Other` means that the bytes offered are not the bytes kept.
        if let (Inserted::New | Inserted::Same, Held::Memory(bytes)) = (inserted, file.body().held())
            && bytes.len() as u64 <= self.limits.file
        {
            // A copy, since the body may be a slice of a larger buffer, which it would keep alive.
            let kept = Kept::new(Bytes::copy_from_slice(bytes), file.body().sha256());
            self.remember(file.file(), kept, forgotten);
        }
        Ok(inserted)
    }
}

/// A quarantine with a memory before it.
#[derive(Debug)]
struct Forgetting {
    cached: Arc<CachedStore>,
    below: Arc<dyn Quarantine>,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Quarantine for Forgetting {
    async fn set_aside(&self, file: Corrupt) -> Result<(), StoreError> {
        let (cached, below) = (Arc::clone(&self.cached), Arc::clone(&self.below));
        // A task of its own: whoever stops waiting must not leave in memory what is gone below.
        let set_aside = tokio::spawn(async move {
            let name = file.file().clone();
            let outcome = below.set_aside(file).await;
            // Also if it failed: it may have happened all the same.
            cached.forget(&name);
            outcome
        });
        match set_aside.await {
            Ok(outcome) => outcome,
            Err(stopped) => Err(StoreError::unavailable_because(
                "setting a file aside was stopped",
                stopped,
            )),
        }
    }

    async fn sum_beside(&self, zip: &ModuleFile) -> Result<Option<Bytes>, StoreError> {
        self.below.sum_beside(zip).await
    }

    async fn renew_sum_beside(&self, zip: &ModuleFile, found: &[u8], right: H1) -> Result<(), StoreError> {
        self.below.renew_sum_beside(zip, found, right).await
    }
}

impl Kept {
    fn new(bytes: Bytes, sha256: Sha256) -> Self {
        Self {
            bytes,
            validator: Validator(sha256.to_string().into()),
        }
    }

    async fn hash(bytes: Bytes) -> Result<Self, StoreError> {
        if bytes.len() <= HASHED_IN_PLACE {
            let sha256 = Sha256::of(&bytes);
            return Ok(Self::new(bytes, sha256));
        }
        let hashed = tokio::task::spawn_blocking(move || {
            let sha256 = Sha256::of(&bytes);
            Self::new(bytes, sha256)
        });
        hashed
            .await
            .map_err(|stopped| StoreError::unavailable_because("a read was stopped", stopped))
    }

    fn part(&self, part: Part) -> Content {
        Content::from_memory(&self.bytes, Some(self.validator.clone()), part)
    }
}

impl fmt::Debug for CachedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedStore")
            .field("store", &self.store)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
