//! The patrol: the whole store, file by file, at a bounded rate, again and again.
//!
//! How far it came is a record, so that a restart goes on where the last process was, and nodes that share a store do not
//! all walk it: whoever moves the record on does; who finds that another moved it leaves off, and takes over only after
//! the record stood still for a while by its own watch.

mod stored;

use super::{Depth, Fault, Inspected, Inspector, Repair};
use crate::{
    file::ModuleFile,
    records::{RecordKey, Revision, Written},
    store::{Catalog, StoreError},
};
use jiff::Timestamp;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How many files lie between two records of how far it came.
const PAGE: usize = 32;

/// How often is looked whether there is something to do, at the longest.
const LOOK: Duration = Duration::from_secs(10);

/// What a patrol is made of.
#[derive(Debug)]
pub struct PatrolParts {
    /// What lists the store.
    pub catalog: Arc<dyn Catalog>,
    /// What reads it; its depth is the patrol's affair.
    pub inspector: Inspector,
    /// What sets damage aside.
    pub repair: Repair,
    /// How long after the end of one round the next begins.
    pub every: Duration,
    /// How many bytes are read a second, on average.
    pub rate: u64,
    /// How long a round that another process began must stand still before it is taken over.
    pub still: Duration,
}

/// Walks a store for ever.
#[derive(Debug)]
pub struct Patrol {
    parts: PatrolParts,
    status: Status,
    /// The last state of the record that this process wrote.
    ours: Option<Revision>,
    /// The last state that another wrote, and when it was first seen.
    watched: Option<(Option<Revision>, Instant)>,
}

/// How far a patrol is, for whoever wants to know. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Status(Arc<Mutex<(Tally, Option<Tally>)>>);

/// What one round found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// When it began.
    pub began: Option<Timestamp>,
    /// When it ended, if it did.
    pub ended: Option<Timestamp>,
    /// Files read.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Files found damaged and set aside.
    pub damaged: u64,
    /// Other faults: torn sets, unreadable records.
    pub faults: u64,
    /// Files that could not be read now.
    pub unread: u64,
    /// Files of which what was found could not be acted on: set aside, or recorded.
    pub unmended: u64,
}

/// How far it came.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// The file behind which the round goes on.
    after: Option<ModuleFile>,
    now: Tally,
    last: Option<Tally>,
}

impl Patrol {
    /// Puts it together; nothing is read yet.
    pub fn new(mut parts: PatrolParts) -> Self {
        parts.inspector.depth = Depth::Bytes;
        describe();
        Self {
            parts,
            status: Status::default(),
            ours: None,
            watched: None,
        }
    }

    /// How far it is.
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Goes on for ever.
    pub async fn run(mut self) {
        loop {
            let pause = match self.turn().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "the scrub could not go on; trying again");
                    LOOK
                }
            };
            tokio::time::sleep(pause.min(LOOK).min(self.parts.still)).await;
        }
    }

    /// Walks from where the record says to the end, if it is this process's turn; how long to wait before the next.
    async fn turn(&mut self) -> Result<Duration, StoreError> {
        let key = key()?;
        let record = self.parts.inspector.records.read(&key).await?;
        // One that cannot be read costs a round from the start.
        let mut progress = record
            .as_ref()
            .and_then(|record| stored::parse(&record.bytes))
            .unwrap_or_default();
        let mut revision = record.map(|record| record.revision);
        self.status.show(&progress);
        if let Some(ended) = progress.now.ended {
            let since = Timestamp::now().duration_since(ended);
            let since = Duration::try_from(since).unwrap_or_default();
            if let Some(left) = self.parts.every.checked_sub(since).filter(|left| !left.is_zero()) {
                return Ok(left);
            }
            progress = Progress {
                last: Some(progress.now),
                ..Progress::default()
            };
        } else if progress.now.began.is_some() && !self.stood_still(&revision) {
            return Ok(LOOK);
        }
        progress.now.began.get_or_insert_with(Timestamp::now);
        loop {
            let page = self.parts.catalog.files(progress.after.as_ref(), PAGE).await?;
            for file in &page {
                self.inspect(file, &mut progress.now).await;
            }
            match page.last() {
                Some(file) => progress.after = Some(file.clone()),
                None => {
                    progress.now.ended = Some(Timestamp::now());
                    progress.after = None;
                }
            }
            self.status.show(&progress);
            let bytes = stored::format(&progress)?;
            let records = &self.parts.inspector.records;
            match records.write(&key, bytes, revision.as_ref()).await? {
                Written::Done(written) => revision = Some(written),
                // Another node walks: it is further, or as far.
                Written::Changed => return Ok(LOOK),
            }
            if progress.now.ended.is_some() {
                finished(&progress.now);
                return Ok(LOOK);
            }
            self.ours.clone_from(&revision);
        }
    }

    /// Whether what another process left has stood still for long enough.
    fn stood_still(&mut self, revision: &Option<Revision>) -> bool {
        match &self.watched {
            _ if self.ours.is_some() && self.ours == *revision => true,
            Some((watched, since)) if watched == revision => since.elapsed() >= self.parts.still,
            _ => {
                self.watched = Some((revision.clone(), Instant::now()));
                false
            }
        }
    }

    async fn inspect(&self, file: &ModuleFile, tally: &mut Tally) {
        let began = Instant::now();
        let inspected = match self.parts.inspector.inspect(file).await {
            Ok(Some(inspected)) => inspected,
            Ok(None) => return,
            Err(error) => {
                // The store may be away, or a disk unable to read one file: the round goes on, and says so.
                tracing::warn!(%file, %error, "the scrub could not read a file");
                tally.unread += 1;
                return;
            }
        };
        tally.files += 1;
        tally.bytes += inspected.bytes;
        metrics::counter!("stoa_scrub_files_total").increment(1);
        metrics::counter!("stoa_scrub_bytes_total").increment(inspected.bytes);
        if let Err(error) = self.act(file, &inspected, tally).await {
            // What lies behind it is looked at all the same; the next round finds it again.
            metrics::counter!("stoa_scrub_unmended_total").increment(1);
            tracing::error!(%file, %error, "what the scrub found could not be acted on; the file stays as it is");
            tally.unmended += 1;
        }
        let due = Duration::from_secs_f64(inspected.bytes as f64 / self.parts.rate.max(1) as f64);
        tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
    }

    /// Sets damage aside and records what is sound. All of it is tried; the error is the first.
    async fn act(
        &self,
        file: &ModuleFile,
        inspected: &Inspected,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        for fault in &inspected.faults {
            metrics::counter!("stoa_scrub_faults_total", "kind" => fault.word()).increment(1);
            match fault {
                Fault::Damaged(corrupt) => {
                    tally.damaged += 1;
                    tracing::error!(file = %corrupt.file(), reason = corrupt.reason(), "a kept file is damaged; it is set aside");
                    outcome = outcome.and(self.parts.repair.mend(fault).await);
                }
                Fault::SumBeside { .. } => {
                    tally.damaged += 1;
                    tracing::error!(%fault, "the sum beside a kept zip is damaged; it is written anew");
                    outcome = outcome.and(self.parts.repair.mend(fault).await);
                }
                other => {
                    tally.faults += 1;
                    tracing::error!(fault = %other, "something is wrong with what is kept");
                }
            }
        }
        outcome.and(self.parts.repair.settle(file, inspected).await)
    }
}

impl Status {
    /// The round under way or ended last, and the one before it.
    pub fn read(&self) -> (Tally, Option<Tally>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn show(&self, progress: &Progress) {
        let shown = (progress.now.clone(), progress.last.clone());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = shown;
    }
}

fn key() -> Result<RecordKey, StoreError> {
    RecordKey::parse("scrub/progress").map_err(|error| StoreError::unavailable(error.to_string()))
}

fn describe() {
    metrics::describe_counter!("stoa_scrub_files_total", "Kept files that the scrub read");
    metrics::describe_counter!("stoa_scrub_bytes_total", "Bytes that the scrub read");
    metrics::describe_counter!(
        "stoa_scrub_faults_total",
        "What the scrub found wrong; any is one too many"
    );
    metrics::describe_counter!(
        "stoa_scrub_unmended_total",
        "Files of which what the scrub found could not be acted on"
    );
    metrics::describe_gauge!(
        "stoa_scrub_finished_timestamp_seconds",
        "When the last round of the scrub ended, in seconds since 1970"
    );
}

fn finished(tally: &Tally) {
    metrics::gauge!("stoa_scrub_finished_timestamp_seconds").set(Timestamp::now().as_second() as f64);
    tracing::info!(
        files = tally.files,
        bytes = tally.bytes,
        damaged = tally.damaged,
        faults = tally.faults,
        unread = tally.unread,
        unmended = tally.unmended,
        "the scrub has read everything that is kept"
    );
}
