//! What `insert` answers, and what it leaves behind when nobody waits for the answer.

use super::{
    Place, ROUNDS, Samples,
    reading::{assert_kept, bytes_of, whole},
};
use crate::{
    file::{Kind, ModuleFile},
    store::Inserted,
};
use std::{pin::pin, task::Poll};

pub(super) async fn inserting_the_same_bytes_again_is_same(place: &dyn Place) {
    let (store, samples) = (place.open().await, Samples::new());
    let module = Samples::module("example.com/m", "v1.0.0");
    for kind in Kind::ALL {
        let file = samples.of_kind(&module, kind, 0).await;
        assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
        for _ in 0..2 {
            // Not only the same value: the same bytes out of another body.
            let again = samples.of_kind(&module, kind, 0).await;
            assert_eq!(store.insert(again).await.unwrap(), Inserted::Same);
            assert_kept(&*store, &file).await;
        }
    }
}

pub(super) async fn inserting_other_bytes_is_other_and_changes_nothing(place: &dyn Place) {
    let (store, samples) = (place.open().await, Samples::new());
    let module = Samples::module("example.com/m", "v1.0.0");
    for kind in Kind::ALL {
        let file = samples.of_kind(&module, kind, 0).await;
        let other = samples.of_kind(&module, kind, 1).await;
        assert_eq!(
            file.body().size(),
            other.body().size(),
            "comparing sizes must not be enough"
        );
        assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
        assert_eq!(store.insert(other.clone()).await.unwrap(), Inserted::Other);
        assert_kept(&*store, &file).await;
        assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::Same);
        assert_kept(&*place.open().await, &file).await;
    }
    let longer = samples.go_mod(&module, 0, 100_000).await;
    assert_eq!(store.insert(longer).await.unwrap(), Inserted::Other);
    assert_kept(&*store, &samples.go_mod(&module, 0, 0).await).await;
}

pub(super) async fn a_file_is_kept_on_its_own(place: &dyn Place) {
    let (store, samples) = (place.open().await, Samples::new());
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let module = Samples::module("example.com/m", &format!("v1.0.{number}"));
        let file = samples.of_kind(&module, kind, 0).await;
        assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
        assert_kept(&*store, &file).await;
        for other in Kind::ALL.into_iter().filter(|other| *other != kind) {
            assert_eq!(
                whole(&*store, &ModuleFile::new(module.clone(), other)).await,
                None
            );
        }
    }
}

/// A crash in miniature: whoever inserted is gone after the n-th step, and somebody else comes with other bytes.
pub(super) async fn an_abandoned_insert_leaves_the_file_whole_or_free(place: &dyn Place) {
    let (store, samples) = (place.open().await, Samples::new());
    let mut polls = 0;
    for round in 0..2 * ROUNDS {
        let module = Samples::module("example.com/m", &format!("v1.0.{round}"));
        // In memory in one round, in a spool file in the next.
        let size = if round % 2 == 0 { 0 } else { 100_000 };
        let (one, other) = (
            samples.go_mod(&module, 1, size).await,
            samples.go_mod(&module, 2, size).await,
        );
        let finished = abandoned_after(polls, store.insert(one.clone())).await.is_some();
        if let Some(left) = whole(&*store, one.file()).await {
            assert!(
                left == bytes_of(&one),
                "after {polls} polls, {} is not whole",
                one.file()
            );
        }
        let kept = match store.insert(other.clone()).await.unwrap() {
            Inserted::New => &other,
            Inserted::Other => &one,
            Inserted::Same => panic!("after {polls} polls, other bytes are said to be the same"),
        };
        assert_kept(&*store, kept).await;
        assert_eq!(store.insert(kept.clone()).await.unwrap(), Inserted::Same);
        assert_kept(&*place.open().await, kept).await;
        // One step further each round; past the last step, from the first again.
        polls = if finished { 0 } else { polls + 1 };
    }
}

/// Polls a future so many times, whenever it asks to be, and drops it unless it was ready by then.
pub(super) async fn abandoned_after<F: Future>(polls: u32, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
