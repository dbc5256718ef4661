//! The backends, each on a place of its own.

use async_trait::async_trait;
use proxy_core::{
    records::RecordStore,
    store::{Catalog, Feed, MemoryStore, ModuleStore},
};
use std::sync::Arc;
use storage_fs::FsStore;
use storage_postgres::{PostgresStore, PostgresUrl};
use storage_s3::{BucketStore, BucketUrl};
use tempfile::TempDir;
use testkit::{
    bucket::{BucketServer, TestBucket},
    client::block_on,
    postgres::{Servers, fresh_word},
};

/// A place that can be opened again and again.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// What it is called.
    fn name(&self) -> &'static str;
    /// Opens it anew.
    async fn open(&self) -> Opened;
    /// How many requests its server has seen since this was last called, where somebody counts them.
    fn served(&self) -> usize {
        0
    }
    /// How many requests a page of the catalog may be.
    fn requests_a_page(&self) -> usize {
        1
    }
}

/// An opened store.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) modules: Arc<dyn ModuleStore>,
    pub(crate) records: Arc<dyn RecordStore>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) feed: Option<Arc<dyn Feed>>,
}

impl Opened {
    /// A store that is everything but a feed.
    pub(crate) fn from<S: ModuleStore + RecordStore + Catalog>(store: S) -> Self {
        let store = Arc::new(store);
        Self {
            modules: store.clone(),
            records: store.clone(),
            catalog: store,
            feed: None,
        }
    }
}

struct Memory(MemoryStore);

#[async_trait]
impl Backend for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }
    async fn open(&self) -> Opened {
        Opened::from(self.0.clone())
    }
}

/// A store in memory.
pub(crate) fn memory() -> Box<dyn Backend> {
    Box::new(Memory(MemoryStore::new()))
}

struct Disk(TempDir);

#[async_trait]
impl Backend for Disk {
    fn name(&self) -> &'static str {
        "disk"
    }
    async fn open(&self) -> Opened {
        Opened::from(FsStore::open(self.0.path()).unwrap())
    }
}

/// A folder.
pub(crate) fn disk() -> Box<dyn Backend> {
    Box::new(Disk(TempDir::with_prefix("stoa-growth-").unwrap()))
}

/// A schema of its own; it goes with the server, which tests share.
struct Postgres(PostgresUrl);

#[async_trait]
impl Backend for Postgres {
    fn name(&self) -> &'static str {
        "Postgres"
    }
    async fn open(&self) -> Opened {
        let store = PostgresStore::connect(&self.0).await.unwrap();
        Opened {
            feed: Some(Arc::new(store.clone())),
            ..Opened::from(store)
        }
    }
}

/// A schema on the shared server.
pub(crate) fn postgres() -> Result<Box<dyn Backend>, String> {
    let url = format!("{}?schema={}", Servers::find()?.direct, fresh_word());
    Ok(Box::new(Postgres(PostgresUrl::parse(&url).unwrap())))
}

/// A part of a bucket, with a gateway before its server that counts.
struct Bucket(BucketServer, TestBucket);

#[async_trait]
impl Backend for Bucket {
    fn name(&self) -> &'static str {
        match self.0 {
            BucketServer::SeaweedFs => "SeaweedFS",
            BucketServer::Moto => "moto",
            BucketServer::Azurite => "Azurite",
            BucketServer::FakeGcs => "fake-gcs-server",
        }
    }
    async fn open(&self) -> Opened {
        let url = BucketUrl::parse(&self.1.url()).unwrap();
        Opened::from(BucketStore::open(&url, self.1.variables()).unwrap())
    }
    fn served(&self) -> usize {
        self.1.gateway().take().len()
    }
    /// Where a server lists folder by folder, so does the catalog: one for each on the way to a module, and for two
    /// modules.
    fn requests_a_page(&self) -> usize {
        match self.0 {
            BucketServer::SeaweedFs => 10,
            // It cannot begin in the middle, as Azure can: what lies before is read first.
            BucketServer::Azurite => 20,
            BucketServer::Moto | BucketServer::FakeGcs => 1,
        }
    }
}

/// A part of the bucket that tests share on this server.
pub(crate) fn bucket(server: BucketServer) -> Result<Box<dyn Backend>, String> {
    let bucket = block_on(TestBucket::fresh(server))?;
    Ok(Box::new(Bucket(server, bucket.behind_a_gateway())))
}
