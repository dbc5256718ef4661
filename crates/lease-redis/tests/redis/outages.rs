//! Redis away, in the middle of it and from the start: leases are free, and nothing is said that should not be.

use super::{address, leases};
use lease_redis::{RedisLeases, RedisUrl};
use proxy_core::{
    lease::{DEAD_AFTER, Leases},
    module::ModuleVersion,
};
use std::{error::Error, time::Duration};
use testkit::{
    chaos::Chaos,
    port::{Port, Silence},
    skip_or_fail,
};
use tokio::time::timeout;

fn module(version: &str) -> ModuleVersion {
    ModuleVersion::parse("example.com/m", version).unwrap()
}

/// The address of a server, reached through what breaks connections on command.
pub(crate) fn through(chaos: &Chaos, url: &str) -> String {
    let (before, behind) = url.rsplit_once('@').unwrap();
    let rest = behind.find(['/', '?']).map_or("", |end| &behind[end..]);
    format!("{before}@{}{rest}", chaos.address())
}

pub(crate) fn host_of(url: &str) -> &str {
    let (_, behind) = url.rsplit_once('@').unwrap();
    behind.split(['/', '?']).next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_between_questions_is_made_anew() {
    let url = match address("STOA_TEST_REDIS") {
        Ok(url) => url,
        Err(why) => skip_or_fail!("{why}"),
    };
    let chaos = Chaos::before(host_of(&url));
    let (broken, other) = (
        leases(&through(&chaos, &url), DEAD_AFTER),
        leases(&url, DEAD_AFTER),
    );
    let held = broken.acquire(&module("v1.0.0")).await;
    chaos.cut();
    let again = broken.acquire(&module("v1.0.1")).await;
    let wanted = module("v1.0.1");
    let waiting = timeout(Duration::from_secs(3), other.acquire(&wanted));
    assert!(
        waiting.await.is_err(),
        "the lease was had for good, not for want of a Redis"
    );
    drop((held, again));
    drop(other.acquire(&module("v1.0.0")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_whose_answer_was_lost_is_had_by_the_next_try() {
    let url = match address("STOA_TEST_REDIS") {
        Ok(url) => url,
        Err(why) => skip_or_fail!("{why}"),
    };
    let chaos = Chaos::before(host_of(&url));
    let (deaf, other) = (
        leases(&through(&chaos, &url), DEAD_AFTER),
        leases(&url, DEAD_AFTER),
    );
    deaf.ping().await.unwrap();
    chaos.lose_next_answer();
    let lease = deaf.acquire(&module("v1.0.1")).await;
    assert_eq!(chaos.lost(), 1);
    assert!(!lease.is_taken_over(), "it was ours all the time");
    drop(lease);
    assert!(!other.acquire(&module("v1.0.1")).await.is_taken_over());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_stops_means_free_leases_and_one_that_comes_back_means_leases() {
    let url = match address("STOA_TEST_REDIS") {
        Ok(url) => url,
        Err(why) => skip_or_fail!("{why}"),
    };
    let chaos = Chaos::before(host_of(&url));
    let nodes = [
        leases(&through(&chaos, &url), DEAD_AFTER),
        leases(&through(&chaos, &url), DEAD_AFTER),
    ];
    let held = nodes[0].acquire(&module("v1.0.0")).await;
    chaos.refuse();
    let free = nodes[1].acquire(&module("v1.0.0")).await;
    drop((held, free));
    chaos.behave();
    let held = nodes[0].acquire(&module("v1.0.1")).await;
    let wanted = module("v1.0.1");
    assert!(
        timeout(Duration::from_secs(3), nodes[1].acquire(&wanted))
            .await
            .is_err()
    );
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_never_answers_means_a_free_lease() {
    let silence = Silence::start();
    let host = silence.url().replace("http://", "");
    for url in [
        format!("redis://:secret@{host}"),
        format!("redis+sentinel://:secret@{host}/m"),
        format!("redis+cluster://:secret@{host}"),
    ] {
        drop(leases(&url, DEAD_AFTER).acquire(&module("v1.0.0")).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_without_it() {
    let url = match address("STOA_TEST_REDIS") {
        Ok(url) => url,
        Err(why) => skip_or_fail!("{why}"),
    };
    let host = host_of(&url);
    for url in [
        format!("redis://:canary@{host}"),
        format!("redis://canary:canary@{}", Port::reserve().address()),
    ] {
        let leases = RedisLeases::new(&RedisUrl::parse(&url).unwrap()).unwrap();
        let error = leases.ping().await.unwrap_err();
        let mut said = format!("{leases:?} {error:?} {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            said.push_str(&format!(" {error} {error:?}"));
            cause = error.source();
        }
        assert!(!said.contains("canary"), "{said}");
        drop(leases.acquire(&module("v1.0.0")).await);
    }
}
