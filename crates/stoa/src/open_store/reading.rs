//! Stores that are only read: in a folder and in a bucket nothing is written, not even to try it out, and in a database
//! nothing is made. So each may be another program's, on a disk that is mounted for reading alone, or open to an account
//! that may do no more.

use super::{Storage, bucket, connected, open_at, open_spool, spool_beside, to_read, with_causes};
use crate::{
    config::{Config, storage_url::StorageUrl},
    exit::Failure,
};
use proxy_core::{
    file::ModuleFile,
    spool::Spool,
    store::{ModuleStore, StoreError},
    upstream::{KeptUpstream, Upstream},
};
use std::{path::Path, sync::Arc};
use storage_fs::FsTree;
use storage_postgres::PostgresStore;
use storage_s3::BucketStore;

/// A place, read in the other ways in which module files may be laid out there.
#[derive(Default)]
pub(crate) struct Otherwise {
    /// To open files with; they are asked in order.
    pub(crate) stores: Vec<Arc<dyn ModuleStore>>,
    /// The files that only these have.
    pub(crate) files: Vec<ModuleFile>,
}

/// Opens a store to read what it keeps.
pub(crate) async fn open_to_read(url: &StorageUrl, what: &str, config: &Config) -> Result<Storage, Failure> {
    match url {
        StorageUrl::File(folder) => {
            let store = tree(folder, what)?;
            Ok(Storage {
                modules: Arc::new(store.clone()),
                records: Arc::new(store.clone()),
                catalog: Some(Arc::new(store.clone())),
                feed: None,
                links: None,
                quarantine: Some(Arc::new(store)),
                leases: None,
                spool: spool_outside(config)?,
                description: folder.display().to_string(),
            })
        }
        StorageUrl::Bucket(url) => {
            let store = bucket(url, what, config, BucketStore::open_to_read)?;
            Ok(Storage {
                quarantine: Some(Arc::new(store.clone())),
                ..to_read(store, url.to_string(), config)?
            })
        }
        StorageUrl::Postgres(url) => {
            let store = connected(PostgresStore::connect_to_read(url).await, url, what)?;
            Ok(Storage {
                quarantine: Some(Arc::new(store.clone())),
                ..to_read(store, url.to_string(), config)?
            })
        }
        url @ StorageUrl::Memory => open_at(url, what, config).await,
    }
}

/// The same place, for what another program keeps there under other names than ours. Lists all of it.
pub(crate) async fn open_otherwise(
    url: &StorageUrl,
    what: &str,
    config: &Config,
) -> Result<Otherwise, Failure> {
    let (stores, files) = match url {
        StorageUrl::File(folder) => {
            let tree = tree(folder, what)?;
            (otherwise_in(&tree), tree.files_otherwise().await)
        }
        StorageUrl::Bucket(url) => {
            let bucket = bucket(url, what, config, BucketStore::open_to_read)?;
            (
                vec![Arc::new(bucket.spelled_as_written()) as _],
                bucket.files_as_written().await,
            )
        }
        // Nobody but us lays out a database, or a memory.
        StorageUrl::Postgres(_) | StorageUrl::Memory => return Ok(Otherwise::default()),
    };
    let files = files.map_err(|error: StoreError| {
        Failure::Unavailable(format!("{what}: {}: {}", named(url), with_causes(&error)))
    })?;
    Ok(Otherwise { stores, files })
}

/// The stores of `storage.also`, to fetch from. They are read alone, and in every layout that there is.
pub(crate) fn open_also(config: &Config) -> Result<Vec<Arc<dyn Upstream>>, Failure> {
    let what = "storage.also";
    let open = |url: &StorageUrl| -> Result<Arc<dyn Upstream>, Failure> {
        let stores: Vec<Arc<dyn ModuleStore>> = match url {
            StorageUrl::File(folder) => {
                let tree = tree(folder, what)?;
                let others = otherwise_in(&tree);
                [Arc::new(tree) as _].into_iter().chain(others).collect()
            }
            StorageUrl::Bucket(url) => {
                let store = bucket(url, what, config, BucketStore::open_to_read)?;
                let as_written = Arc::new(store.spelled_as_written());
                vec![Arc::new(store), as_written]
            }
            StorageUrl::Postgres(url) => {
                let opened = tokio::runtime::Handle::current().block_on(PostgresStore::connect_to_read(url));
                vec![Arc::new(connected(opened, url, what)?)]
            }
            StorageUrl::Memory => return Err(Failure::Usage(format!("{what}: nothing is kept in memory:"))),
        };
        Ok(Arc::new(KeptUpstream::new(named(url), stores)))
    };
    config.also.iter().map(open).collect()
}

fn tree(folder: &Path, what: &str) -> Result<FsTree, Failure> {
    FsTree::open(folder)
        .map_err(|error| Failure::Unavailable(format!("{what}: {}: {error}", folder.display())))
}

fn otherwise_in(tree: &FsTree) -> Vec<Arc<dyn ModuleStore>> {
    tree.otherwise().map(|tree| Arc::new(tree) as _).into()
}

/// A store's name in messages and records, without secrets.
fn named(url: &StorageUrl) -> String {
    match url {
        StorageUrl::File(folder) => format!("file:{}", folder.display()),
        StorageUrl::Bucket(url) => url.to_string(),
        StorageUrl::Postgres(url) => url.to_string(),
        StorageUrl::Memory => "memory:".to_owned(),
    }
}

/// The spool of a folder that is only read. In one that is written it lies inside, so a home folder that can be written was
/// never asked for, and is not now.
fn spool_outside(config: &Config) -> Result<Spool, Failure> {
    match (spool_beside(config), &config.spool) {
        (Err(_), None) => open_spool(&std::env::temp_dir().join("stoa-spool")),
        (opened, _) => opened,
    }
}
