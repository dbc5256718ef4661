//! Heartbeats by a clock that is turned by hand, over records that count and fail on command.

use super::*;
use crate::{
    module::{ModulePath, Version},
    store::MemoryStore,
};
use std::sync::{LazyLock, Mutex};
use tokio::time::{advance, sleep};

/// Records that count every request, and are away or lose answers on command.
#[derive(Debug, Default)]
struct Counted {
    store: MemoryStore,
    asked: Mutex<Vec<&'static str>>,
    mood: Mutex<Mood>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Mood {
    #[default]
    Well,
    /// Fails at once.
    Away,
    /// Never answers.
    Hangs,
    /// Does what it is asked, and the answer is lost.
    Deaf,
}

impl Counted {
    fn feel(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What was asked since the last time, in order.
    fn asked(&self) -> String {
        std::mem::take(&mut *self.asked.lock().unwrap()).join(" ")
    }

    async fn answer<T>(
        &self,
        question: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.asked.lock().unwrap().push(question);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Well => work.await,
            Mood::Away => Err(StoreError::unavailable("on purpose")),
            Mood::Hangs => std::future::pending().await,
            Mood::Deaf => {
                let _ = work.await;
                Err(StoreError::unavailable("lost on purpose"))
            }
        }
    }
}

#[async_trait]
impl RecordStore for Counted {
    async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        self.answer("read", self.store.read(key)).await
    }
    async fn write(
        &self,
        key: &RecordKey,
        bytes: Bytes,
        expected: Option<&Revision>,
    ) -> Result<Written, StoreError> {
        self.answer("write", self.store.write(key, bytes, expected)).await
    }
    async fn remove(&self, key: &RecordKey) -> Result<(), StoreError> {
        self.answer("remove", self.store.remove(key)).await
    }
}

fn module() -> &'static ModuleVersion {
    static MODULE: LazyLock<ModuleVersion> = LazyLock::new(|| {
        let (path, version) = (ModulePath::parse("example.com/m"), Version::parse("v1.0.0"));
        ModuleVersion::new(path.unwrap(), version.unwrap()).unwrap()
    });
    &MODULE
}

/// A node of its own, with what it asks of the records that all share.
fn node(records: &MemoryStore) -> (RecordLeases, Arc<Counted>) {
    let counted = Arc::new(Counted {
        store: records.clone(),
        ..Counted::default()
    });
    (RecordLeases::new(Arc::clone(&counted) as _), counted)
}

/// Lets every task do what it can do now.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

async fn held_by(records: &MemoryStore) -> Option<StoredLease> {
    let record = records.read(&key(module()).unwrap()).await.unwrap();
    record.map(|record| StoredLease::read(&record).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_nobody_else_wants_costs_a_write_and_a_removal() {
    let records = MemoryStore::new();
    let (leases, counted) = node(&records);
    let lease = leases.acquire(module()).await;
    sleep(Duration::from_secs(3)).await;
    drop(lease);
    settle().await;
    assert_eq!(counted.asked(), "write remove");
    assert!(held_by(&records).await.is_none(), "nothing is left of it");
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_every_four_seconds_while_the_work_goes_on() {
    let records = MemoryStore::new();
    let (leases, counted) = node(&records);
    let lease = leases.acquire(module()).await;
    sleep(Duration::from_secs(61)).await;
    assert_eq!(held_by(&records).await.unwrap().beat, 15);
    drop(lease);
    settle().await;
    assert_eq!(counted.asked(), format!("write{} remove", " write".repeat(15)));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_minute_costs_a_look_every_two_seconds() {
    let records = MemoryStore::new();
    let ((first, _), (second, counted)) = (node(&records), node(&records));
    let lease = first.acquire(module()).await;
    let mut waiting = second.acquire(module());
    tokio::select! {
        _ = &mut waiting => panic!("two holders"),
        () = sleep(Duration::from_secs(60)) => {}
    }
    let looks = counted.asked();
    assert!(looks.starts_with("write read read"), "{looks}");
    let looks = looks.split(' ').count();
    assert!((25..=45).contains(&looks), "{looks} requests in a minute");
    drop(lease);
    let given_back = Instant::now();
    assert!(!waiting.await.is_taken_over());
    assert!(
        given_back.elapsed() <= Duration::from_secs(3),
        "{:?}",
        given_back.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_crowd_of_one_process_asks_once_at_a_time() {
    let records = MemoryStore::new();
    let ((first, _), (second, counted)) = (node(&records), node(&records));
    let lease = first.acquire(module()).await;
    let crowd: Vec<_> = (0..50)
        .map(|_| {
            let second = second.clone();
            tokio::spawn(async move { drop(second.acquire(module()).await) })
        })
        .collect();
    sleep(Duration::from_secs(10)).await;
    let asked = counted.asked().split(' ').count();
    assert!(asked <= 15, "{asked} requests of fifty who wait for ten seconds");
    drop(lease);
    futures::future::try_join_all(crowd).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dead_holder_is_taken_over_within_twenty_seconds() {
    for seen_for in [0, 1, 3, 7, 30] {
        let records = MemoryStore::new();
        let (taker, _) = node(&records);
        let dying = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        // The holder's heart beats in a runtime of its own; when that goes, it is dead and gives nothing back.
        let (holder, _) = node(&records);
        let held = std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    let lease = dying.block_on(holder.acquire(module()));
                    dying.shutdown_background();
                    lease
                })
                .join()
                .unwrap()
        });
        let waiting = taker.acquire(module());
        let died = Instant::now();
        advance(Duration::from_secs(seen_for)).await;
        let lease = waiting.await;
        assert!(lease.is_taken_over());
        assert!(
            died.elapsed() <= Duration::from_secs(20 + seen_for),
            "{:?}",
            died.elapsed()
        );
        assert_eq!(held_by(&records).await.unwrap().fence, 2);
        drop((held, lease));
    }
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_is_seen_to_change_is_life_however_long_it_takes() {
    let records = MemoryStore::new();
    let ((holder, _), (taker, _)) = (node(&records), node(&records));
    let _lease = holder.acquire(module()).await;
    tokio::select! {
        _ = taker.acquire(module()) => panic!("two holders"),
        () = sleep(Duration::from_secs(3600)) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_comes_back_too_late_gives_back_nothing_of_others() {
    let records = MemoryStore::new();
    let ((first, stalled), (second, _), (third, _)) = (node(&records), node(&records), node(&records));
    let lost = first.acquire(module()).await;
    stalled.feel(Mood::Hangs);
    let kept = second.acquire(module()).await;
    assert!(kept.is_taken_over());
    stalled.feel(Mood::Well);
    drop(lost);
    tokio::select! {
        _ = third.acquire(module()) => panic!("two holders"),
        () = sleep(Duration::from_secs(60)) => {}
    }
    drop(kept);
    assert!(!third.acquire(module()).await.is_taken_over());
}

#[tokio::test(start_paused = true)]
async fn records_that_are_away_mean_a_free_lease() {
    for mood in [Mood::Away, Mood::Hangs] {
        let records = MemoryStore::new();
        let (leases, counted) = node(&records);
        counted.feel(mood);
        let began = Instant::now();
        let _free = leases.acquire(module()).await;
        assert!(
            began.elapsed() <= Duration::from_secs(15),
            "{:?}",
            began.elapsed()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_trouble_is_waited_out() {
    let records = MemoryStore::new();
    let (leases, counted) = node(&records);
    counted.feel(Mood::Away);
    let mut waiting = leases.acquire(module());
    tokio::select! {
        _ = &mut waiting => panic!("given up at once"),
        () = sleep(Duration::from_secs(2)) => {}
    }
    counted.feel(Mood::Well);
    let _lease = waiting.await;
    assert!(held_by(&records).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_was_lost_is_known_again() {
    let records = MemoryStore::new();
    let (leases, counted) = node(&records);
    // The lease is written, and nobody says so.
    counted.feel(Mood::Deaf);
    let mut waiting = leases.acquire(module());
    tokio::select! {
        _ = &mut waiting => panic!("no answer came"),
        () = settle() => {}
    }
    let written = held_by(&records).await.unwrap();
    counted.feel(Mood::Well);
    let lease = waiting.await;
    assert_eq!(held_by(&records).await.unwrap().holder, written.holder);
    // So is a heartbeat.
    counted.feel(Mood::Deaf);
    sleep(Duration::from_secs(5)).await;
    counted.feel(Mood::Well);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(held_by(&records).await.unwrap().holder, written.holder);
    drop(lease);
    settle().await;
    assert!(held_by(&records).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_gives_up_leaves_the_lease_to_others() {
    let records = MemoryStore::new();
    let ((first, _), (second, counted)) = (node(&records), node(&records));
    let lease = first.acquire(module()).await;
    {
        let waiting = second.acquire(module());
        tokio::select! {
            _ = waiting => panic!("two holders"),
            () = sleep(Duration::from_secs(1)) => {}
        }
    }
    settle().await;
    counted.asked();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(counted.asked(), "", "nobody asks for one who is gone");
    drop(lease);
    settle().await;
    assert!(held_by(&records).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_lease_is_in_the_way_for_as_long_as_a_dead_holder() {
    let records = MemoryStore::new();
    let written = records
        .write(&key(module()).unwrap(), "{}".into(), None)
        .await
        .unwrap();
    assert!(matches!(written, Written::Done(_)));
    let (leases, _) = node(&records);
    assert!(leases.acquire(module()).await.is_taken_over());
}
