//! Who is taken for dead: a holder of whom nothing is heard on the clock of the one who waits, whatever Redis' clock says.

use super::{address, leases};
use proxy_core::{lease::Leases, module::ModuleVersion};
use redis::{Client, aio::MultiplexedConnection, cmd};
use std::time::{Duration, Instant};
use testkit::{chaos::Chaos, skip_or_fail};
use tokio::time::timeout;

const DEAD_AFTER: Duration = Duration::from_secs(3);

/// Redis itself, and the key of a lease in it.
struct Inside {
    redis: MultiplexedConnection,
    key: String,
}

impl Inside {
    async fn of(url: &str, module: &ModuleVersion) -> Self {
        let (server, prefix) = url.split_once("?prefix=").unwrap();
        let client = Client::open(server).unwrap();
        Self {
            redis: client.get_multiplexed_async_connection().await.unwrap(),
            key: format!("{prefix}:lease:{{{module}}}"),
        }
    }

    /// Makes the key one that never runs out: a clock that stands still.
    async fn persist(&mut self) -> bool {
        let done: u32 = cmd("PERSIST")
            .arg(&self.key)
            .query_async(&mut self.redis)
            .await
            .unwrap();
        done == 1
    }

    /// How long the key has, in milliseconds by Redis' clock.
    async fn remains(&mut self) -> i64 {
        cmd("PTTL")
            .arg(&self.key)
            .query_async(&mut self.redis)
            .await
            .unwrap()
    }

    async fn value(&mut self) -> Option<String> {
        cmd("GET")
            .arg(&self.key)
            .query_async(&mut self.redis)
            .await
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_is_silent_is_taken_over_also_where_its_key_never_runs_out() {
    let url = match address("STOA_TEST_REDIS") {
        Ok(url) => url,
        Err(why) => skip_or_fail!("{why}"),
    };
    let module = ModuleVersion::parse("example.com/m", "v1.0.0").unwrap();
    let mut inside = Inside::of(&url, &module).await;
    let chaos = Chaos::before(super::outages::host_of(&url));
    let silent = leases(&super::outages::through(&chaos, &url), DEAD_AFTER);
    let held = silent.acquire(&module).await;
    assert!(!held.is_taken_over());
    chaos.refuse();
    // A clock that is set forward by minutes ends no living holder's lease.
    assert!(inside.remains().await > 9 * 60 * 1000);
    assert!(inside.persist().await, "the key was to run out");
    let before = inside.value().await.unwrap();

    let other = leases(&url, DEAD_AFTER);
    let began = Instant::now();
    let taken = timeout(Duration::from_secs(12), other.acquire(&module))
        .await
        .expect("it is taken over");
    let waited = began.elapsed();
    assert!(taken.is_taken_over());
    assert!(waited >= DEAD_AFTER, "after {waited:?}");
    assert_ne!(inside.value().await.unwrap(), before);

    // Who was taken for dead and comes back neither renews nor frees what is another's now.
    chaos.behave();
    tokio::time::sleep(DEAD_AFTER).await;
    drop(held);
    let third = leases(&url, DEAD_AFTER);
    let waiting = timeout(DEAD_AFTER * 2, third.acquire(&module));
    assert!(waiting.await.is_err(), "its holder lives");
    drop(taken);
    let next = timeout(Duration::from_secs(5), third.acquire(&module)).await;
    assert!(!next.unwrap().is_taken_over(), "it was given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_lives_is_never_taken_over_and_shows_it_by_another_value_each_time() {
    let url = match address("STOA_TEST_REDIS") {
        Ok(url) => url,
        Err(why) => skip_or_fail!("{why}"),
    };
    let module = ModuleVersion::parse("example.com/m", "v1.0.0").unwrap();
    let mut inside = Inside::of(&url, &module).await;
    let (one, other) = (leases(&url, DEAD_AFTER), leases(&url, DEAD_AFTER));
    let held = one.acquire(&module).await;
    let first = inside.value().await.unwrap();
    let waiting = tokio::spawn({
        let module = module.clone();
        async move { other.acquire(&module).await }
    });
    let began = Instant::now();
    let mut values = vec![first];
    while began.elapsed() < DEAD_AFTER * 4 {
        inside.persist().await;
        let value = inside.value().await.unwrap();
        if values.last() != Some(&value) {
            values.push(value);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!waiting.is_finished(), "a living holder was taken over");
    assert!(values.len() > 6, "{values:?}");
    drop(held);
    let next = timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
    assert!(!next.is_taken_over());
}
