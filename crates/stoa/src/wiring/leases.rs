//! Leases: the store's own, those of this process, those in records, or those in Redis.

use crate::{
    config::{Config, lease_url::LeaseUrl, storage_url::StorageUrl},
    exit::Failure,
    open_store::Storage,
};
use lease_redis::{RedisLeases, RedisUrl};
use proxy_core::lease::{Leases, LocalLeases, RecordLeases};
use std::{error::Error, sync::Arc};

/// Everything that can be wrong without asking anybody.
pub(super) fn check(config: &Config) -> Result<(), Failure> {
    match &config.lease {
        LeaseUrl::Redis(url) => redis(url).map(drop),
        _ => Ok(()),
    }
}

/// The leases that the configuration names. A Redis that is away now is no reason not to start, but is said.
pub(super) fn leases(config: &Config, storage: &Storage) -> Result<Arc<dyn Leases>, Failure> {
    let records = || Arc::new(RecordLeases::new(Arc::clone(&storage.records)));
    match &config.lease {
        LeaseUrl::Memory => Ok(Arc::new(LocalLeases::new())),
        LeaseUrl::Records => Ok(records()),
        LeaseUrl::Auto => Ok(match (&storage.leases, &config.storage) {
            (Some(own), _) => Arc::clone(own),
            (None, StorageUrl::Memory) => Arc::new(LocalLeases::new()),
            (None, _) => records(),
        }),
        LeaseUrl::Redis(url) => {
            let leases = redis(url)?;
            let asked = leases.clone();
            tokio::spawn(async move {
                if let Err(error) = asked.ping().await {
                    tracing::warn!(
                        error = &error as &dyn Error,
                        "lease.url: Redis cannot be asked; until it can, versions may be fetched by several nodes at a time"
                    );
                }
            });
            Ok(Arc::new(leases))
        }
    }
}

fn redis(url: &RedisUrl) -> Result<RedisLeases, Failure> {
    RedisLeases::new(url).map_err(|error| Failure::Usage(format!("lease.url: {error}")))
}
