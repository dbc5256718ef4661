//! What a feed promises.

use super::Samples;
use crate::{
    module::ModuleVersion,
    records::RecordStore,
    store::{Catalog, Feed, FeedEntry, Inserted, ModuleStore, RecordFeed},
};
use async_trait::async_trait;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use std::{collections::HashSet, sync::Arc};

/// Somewhere a store and the feed of its inserts are kept, fresh for every promise, and open to more than one handle.
#[async_trait]
pub trait FeedPlace: Send + Sync + 'static {
    /// Opens the store and the feed that are here: handles of their own, such as another process would have.
    async fn open(&self) -> FeedHandle;
}

/// A store, and the feed of what is inserted into it.
#[derive(Debug)]
pub struct FeedHandle {
    store: Arc<dyn ModuleStore>,
    feed: Arc<dyn Feed>,
    in_records: Option<InRecords>,
    samples: Samples,
}

/// A feed that [`RecordFeed`] keeps.
#[derive(Debug)]
struct InRecords {
    records: Arc<dyn RecordStore>,
    feed: RecordFeed,
    catalog: Arc<dyn Catalog>,
}

impl FeedHandle {
    /// A store that orders its inserts itself.
    pub fn native(store: Arc<dyn ModuleStore>, feed: Arc<dyn Feed>) -> Self {
        Self {
            store,
            feed,
            in_records: None,
            samples: Samples::new(),
        }
    }

    /// A store whose feed is kept in its records, as [`RecordFeed`] does for every store without one of its own.
    pub fn in_records(
        store: Arc<dyn ModuleStore>,
        records: Arc<dyn RecordStore>,
        catalog: Arc<dyn Catalog>,
    ) -> Self {
        let feed = RecordFeed::with(Arc::clone(&records), ENTRIES, SignedDuration::ZERO);
        Self {
            store,
            feed: Arc::new(feed.clone()),
            in_records: Some(InRecords {
                records,
                feed,
                catalog,
            }),
            samples: Samples::new(),
        }
    }

    /// The same on a node whose clock is wrong. A database's feed goes by the database's clock.
    fn skewed(mut self, skew: SignedDuration) -> Self {
        if let Some(InRecords { records, feed, .. }) = &mut self.in_records {
            *feed = RecordFeed::with(Arc::clone(records), ENTRIES, skew);
            self.feed = Arc::new(feed.clone());
        }
        self
    }

    /// Inserts the `.info` of a version as the mirror does, and waits until the feed has it.
    async fn keep(&self, module: &ModuleVersion) {
        self.keep_with(module, 0).await;
    }

    /// The same with bytes of this salt.
    async fn keep_with(&self, module: &ModuleVersion, salt: u32) {
        let inserted = self.insert(module, salt).await;
        if let (Inserted::New, Some(InRecords { feed, .. })) = (inserted, &self.in_records) {
            feed.announce(module.clone());
            feed.append_announced().await.unwrap();
        }
    }

    /// Inserts the `.info` of a version and no more, as a process does that dies right then.
    async fn insert(&self, module: &ModuleVersion, salt: u32) -> Inserted {
        let info = self.samples.info(module, salt).await;
        self.store.insert(info).await.unwrap()
    }

    /// What a server does when it starts.
    async fn settle(&self) {
        if let Some(InRecords { feed, catalog, .. }) = &self.in_records {
            feed.catch_up(&**catalog).await.unwrap();
        }
    }
}

/// Entries in a page of the feeds asked here that are kept in records: few, so that pages begin and end all the time.
const ENTRIES: usize = 7;

/// By how much the clocks of three nodes differ.
const SKEWS: [i64; 3] = [-600, 0, 600];

pub(super) async fn an_empty_feed_is_empty(place: &dyn FeedPlace) {
    let handle = place.open().await;
    assert_eq!(handle.feed.since(None, 10).await.unwrap(), []);
    assert_eq!(handle.feed.since(Some(Timestamp::now()), 10).await.unwrap(), []);
}

pub(super) async fn racing_inserts_have_one_strict_order(place: &dyn FeedPlace) {
    let mut nodes = Vec::new();
    for (node, skew) in SKEWS.into_iter().enumerate() {
        let handle = place.open().await.skewed(SignedDuration::from_secs(skew));
        nodes.push(tokio::spawn(async move {
            for number in 0..20 {
                // Every node inserts its own versions, and all of them insert those of `shared`.
                handle.keep(&version("shared", number)).await;
                handle.keep(&version(&format!("node{node}"), number)).await;
            }
        }));
    }
    for node in join_all(nodes).await {
        node.expect("no insert panics");
    }
    let entries = all(&place.open().await).await;
    assert_strict(&entries);
    let names: HashSet<&ModuleVersion> = entries.iter().map(|entry| &entry.module).collect();
    assert_eq!((entries.len(), names.len()), (80, 80), "each version once");
}

pub(super) async fn nothing_appears_behind_what_was_read(place: &dyn FeedPlace) {
    let mut nodes = Vec::new();
    for (node, skew) in SKEWS.into_iter().enumerate() {
        let handle = place.open().await.skewed(SignedDuration::from_secs(skew));
        nodes.push(tokio::spawn(async move {
            for number in 0..15 {
                handle.keep(&version(&format!("node{node}"), number)).await;
            }
        }));
    }
    let reader = place.open().await;
    let mut read: Vec<FeedEntry> = Vec::new();
    while !nodes.iter().all(tokio::task::JoinHandle::is_finished) {
        let entries = all(&reader).await;
        assert!(
            entries.starts_with(&read),
            "what was read is no longer the beginning"
        );
        read = entries;
        tokio::task::yield_now().await;
    }
    for node in join_all(nodes).await {
        node.expect("no insert panics");
    }
    let entries = all(&reader).await;
    assert!(entries.starts_with(&read));
    assert_eq!(entries.len(), 45);
}

pub(super) async fn each_version_comes_once(place: &dyn FeedPlace) {
    let handles = [place.open().await, place.open().await];
    for round in 0..3 {
        for number in 0..10 {
            // Anew on either node: inserted, refused as the same, and offered with other bytes.
            let handle = &handles[(round + number) % 2];
            handle
                .keep_with(&version("m", number), u32::try_from(round % 2).unwrap())
                .await;
        }
    }
    let entries = all(&handles[0]).await;
    assert_strict(&entries);
    let expected: Vec<ModuleVersion> = (0..10).map(|number| version("m", number)).collect();
    let found: Vec<ModuleVersion> = entries.into_iter().map(|entry| entry.module).collect();
    assert_eq!(found, expected);
}

pub(super) async fn only_an_info_makes_an_entry(place: &dyn FeedPlace) {
    let (handle, samples) = (place.open().await, Samples::new());
    let module = version("m", 1);
    let go_mod = samples.go_mod(&module, 0, 0).await;
    let _ = handle.store.insert(go_mod).await.unwrap();
    handle.settle().await;
    assert_eq!(all(&handle).await, []);
    handle.keep(&module).await;
    let zip = samples.zip(&module, 0, 100).await;
    let _ = handle.store.insert(zip).await.unwrap();
    handle.settle().await;
    let entries = all(&handle).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].module, module);
}

pub(super) async fn a_moment_is_a_cursor(place: &dyn FeedPlace) {
    let handle = place.open().await;
    for number in 0..30 {
        handle.keep(&version("m", number)).await;
    }
    let entries = all(&handle).await;
    assert_eq!(entries.len(), 30);
    for (position, entry) in entries.iter().enumerate() {
        let just_behind = entry.when.checked_add(SignedDuration::from_nanos(1)).unwrap();
        for (since, first) in [(entry.when, position), (just_behind, position + 1)] {
            for limit in [1, ENTRIES, 100] {
                let expected = entries
                    .iter()
                    .skip(first)
                    .take(limit)
                    .cloned()
                    .collect::<Vec<_>>();
                assert_eq!(
                    handle.feed.since(Some(since), limit).await.unwrap(),
                    expected,
                    "{since} {limit}"
                );
            }
        }
    }
    // The manner of those who follow: from the last moment seen, which brings that entry again.
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = handle.feed.since(cursor, 4).await.unwrap();
        let known = seen.len();
        seen.extend(page.into_iter().filter(|entry| Some(entry.when) != cursor));
        if seen.len() == known {
            break;
        }
        cursor = seen.last().map(|entry: &FeedEntry| entry.when);
    }
    assert_eq!(seen, entries);
}

pub(super) async fn a_reopened_feed_is_the_same(place: &dyn FeedPlace) {
    let handle = place.open().await;
    for number in 0..3 * ENTRIES {
        handle.keep(&version("m", number)).await;
    }
    let before = all(&handle).await;
    drop(handle);
    let reopened = place.open().await;
    assert_eq!(all(&reopened).await, before);
    reopened.settle().await;
    assert_eq!(all(&reopened).await, before, "there was nothing to catch up with");
    reopened.keep(&version("m", 100)).await;
    let after = all(&reopened).await;
    assert_strict(&after);
    assert_eq!(after[..before.len()], before);
    assert_eq!(after.len(), before.len() + 1);
}

/// A process dies between an insert and what follows it.
pub(super) async fn what_was_missed_comes_late_and_once(place: &dyn FeedPlace) {
    let handle = place.open().await;
    for number in 0..10 {
        handle.keep(&version("before", number)).await;
    }
    for number in 0..20 {
        let _ = handle.insert(&version("missed", number), 0).await;
    }
    drop(handle);
    let (one, other) = (place.open().await, place.open().await);
    one.keep(&version("after", 0)).await;
    let before: Vec<FeedEntry> = all(&one).await;
    // Two nodes start at the same time, and both catch up.
    tokio::join!(one.settle(), other.settle());
    let entries = all(&other).await;
    assert_strict(&entries);
    assert!(entries.starts_with(&before) || entries.len() == before.len());
    let names: HashSet<ModuleVersion> = entries.iter().map(|entry| entry.module.clone()).collect();
    let expected: HashSet<ModuleVersion> = (0..10)
        .map(|number| version("before", number))
        .chain((0..20).map(|number| version("missed", number)))
        .chain([version("after", 0)])
        .collect();
    assert_eq!(names, expected);
    assert_eq!(entries.len(), 31, "each once");
}

fn version(name: &str, number: usize) -> ModuleVersion {
    Samples::module(&format!("example.com/{name}"), &format!("v1.{number}.0"))
}

/// Everything, in pages of a size that fits no other.
async fn all(handle: &FeedHandle) -> Vec<FeedEntry> {
    let mut entries: Vec<FeedEntry> = Vec::new();
    loop {
        let next = entries
            .last()
            .map(|last| last.when.checked_add(SignedDuration::from_micros(1)).unwrap());
        let page = handle.feed.since(next, 9).await.unwrap();
        assert!(page.len() <= 9, "more than was asked for");
        if page.is_empty() {
            return entries;
        }
        entries.extend(page);
    }
}

fn assert_strict(entries: &[FeedEntry]) {
    for pair in entries.windows(2) {
        let apart = pair[1].when.duration_since(pair[0].when);
        assert!(
            apart >= SignedDuration::from_micros(1),
            "{pair:?} are not in order"
        );
    }
}
