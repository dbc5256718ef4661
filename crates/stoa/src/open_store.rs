//! Opening the store: the one place that knows every backend.

mod reading;

pub(crate) use reading::{Otherwise, open_also, open_otherwise, open_to_read};

use crate::{
    config::{Config, storage_url::StorageUrl},
    exit::Failure,
};
use proxy_core::{
    lease::Leases,
    records::RecordStore,
    spool::Spool,
    store::{Catalog, Feed, MemoryStore, ModuleStore, Quarantine, SignedLinks},
};
use std::{error::Error, path::Path, sync::Arc};
use storage_fs::FsStore;
use storage_postgres::{OpenError, PostgresStore, PostgresUrl};
use storage_s3::{BucketStore, BucketUrl, PreflightError};

/// An opened store, with what only some backends can do.
pub(crate) struct Storage {
    /// Where module files are kept.
    pub(crate) modules: Arc<dyn ModuleStore>,
    /// Where records are kept.
    pub(crate) records: Arc<dyn RecordStore>,
    /// Lists everything that is kept.
    pub(crate) catalog: Option<Arc<dyn Catalog>>,
    /// Lists versions in the order in which they were kept, where the store itself can; else records do.
    pub(crate) feed: Option<Arc<dyn Feed>>,
    /// Signs links to files, where the store can.
    pub(crate) links: Option<Arc<dyn SignedLinks>>,
    /// Takes damaged files out of the way.
    pub(crate) quarantine: Option<Arc<dyn Quarantine>>,
    /// The store's own leases, shared by its nodes; else leases are kept in memory or in records.
    pub(crate) leases: Option<Arc<dyn Leases>>,
    /// Where bytes on their way in are.
    pub(crate) spool: Spool,
    /// What it is, for people.
    pub(crate) description: String,
}

/// Opens the store that the configuration names.
pub(crate) async fn open_store(config: &Config) -> Result<Storage, Failure> {
    open_at(&config.storage, "storage.url", config).await
}

/// Opens a store that somebody names as `what`, with a spool where the configuration wants it.
pub(crate) async fn open_at(url: &StorageUrl, what: &str, config: &Config) -> Result<Storage, Failure> {
    match url {
        StorageUrl::File(folder) => tokio::task::block_in_place(|| {
            let created = if folder.exists() { "" } else { " (created)" };
            let store = FsStore::open(folder).map_err(|error| {
                Failure::Unavailable(format!("{what}: {}: {}", folder.display(), with_causes(&error)))
            })?;
            let spool = match &config.spool {
                Some(folder) => open_spool(folder)?,
                None => store.spool().clone(),
            };
            Ok(Storage {
                modules: Arc::new(store.clone()),
                records: Arc::new(store.clone()),
                catalog: Some(Arc::new(store.clone())),
                feed: None,
                links: None,
                quarantine: Some(Arc::new(store.clone())),
                leases: Some(Arc::new(store.leases())),
                spool,
                description: format!("{}{created}", folder.display()),
            })
        }),
        StorageUrl::Memory => {
            let store = MemoryStore::new();
            Ok(Storage {
                modules: Arc::new(store.clone()),
                records: Arc::new(store.clone()),
                catalog: Some(Arc::new(store.clone())),
                feed: None,
                links: None,
                quarantine: Some(Arc::new(store)),
                leases: None,
                spool: spool_beside(config)?,
                description: "memory (forgotten when the process ends)".into(),
            })
        }
        StorageUrl::Bucket(url) => open_bucket(url, what, config).await,
        StorageUrl::Postgres(url) => {
            let store = connected(PostgresStore::connect(url).await, url, what)?;
            Ok(Storage {
                feed: Some(Arc::new(store.clone())),
                quarantine: Some(Arc::new(store.clone())),
                leases: Some(Arc::new(store.leases())),
                ..to_read(store, url.to_string(), config)?
            })
        }
    }
}

/// A store with what every one can do that has no folder of its own.
fn to_read<S>(store: S, description: String, config: &Config) -> Result<Storage, Failure>
where
    S: ModuleStore + RecordStore + Catalog + Clone + 'static,
{
    Ok(Storage {
        modules: Arc::new(store.clone()),
        records: Arc::new(store.clone()),
        catalog: Some(Arc::new(store)),
        feed: None,
        links: None,
        quarantine: None,
        leases: None,
        spool: spool_beside(config)?,
        description,
    })
}

/// A database, or why it is no store.
fn connected(
    outcome: Result<PostgresStore, OpenError>,
    url: &PostgresUrl,
    what: &str,
) -> Result<PostgresStore, Failure> {
    outcome.map_err(|error| Failure::Unavailable(format!("{what}: {url}: {}", with_causes(&error))))
}

/// Opens a bucket, and tries out what a store relies on.
async fn open_bucket(url: &BucketUrl, what: &str, config: &Config) -> Result<Storage, Failure> {
    let store = bucket(url, what, config, BucketStore::open)?;
    let abilities = store.preflight().await.map_err(|error| {
        let sentence = format!("{what}: {url}: {}", with_causes(&error));
        match error {
            PreflightError::ToldNotTo => Failure::Usage(sentence),
            _ => Failure::Unavailable(sentence),
        }
    })?;
    Ok(Storage {
        links: abilities.links.then(|| Arc::new(store.clone()) as _),
        quarantine: abilities.quarantine.then(|| Arc::new(store.clone()) as _),
        ..to_read(store, url.to_string(), config)?
    })
}

/// A bucket, opened in one of the two ways.
fn bucket(
    url: &BucketUrl,
    what: &str,
    config: &Config,
    open: impl FnOnce(&BucketUrl, Vec<(String, String)>) -> Result<BucketStore, storage_s3::OpenError>,
) -> Result<BucketStore, Failure> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let variables = config.environment.variables().filter_map(text).collect();
    open(url, variables).map_err(|error| Failure::Usage(format!("{what}: {url}: {}", with_causes(&error))))
}

/// The spool of a store that has no folder of its own.
fn spool_beside(config: &Config) -> Result<Spool, Failure> {
    let usual = config.cache_folder.as_ref().map(|folder| folder.join("spool"));
    let folder = config.spool.clone().or(usual).ok_or_else(|| {
        Failure::Usage("storage.spool: it must be set where there is no home folder".into())
    })?;
    open_spool(&folder)
}

fn open_spool(folder: &Path) -> Result<Spool, Failure> {
    Spool::open(folder).map_err(|error| {
        Failure::Unavailable(format!(
            "storage.spool: {}: {}",
            folder.display(),
            with_causes(&error)
        ))
    })
}

/// An error with everything that is behind it, in one sentence.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
