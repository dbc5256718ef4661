//! The database as the mirror knows it: asked once, proven, kept for ever.

mod beside;
mod evidence;
mod heads;
mod lookups;
mod tiles;

use crate::{
    meters,
    note::VerifierKey,
    origin::{NoAnswer, Origin},
    record::Record,
    setting::DatabaseSetting,
    shelf::Shelf,
    tlog::TreeHead,
};
use beside::Beside;
use bytes::Bytes;
use heads::Known;
use http_client::Client;
use proxy_core::{
    checksums::{ChecksumError, TOOLCHAIN},
    module::{ModulePath, ModuleVersion, Patterns},
    records::RecordStore,
    store::StoreError,
    sums::Sums,
    upstream::chain::{Entry, Separator},
};
use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};
use tiles::Warm;

/// Proven answers held in memory: half a kilobyte each.
const MOST_ANSWERS: u64 = 20_000;

/// Versions remembered as unknown.
const MOST_UNKNOWN: u64 = 20_000;

/// How long an answer to `latest` is good for.
const HEAD_FRESH: Duration = Duration::from_secs(20);

/// A checksum database: asked once for each version, proven, and kept for ever. Cheap to clone.
///
/// It is the mirror's [`ChecksumAuthority`](proxy_core::checksums::ChecksumAuthority) and a
/// [`ChecksumRelay`](proxy_core::checksums::ChecksumRelay) for clients.
#[derive(Clone)]
pub struct Database(
    pub(crate) Arc<Inner>,
    /// The same without a way out. Apart, so that nobody who may ask waits for an answer of somebody who may not.
    pub(crate) Arc<Inner>,
);

/// What a database is made of.
#[derive(Debug)]
pub struct DatabaseParts<'a> {
    /// Which one.
    pub setting: &'a DatabaseSetting,
    /// The GOPROXY list: its proxies are asked whether they relay the database, unless the setting has an address.
    pub chain: &'a [(Entry, Separator)],
    /// The way out.
    pub client: Client,
    /// Where what is proven is kept.
    pub records: Arc<dyn RecordStore>,
    /// Where other mirrors kept theirs: looked at before the database is asked, and proven as its answers are.
    pub beside: Vec<Arc<dyn RecordStore>>,
    /// Modules whose names the database is never told: GOPRIVATE and GONOSUMDB.
    pub exempt: Vec<Patterns>,
    /// How long it is remembered that the database does not know a version.
    pub absent: Duration,
    /// For how long after a head was seen `latest` may still answer an older one: there are caches in between. After
    /// that, the tree is taken to shrink. An hour is much.
    pub grace: Duration,
}

pub(crate) struct Inner {
    pub(crate) name: String,
    key: VerifierKey,
    /// Where it is asked; nowhere, for what is kept alone.
    origin: Option<Origin>,
    shelf: Shelf,
    beside: Vec<Beside>,
    exempt: Vec<Patterns>,
    grace: Duration,
    /// The greatest head this process knows of.
    known: Mutex<Option<Known>>,
    /// One head is merged at a time, so that its tiles are fetched once.
    merging: tokio::sync::Mutex<()>,
    warm: Warm,
    answers: moka::future::Cache<ModuleVersion, Arc<Answer>>,
    unknown: moka::sync::Cache<ModuleVersion, ()>,
    latest: moka::future::Cache<(), Arc<SignedHead>>,
}

/// A signed head that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedHead {
    pub(crate) head: TreeHead,
    /// The note, with the database's own signature and no other.
    pub(crate) message: String,
}

/// A record that was proven to be in the tree.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) id: u64,
    pub(crate) record: Record,
    pub(crate) sums: Sums,
}

impl Database {
    /// Puts a database together; nothing is asked yet.
    pub fn new(parts: DatabaseParts<'_>) -> Self {
        meters::describe();
        let name = parts.setting.key.name();
        let beside = parts.beside.into_iter();
        let beside = beside.map(|records| Beside::new(Shelf::new(records, name)));
        let origin = Origin::new(parts.client, parts.setting, parts.chain);
        let inner = |origin, records, beside| {
            Inner::new(
                &parts.setting.key,
                origin,
                Shelf::new(records, name),
                beside,
                &parts.exempt,
                parts.absent,
                parts.grace,
            )
        };
        Self(
            Arc::new(inner(Some(origin), Arc::clone(&parts.records), beside.collect())),
            Arc::new(inner(None, parts.records, Vec::new())),
        )
    }
}

impl Inner {
    fn new(
        key: &VerifierKey,
        origin: Option<Origin>,
        shelf: Shelf,
        beside: Vec<Beside>,
        exempt: &[Patterns],
        absent: Duration,
        grace: Duration,
    ) -> Self {
        Self {
            name: key.name().to_owned(),
            key: key.clone(),
            origin,
            shelf,
            beside,
            exempt: exempt.to_vec(),
            grace,
            known: Mutex::default(),
            merging: tokio::sync::Mutex::default(),
            warm: Warm::new(),
            answers: moka::future::Cache::new(MOST_ANSWERS),
            unknown: moka::sync::Cache::builder()
                .max_capacity(MOST_UNKNOWN)
                .time_to_live(absent)
                .build(),
            latest: moka::future::Cache::builder()
                .max_capacity(1)
                .time_to_live(HEAD_FRESH)
                .build(),
        }
    }

    /// Whether the database is asked about this module.
    pub(crate) fn speaks_for(&self, path: &ModulePath) -> bool {
        path.as_str() == TOOLCHAIN || !self.exempt.iter().any(|patterns| patterns.matches(path.as_str()))
    }

    async fn fetch(&self, path: &str, limit: usize) -> Result<Option<Bytes>, ChecksumError> {
        let Some(origin) = &self.origin else {
            return Err(self.unavailable("it is not asked, and this is not kept here"));
        };
        let outcome = origin.fetch(path, limit).await;
        outcome.map_err(|error| match error {
            NoAnswer::Away(reason) => self.unavailable(reason),
            NoAnswer::Wrong(reason) => self.unproven(reason),
        })
    }

    fn unavailable(&self, reason: impl Into<String>) -> ChecksumError {
        ChecksumError::Unavailable {
            name: self.name.clone(),
            reason: reason.into(),
        }
    }

    fn unproven(&self, reason: impl fmt::Display) -> ChecksumError {
        ChecksumError::Unproven {
            name: self.name.clone(),
            reason: reason.to_string(),
        }
    }

    /// What was proven could not be kept, or what is kept not be read.
    fn unkept(&self, error: &StoreError) -> ChecksumError {
        self.unavailable(error.to_string())
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("name", &self.0.name)
            .finish_non_exhaustive()
    }
}
