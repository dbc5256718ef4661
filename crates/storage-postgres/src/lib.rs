#![doc = include_str!("../README.md")]

mod catalog;
mod chunks;
mod connect;
mod database;
mod error;
mod feed;
mod files;
mod leases;
mod migrations;
mod quarantine;
mod records;
mod url;

pub use connect::OpenError;
pub use leases::{PostgresLeases, PostgresTable};
pub use url::{InvalidUrl, PostgresUrl};

use crate::database::Database;
use async_trait::async_trait;
use bytes::Bytes;
use proxy_core::{
    file::ModuleFile,
    module::{ModulePath, Version},
    records::{Record, RecordKey, RecordStore, Revision, Written},
    store::{
        Catalog, Content, Corrupt, Feed, FeedEntry, Inserted, ModuleStore, Part, Quarantine, StoreError,
    },
    verify::Verified,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Module files, records, catalog, feed and quarantine in one schema of a database. Cheap to clone; any number of
/// nodes may share the schema.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    database: Database,
    /// Inserts hold a connection from their first byte to their last, so they leave half of them to others.
    inserts: Arc<Semaphore>,
}

impl PostgresStore {
    /// Opens the store at this place, and makes its schema or brings it up to date where need be. Any number of nodes
    /// may do so at once.
    pub async fn connect(url: &PostgresUrl) -> Result<Self, OpenError> {
        connect::connect(url)
            .await
            .map(|database| Self::over(database, url))
    }

    /// Opens the store at this place to read from it, and changes nothing: where none is, none is made
    /// ([`OpenError::Missing`]), and an account that may only read will do.
    pub async fn connect_to_read(url: &PostgresUrl) -> Result<Self, OpenError> {
        connect::connect_to_read(url)
            .await
            .map(|database| Self::over(database, url))
    }

    fn over(database: Database, url: &PostgresUrl) -> Self {
        let inserts = (url.max_connections() as usize / 2).max(1);
        Self {
            database,
            inserts: Arc::new(Semaphore::new(inserts)),
        }
    }

    /// The leases of the nodes that share this store, over a few connections of their own: renewing them must not wait
    /// behind files.
    pub fn leases(&self) -> PostgresLeases {
        self.leases_taken_over_after(leases::USUAL)
    }

    /// The same with holders taken for dead after another time than
    /// [`DEAD_AFTER`](proxy_core::lease::DEAD_AFTER).
    pub fn leases_taken_over_after(&self, dead_after: Duration) -> PostgresLeases {
        PostgresLeases::new(self.database.apart(leases::CONNECTIONS), dead_after)
    }
}

#[async_trait]
impl ModuleStore for PostgresStore {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        files::open(&self.database, file, part).await
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        files::versions(&self.database, path).await
    }

    async fn insert(&self, file: Verified) -> Result<Inserted, StoreError> {
        files::insert(&self.database, &self.inserts, &file).await
    }
}

#[async_trait]
impl RecordStore for PostgresStore {
    async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        records::read(&self.database, key).await
    }

    async fn write(
        &self,
        key: &RecordKey,
        bytes: Bytes,
        expected: Option<&Revision>,
    ) -> Result<Written, StoreError> {
        records::write(&self.database, key, &bytes, expected).await
    }

    async fn remove(&self, key: &RecordKey) -> Result<(), StoreError> {
        records::remove(&self.database, key).await
    }
}

#[async_trait]
impl Catalog for PostgresStore {
    async fn files(&self, after: Option<&ModuleFile>, limit: usize) -> Result<Vec<ModuleFile>, StoreError> {
        catalog::files(&self.database, after, limit).await
    }
}

#[async_trait]
impl Feed for PostgresStore {
    async fn since(
        &self,
        since: Option<jiff::Timestamp>,
        limit: usize,
    ) -> Result<Vec<FeedEntry>, StoreError> {
        feed::since(&self.database, since, limit).await
    }
}

#[async_trait]
impl Quarantine for PostgresStore {
    async fn set_aside(&self, file: Corrupt) -> Result<(), StoreError> {
        quarantine::set_aside(&self.database, &file).await
    }
}
