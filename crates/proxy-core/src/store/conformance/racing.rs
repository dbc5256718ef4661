//! What is true while several insert, or read, at once.

use super::{
    Place, RACES, ROUNDS, Samples,
    reading::{assert_kept, bytes_of, read},
};
use crate::{
    module::ModuleVersion,
    store::{Inserted, ModuleStore, Part},
    verify::Verified,
};
use futures::{StreamExt, future::join_all, stream};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::Barrier;

const CONTENDERS: u32 = 8;

pub(super) async fn racing_inserts_have_one_winner(place: &dyn Place) {
    let samples = Samples::new();
    let stores = [place.open().await, place.open().await];
    let (samples, stores) = (&samples, &stores);
    let rounds = stream::iter(0..ROUNDS).for_each_concurrent(RACES, |round| async move {
        let module = Samples::module("example.com/m", &format!("v1.0.{round}"));
        let files = join_all((0..CONTENDERS).map(|salt| contender(samples, &module, round, salt))).await;
        let outcomes = race(stores, &files).await;
        let winners: Vec<&Verified> = outcomes
            .iter()
            .zip(&files)
            .filter(|(found, _)| **found == Inserted::New)
            .map(|(_, file)| file)
            .collect();
        assert_eq!(
            winners.len(),
            1,
            "round {round} has {} winners: {outcomes:?}",
            winners.len()
        );
        let losers = outcomes.iter().filter(|found| **found == Inserted::Other).count();
        assert_eq!(losers as u32, CONTENDERS - 1, "round {round}: {outcomes:?}");
        for store in stores {
            assert_kept(&**store, winners[0]).await;
        }
    });
    rounds.await;
}

pub(super) async fn racing_inserts_of_the_same_bytes_are_new_once(place: &dyn Place) {
    let samples = Samples::new();
    let stores = [place.open().await, place.open().await];
    let (samples, stores) = (&samples, &stores);
    let rounds = stream::iter(0..ROUNDS).for_each_concurrent(RACES, |round| async move {
        let module = Samples::module("example.com/m", &format!("v1.0.{round}"));
        let files = join_all((0..CONTENDERS).map(|_| contender(samples, &module, round, 0))).await;
        let outcomes = race(stores, &files).await;
        let count = |wanted| outcomes.iter().filter(|found| **found == wanted).count() as u32;
        assert_eq!(
            (count(Inserted::New), count(Inserted::Same)),
            (1, CONTENDERS - 1),
            "round {round}: {outcomes:?}"
        );
        assert_kept(&*stores[1], &files[0]).await;
    });
    rounds.await;
}

/// What is raced with: in every other round an `.info`, since a store may do more for one, and in every fifth a file that
/// does not come from memory.
async fn contender(samples: &Samples, module: &ModuleVersion, round: u32, salt: u32) -> Verified {
    match round {
        _ if round % 5 == 4 => samples.go_mod(module, salt, 100_000).await,
        _ if round % 2 == 1 => samples.info(module, salt).await,
        _ => samples.go_mod(module, salt, 0).await,
    }
}

/// Inserts all at the same moment, half of them through either handle.
async fn race(stores: &[Arc<dyn ModuleStore>; 2], files: &[Verified]) -> Vec<Inserted> {
    let start = Arc::new(Barrier::new(files.len()));
    let inserts = files.iter().zip(stores.iter().cycle()).map(|(file, store)| {
        let (file, store, start) = (file.clone(), Arc::clone(store), Arc::clone(&start));
        tokio::spawn(async move {
            start.wait().await;
            store.insert(file).await.expect("a race is no reason to fail")
        })
    });
    join_all(inserts)
        .await
        .into_iter()
        .map(|done| done.expect("an insert does not panic"))
        .collect()
}

pub(super) async fn readers_see_all_of_a_file_or_none(place: &dyn Place) {
    let samples = Samples::new();
    let stores = [place.open().await, place.open().await];
    for round in 0..ROUNDS {
        let module = Samples::module("example.com/m", &format!("v1.0.{round}"));
        let size = [0, 60_000, 700_000][round as usize % 3];
        let file = samples.go_mod(&module, round, size).await;
        let inserted = Arc::new(AtomicBool::new(false));
        let start = Arc::new(Barrier::new(5));
        let readers: Vec<_> = (0..4)
            .map(|reader| {
                let (store, file) = (Arc::clone(&stores[reader % 2]), file.clone());
                let (inserted, start) = (Arc::clone(&inserted), Arc::clone(&start));
                tokio::spawn(async move {
                    start.wait().await;
                    watch(&*store, &file, &inserted).await;
                })
            })
            .collect();
        start.wait().await;
        assert_eq!(stores[0].insert(file.clone()).await.unwrap(), Inserted::New);
        inserted.store(true, Ordering::SeqCst);
        for reader in join_all(readers).await {
            reader.unwrap_or_else(|saw| {
                panic!("in round {round} a reader saw less than a file or none: {saw}")
            });
        }
    }
}

/// Opens a file again and again until it has been there for a while: first it is absent, then it is whole for ever.
async fn watch(store: &dyn ModuleStore, file: &Verified, inserted: &AtomicBool) {
    let (whole, size) = (bytes_of(file), file.body().size());
    let mut seen = false;
    for part in [Part::Whole, Part::Nothing, Part::Last(100)].into_iter().cycle() {
        let last = inserted.load(Ordering::SeqCst);
        match store
            .open(file.file(), part)
            .await
            .expect("a store that works can be read")
        {
            None => assert!(!seen && !last, "{} was there and is gone", file.file()),
            Some(content) => {
                seen = true;
                assert_eq!(
                    (content.size, content.range.clone()),
                    (size, part.of(size)),
                    "{part:?}"
                );
                let range = content.range.start as usize..content.range.end as usize;
                assert!(
                    read(content).await == whole[range],
                    "{part:?} of {} is not what was inserted",
                    file.file()
                );
            }
        }
        if last {
            break;
        }
        tokio::task::yield_now().await;
    }
}
