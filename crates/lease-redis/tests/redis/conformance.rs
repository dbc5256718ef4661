//! Every promise on every kind of Redis.

use super::{address, leases};
use async_trait::async_trait;
use lease_redis::{RedisLeases, RedisUrl};
use proxy_core::lease::{Leases, conformance::LeasePlace};
use std::{sync::Arc, time::Duration};
use testkit::port::Port;

/// Keys of its own in a Redis.
struct Keys {
    url: String,
}

impl Keys {
    async fn in_redis(variable: &str) -> Result<Self, String> {
        let url = address(variable)?;
        leases(&url, Duration::from_secs(1))
            .ping()
            .await
            .map_err(|error| {
                format!(
                    "{variable} names a Redis that does not answer: {error}: {:?}",
                    error.source
                )
            })?;
        Ok(Self { url })
    }
}

#[async_trait]
impl LeasePlace for Keys {
    async fn open(&self, dead_after: Duration) -> Arc<dyn Leases> {
        Arc::new(leases(&self.url, dead_after))
    }

    async fn away(&self) -> Option<Arc<dyn Leases>> {
        let (before, after) = self.url.split('?').next().unwrap().split_once("://").unwrap();
        let path = after.split_once('/').map_or("", |(_, path)| path);
        let away = format!("{before}://{}/{path}", Port::reserve().address());
        Some(Arc::new(
            RedisLeases::new(&RedisUrl::parse(&away).unwrap()).unwrap(),
        ))
    }
}

mod single {
    proxy_core::lease_conformance!(async || super::Keys::in_redis("STOA_TEST_REDIS").await);
}

mod tls {
    proxy_core::lease_conformance!(async || super::Keys::in_redis("STOA_TEST_REDIS_TLS").await);
}

mod sentinel {
    proxy_core::lease_conformance!(async || super::Keys::in_redis("STOA_TEST_REDIS_SENTINEL").await);
}

mod cluster {
    proxy_core::lease_conformance!(async || super::Keys::in_redis("STOA_TEST_REDIS_CLUSTER").await);
}
