//! A database that may be away: what it cannot be asked about now is kept as a private module is, and looked up later.

use super::{ChecksumAuthority, ChecksumError, Pending, TOOLCHAIN};
use crate::{
    module::{ModulePath, ModuleVersion},
    store::StoreError,
    sums::Sums,
};
use async_trait::async_trait;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long a build waits for the database before its version is put off.
const PATIENCE: Duration = Duration::from_secs(8);

/// For how long nobody asks a database again that just gave no answer: each of a version's files would wait for it.
const LEFT_ALONE: Duration = Duration::from_secs(10);

/// An authority whose silence is no refusal. What was kept meanwhile is [pending](Pending).
#[derive(Debug)]
pub struct FirstSight {
    authority: Arc<dyn ChecksumAuthority>,
    pending: Pending,
    away: Mutex<Option<(Instant, ChecksumError)>>,
}

impl FirstSight {
    /// Asks this authority, and notes what it could not say on this list.
    pub fn new(authority: Arc<dyn ChecksumAuthority>, pending: Pending) -> Self {
        Self {
            authority,
            pending,
            away: Mutex::default(),
        }
    }

    fn away(&self) -> MutexGuard<'_, Option<(Instant, ChecksumError)>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChecksumAuthority for FirstSight {
    fn name(&self) -> &str {
        self.authority.name()
    }

    fn speaks_for(&self, path: &ModulePath) -> bool {
        self.authority.speaks_for(path)
    }

    async fn sums(&self, module: &ModuleVersion) -> Result<Option<Sums>, ChecksumError> {
        let away = self.away().clone();
        if let Some((when, error)) = away
            && when.elapsed() < LEFT_ALONE
        {
            return Err(error);
        }
        let asked = tokio::time::timeout(PATIENCE, self.authority.sums(module)).await;
        let answer = asked.unwrap_or_else(|_| {
            Err(ChecksumError::Unavailable {
                name: self.name().to_owned(),
                reason: format!("it did not answer within {} s", PATIENCE.as_secs()),
            })
        });
        *self.away() = match &answer {
            Err(error @ ChecksumError::Unavailable { .. }) => Some((Instant::now(), error.clone())),
            _ => None,
        };
        answer
    }

    async fn postpone(&self, module: &ModuleVersion) -> Result<bool, StoreError> {
        if module.path().as_str() == TOOLCHAIN {
            return Ok(false);
        }
        self.pending.add(module).await?;
        tracing::warn!(
            %module, database = self.name(),
            "the checksum database is unavailable: the version is kept as it is seen first, and looked up later"
        );
        Ok(true)
    }
}
