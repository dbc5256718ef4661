//! What a record store promises.

use super::{RACES, ROUNDS, RecordPlace, inserting::abandoned_after};
use crate::records::{Record, RecordKey, RecordStore, Revision, Written};
use bytes::Bytes;
use futures::{StreamExt, future::join_all, stream};
use std::{collections::HashSet, sync::Arc};
use tokio::sync::Barrier;

pub(super) async fn a_record_never_written_is_none(place: &dyn RecordPlace) {
    let records = place.open().await;
    for name in [
        "head",
        "seen/example.com/m@v1.0.0",
        "sumdb/sum.example.com/latest",
    ] {
        assert!(records.read(&key(name)).await.unwrap().is_none());
        let gone = Revision("0".into());
        assert_eq!(
            records.write(&key(name), "x".into(), Some(&gone)).await.unwrap(),
            Written::Changed
        );
        assert!(
            records.read(&key(name)).await.unwrap().is_none(),
            "a write that found it changed wrote {name}"
        );
    }
}

pub(super) async fn a_written_record_reads_back(place: &dyn RecordPlace) {
    let records = place.open().await;
    let sizes = [0, 1, 1000, 100_000, 1 << 20];
    for (number, size) in sizes.into_iter().enumerate() {
        let (key, bytes) = (key(&format!("a/{number}")), Bytes::from(vec![number as u8; size]));
        let revision = done(records.write(&key, bytes.clone(), None).await.unwrap());
        let record = records.read(&key).await.unwrap().expect("it was written");
        assert!(record.bytes == bytes, "other bytes of {size}");
        assert_eq!(record.revision, revision);
    }
}

pub(super) async fn a_write_replaces_only_the_state_it_expects(place: &dyn RecordPlace) {
    let (records, key) = (place.open().await, key("counter"));
    let first = done(records.write(&key, "one".into(), None).await.unwrap());
    assert_eq!(
        records.write(&key, "two".into(), None).await.unwrap(),
        Written::Changed
    );
    assert_eq!(text(&*records, &key).await, "one");
    let second = done(records.write(&key, "two".into(), Some(&first)).await.unwrap());
    assert_ne!(first, second);
    assert_eq!(text(&*records, &key).await, "two");
    for stale in [Some(&first), None] {
        assert_eq!(
            records.write(&key, "three".into(), stale).await.unwrap(),
            Written::Changed
        );
        assert_eq!(text(&*records, &key).await, "two");
    }
    let third = done(records.write(&key, "three".into(), Some(&second)).await.unwrap());
    let record = records.read(&key).await.unwrap().expect("it was written");
    assert_eq!((record.bytes, record.revision), (Bytes::from("three"), third));
}

pub(super) async fn a_removed_record_is_none(place: &dyn RecordPlace) {
    let (records, key) = (place.open().await, key("a/b/c"));
    records.remove(&key).await.unwrap();
    let revision = done(records.write(&key, "one".into(), None).await.unwrap());
    records.remove(&key).await.unwrap();
    assert!(records.read(&key).await.unwrap().is_none());
    assert_eq!(
        records.write(&key, "two".into(), Some(&revision)).await.unwrap(),
        Written::Changed
    );
    records.remove(&key).await.unwrap();
    let _ = done(records.write(&key, "three".into(), None).await.unwrap());
    assert_eq!(text(&*records, &key).await, "three");
}

pub(super) async fn keys_stay_apart(place: &dyn RecordPlace) {
    let records = place.open().await;
    let names = [
        "seen/example.com/m@v1.0.0",
        "seen/example.com/m@v1.0.0+incompatible",
        "seen/example.com/!m@v1.0.0",
        "seen/example.com/~user/m@v1.0.0",
        "seen/example.com-m@v1.0.0",
        "sumdb/sum.example.com/tile/8/0/x001/234",
        "sumdb/sum.example.com/tile/8/0/x001/234.p",
        "sumdb-sum.example.com",
        "a=b,c_d",
    ];
    // As long as the names of two files together, and different only at the end.
    let long = format!("seen/example.com/{}@v1.0.0-{}", "m".repeat(255), "a".repeat(200));
    let longer = format!("{long}b");
    for name in names.into_iter().chain([&*long, &*longer]) {
        let _ = done(
            records
                .write(&key(name), name.to_owned().into(), None)
                .await
                .unwrap(),
        );
    }
    for name in names.into_iter().chain([&*long, &*longer]) {
        assert_eq!(text(&*records, &key(name)).await, name);
    }
}

pub(super) async fn racing_writes_have_one_winner(place: &dyn RecordPlace) {
    let stores = [place.open().await, place.open().await];
    let stores = &stores;
    let rounds = stream::iter(0..ROUNDS / 2).for_each_concurrent(RACES, |round| async move {
        let key = key(&format!("race/{round}"));
        // Of eight that make it one does, and of eight that replace just that.
        let made = race(stores, &key, None).await;
        race(stores, &key, Some(&made)).await;
    });
    rounds.await;
}

/// Writes eight times at the same moment, half of them through either handle; gives what the winner wrote.
async fn race(stores: &[Arc<dyn RecordStore>; 2], key: &RecordKey, expected: Option<&Revision>) -> Revision {
    let start = Arc::new(Barrier::new(8));
    let writes = (0..8).zip(stores.iter().cycle()).map(|(number, store)| {
        let (store, key, start) = (Arc::clone(store), key.clone(), Arc::clone(&start));
        let expected = expected.cloned();
        tokio::spawn(async move {
            start.wait().await;
            let bytes = format!("{number} in place of {expected:?}");
            let written = store.write(&key, bytes.clone().into(), expected.as_ref()).await;
            (bytes, written.unwrap())
        })
    });
    let outcomes: Vec<_> = join_all(writes)
        .await
        .into_iter()
        .map(|done| done.expect("no write panics"))
        .collect();
    let winners: Vec<_> = outcomes
        .iter()
        .filter(|(_, found)| *found != Written::Changed)
        .collect();
    assert_eq!(winners.len(), 1, "{key}: {outcomes:?}");
    for store in stores {
        assert_eq!(text(&**store, key).await, winners[0].0);
    }
    done(winners[0].1.clone())
}

pub(super) async fn no_count_is_lost(place: &dyn RecordPlace) {
    let key = key("count");
    let counters = (0..4).map(|_| async {
        let (records, key) = (place.open().await, key.clone());
        tokio::spawn(async move {
            for _ in 0..25 {
                count(&*records, &key).await;
            }
        })
        .await
        .expect("no write panics");
    });
    join_all(counters).await;
    assert_eq!(text(&*place.open().await, &key).await, "100");
}

/// Adds one, however often somebody else comes first.
async fn count(records: &dyn RecordStore, key: &RecordKey) {
    loop {
        let record = records.read(key).await.unwrap();
        let count: u32 = record
            .as_ref()
            .map_or(0, |record| as_text(record).parse().expect("a whole number"));
        let bytes = (count + 1).to_string().into();
        let expected = record.as_ref().map(|record| &record.revision);
        if records.write(key, bytes, expected).await.unwrap() != Written::Changed {
            return;
        }
    }
}

pub(super) async fn readers_see_whole_records(place: &dyn RecordPlace) {
    let (key, writer) = (key("watched"), place.open().await);
    let state = |number: u32| Bytes::from(format!("{number:>8}").repeat(20_000));
    let states: HashSet<Bytes> = (0..ROUNDS).map(state).collect();
    let mut revision = done(writer.write(&key, state(0), None).await.unwrap());
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut readers = Vec::new();
    for _ in 0..3 {
        let (records, key, states, stopped) =
            (place.open().await, key.clone(), states.clone(), stopped.clone());
        readers.push(tokio::spawn(async move {
            while !*stopped.borrow() {
                let record = records.read(&key).await.unwrap();
                let bytes = record.expect("it was there and is gone").bytes;
                assert!(
                    states.contains(&bytes),
                    "nobody wrote these {} bytes",
                    bytes.len()
                );
                tokio::task::yield_now().await;
            }
        }));
    }
    for number in 1..ROUNDS {
        revision = done(writer.write(&key, state(number), Some(&revision)).await.unwrap());
    }
    stop.send_replace(true);
    for reader in join_all(readers).await {
        reader.unwrap_or_else(|saw| panic!("a reader saw half a record: {saw}"));
    }
}

pub(super) async fn an_abandoned_write_happened_or_did_not(place: &dyn RecordPlace) {
    let records = place.open().await;
    for polls in 0..ROUNDS {
        let key = key(&format!("abandoned/{polls}"));
        let before = done(records.write(&key, "before".into(), None).await.unwrap());
        let _ = abandoned_after(polls, records.write(&key, "after".into(), Some(&before))).await;
        // It may still be under way. The next write expects what is there now, so it ends whatever comes of it.
        loop {
            let now = records.read(&key).await.unwrap().expect("it was written");
            assert!(
                ["before", "after"].contains(&as_text(&now).as_str()),
                "{:?} after {polls} polls",
                now.bytes
            );
            if records
                .write(&key, "end".into(), Some(&now.revision))
                .await
                .unwrap()
                != Written::Changed
            {
                break;
            }
        }
        assert_eq!(text(&*records, &key).await, "end");
    }
}

pub(super) async fn reopened_records_are_all_there(place: &dyn RecordPlace) {
    let records = place.open().await;
    let keys: Vec<RecordKey> = (0..10).map(|number| key(&format!("kept/{number}"))).collect();
    let mut revisions = Vec::new();
    for key in &keys {
        revisions.push(done(
            records
                .write(key, key.as_str().to_owned().into(), None)
                .await
                .unwrap(),
        ));
    }
    drop(records);
    let reopened = place.open().await;
    for (key, revision) in keys.iter().zip(revisions) {
        assert_eq!(text(&*reopened, key).await, key.as_str());
        let _ = done(reopened.write(key, "more".into(), Some(&revision)).await.unwrap());
    }
}

fn key(name: &str) -> RecordKey {
    RecordKey::parse(name).expect("a sample's key is valid")
}

fn done(written: Written) -> Revision {
    match written {
        Written::Done(revision) => revision,
        Written::Changed => panic!("nobody else wrote, and yet it is said to have changed"),
    }
}

async fn text(records: &dyn RecordStore, key: &RecordKey) -> String {
    as_text(
        &records
            .read(key)
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("{key} was written and is not there")),
    )
}

fn as_text(record: &Record) -> String {
    String::from_utf8_lossy(&record.bytes).into_owned()
}
