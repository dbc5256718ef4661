//! Leases in the records of a store, so that nodes which share a store need nothing else.
//!
//! A lease is a record that says who holds it. The holder writes it anew while it works (its heartbeat), and removes
//! it when it is done. Whoever waits reads it now and then; one that did not change for [`DEAD_AFTER`] on the reader's
//! own monotonic clock belongs to a dead holder, and is replaced on condition that it still is as it was read. No time
//! is written down, so no two clocks are ever compared. Without anybody else, a lease is one write and one removal.

use super::{Claimed, DEAD_AFTER, Lease, LeaseError, LeaseTable, Leases, Renewed, SharedLeases};
use crate::{
    file::Sha256,
    module::ModuleVersion,
    records::{Record, RecordKey, RecordStore, Revision, Written},
    store::StoreError,
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Leases in the records of any store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RecordLeases(SharedLeases<RecordTable>);

/// Records seen as a lease service.
#[derive(Debug)]
struct RecordTable {
    records: Arc<dyn RecordStore>,
    dead_after: Duration,
}

/// What one who waits has seen: nothing at first.
#[derive(Debug)]
struct Watch {
    holder: String,
    /// The record as it was when it last changed, and when that was seen.
    seen: Option<(Bytes, Instant)>,
}

/// What a holder knows of its record.
#[derive(Debug)]
struct Claim {
    key: RecordKey,
    stored: StoredLease,
    revision: Revision,
    /// When the write that is known to have succeeded last began: nobody takes the lease over within `dead_after`.
    written: Instant,
}

/// The record's own form.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredLease {
    /// Which version it is for; for people who look.
    module: String,
    /// Who holds it: a name made up for this one time.
    holder: String,
    /// Grows whenever somebody takes it over.
    fence: u64,
    /// Grows with every sign of life, so that each is a state of its own.
    beat: u64,
}

impl RecordLeases {
    /// Leases in these records.
    pub fn new(records: Arc<dyn RecordStore>) -> Self {
        Self::taken_over_after(records, DEAD_AFTER)
    }

    /// The same with holders taken for dead after another time than [`DEAD_AFTER`]. All nodes must be told the same.
    pub fn taken_over_after(records: Arc<dyn RecordStore>, dead_after: Duration) -> Self {
        let table = RecordTable { records, dead_after };
        Self(SharedLeases::new(table, dead_after))
    }
}

#[async_trait]
impl Leases for RecordLeases {
    async fn acquire(&self, module: &ModuleVersion) -> Lease {
        self.0.acquire(module).await
    }
}

#[async_trait]
impl LeaseTable for RecordTable {
    type Watch = Watch;
    type Claim = Claim;

    async fn claim(&self, module: &ModuleVersion, watch: &mut Watch) -> Result<Claimed<Claim>, LeaseError> {
        let key = key(module)?;
        let ours = |fence| StoredLease {
            module: module.to_string(),
            holder: watch.holder.clone(),
            fence,
            beat: 0,
        };
        // Nobody else is there nearly always, so this is tried before anything is read.
        if watch.seen.is_none()
            && let Some(claim) = self.replace(&key, ours(1), None).await?
        {
            return Ok(claim.granted(false));
        }
        let asked = Instant::now();
        let Some(record) = self.records.read(&key).await.map_err(away)? else {
            let claim = self.replace(&key, ours(1), None).await?;
            return Ok(claim.map_or(Claimed::Held, |claim| claim.granted(false)));
        };
        let stored = StoredLease::read(&record);
        match &stored {
            // Our own write, whose answer was lost.
            Some(stored) if stored.holder == watch.holder => {
                let claim = Claim {
                    key,
                    stored: stored.clone(),
                    revision: record.revision,
                    written: asked,
                };
                let taken_over = claim.stored.fence > 1;
                return Ok(claim.granted(taken_over));
            }
            _ => {}
        }
        match &watch.seen {
            Some((bytes, since)) if *bytes == record.bytes => {
                if asked.saturating_duration_since(*since) < self.dead_after {
                    return Ok(Claimed::Held);
                }
                // What cannot be read was written by nobody we know; it is dead as well if it never changes.
                let fence = stored.map_or(1, |stored| stored.fence) + 1;
                match self.replace(&key, ours(fence), Some(&record.revision)).await? {
                    Some(claim) => Ok(claim.granted(true)),
                    None => Ok(Claimed::Held),
                }
            }
            _ => {
                watch.seen = Some((record.bytes, Instant::now()));
                Ok(Claimed::Held)
            }
        }
    }

    async fn renew(&self, _: &ModuleVersion, claim: &mut Claim) -> Result<Renewed, LeaseError> {
        if self.beat(claim).await? {
            return Ok(Renewed::Kept);
        }
        // It may be an earlier beat of ours, whose answer was lost.
        match self.records.read(&claim.key).await.map_err(away)? {
            Some(record)
                if StoredLease::read(&record).is_some_and(|stored| stored.holder == claim.stored.holder) =>
            {
                claim.revision = record.revision;
            }
            _ => return Ok(Renewed::Lost),
        }
        let kept = self.beat(claim).await?;
        Ok(if kept { Renewed::Kept } else { Renewed::Lost })
    }

    async fn release(&self, module: &ModuleVersion, mut claim: Claim) -> Result<(), LeaseError> {
        // A removal is not conditional. Soon after a write that is known to have succeeded the record is ours for
        // certain; later, another write has to show it.
        let certain = claim.written.elapsed() < self.dead_after / 2;
        if certain || self.renew(module, &mut claim).await? == Renewed::Kept {
            self.records.remove(&claim.key).await.map_err(away)?;
        }
        Ok(())
    }
}

impl RecordTable {
    /// Writes a lease of ours over this state of the record; `None` if it is in another.
    async fn replace(
        &self,
        key: &RecordKey,
        stored: StoredLease,
        expected: Option<&Revision>,
    ) -> Result<Option<Claim>, LeaseError> {
        let written = Instant::now();
        match self
            .records
            .write(key, stored.bytes()?, expected)
            .await
            .map_err(away)?
        {
            Written::Changed => Ok(None),
            Written::Done(revision) => Ok(Some(Claim {
                key: key.clone(),
                stored,
                revision,
                written,
            })),
        }
    }

    /// One heartbeat; says whether the record was as we left it.
    async fn beat(&self, claim: &mut Claim) -> Result<bool, LeaseError> {
        claim.stored.beat += 1;
        let beaten = self
            .replace(&claim.key, claim.stored.clone(), Some(&claim.revision))
            .await?;
        Ok(beaten.map(|beaten| *claim = beaten).is_some())
    }
}

impl Claim {
    fn granted(self, taken_over: bool) -> Claimed<Self> {
        Claimed::Granted {
            fence: self.stored.fence,
            claim: self,
            taken_over,
        }
    }
}

impl StoredLease {
    /// What a record says, or `None` if it is no lease that we could have written.
    fn read(record: &Record) -> Option<Self> {
        serde_json::from_slice(&record.bytes).ok()
    }

    fn bytes(&self) -> Result<Bytes, LeaseError> {
        let json = serde_json::to_vec(self);
        json.map(Bytes::from)
            .map_err(|error| LeaseError::because("a lease could not be written as JSON", error))
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            holder: format!("{:032x}", rand::random::<u128>()),
            seen: None,
        }
    }
}

/// Where the lease of a version lies: in one flat folder, under a name that fits everywhere, so that nothing is left
/// of it when it is given back.
fn key(module: &ModuleVersion) -> Result<RecordKey, LeaseError> {
    let name = Sha256::of(module.to_string().as_bytes());
    RecordKey::parse(&format!("leases/{name}"))
        .map_err(|error| LeaseError::because("a version has a name no record can have", error))
}

fn away(error: StoreError) -> LeaseError {
    LeaseError::because("its records cannot be reached", error)
}

#[cfg(test)]
mod tests;
