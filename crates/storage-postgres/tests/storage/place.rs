//! A schema of a test's own, on the servers that all tests share.

use async_trait::async_trait;
use proxy_core::{
    lease::{Leases, conformance::LeasePlace},
    records::RecordStore,
    store::{
        Catalog, ModuleStore, Quarantine,
        conformance::{CatalogPlace, FeedHandle, FeedPlace, Place, QuarantinePlace, RecordPlace},
    },
};
use sqlx::{Connection, PgConnection};
use std::{sync::Arc, time::Duration};
use storage_postgres::{PostgresStore, PostgresUrl};
use testkit::{
    chaos::Chaos,
    postgres::{Servers, fresh_word},
};

/// A schema, reached directly or behind the pooler; dropped when this is.
pub(crate) struct Schema {
    servers: Servers,
    name: String,
    pooled: bool,
}

impl Schema {
    /// A fresh one, reached directly.
    pub(crate) fn direct() -> Result<Self, String> {
        Self::new(false)
    }

    /// A fresh one, reached through pgbouncer.
    pub(crate) fn pooled() -> Result<Self, String> {
        Self::new(true)
    }

    fn new(pooled: bool) -> Result<Self, String> {
        Ok(Self {
            servers: Servers::find()?,
            name: fresh_word(),
            pooled,
        })
    }

    /// Its name, as it can stand in a statement.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where it is, with more parameters.
    pub(crate) fn url(&self, more: &str) -> PostgresUrl {
        PostgresUrl::parse(&format!("{}{more}", self.text())).unwrap()
    }

    /// Where it is, as a text.
    pub(crate) fn text(&self) -> String {
        let server = if self.pooled {
            &self.servers.pooled
        } else {
            &self.servers.direct
        };
        format!("{server}?schema={}", self.name)
    }

    /// Something that goes wrong on command between a store and the server, if the store is opened through it.
    pub(crate) fn between(&self) -> Chaos {
        let server = &self.servers.direct;
        let (_, rest) = server.split_once('@').unwrap();
        Chaos::before(rest.split('/').next().unwrap())
    }

    /// Where it is, behind that. What passes is not secret, so that it can be told apart.
    pub(crate) fn url_through(&self, between: &Chaos) -> PostgresUrl {
        let (before, rest) = self.servers.direct.split_once('@').unwrap();
        let (_, database) = rest.split_once('/').unwrap();
        let (address, name) = (between.address(), &self.name);
        let url = format!("{before}@{address}/{database}?schema={name}&sslmode=disable&connect_timeout=3");
        PostgresUrl::parse(&url).unwrap()
    }

    /// Opens the store that is here.
    pub(crate) async fn store(&self) -> PostgresStore {
        PostgresStore::connect(&self.url("")).await.unwrap()
    }

    /// A connection as the owner of everything in it, past the store.
    pub(crate) async fn owner(&self) -> PgConnection {
        PgConnection::connect(&self.servers.direct).await.unwrap()
    }
}

#[async_trait]
impl Place for Schema {
    async fn open(&self) -> Arc<dyn ModuleStore> {
        Arc::new(self.store().await)
    }
}

#[async_trait]
impl RecordPlace for Schema {
    async fn open(&self) -> Arc<dyn RecordStore> {
        Arc::new(self.store().await)
    }
}

#[async_trait]
impl CatalogPlace for Schema {
    async fn open(&self) -> (Arc<dyn ModuleStore>, Arc<dyn Catalog>) {
        let store = self.store().await;
        (Arc::new(store.clone()), Arc::new(store))
    }
}

#[async_trait]
impl FeedPlace for Schema {
    async fn open(&self) -> FeedHandle {
        let store = Arc::new(self.store().await);
        FeedHandle::native(store.clone(), store)
    }
}

#[async_trait]
impl LeasePlace for Schema {
    async fn open(&self, dead_after: Duration) -> Arc<dyn Leases> {
        Arc::new(self.store().await.leases_taken_over_after(dead_after))
    }

    async fn away(&self) -> Option<Arc<dyn Leases>> {
        let between = self.between();
        let store = PostgresStore::connect(&self.url_through(&between)).await.unwrap();
        // From here on whoever connects is refused.
        drop(between);
        Some(Arc::new(store.leases()))
    }
}

#[async_trait]
impl QuarantinePlace for Schema {
    async fn open(&self) -> (Arc<dyn ModuleStore>, Arc<dyn Quarantine>) {
        let store = self.store().await;
        (Arc::new(store.clone()), Arc::new(store))
    }
}

impl Drop for Schema {
    /// On a thread and runtime of its own: this may be dropped outside of any.
    fn drop(&mut self) {
        let (url, name) = (self.servers.direct.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let drop = format!("DROP SCHEMA IF EXISTS {name} CASCADE");
                let mut owner = PgConnection::connect(&url).await?;
                sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(&mut owner).await
            })
        });
        // A test that left work behind, or a server that is gone: then the schema stays until the server goes.
        let _ = dropping.join();
    }
}
