//! The reference database of `golang.org/x/mod`, as a second opinion on what a database is.
//!
//! What it serves must be believed, proven and kept; what is changed on the way must not.

#![expect(clippy::unwrap_used, reason = "all of this is a test, helpers too")]

use base64::{Engine, prelude::BASE64_STANDARD};
use checksum_db::{Database, DatabaseParts, DatabaseSetting};
use http_client::{Client, Settings};
use proxy_core::{
    checksums::{ChecksumAuthority, ChecksumRelay},
    file::Sha256,
    module::ModuleVersion,
    store::MemoryStore,
};
use std::{sync::Arc, time::Duration};
use testkit::reference_database::ReferenceDatabase;

fn database(setting: &str, store: &MemoryStore) -> Database {
    Database::new(DatabaseParts {
        setting: &DatabaseSetting::parse(setting).unwrap().unwrap(),
        chain: &[],
        client: Client::new(&Settings::default()).unwrap(),
        records: Arc::new(store.clone()),
        beside: Vec::new(),
        exempt: Vec::new(),
        absent: Duration::from_secs(30),
        grace: Duration::ZERO,
    })
}

fn sum(text: &str) -> String {
    let hash = Sha256::of(text.as_bytes()).0;
    format!("h1:{}", BASE64_STANDARD.encode(hash))
}

#[tokio::test]
async fn the_reference_server_is_believed_and_outlived() {
    let Some(mut server) = ReferenceDatabase::start() else {
        testkit::skip_or_fail!("there is no go command here")
    };
    let store = MemoryStore::new();
    let asked = database(server.setting(), &store);
    let module = |number| ModuleVersion::parse(&format!("example.test/M{number}"), "v1.2.3-rc.1").unwrap();
    // It records what it is asked for, so the tree grows with each lookup, over the edge of a tile.
    for number in 0..270 {
        let module = module(number);
        let sums = asked.sums(&module).await.unwrap().unwrap();
        assert_eq!(sums.zip.to_string(), sum(&format!("zip {}", module.path())));
        assert_eq!(sums.go_mod.to_string(), sum(&format!("mod {}", module.path())));
    }
    let unknown = ModuleVersion::parse("example.test/unknown", "v1.0.0").unwrap();
    assert_eq!(asked.sums(&unknown).await.unwrap(), None);
    server.stop();
    let restarted = database(server.setting(), &store);
    for number in 0..270 {
        assert!(restarted.sums(&module(number)).await.unwrap().is_some());
        let lookup = restarted
            .read(&format!("lookup/example.test/!m{number}@v1.2.3-rc.1"))
            .await;
        let lookup = String::from_utf8(lookup.unwrap().unwrap().bytes.to_vec()).unwrap();
        assert!(lookup.contains("\ngo.sum database tree\n270\n"), "{lookup}");
    }

    // The same server with another key is another database.
    let impostor = server.another();
    let setting = format!("{} {}", server.key(), impostor.url());
    let error = database(&setting, &MemoryStore::new())
        .sums(&module(0))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("was refused"), "{error}");
}
