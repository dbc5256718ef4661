//! Holding what is kept against the checksum database: now, and as soon as one that was away is back.

#[cfg(test)]
mod tests;

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

/// For how long at least a version is left alone that got no answer while others did; twice as long each further time.
const PUT_OFF: Duration = Duration::from_secs(6);

/// A database that was silent so often in a row is away.
const SILENT: usize = 3;

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
    /// Versions that were asked about in vain.
    put_off: Mutex<HashMap<ModuleVersion, PutOff>>,
}

/// A version that was asked about in vain.
#[derive(Clone, Copy, Debug, Default)]
struct PutOff {
    /// How often in a row.
    failures: u32,
    /// Until when it is left alone.
    until: Option<Instant>,
}

/// How looking up one version ended.
enum Outcome {
    Done,
    /// The database does not know it; it is served on, and asked about again much later.
    Unknown,
    /// It gave no answer, or none that can be believed.
    Failed(ChecksumError),
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
            put_off: Mutex::default(),
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

    /// Looks up everything that is pending, until the database is found to be away or to contradict itself.
    pub async fn round(&self) {
        self.ask().await;
        let pending = self.pending.here();
        self.put_off()
            .retain(|module, _| pending.binary_search(module).is_ok());
        metrics::gauge!("stoa_checksum_pending_versions").set(pending.len() as f64);
    }

    async fn ask(&self) {
        // Those that got no answer since somebody else did: it may be the database that is silent, or only one version.
        let mut silent = Vec::new();
        for module in self.due() {
            match self.look_up(&module).await {
                Ok(Outcome::Done) => {
                    self.put_off().remove(&module);
                }
                Ok(Outcome::Unknown) => {
                    tracing::warn!(
                        %module, database = self.authority.name(),
                        "the checksum database does not know a version that was kept while it was away"
                    );
                    self.leave_alone(&module, Some(UNKNOWN));
                }
                Ok(Outcome::Failed(ChecksumError::Unavailable { .. })) => {
                    self.leave_alone(&module, None);
                    silent.push(module);
                    if silent.len() >= SILENT {
                        return;
                    }
                    continue;
                }
                Ok(Outcome::Failed(error)) => {
                    tracing::error!(%module, %error, "a version cannot be held against the checksum database");
                    if matches!(error, ChecksumError::Untrustworthy { .. }) {
                        return;
                    }
                    self.leave_alone(&module, Some(PUT_OFF));
                }
                Err(error) => {
                    tracing::warn!(%module, %error, "a version could not be held against the checksum database");
                    continue;
                }
            }
            for module in silent.drain(..) {
                self.delay(&module, PUT_OFF);
            }
        }
    }

    /// What is to be asked about now. Those that failed most often come last, so that a few the database never answers
    /// for do not pass for its absence.
    fn due(&self) -> Vec<ModuleVersion> {
        let put_off = self.put_off();
        let failures = |module: &ModuleVersion| put_off.get(module).map_or(0, |put_off| put_off.failures);
        let alone = |module: &ModuleVersion| put_off.get(module).and_then(|put_off| put_off.until);
        let mut due = self.pending.here();
        due.retain(|module| alone(module).is_none_or(|until| until <= Instant::now()));
        due.sort_by_key(failures);
        due
    }

    /// Counts a failure; the version is left alone for so long at least, if at all.
    fn leave_alone(&self, module: &ModuleVersion, at_least: Option<Duration>) {
        {
            let mut put_off = self.put_off();
            let failures = &mut put_off.entry(module.clone()).or_default().failures;
            *failures = failures.saturating_add(1);
        }
        if let Some(at_least) = at_least {
            self.delay(module, at_least);
        }
    }

    fn delay(&self, module: &ModuleVersion, at_least: Duration) {
        if let Some(put_off) = self.put_off().get_mut(module) {
            let doubled = 1 << put_off.failures.saturating_sub(1).min(10);
            put_off.until = Some(Instant::now() + (at_least * doubled).min(UNKNOWN));
        }
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
            Err(error) => return Ok(Outcome::Failed(error)),
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
                Compared::Failed(error) => return Ok(Outcome::Failed(error)),
                Compared::Unknown => return Ok(Outcome::Unknown),
                Compared::Silent | Compared::Agrees => {}
            }
        }
        self.pending.remove(module).await?;
        Ok(Outcome::Done)
    }

    fn put_off(&self) -> std::sync::MutexGuard<'_, HashMap<ModuleVersion, PutOff>> {
        self.put_off.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
