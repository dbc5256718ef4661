//! A schema of a test's own, on the servers that all tests share.

use async_trait::async_trait;
use proxy_core::{
    records::RecordStore,
    store::{
        ModuleStore,
        conformance::{Place, RecordPlace},
    },
};
use sqlx::{Connection, PgConnection};
use std::sync::Arc;
use storage_postgres::{PostgresStore, PostgresUrl};
use testkit::postgres::{Servers, fresh_word};

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
        let server = if self.pooled {
            &self.servers.pooled
        } else {
            &self.servers.direct
        };
        PostgresUrl::parse(&format!("{server}?schema={}{more}", self.name)).unwrap()
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
