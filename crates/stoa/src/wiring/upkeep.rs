//! What goes on behind the mirror: the scrub, and looking up what was kept while the checksum database was away.

use crate::{config::Config, exit::Failure, open_store::Storage};
use proxy_core::{
    checksums::{ChecksumAuthority, Pending},
    lease::Leases,
    scrub::{Depth, Inspector, Patrol, PatrolParts, Recheck, Repair, Status},
    store::CachedStore,
};
use std::{sync::Arc, time::Duration};

/// How long a round of the scrub that another process left must stand still: longer than the largest zip takes at the
/// slowest sensible rate.
const STILL: Duration = Duration::from_secs(60);

/// Tasks that run as long as the server does.
#[derive(Debug)]
pub(crate) struct Upkeep {
    patrol: Option<Patrol>,
    recheck: Option<Recheck>,
}

impl Upkeep {
    /// Puts together what the configuration asks for, as far as the store can.
    pub(super) fn new(
        config: &Config,
        storage: &Storage,
        cached: Option<&Arc<CachedStore>>,
        authority: Option<&Arc<dyn ChecksumAuthority>>,
        pending: &Pending,
        leases: &Arc<dyn Leases>,
    ) -> Result<Self, Failure> {
        let cannot = |key: &str| Failure::Usage(format!("{key}: this kind of store cannot set files aside"));
        let first_sight = config.checksums.first_sight && authority.is_some();
        let (Some(catalog), Some(quarantine)) = (&storage.catalog, &storage.quarantine) else {
            return match (config.scrub.every, first_sight) {
                (Some(_), _) => Err(cannot("scrub.every")),
                (None, true) => Err(cannot("checksums.when_unreachable")),
                (None, false) => Ok(Self {
                    patrol: None,
                    recheck: None,
                }),
            };
        };
        let inspector = Inspector {
            store: Arc::clone(&storage.modules),
            records: Arc::clone(&storage.records),
            spool: storage.spool.clone(),
            quarantine: Some(Arc::clone(quarantine)),
            depth: Depth::Bytes,
        };
        let repair = Repair {
            store: Arc::clone(&storage.modules),
            records: Arc::clone(&storage.records),
            quarantine: match cached {
                Some(cached) => cached.quarantine(Arc::clone(quarantine)),
                None => Arc::clone(quarantine),
            },
        };
        let patrol = config.scrub.every.map(|every| {
            Patrol::new(PatrolParts {
                catalog: Arc::clone(catalog),
                inspector: inspector.clone(),
                repair: repair.clone(),
                every,
                rate: config.scrub.rate,
                still: STILL,
            })
        });
        // Also where new versions are refused by now: some may have been kept before.
        let recheck = authority.map(|authority| {
            Recheck::new(
                pending.clone(),
                Arc::clone(authority),
                inspector.clone(),
                repair.clone(),
                Arc::clone(leases),
            )
        });
        Ok(Self { patrol, recheck })
    }

    /// How far the scrub is, if there is one.
    pub(crate) fn status(&self) -> Option<Status> {
        self.patrol.as_ref().map(Patrol::status)
    }

    /// Starts everything.
    pub(crate) fn start(self) {
        if let Some(patrol) = self.patrol {
            tokio::spawn(patrol.run());
        }
        if let Some(recheck) = self.recheck {
            tokio::spawn(recheck.run());
        }
    }
}
