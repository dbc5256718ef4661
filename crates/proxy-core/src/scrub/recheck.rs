//! Holding what is kept against the checksum database: now, and as soon as one that was away is back.

use super::{Fault, Inspector, Repair};
use crate::{
    checksums::{ChecksumAuthority, ChecksumError, Pending},
    file::{Kind, ModuleFile},
    lease::Leases,
    module::ModuleVersion,
    seen::{Contradiction, Seen},
    store::StoreError,
    sums::{H1, Sums},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How often a database that was away is asked again.
const PAUSE: Duration = Duration::from_secs(3);

/// How often the list on record is read: other nodes add to it, and may be gone.
const RELOAD: Duration = Duration::from_secs(300);

/// How long a version that the database does not know is left alone. It may never know it.
const UNKNOWN: Duration = Duration::from_secs(600);

/// What a database says of a kept file.
#[derive(Clone, Debug)]
pub enum Compared {
    /// Nothing: it does not speak for the module, or the file has no sum.
    Silent,
    /// The sum is the one it proves.
    Agrees,
    /// It does not know the version.
    Unknown,
    /// It could not be asked, or its answer could not be believed.
    Failed(ChecksumError),
    /// It proves another sum.
    Contradicts(Contradiction, Sums),
}

/// Holds the sum of a kept file against the database.
pub async fn compare(authority: &dyn ChecksumAuthority, file: &ModuleFile, h1: Option<H1>) -> Compared {
    let Some(kept) = h1.filter(|_| authority.speaks_for(file.module.path())) else {
        return Compared::Silent;
    };
    match authority.sums(&file.module).await {
        Ok(Some(sums)) => {
            let proven = if file.kind == Kind::Mod {
                sums.go_mod
            } else {
                sums.zip
            };
            if kept == proven {
                return Compared::Agrees;
            }
            let contradiction = Contradiction {
                kind: file.kind,
                kept,
                proven,
                authority: authority.name().to_owned(),
            };
            Compared::Contradicts(contradiction, sums)
        }
        Ok(None) | Err(ChecksumError::Unknown { .. }) => Compared::Unknown,
        Err(error) => Compared::Failed(error),
    }
}

/// Looks up what was kept while the database was away, once it answers; what it contradicts is refused for good.
#[derive(Debug)]
pub struct Recheck {
    /// What has to be looked up.
    pub pending: Pending,
    /// Who is asked: the database itself.
    pub authority: Arc<dyn ChecksumAuthority>,
    /// What reads the files.
    pub inspector: Inspector,
    /// What sets them aside.
    pub repair: Repair,
    /// So that nobody fetches a version while it is judged.
    pub leases: Arc<dyn Leases>,
    /// Versions that the database did not know, and when it said so.
    unknown: Mutex<HashMap<ModuleVersion, Instant>>,
}

/// How looking up one version ended.
enum Outcome {
    Done,
    /// The database does not know it; it is served on, and asked about again much later.
    Unknown,
    /// Nobody can be asked now.
    Away,
}

impl Recheck {
    /// Puts it together; nothing is done yet.
    pub fn new(
        pending: Pending,
        authority: Arc<dyn ChecksumAuthority>,
        inspector: Inspector,
        repair: Repair,
        leases: Arc<dyn Leases>,
    ) -> Self {
        Self {
            pending,
            authority,
            inspector,
            repair,
            leases,
            unknown: Mutex::default(),
        }
    }

    /// Goes on for ever: what is pending is looked up within seconds of the database's return.
    pub async fn run(self) {
        let mut reloaded: Option<Instant> = None;
        loop {
            if reloaded.is_none_or(|when| when.elapsed() > RELOAD) {
                match self.pending.reload().await {
                    Ok(()) => reloaded = Some(Instant::now()),
                    Err(error) => {
                        tracing::warn!(%error, "what the checksum database has still to be asked cannot be read");
                    }
                }
            }
            self.round().await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Looks up everything that is pending, until the database does not answer.
    pub async fn round(&self) {
        for module in self.pending.here() {
            let lately = self.not_known().get(&module).copied();
            if lately.is_some_and(|when| when.elapsed() < UNKNOWN) {
                continue;
            }
            match self.look_up(&module).await {
                Ok(Outcome::Done) => {
                    self.not_known().remove(&module);
                }
                Ok(Outcome::Unknown) => {
                    tracing::warn!(
                        %module, database = self.authority.name(),
                        "the checksum database does not know a version that was kept while it was away"
                    );
                    self.not_known().insert(module, Instant::now());
                }
                Ok(Outcome::Away) => return,
                Err(error) => {
                    tracing::warn!(%module, %error, "a version could not be held against the checksum database");
                }
            }
        }
        metrics::gauge!("stoa_checksum_pending_versions").set(self.pending.here().len() as f64);
    }

    async fn look_up(&self, module: &ModuleVersion) -> Result<Outcome, StoreError> {
        if !self.authority.speaks_for(module.path()) {
            self.pending.remove(module).await?;
            return Ok(Outcome::Done);
        }
        // Asked before the lease is taken: a database that hangs must not stop those who fetch.
        let sums = match self.authority.sums(module).await {
            Ok(Some(sums)) => sums,
            Ok(None) | Err(ChecksumError::Unknown { .. }) => return Ok(Outcome::Unknown),
            Err(ChecksumError::Unavailable { .. }) => return Ok(Outcome::Away),
            Err(error) => {
                tracing::error!(%module, %error, "a version cannot be held against the checksum database");
                return Ok(Outcome::Away);
            }
        };
        let _lease = self.leases.acquire(module).await;
        // Another node found it out, or this one was ended halfway.
        let seen = Seen::of(&*self.repair.records, module).await?;
        if let Some(contradiction) = seen.contradiction()? {
            self.repair.condemn(module, &contradiction, sums).await?;
            self.pending.remove(module).await?;
            return Ok(Outcome::Done);
        }
        for kind in [Kind::Zip, Kind::Mod] {
            let file = ModuleFile::new(module.clone(), kind);
            let Some(inspected) = self.inspector.inspect(&file).await? else {
                continue;
            };
            match compare(&*self.authority, &file, inspected.h1).await {
                Compared::Contradicts(contradiction, sums) => {
                    metrics::counter!("stoa_checksum_alarms_total", "kind" => "first-sight").increment(1);
                    tracing::error!(
                        %file, kept = %contradiction.kept, proven = %contradiction.proven,
                        database = contradiction.authority,
                        "the checksum database contradicts a version that was kept while it was away; it is set aside for good"
                    );
                    let fault = Fault::Contradicted {
                        module: module.clone(),
                        contradiction,
                        sums,
                    };
                    self.repair.mend(&fault).await?;
                    break;
                }
                Compared::Failed(_) | Compared::Unknown => return Ok(Outcome::Away),
                Compared::Silent | Compared::Agrees => {}
            }
        }
        self.pending.remove(module).await?;
        Ok(Outcome::Done)
    }

    fn not_known(&self) -> std::sync::MutexGuard<'_, HashMap<ModuleVersion, Instant>> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
