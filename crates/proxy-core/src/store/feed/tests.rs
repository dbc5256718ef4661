//! What [`RecordFeed`] promises beyond the promises of every feed: its cost, and its patience with records in trouble.

use super::{Feed, FeedEntry, RecordFeed};
use crate::{
    file::{Kind, ModuleFile, Sha256},
    module::ModuleVersion,
    records::{Record, RecordKey, RecordStore, Revision, Written},
    scrub::{Fault, Repair},
    seen,
    store::{Corrupt, MemoryStore, StoreError},
};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::SignedDuration;
use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicUsize, Ordering},
};

/// Records that count, and that lose the reply of as many writes to the feed as they are told to.
#[derive(Debug, Default)]
struct Counted {
    records: MemoryStore,
    page_reads: AtomicUsize,
    page_writes: AtomicUsize,
    replies_to_lose: AtomicU32,
}

impl Counted {
    fn is_page(key: &RecordKey) -> bool {
        key.as_str().starts_with("feed/")
    }

    fn reads(&self) -> usize {
        self.page_reads.swap(0, Ordering::Relaxed)
    }
}

#[async_trait]
impl RecordStore for Counted {
    async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        self.page_reads
            .fetch_add(usize::from(Self::is_page(key)), Ordering::Relaxed);
        self.records.read(key).await
    }

    async fn write(
        &self,
        key: &RecordKey,
        bytes: Bytes,
        expected: Option<&Revision>,
    ) -> Result<Written, StoreError> {
        let written = self.records.write(key, bytes, expected).await;
        if Self::is_page(key) {
            self.page_writes.fetch_add(1, Ordering::Relaxed);
            let lose = |left: u32| left.checked_sub(1);
            if self
                .replies_to_lose
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, lose)
                .is_ok()
            {
                return Err(StoreError::unavailable("the reply was lost"));
            }
        }
        written
    }

    async fn remove(&self, key: &RecordKey) -> Result<(), StoreError> {
        self.records.remove(key).await
    }
}

fn version(number: usize) -> ModuleVersion {
    ModuleVersion::parse("example.com/m", &format!("v1.{number}.0")).unwrap()
}

/// A feed of so many versions in pages of ten, and its records.
async fn feed_of(count: usize) -> (RecordFeed, Arc<Counted>) {
    let records = Arc::new(Counted::default());
    let feed = RecordFeed::with(records.clone(), 10, SignedDuration::ZERO);
    (0..count).for_each(|number| feed.announce(version(number)));
    feed.append_announced().await.unwrap();
    records.reads();
    (feed, records)
}

async fn all(feed: &RecordFeed) -> Vec<FeedEntry> {
    feed.since(None, usize::MAX).await.unwrap()
}

#[tokio::test]
async fn a_batch_is_written_page_by_page() {
    let (feed, records) = feed_of(95).await;
    assert_eq!(records.page_writes.load(Ordering::Relaxed), 10);
    let found: Vec<ModuleVersion> = all(&feed).await.into_iter().map(|entry| entry.module).collect();
    assert_eq!(found, (0..95).map(version).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_search_reads_few_pages_of_many() {
    let (feed, records) = feed_of(2560).await;
    let entries = all(&feed).await;
    for position in [0, 9, 10, 1234, 2558, 2559] {
        let anew = RecordFeed::with(records.clone(), 10, SignedDuration::ZERO);
        records.reads();
        let found = anew.since(Some(entries[position].when), 1).await.unwrap();
        assert_eq!(found, entries[position..=position]);
        let reads = records.reads();
        assert!(
            reads <= 2 * 8 + 8 + 3,
            "{reads} reads to find entry {position} in 256 pages"
        );
        // Who has looked before reads only what may have changed.
        let again = anew.since(Some(entries[2559].when), 1).await.unwrap();
        assert_eq!(again, entries[2559..]);
        let reads = records.reads();
        assert!(reads <= 4, "{reads} reads to look at the end");
    }
}

#[tokio::test]
async fn a_lost_reply_makes_no_second_entry() {
    let (feed, records) = feed_of(8).await;
    records.replies_to_lose.store(1, Ordering::Relaxed);
    (8..15).for_each(|number| feed.announce(version(number)));
    assert!(feed.append_announced().await.is_err());
    feed.append_announced().await.unwrap();
    let found: Vec<ModuleVersion> = all(&feed).await.into_iter().map(|entry| entry.module).collect();
    assert_eq!(found, (0..15).map(version).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_version_announced_again_much_later_is_found_where_it_is() {
    let (feed, records) = feed_of(50).await;
    // On a node that knows nothing yet, and twice in one batch.
    let other = RecordFeed::with(records, 10, SignedDuration::ZERO);
    for number in [3, 49, 3, 50] {
        other.announce(version(number));
    }
    other.append_announced().await.unwrap();
    let found: Vec<ModuleVersion> = all(&feed).await.into_iter().map(|entry| entry.module).collect();
    assert_eq!(found, (0..51).map(version).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_version_whose_record_was_damaged_stays_one_entry() {
    let (feed, records) = feed_of(50).await;
    let key = seen::key(&version(3)).unwrap();
    let record = records.read(&key).await.unwrap().unwrap();
    let damage = Bytes::from_static(b"{\"feed\":");
    let damaged = records.write(&key, damage, Some(&record.revision)).await;
    assert!(matches!(damaged.unwrap(), Written::Done(_)));
    let store = Arc::new(MemoryStore::new());
    let repair = Repair {
        store: Arc::clone(&store) as _,
        records: Arc::clone(&records) as _,
        quarantine: store,
    };
    let module = version(3);
    let reason = "it is no JSON".to_owned();
    repair.mend(&Fault::Record { module, reason }).await.unwrap();
    let aside = RecordKey::parse(&format!("damaged/{key}.{}", Sha256::of(b"{\"feed\":"))).unwrap();
    assert!(records.read(&aside).await.unwrap().is_some());
    // Its .info is set aside as well, and fetched anew: so it is announced once more, behind pages of others.
    let info = ModuleFile::new(version(3), Kind::Info);
    let corrupt = Corrupt::proven(info, None, None, "it is empty".to_owned());
    repair.mend(&Fault::Damaged(corrupt)).await.unwrap();
    (50..90).for_each(|number| feed.announce(version(number)));
    feed.append_announced().await.unwrap();
    feed.announce(version(3));
    feed.append_announced().await.unwrap();
    let found: Vec<ModuleVersion> = all(&feed).await.into_iter().map(|entry| entry.module).collect();
    assert_eq!(found, (0..90).map(version).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_is_announced_is_written_without_anybody_asking() {
    let (feed, records) = feed_of(0).await;
    let keeping = tokio::spawn(feed.clone().keep(None));
    records.replies_to_lose.store(1, Ordering::Relaxed);
    feed.announce(version(0));
    while all(&feed).await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    feed.announce(version(1));
    while all(&feed).await.len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    keeping.abort();
    let found: Vec<ModuleVersion> = all(&feed).await.into_iter().map(|entry| entry.module).collect();
    assert_eq!(found, [version(0), version(1)]);
}
