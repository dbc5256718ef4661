//! The database goes away: what was ever looked up still verifies.

use super::*;
use checksum_db::{
    note::VerifierKey,
    record::Lookup,
    tlog::{Hash, Node, TreeHead, plan::Plan, proof::Hashes, roots},
};

/// What a go command with an empty cache does: looks up, and holds the record against the tree by what the mirror gives.
/// `older` is a head that it knows from before.
async fn verify_as_go(database: &Database, key: &VerifierKey, path: &str, older: Option<&str>) -> TreeHead {
    let answer = database
        .read(&format!("lookup/{path}@v1.0.0"))
        .await
        .unwrap()
        .unwrap();
    let lookup = Lookup::parse(&answer.bytes).unwrap();
    let head = TreeHead::parse(key.open(lookup.note).unwrap().text()).unwrap();
    let older = older.map(|note| TreeHead::parse(key.open(note.as_bytes()).unwrap().text()).unwrap());
    let mut nodes = vec![Node::record(lookup.id)];
    nodes.extend(older.iter().flat_map(|older| roots(older.size)));
    let plan = Plan::of_nodes(head, &nodes).unwrap();
    let mut contents = Vec::new();
    for tile in plan.tiles() {
        contents.push(database.read(&tile.to_string()).await.unwrap().unwrap().bytes);
    }
    let proven = plan.authenticate(&contents).unwrap();
    assert_eq!(
        proven.hash(nodes[0]),
        Some(Hash::of_record(lookup.record.as_str().as_bytes()))
    );
    if let Some(older) = older {
        assert_eq!(proven.root_at(older.size), Some(older.root));
    }
    head
}

/// Modules are looked up while the tree grows in between, over the edges of tiles; then it is gone. Each of them still
/// verifies for a client that knows nothing, and for one that knows any of the heads there were.
#[tokio::test]
async fn whatever_was_looked_up_still_verifies() {
    let world = World::of(ChecksumDatabase::new(NAME));
    let key: VerifierKey = world.there.signer().key().parse().unwrap();
    let database = world.database();
    let (mut names, mut heads) = (Vec::new(), Vec::new());
    for (round, growth) in [0, 1, 100, 153, 1, 2, 255, 300, 700].into_iter().enumerate() {
        world.there.ledger(|ledger| ledger.fill(growth));
        let name = format!("example.test/m{round}");
        world.there.add(&Module::new(&name, "v1.0.0"));
        assert!(sums(&database, &name).await.unwrap().is_some());
        names.push(name);
        heads.push(world.record("latest").await.unwrap());
    }
    world.there.unplug();
    for database in [&database, &world.database()] {
        for name in &names {
            assert!(sums(database, name).await.unwrap().is_some());
            let head = verify_as_go(database, &key, name, None).await;
            assert_eq!(head.size, 1521);
            for older in &heads {
                verify_as_go(database, &key, name, Some(older)).await;
            }
        }
    }
    let error = sums(&database, "example.test/new").await.unwrap_err();
    assert!(matches!(error, ChecksumError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn nothing_is_asked_twice() {
    let world = World::new(300);
    sums(&world.database(), "example.test/m").await.unwrap().unwrap();
    world.there.forget();
    let restarted = world.database();
    assert_right(sums(&restarted, "example.test/m").await.unwrap().unwrap());
    assert!(
        relayed(&restarted, "lookup/example.test/m@v1.0.0")
            .await
            .is_some()
    );
    assert!(relayed(&restarted, "tile/8/0/001.p/48").await.is_some());
    assert_eq!(world.there.requests().len(), 0);
}

/// Damage in the store is found, and mended from the database.
#[tokio::test]
async fn damaged_records_are_fetched_anew() {
    for path in [
        "lookup/example.test/m@v1.0.0",
        "tile/8/0/001.p/48",
        "tile/8/1/000.p/1",
    ] {
        let world = World::new(300);
        sums(&world.database(), "example.test/m").await.unwrap().unwrap();
        let key = RecordKey::parse(&format!("sumdb/{NAME}/{path}")).unwrap();
        let record = RecordStore::read(&world.store, &key).await.unwrap().unwrap();
        let mut damaged = record.bytes.to_vec();
        damaged[20] ^= 1;
        let written = world
            .store
            .write(&key, damaged.into(), Some(&record.revision))
            .await
            .unwrap();
        assert!(matches!(written, proxy_core::records::Written::Done(_)));
        world.there.forget();
        assert_right(sums(&world.database(), "example.test/m").await.unwrap().unwrap());
        assert!(world.there.count(path) > 0, "{path}");
        let mended = RecordStore::read(&world.store, &key).await.unwrap().unwrap();
        assert_eq!(mended.bytes, record.bytes, "{path}");
    }
}

/// Without the greatest head a fork could not be seen: that is no absence of the database, so nothing may be put off.
#[tokio::test]
async fn a_damaged_tree_head_is_told_and_is_no_absence() {
    let world = World::new(300);
    sums(&world.database(), "example.test/m").await.unwrap().unwrap();
    let key = RecordKey::parse(&format!("sumdb/{NAME}/latest")).unwrap();
    let record = RecordStore::read(&world.store, &key).await.unwrap().unwrap();
    let mut damaged = record.bytes.to_vec();
    damaged[20] ^= 1;
    let written = world
        .store
        .write(&key, damaged.clone().into(), Some(&record.revision))
        .await
        .unwrap();
    assert!(matches!(written, proxy_core::records::Written::Done(_)));
    world.there.add(&Module::new("example.test/next", "v1.0.0"));
    let error = sums(&world.database(), "example.test/next").await.unwrap_err();
    assert!(matches!(error, ChecksumError::Damaged { .. }), "{error}");
    assert!(
        error.to_string().contains(&format!("sumdb/{NAME}/latest")),
        "{error}"
    );
    // It stays for whoever mends the store to see.
    let after = RecordStore::read(&world.store, &key).await.unwrap().unwrap();
    assert_eq!(after.bytes, damaged);
}

/// For a client that wants nothing to be fetched: what is kept, and not one question.
#[tokio::test]
async fn what_is_kept_is_had_without_asking() {
    let world = World::new(300);
    let database = world.database();
    let lookup = "lookup/example.test/m@v1.0.0";
    for path in ["latest", lookup, "tile/8/0/000"] {
        let answer = database.read_kept(path).await;
        let nothing = matches!(answer, Ok(None) | Err(ChecksumError::Unavailable { .. }));
        assert!(nothing, "{path}: {answer:?}");
    }
    assert_eq!(world.there.count(""), 0);
    let asked = relayed(&database, lookup).await.unwrap();
    // Another node keeps a greater head, and a version under it.
    world.there.add(&Module::new("example.test/next", "v1.0.0"));
    sums(&world.database(), "example.test/next")
        .await
        .unwrap()
        .unwrap();
    world.there.forget();
    let text = async |path: &str| {
        let relayed = database.read_kept(path).await.unwrap().unwrap();
        String::from_utf8_lossy(&relayed.bytes).into_owned()
    };
    let record = |lookup: &str| lookup.split("\n\n").next().unwrap().to_owned();
    assert_eq!(record(&text(lookup).await), record(&asked));
    assert!(text("lookup/example.test/next@v1.0.0").await.contains("\n305\n"));
    assert!(text("latest").await.contains("\n305\n"));
    assert!(database.read_kept("tile/8/0/001.p/49").await.unwrap().is_some());
    assert_eq!(world.there.count(""), 0);
}
