//! What is true while everybody lives: one at a time, and everybody in turn.

use super::{
    LeasePlace, NEVER,
    nodes::{named, version},
};
use crate::lease::Leases;
use futures::future::join_all;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How often what races is asked.
const ROUNDS: usize = 50;
/// How many rounds, each about a version of its own, are asked at the same time.
const TOGETHER: usize = 25;
const NODES: usize = 3;

pub(super) async fn a_version_has_one_holder_at_a_time(place: &dyn LeasePlace) {
    let nodes = join_all((0..NODES).map(|_| place.open(NEVER))).await;
    for chunk in 0..ROUNDS / TOGETHER {
        let rounds = (0..TOGETHER).map(|number| race(&nodes, chunk * TOGETHER + number));
        join_all(rounds).await;
    }
}

/// Several tasks of several nodes want one version at the same moment.
async fn race(nodes: &[Arc<dyn Leases>], round: usize) {
    let (inside, turns) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let contenders = nodes.iter().cycle().take(NODES + 1).map(|leases| {
        let (leases, inside, turns) = (Arc::clone(leases), Arc::clone(&inside), Arc::clone(&turns));
        tokio::spawn(async move {
            let lease = leases.acquire(&version(&format!("v1.0.{round}"))).await;
            assert_eq!(
                inside.fetch_add(1, Ordering::SeqCst),
                0,
                "round {round} has two holders"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
            inside.fetch_sub(1, Ordering::SeqCst);
            turns.fetch_add(1, Ordering::SeqCst);
            drop(lease);
        })
    });
    for done in join_all(contenders).await {
        done.unwrap();
    }
    assert_eq!(turns.load(Ordering::SeqCst), NODES + 1);
}

pub(super) async fn everybody_who_waits_gets_a_turn(place: &dyn LeasePlace) {
    let nodes = join_all((0..NODES).map(|_| place.open(NEVER))).await;
    let turns = Arc::new(AtomicUsize::new(0));
    let crowd = nodes.iter().cycle().take(4 * NODES).map(|leases| {
        let (leases, turns) = (Arc::clone(leases), Arc::clone(&turns));
        tokio::spawn(async move {
            let _lease = leases.acquire(&version("v1.0.0")).await;
            turns.fetch_add(1, Ordering::SeqCst);
        })
    });
    for done in join_all(crowd).await {
        done.unwrap();
    }
    assert_eq!(turns.load(Ordering::SeqCst), 4 * NODES);
}

pub(super) async fn a_lease_is_given_back_when_it_is_dropped(place: &dyn LeasePlace) {
    let (one, other) = (place.open(NEVER).await, place.open(NEVER).await);
    for _ in 0..5 {
        drop(one.acquire(&version("v1.0.0")).await);
        let lease = other.acquire(&version("v1.0.0")).await;
        assert!(!lease.is_taken_over(), "it was given back, not left behind");
    }
}

pub(super) async fn versions_do_not_wait_for_each_other(place: &dyn LeasePlace) {
    let (one, other) = (place.open(NEVER).await, place.open(NEVER).await);
    let _one = one.acquire(&version("v1.0.0")).await;
    let _other = other.acquire(&version("v1.0.1")).await;
    let _same_node = one.acquire(&version("v1.0.2")).await;
}

pub(super) async fn versions_that_look_alike_do_not_wait_for_each_other(place: &dyn LeasePlace) {
    let leases = place.open(NEVER).await;
    let alike = [
        named("example.com/m", "v1.0.0"),
        named("example.com/M", "v1.0.0"),
        named("example.com/m", "v1.0.0-a"),
        named("example.com/m", "v1.0.0-A"),
        named("example.com/m/v2", "v2.0.0"),
        named("example.com/m", "v2.0.0+incompatible"),
    ];
    assert_eq!(
        join_all(alike.iter().map(|module| leases.acquire(module)))
            .await
            .len(),
        alike.len()
    );
}

pub(super) async fn who_stops_waiting_leaves_nothing_behind(place: &dyn LeasePlace) {
    let (one, other) = (place.open(NEVER).await, place.open(NEVER).await);
    // Behind a holder, for a while.
    let module = version("v1.0.0");
    let held = one.acquire(&module).await;
    for leases in [&one, &other] {
        let waiting = tokio::time::timeout(Duration::from_millis(500), leases.acquire(&module));
        assert!(waiting.await.is_err(), "two holders");
    }
    drop(held);
    drop(other.acquire(&version("v1.0.0")).await);
    drop(one.acquire(&version("v1.0.0")).await);
    // With nobody before it, at any moment of asking.
    for millis in 0..20 {
        let moment = Duration::from_millis(millis);
        drop(tokio::time::timeout(moment, one.acquire(&version("v1.0.1"))).await);
        drop(other.acquire(&version("v1.0.1")).await);
    }
}

pub(super) async fn where_the_service_is_away_leases_are_free(place: &dyn LeasePlace) {
    let Some(leases) = place.away().await else {
        return;
    };
    for number in 0..2 {
        drop(leases.acquire(&version(&format!("v1.0.{number}"))).await);
    }
}
