//! The mirror: what is kept is served, what is not is fetched once, checked, kept and served.
//!
//! A hit touches nothing but the store. A miss becomes a *flight*, one at a time for each version: lease, look in
//! the store again, walk the upstream chain, spool, verify, insert in order; then everybody who waits reads from the
//! store. Lists, `@latest` and queries are answers that change: they are remembered for a while and
//! never kept as module files, but for the `.info` that a query leads to.

mod answers;
mod error;
mod flight;
pub mod ingest;
mod lists;
mod misses;
mod queries;
mod remembered;

pub use error::MirrorError;
pub use lists::VersionList;
pub(crate) use queries::latest_of;

use crate::{
    checksums::ChecksumAuthority,
    file::ModuleFile,
    lease::Leases,
    module::{ModulePath, ModuleVersion, Query, Version},
    policy::{Caller, Question, Verdict},
    records::{RecordKey, RecordStore},
    spool::Spool,
    store::{Content, ModuleStore, Part, RecordFeed, StoreError},
    upstream::chain::Chain,
};
use flight::Flights;
use ingest::Ingest;
use misses::Landed;
use queries::Resolved;
use remembered::Remembered;
use std::{sync::Arc, time::Duration};

/// How many versions may be under way from their origins at once, and how many lists and queries: past it a request
/// is told to come back. A flight that only waits costs a few kilobytes, so this is a bound on abuse, not on work.
const MOST_FLIGHTS: usize = 4096;
/// How many absent files are remembered; the least used go first.
const MOST_ABSENT: u64 = 100_000;

/// An immutable mirror of Go modules. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mirror(Arc<Inner>);

/// What a mirror is made of.
#[derive(Debug)]
pub struct MirrorParts {
    /// Where module files are kept (wrapped in a memory cache, if wanted).
    pub store: Arc<dyn ModuleStore>,
    /// Where records are kept.
    pub records: Arc<dyn RecordStore>,
    /// Where misses are fetched from.
    pub chain: Chain,
    /// Who may fetch.
    pub leases: Arc<dyn Leases>,
    /// Who knows the sums.
    pub checksums: Arc<dyn ChecksumAuthority>,
    /// Where bytes on their way in are.
    pub spool: Spool,
    /// How long things are believed.
    pub lifetimes: Lifetimes,
    /// Told of every version that is new, where the store does not order its inserts itself.
    pub feed: Option<RecordFeed>,
}

/// How long answers that can change are believed, and how long silence is borne.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// Lists, `@latest` and queries: fresh for so long, then served stale while being refreshed.
    pub fresh: Duration,
    /// "No such version": remembered for so long.
    pub absent: Duration,
    /// No byte from any origin for so long ends a request's search.
    pub silence: Duration,
}

impl Default for Lifetimes {
    /// A minute fresh, as the protocol's servers cache lists; half a minute absent, so that a tag pushed just after a
    /// first look is seen soon; half a minute of silence, which is all that a waiting `go` user bears.
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(60),
            absent: Duration::from_secs(30),
            silence: Duration::from_secs(30),
        }
    }
}

#[derive(Debug)]
struct Inner {
    ingest: Ingest,
    chain: Chain,
    leases: Arc<dyn Leases>,
    lifetimes: Lifetimes,
    flights: Flights<ModuleVersion, Landed>,
    absent: moka::sync::Cache<ModuleFile, MirrorError>,
    lists: Remembered<ModulePath, VersionList>,
    resolved: Remembered<(ModulePath, Query), Resolved>,
}

/// An answer, and where it came from.
#[derive(Debug)]
pub struct Served<T> {
    /// The answer.
    pub answer: T,
    /// Where it came from.
    pub cache: Cache,
}

/// Where an answer came from, in RFC 9211's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// It was kept.
    Hit,
    /// An origin was asked for it now.
    Miss,
    /// It was kept, is older than we like, and the origin could not be asked or is being asked.
    Stale,
}

impl Mirror {
    /// Puts a mirror together.
    pub fn new(parts: MirrorParts) -> Self {
        let MirrorParts {
            store,
            records,
            chain,
            leases,
            checksums,
            spool,
            lifetimes,
            feed,
        } = parts;
        let remembered = (lifetimes.fresh, lifetimes.absent, MOST_FLIGHTS);
        Self(Arc::new(Inner {
            ingest: Ingest {
                store,
                records,
                checksums,
                spool,
                feed,
            },
            chain,
            leases,
            lifetimes,
            flights: Flights::new(MOST_FLIGHTS),
            absent: moka::sync::Cache::builder()
                .max_capacity(MOST_ABSENT)
                .time_to_live(lifetimes.absent)
                .build(),
            lists: Remembered::new(remembered.0, remembered.1, remembered.2),
            resolved: Remembered::new(remembered.0, remembered.1, remembered.2),
        }))
    }

    /// One file of one version.
    pub async fn file(
        &self,
        file: &ModuleFile,
        part: Part,
        caller: &Caller,
    ) -> Result<Served<Content>, MirrorError> {
        let may_fetch = self
            .0
            .permit(caller, file.module.path(), Some(file.module.version()))?;
        if let Some(content) = self.0.ingest.store.open(file, part).await? {
            return Ok(Served {
                answer: content,
                cache: Cache::Hit,
            });
        }
        if !may_fetch {
            return Err(MirrorError::NotKept(file.to_string()));
        }
        let content = misses::fetch(&self.0, file, part, caller).await?;
        Ok(Served {
            answer: content,
            cache: Cache::Miss,
        })
    }

    /// Whether the store answers.
    pub async fn ready(&self) -> Result<(), StoreError> {
        let probe = RecordKey::parse("ready").map_err(|error| StoreError::Unavailable {
            reason: error.to_string(),
            source: None,
        })?;
        self.0.ingest.records.read(&probe).await.map(drop)
    }

    /// The way into the store, for what does not come through a request.
    pub fn ingest(&self) -> &Ingest {
        &self.0.ingest
    }
}

impl Inner {
    /// Asks the policy, and says whether origins may be asked for this request.
    fn permit(
        &self,
        caller: &Caller,
        path: &ModulePath,
        version: Option<&Version>,
    ) -> Result<bool, MirrorError> {
        if caller.rules.is_empty() {
            return Ok(caller.may_fetch);
        }
        let question = Question {
            identity: &caller.identity,
            path,
            version,
            first_seen: None,
            now: jiff::Timestamp::now(),
        };
        match caller.rules.decide(&question) {
            Verdict::Serve => Ok(caller.may_fetch),
            Verdict::KeptOnly => Ok(false),
            Verdict::Deny(reason) => Err(MirrorError::Denied(reason)),
            Verdict::TakenDown(reason) => Err(MirrorError::TakenDown(reason)),
        }
    }
}
