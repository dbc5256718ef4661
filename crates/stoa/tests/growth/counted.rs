//! A store that counts what it is asked.

use crate::backends::Opened;
use async_trait::async_trait;
use bytes::Bytes;
use proxy_core::{
    file::ModuleFile,
    module::{ModulePath, Version},
    records::{Record, RecordKey, RecordStore, Revision, Written},
    store::{Catalog, Content, Feed, FeedEntry, Inserted, ModuleStore, Part, StoreError},
    verify::Verified,
};
use std::{
    mem,
    sync::{Arc, Mutex},
};

/// Requests to a backend since they were last asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    /// Files opened.
    pub(crate) files: usize,
    /// Lists of a module's versions.
    pub(crate) versions: usize,
    /// Pages of the catalog.
    pub(crate) catalog: usize,
    /// Questions to a feed of the backend's own.
    pub(crate) feed: usize,
    /// Records read.
    pub(crate) records: usize,
    /// Anything written.
    pub(crate) writes: usize,
}

impl Requests {
    pub(crate) fn all(self) -> usize {
        self.files + self.versions + self.catalog + self.feed + self.records + self.writes
    }
}

/// Counts, and passes on.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    opened: Opened,
    requests: Arc<Mutex<Requests>>,
}

impl Counted {
    pub(crate) fn over(opened: Opened) -> Arc<Self> {
        Arc::new(Self {
            opened,
            requests: Arc::default(),
        })
    }

    /// What was asked since this was last called.
    pub(crate) fn requests(&self) -> Requests {
        mem::take(&mut *self.requests.lock().unwrap())
    }

    /// The backend's own feed, counted.
    pub(crate) fn native_feed(&self) -> Option<Arc<dyn Feed>> {
        self.opened
            .feed
            .is_some()
            .then(|| Arc::new(self.clone()) as Arc<dyn Feed>)
    }

    fn count(&self, which: fn(&mut Requests) -> &mut usize) {
        *which(&mut self.requests.lock().unwrap()) += 1;
    }
}

#[async_trait]
impl ModuleStore for Counted {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        self.count(|requests| &mut requests.files);
        self.opened.modules.open(file, part).await
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        self.count(|requests| &mut requests.versions);
        self.opened.modules.versions(path).await
    }

    async fn insert(&self, file: Verified) -> Result<Inserted, StoreError> {
        self.count(|requests| &mut requests.writes);
        self.opened.modules.insert(file).await
    }
}

#[async_trait]
impl RecordStore for Counted {
    async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        self.count(|requests| &mut requests.records);
        self.opened.records.read(key).await
    }

    async fn write(
        &self,
        key: &RecordKey,
        bytes: Bytes,
        expected: Option<&Revision>,
    ) -> Result<Written, StoreError> {
        self.count(|requests| &mut requests.writes);
        self.opened.records.write(key, bytes, expected).await
    }

    async fn remove(&self, key: &RecordKey) -> Result<(), StoreError> {
        self.count(|requests| &mut requests.writes);
        self.opened.records.remove(key).await
    }
}

#[async_trait]
impl Catalog for Counted {
    async fn files(&self, after: Option<&ModuleFile>, limit: usize) -> Result<Vec<ModuleFile>, StoreError> {
        self.count(|requests| &mut requests.catalog);
        self.opened.catalog.files(after, limit).await
    }
}

#[async_trait]
impl Feed for Counted {
    async fn since(
        &self,
        since: Option<jiff::Timestamp>,
        limit: usize,
    ) -> Result<Vec<FeedEntry>, StoreError> {
        self.count(|requests| &mut requests.feed);
        let feed = self.opened.feed.as_ref().expect("it was asked for");
        feed.since(since, limit).await
    }
}
