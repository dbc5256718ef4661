//! What is true when holders die or stall.

use super::{
    LeasePlace, NEVER, SOON,
    nodes::{Node, version},
};
use tokio::time::timeout;

pub(super) async fn a_lease_is_kept_for_as_long_as_its_holder_lives(place: &dyn LeasePlace) {
    let (one, other) = (place.open(SOON).await, place.open(SOON).await);
    let module = version("v1.0.0");
    let held = one.acquire(&module).await;
    let waiting = timeout(SOON * 2, other.acquire(&module));
    assert!(waiting.await.is_err(), "it was taken from a holder that lives");
    drop(held);
    assert!(!other.acquire(&module).await.is_taken_over());
}

pub(super) async fn a_dead_holder_is_taken_over(place: &dyn LeasePlace) {
    if place.is_one_process() {
        return;
    }
    let (one, other) = (place.open(SOON).await, place.open(SOON).await);
    let module = version("v1.0.0");
    let mut node = Node::wanting(one, module.clone());
    let _held = node.has_it().await;
    let waiting = other.acquire(&module);
    node.die();
    drop(waiting.await);
}

pub(super) async fn a_dead_waiter_holds_nothing(place: &dyn LeasePlace) {
    let [one, other, third] = [
        place.open(NEVER).await,
        place.open(NEVER).await,
        place.open(NEVER).await,
    ];
    let held = one.acquire(&version("v1.0.0")).await;
    let waiter = Node::wanting(other, version("v1.0.0"));
    tokio::time::sleep(SOON / 10).await;
    waiter.die();
    tokio::time::sleep(SOON / 10).await;
    drop(held);
    drop(third.acquire(&version("v1.0.0")).await);
}

pub(super) async fn a_holder_that_comes_back_too_late_frees_nobody_elses_lease(place: &dyn LeasePlace) {
    if place.bears_silence() {
        return;
    }
    let [one, other, third] = [
        place.open(SOON).await,
        place.open(SOON).await,
        place.open(SOON).await,
    ];
    let module = version("v1.0.0");
    let mut stalled = Node::wanting(one, module.clone());
    let lost = stalled.has_it().await;
    stalled.stall();
    let held = other.acquire(&module).await;
    drop(lost);
    stalled.go_on();
    let waiting = timeout(SOON, third.acquire(&module));
    assert!(waiting.await.is_err(), "a lease was freed by one who had lost it");
    drop(held);
    drop(third.acquire(&version("v1.0.0")).await);
}
