//! The database against one on loopback that signs, counts and lies.

#![expect(clippy::unwrap_used, reason = "all of this is a test, helpers too")]

mod beside;
mod forks;
mod lies;
mod noted;
mod offline;
mod relay;
mod ways;

use checksum_db::{Database, DatabaseParts, DatabaseSetting};
use http_client::{Client, Settings};
use noted::NotedStore;
use proxy_core::{
    checksums::{ChecksumAuthority, ChecksumError, ChecksumRelay},
    module::{ModuleVersion, Patterns},
    records::{RecordKey, RecordStore},
    sums::Sums,
};
use std::{sync::Arc, time::Duration};
use testkit::{checksum_database::ChecksumDatabase, module::Module};

const NAME: &str = "sums.example.test/db";

/// A database that lies on command, and a store.
struct World {
    there: ChecksumDatabase,
    store: NotedStore,
    client: Client,
}

impl World {
    /// A database that knows so many modules before `example.test/m` v1.0.0, and a few behind it.
    fn new(before: usize) -> Self {
        let there = ChecksumDatabase::new(NAME);
        there.ledger(|ledger| ledger.fill(before));
        there.add(&Module::new("example.test/m", "v1.0.0"));
        there.ledger(|ledger| ledger.fill(3));
        Self::of(there)
    }

    /// This database, and an empty store.
    fn of(there: ChecksumDatabase) -> Self {
        Self {
            there,
            store: NotedStore::default(),
            client: Client::new(&Settings::default()).unwrap(),
        }
    }

    /// What a mirror that has just started sees of it.
    fn database(&self) -> Database {
        self.database_with(&self.there.setting(), "", Duration::from_secs(3600))
    }

    fn database_with(&self, setting: &str, chain: &str, grace: Duration) -> Database {
        self.database_beside(setting, chain, grace, Vec::new())
    }

    /// What a mirror sees that is filled from the store of another world.
    fn database_filled_from(&self, other: &Self) -> Database {
        let setting = self.there.setting();
        self.database_beside(
            &setting,
            "",
            Duration::from_secs(3600),
            vec![Arc::new(other.store.clone())],
        )
    }

    fn database_beside(
        &self,
        setting: &str,
        chain: &str,
        grace: Duration,
        beside: Vec<Arc<dyn RecordStore>>,
    ) -> Database {
        let setting = DatabaseSetting::parse(setting).unwrap().unwrap();
        let chain = match chain {
            "" => Vec::new(),
            chain => proxy_core::upstream::chain::parse_list(chain).unwrap(),
        };
        Database::new(DatabaseParts {
            setting: &setting,
            chain: &chain,
            client: self.client.clone(),
            records: Arc::new(self.store.clone()),
            beside,
            exempt: vec![
                Patterns::parse("corp.test").unwrap(),
                Patterns::parse("skipped.test,golang.org").unwrap(),
            ],
            absent: Duration::from_secs(30),
            grace,
        })
    }

    async fn record(&self, path: &str) -> Option<String> {
        let key = RecordKey::parse(&format!("sumdb/{NAME}/{path}")).unwrap();
        let record = RecordStore::read(&self.store, &key).await.unwrap()?;
        Some(String::from_utf8_lossy(&record.bytes).into_owned())
    }

    /// Whether anything at all was kept of `example.test/m`.
    async fn keeps_the_lookup(&self) -> bool {
        self.record("lookup/example.test/m@v1.0.0").await.is_some()
    }
}

fn module(path: &str) -> ModuleVersion {
    ModuleVersion::parse(path, "v1.0.0").unwrap()
}

async fn sums(database: &Database, path: &str) -> Result<Option<Sums>, ChecksumError> {
    database.sums(&module(path)).await
}

/// What `go.sum` must say of the module.
fn assert_right(sums: Sums) {
    let go_mod = proxy_core::sums::H1::of_go_mod(&Module::new("example.test/m", "v1.0.0").go_mod());
    assert_eq!(sums.go_mod, go_mod);
    assert_ne!(sums.zip, go_mod);
}

async fn relayed(database: &Database, path: &str) -> Option<String> {
    let relayed = database.read(path).await.unwrap()?;
    Some(String::from_utf8_lossy(&relayed.bytes).into_owned())
}
