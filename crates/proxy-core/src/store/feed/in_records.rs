//! The feed of a store that cannot order its inserts: pages of entries, kept as records.
//!
//! Every store has records that are replaced by comparing, and that is all it takes. Entries are appended to the last
//! page, and the moment of each is decided there: later than the one before it, whatever the clock of the node says.
//! A page that is full is never written again.
//!
//! **An insert never waits for it.** Whoever kept a version [announces](RecordFeed::announce) it, and a task appends
//! what was announced in batches. Many nodes may do so at the same time; who loses the race for a page reads it again.
//!
//! **Each version once** needs more than a careful writer: a reply may be lost, two nodes may catch up at the same
//! time, a damaged `.info` may be set aside and fetched anew. So the record of a version's first sight is *marked*
//! before its entry is appended, once and for ever, with the number of a page that existed then. Whoever appends that
//! version looks through the pages from there on, under the same comparison that lets its write through, and
//! appends nothing if it finds it.
//!
//! **Nothing is lost** when a process dies between an insert and its entry: [`RecordFeed::catch_up`] compares the feed
//! with the catalog, when a server starts and once a day.

use super::{
    Feed, FeedEntry,
    page::{self, Page, moment},
};
use crate::{
    file::Kind,
    module::ModuleVersion,
    records::{RecordStore, Written},
    seen,
    store::{Catalog, StoreError},
};
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{HashSet, hash_map::RandomState},
    fmt,
    hash::BuildHasher,
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time};

/// Entries in a page: some hundred kilobytes, which is what an append writes at most and a reader reads at least.
const ENTRIES: usize = 1000;
/// Full pages that are remembered.
const REMEMBERED: u64 = 32;
/// Announced versions that wait at most. Past it they are left to catching up, which then comes at once.
const WAITING: usize = 100_000;
/// How long the first of a batch waits for company.
const GATHER: Duration = Duration::from_millis(100);
/// How long is waited after an append that failed.
const PAUSE: Duration = Duration::from_secs(5);
/// How often the feed is compared with the catalog.
const CATCH_UP: Duration = Duration::from_secs(24 * 60 * 60);
/// How many marks are made at a time.
const MARKS: usize = 16;
/// How many files of the catalog are asked for at a time.
const CATALOG_PAGE: usize = 1000;

/// A feed in records. Cheap to clone; any number of handles and nodes may share the records.
#[derive(Clone)]
pub struct RecordFeed(Arc<Inner>);

struct Inner {
    records: Arc<dyn RecordStore>,
    entries_a_page: usize,
    /// Added to the clock; for tests of clocks that are wrong.
    skew: SignedDuration,
    /// Full pages by their number.
    full: moka::sync::Cache<u64, Arc<Page>>,
    /// The number of a page that exists, as near to the last as is known; 0 also while there is none.
    known: AtomicU64,
    waiting: Mutex<Vec<ModuleVersion>>,
    announced: Notify,
    overflowed: AtomicBool,
    /// One append of this handle at a time: two would only race each other.
    appending: tokio::sync::Mutex<()>,
}

impl RecordFeed {
    /// The feed in these records.
    pub fn new(records: Arc<dyn RecordStore>) -> Self {
        Self::with(records, ENTRIES, SignedDuration::ZERO)
    }

    /// With pages of another size, by a clock that is wrong: for tests.
    pub(crate) fn with(records: Arc<dyn RecordStore>, entries_a_page: usize, skew: SignedDuration) -> Self {
        Self(Arc::new(Inner {
            records,
            entries_a_page,
            skew,
            full: moka::sync::Cache::new(REMEMBERED),
            known: AtomicU64::new(0),
            waiting: Mutex::default(),
            announced: Notify::new(),
            overflowed: AtomicBool::new(false),
            appending: tokio::sync::Mutex::new(()),
        }))
    }

    /// Takes note of a version whose `.info` was just kept. Never waits; [`keep`](Self::keep) or
    /// [`append_announced`](Self::append_announced) writes it down.
    pub fn announce(&self, module: ModuleVersion) {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING {
            waiting.push(module);
        } else {
            self.0.overflowed.store(true, Ordering::Relaxed);
        }
        drop(waiting);
        self.0.announced.notify_one();
    }

    /// Appends everything that was announced so far. What could not be written stays announced.
    pub async fn append_announced(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.0.appending.lock().await;
        let batch = mem::take(&mut *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if batch.is_empty() {
            return Ok(());
        }
        // A caller that hangs up halfway leaves the batch to catching up.
        let written = self.append(batch.clone()).await;
        if written.is_err() {
            self.0
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(batch);
        }
        written
    }

    /// Appends the versions that the catalog has and the feed has not, and says how many there were: those whose
    /// process died before it came to it, and all of a store that was filled by other means.
    ///
    /// It reads every page of the feed and of the catalog once, and holds some 16 bytes a version while it does.
    pub async fn catch_up(&self, catalog: &dyn Catalog) -> Result<usize, StoreError> {
        let hasher = RandomState::new();
        let mut listed = HashSet::new();
        for number in 0.. {
            let page = self.0.read(number).await?;
            listed.extend(page.entries.iter().map(|entry| hasher.hash_one(&entry.module)));
            if page.entries.len() < self.0.entries_a_page {
                break;
            }
        }
        let (mut missing, mut count, mut after) = (Vec::new(), 0, None);
        loop {
            let files = catalog.files(after.as_ref(), CATALOG_PAGE).await?;
            let end = files.is_empty();
            after = files.last().cloned().or(after);
            let infos = files.into_iter().filter(|file| file.kind == Kind::Info);
            missing.extend(
                infos
                    .map(|file| file.module)
                    .filter(|module| !listed.contains(&hasher.hash_one(module))),
            );
            if end || missing.len() >= self.0.entries_a_page {
                count += missing.len();
                let _one_at_a_time = self.0.appending.lock().await;
                self.append(mem::take(&mut missing)).await?;
            }
            if end {
                return Ok(count);
            }
        }
    }

    /// Keeps the feed for as long as it is polled: writes down what is announced, and catches up with the catalog at
    /// once and then daily. Trouble is logged, and tried again.
    pub async fn keep(self, catalog: Option<Arc<dyn Catalog>>) {
        let catching_up = async {
            let Some(catalog) = &catalog else { return };
            loop {
                let wait = match self.catch_up(&**catalog).await {
                    Ok(0) => CATCH_UP,
                    Ok(late) => {
                        tracing::info!(late, "versions that the feed had missed were added to it");
                        CATCH_UP
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the feed could not be compared with what is kept");
                        Duration::from_secs(60)
                    }
                };
                let next = time::Instant::now() + wait;
                while time::Instant::now() < next && !self.0.overflowed.swap(false, Ordering::Relaxed) {
                    time::sleep(PAUSE.min(wait)).await;
                }
            }
        };
        let writing = async {
            loop {
                self.0.announced.notified().await;
                time::sleep(GATHER).await;
                if let Err(error) = self.append_announced().await {
                    tracing::warn!(%error, "what was kept could not be added to the feed yet");
                    time::sleep(PAUSE).await;
                    self.0.announced.notify_one();
                }
            }
        };
        futures::future::join(catching_up, writing).await;
    }

    /// Appends those of a batch that the feed does not have.
    async fn append(&self, batch: Vec<ModuleVersion>) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        // Known to exist before any of the marks is made, as a mark promises.
        let mark = self.0.last().await?.0;
        let marks: Vec<(ModuleVersion, u64)> = stream::iter(batch)
            .map(|module| self.0.marked(module, mark))
            .buffered(MARKS)
            .try_collect()
            .await?;
        let from = marks.iter().map(|(_, page)| *page).min().unwrap_or(mark);
        let mut known = HashSet::new();
        let mut waiting: Vec<ModuleVersion> = marks
            .into_iter()
            .map(|(module, _)| module)
            .filter(|module| known.insert(module.clone()))
            .collect();
        // Pages before this one were looked through, and can never change again.
        let mut unread = from;
        let mut lost = 0;
        while !waiting.is_empty() {
            let (number, last) = self.0.last().await?;
            for before in unread..number {
                strike_out(&mut waiting, &*self.0.page(before).await?);
            }
            unread = number;
            strike_out(&mut waiting, &last);
            let full = last.entries.len() >= self.0.entries_a_page;
            let (number, start) = if full {
                (number + 1, Page::default())
            } else {
                (number, last.copy())
            };
            let room = self.0.entries_a_page - start.entries.len();
            let taken = room.min(waiting.len());
            if taken == 0 {
                return Ok(());
            }
            match self
                .0
                .write(number, start, last.last(), &waiting[..taken])
                .await?
            {
                true => {
                    waiting.drain(..taken);
                    lost = 0;
                }
                // Whoever came first has made progress, so this ends; a random pause lets them not meet for ever.
                false => {
                    lost = (lost + 1).min(20);
                    time::sleep(Duration::from_millis(rand::random_range(0..=5 * lost))).await;
                }
            }
        }
        Ok(())
    }
}

/// Takes out of a batch what a page has.
fn strike_out(waiting: &mut Vec<ModuleVersion>, page: &Page) {
    let has: HashSet<&ModuleVersion> = page.entries.iter().map(|entry| &entry.module).collect();
    waiting.retain(|module| !has.contains(module));
}

impl Inner {
    /// Appends to a page as it was read; says whether nobody else had written it meanwhile.
    async fn write(
        &self,
        number: u64,
        mut page: Page,
        mut last: Option<Timestamp>,
        modules: &[ModuleVersion],
    ) -> Result<bool, StoreError> {
        let now = Timestamp::now()
            .checked_add(self.skew)
            .map_err(|error| StoreError::unavailable_because("the clock is out of reach", error))?;
        for module in modules {
            let when = moment(now, last)?;
            last = Some(when);
            page.entries.push(FeedEntry {
                module: module.clone(),
                when,
            });
        }
        let written = self
            .records
            .write(&page::key(number)?, page.to_bytes()?, page.revision.as_ref())
            .await?;
        match written {
            Written::Done(_) => {
                self.known.fetch_max(number, Ordering::Relaxed);
                Ok(true)
            }
            Written::Changed => Ok(false),
        }
    }

    /// The version with its mark, which is made if it has none.
    async fn marked(&self, module: ModuleVersion, page: u64) -> Result<(ModuleVersion, u64), StoreError> {
        let page = seen::mark(&*self.records, &module, page).await?;
        Ok((module, page))
    }

    /// Reads a page; one that does not exist is empty.
    async fn read(&self, number: u64) -> Result<Page, StoreError> {
        match self.records.read(&page::key(number)?).await? {
            Some(record) => Page::parse(&record.bytes, record.revision),
            None => Ok(Page::default()),
        }
    }

    /// Reads a page, or remembers it if it is full.
    async fn page(&self, number: u64) -> Result<Arc<Page>, StoreError> {
        if let Some(page) = self.full.get(&number) {
            return Ok(page);
        }
        let page = Arc::new(self.read(number).await?);
        if page.entries.len() >= self.entries_a_page {
            self.full.insert(number, Arc::clone(&page));
        }
        if !page.entries.is_empty() {
            self.known.fetch_max(number, Ordering::Relaxed);
        }
        Ok(page)
    }

    /// The last page that exists, and its number; an empty page 0 where there is none.
    ///
    /// Found from the last that is known by doubling the stride and then halving it, so a first look at a long feed
    /// takes twice the logarithm of its pages, and a later one a read or two.
    async fn last(&self) -> Result<(u64, Arc<Page>), StoreError> {
        let known = self.known.load(Ordering::Relaxed);
        let (mut number, mut page) = (known, self.page(known).await?);
        let mut stride = 1;
        let mut absent = None;
        while page.entries.len() >= self.entries_a_page && absent.is_none_or(|absent| number + 1 < absent) {
            let ahead = match absent {
                Some(absent) => number + (absent - number) / 2,
                None => number + stride,
            };
            let looked_at = self.page(ahead).await?;
            if looked_at.entries.is_empty() {
                absent = Some(ahead);
            } else {
                (number, page) = (ahead, looked_at);
                stride *= 2;
            }
        }
        Ok((number, page))
    }
}

impl Page {
    fn copy(&self) -> Self {
        Self {
            entries: self.entries.clone(),
            revision: self.revision.clone(),
        }
    }
}

#[async_trait]
impl Feed for RecordFeed {
    async fn since(&self, since: Option<Timestamp>, limit: usize) -> Result<Vec<FeedEntry>, StoreError> {
        let since = since.unwrap_or(Timestamp::MIN);
        let (last, page) = self.0.last().await?;
        // The last page that begins no later than `since`; most who ask follow the end, so that is looked at first.
        let begins_after = |page: &Page| page.first().is_none_or(|first| first > since);
        let (mut low, mut high) = (0, last);
        if !begins_after(&page) {
            low = last;
        }
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if begins_after(&*self.0.page(middle).await?) {
                high = middle - 1;
            } else {
                low = middle;
            }
        }
        let mut entries = Vec::new();
        for number in low.. {
            let page = self.0.page(number).await?;
            let wanted = page.entries.iter().filter(|entry| entry.when >= since);
            entries.extend(wanted.take(limit - entries.len()).cloned());
            if entries.len() >= limit || page.entries.len() < self.0.entries_a_page {
                break;
            }
        }
        Ok(entries)
    }
}

impl fmt::Debug for RecordFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordFeed")
            .field("records", &self.0.records)
            .finish_non_exhaustive()
    }
}
