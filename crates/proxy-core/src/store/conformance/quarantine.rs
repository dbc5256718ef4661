//! What a quarantine promises.

use super::{
    QuarantinePlace, ROUNDS, Samples,
    inserting::abandoned_after,
    reading::{assert_kept, bytes_of, whole},
};
use crate::{
    file::Kind,
    store::{Corrupt, Inserted, ModuleStore, Part},
    verify::Verified,
};
use futures::future::join_all;
use std::sync::Arc;

/// What a check would have proven of this file.
fn found(file: &Verified) -> Corrupt {
    Corrupt::proven(
        file.file().clone(),
        Some(file.body().sha256()),
        file.h1(),
        "it was chosen for a test".to_owned(),
    )
}

async fn insert(store: &dyn ModuleStore, file: &Verified) {
    assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
}

pub(super) async fn a_file_set_aside_is_a_miss(place: &dyn QuarantinePlace) {
    let ((store, quarantine), samples) = (place.open().await, Samples::new());
    let module = Samples::module("example.com/m", "v1.0.0");
    let mut files = Vec::new();
    for kind in Kind::ALL {
        let file = samples.of_kind(&module, kind, 0).await;
        insert(&*store, &file).await;
        files.push(file);
    }
    for (number, file) in files.iter().enumerate() {
        // It is read before, so that a memory in front of the store has it.
        assert_kept(&*store, file).await;
        quarantine.set_aside(found(file)).await.unwrap();
        assert!(store.open(file.file(), Part::Nothing).await.unwrap().is_none());
        assert_eq!(whole(&*store, file.file()).await, None);
        assert_eq!(whole(&*place.open().await.0, file.file()).await, None);
        for left in &files[number + 1..] {
            assert_kept(&*store, left).await;
        }
    }
    assert_eq!(store.versions(module.path()).await.unwrap(), []);
}

pub(super) async fn a_file_set_aside_can_be_inserted_anew(place: &dyn QuarantinePlace) {
    let ((store, quarantine), samples) = (place.open().await, Samples::new());
    let module = Samples::module("example.com/m", "v1.0.0");
    for kind in Kind::ALL {
        let (damaged, right) = (
            samples.of_kind(&module, kind, 1).await,
            samples.of_kind(&module, kind, 0).await,
        );
        insert(&*store, &damaged).await;
        assert_kept(&*store, &damaged).await;
        // What is recorded of the file is what it should be, and a folder's sum beside the zip is that of the damage.
        let proven = Corrupt::proven(
            damaged.file().clone(),
            Some(damaged.body().sha256()),
            right.h1(),
            "it was chosen for a test".to_owned(),
        );
        quarantine.set_aside(proven).await.unwrap();
        insert(&*store, &right).await;
        assert_kept(&*store, &right).await;
        assert_kept(&*place.open().await.0, &right).await;
    }
}

pub(super) async fn other_bytes_than_those_found_stay(place: &dyn QuarantinePlace) {
    let ((store, quarantine), samples) = (place.open().await, Samples::new());
    let module = Samples::module("example.com/m", "v1.0.0");
    for kind in Kind::ALL {
        let (kept, other) = (
            samples.of_kind(&module, kind, 0).await,
            samples.of_kind(&module, kind, 1).await,
        );
        insert(&*store, &kept).await;
        quarantine.set_aside(found(&other)).await.unwrap();
        assert_kept(&*store, &kept).await;
        // It could not be read when it was looked at, and can be now: it is not what was found.
        let unreadable = Corrupt::proven(kept.file().clone(), None, None, "it was unreadable".to_owned());
        quarantine.set_aside(unreadable).await.unwrap();
        assert_kept(&*store, &kept).await;
    }
}

pub(super) async fn what_is_not_there_is_no_matter(place: &dyn QuarantinePlace) {
    let ((store, quarantine), samples) = (place.open().await, Samples::new());
    let module = Samples::module("example.com/m", "v1.0.0");
    let file = samples.go_mod(&module, 0, 0).await;
    quarantine.set_aside(found(&file)).await.unwrap();
    insert(&*store, &file).await;
    quarantine.set_aside(found(&file)).await.unwrap();
    quarantine.set_aside(found(&file)).await.unwrap();
    assert_eq!(whole(&*store, file.file()).await, None);
}

pub(super) async fn a_file_can_be_set_aside_again_and_again(place: &dyn QuarantinePlace) {
    let ((store, quarantine), samples) = (place.open().await, Samples::new());
    let module = Samples::module("example.com/m", "v1.0.0");
    for kind in Kind::ALL {
        let file = samples.of_kind(&module, kind, 0).await;
        for _ in 0..3 {
            insert(&*store, &file).await;
            assert_kept(&*store, &file).await;
            quarantine.set_aside(found(&file)).await.unwrap();
            assert_eq!(whole(&*store, file.file()).await, None);
        }
    }
}

/// Two nodes find the same damage; one sets it aside and the file is fetched anew while the other is still about to.
pub(super) async fn racing_nodes_take_nothing_that_was_healed(place: &dyn QuarantinePlace) {
    let samples = Samples::new();
    let handles = [place.open().await, place.open().await, place.open().await];
    for round in 0..ROUNDS {
        let module = Samples::module("example.com/m", &format!("v1.0.{round}"));
        let (damaged, right) = (
            samples.go_mod(&module, 1, 0).await,
            samples.go_mod(&module, 0, 0).await,
        );
        insert(&*handles[0].0, &damaged).await;
        let nodes = handles.iter().map(|(store, quarantine)| {
            let (store, quarantine) = (Arc::clone(store), Arc::clone(quarantine));
            let (damaged, right) = (damaged.clone(), right.clone());
            tokio::spawn(async move {
                quarantine.set_aside(found(&damaged)).await.unwrap();
                // Whoever came first healed it; nobody finds the damaged bytes again.
                let inserted = store.insert(right).await.unwrap();
                assert_ne!(inserted, Inserted::Other, "the damaged bytes are back");
                inserted
            })
        });
        let outcomes = join_all(nodes).await;
        let outcomes: Vec<Inserted> = outcomes.into_iter().map(|outcome| outcome.unwrap()).collect();
        let new = outcomes.iter().filter(|found| **found == Inserted::New).count();
        assert_eq!(
            new, 1,
            "round {round}: a healed file was taken away: {outcomes:?}"
        );
        for (store, _) in &handles {
            assert_kept(&**store, &right).await;
        }
    }
}

pub(super) async fn an_abandoned_setting_aside_happened_or_did_not(place: &dyn QuarantinePlace) {
    let ((store, quarantine), samples) = (place.open().await, Samples::new());
    for polls in 0..ROUNDS / 2 {
        let module = Samples::module("example.com/m", &format!("v1.0.{polls}"));
        let (damaged, right) = (
            samples.go_mod(&module, 1, 0).await,
            samples.go_mod(&module, 0, 0).await,
        );
        insert(&*store, &damaged).await;
        let _ = abandoned_after(polls, quarantine.set_aside(found(&damaged))).await;
        if let Some(left) = whole(&*store, damaged.file()).await {
            assert!(
                left == bytes_of(&damaged),
                "after {polls} polls, half of it is left"
            );
        }
        // Whatever it left behind, the next one ends it; and what is still under way takes nothing else away.
        quarantine.set_aside(found(&damaged)).await.unwrap();
        assert_eq!(whole(&*store, damaged.file()).await, None);
        insert(&*store, &right).await;
        assert_kept(&*place.open().await.0, &right).await;
    }
}
