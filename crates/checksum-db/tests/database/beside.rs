//! A mirror that is filled from another one's store.

use super::*;

/// Another mirror of the same database: what it keeps, and nothing else of it.
fn emptied(world: &World) -> World {
    World {
        there: world.there.clone(),
        store: NotedStore::default(),
        client: world.client.clone(),
    }
}

#[tokio::test]
async fn what_another_mirror_proved_is_proven_without_the_database() {
    for before in [0, 3, 255, 256, 300, 600] {
        let first = World::new(before);
        assert_right(sums(&first.database(), "example.test/m").await.unwrap().unwrap());
        // The tree grows, and what the first mirror keeps with it.
        first.there.ledger(|ledger| ledger.fill(300));
        first.there.add(&Module::new("example.test/late", "v1.0.0"));
        sums(&first.database(), "example.test/late").await.unwrap();
        first.there.unplug();
        let second = emptied(&first);
        let database = second.database_filled_from(&first);
        for path in ["example.test/m", "example.test/late"] {
            assert!(sums(&database, path).await.unwrap().is_some(), "{before}: {path}");
        }
        assert_right(sums(&database, "example.test/m").await.unwrap().unwrap());
        // All that is needed was taken over: by itself it says the same, to clients as well.
        let alone = second.database();
        assert_right(sums(&alone, "example.test/m").await.unwrap().unwrap());
        let path = "lookup/example.test/late@v1.0.0";
        assert_eq!(relayed(&alone, path).await, relayed(&database, path).await);
        assert_eq!(second.record("latest").await, first.record("latest").await);
        assert!(
            sums(&alone, "example.test/new").await.is_err(),
            "the database is away"
        );
    }
}

#[tokio::test]
async fn what_another_mirror_lacks_is_asked_for() {
    let first = World::new(300);
    sums(&first.database(), "example.test/m").await.unwrap();
    first.there.add(&Module::new("example.test/late", "v1.0.0"));
    let second = emptied(&first);
    let database = second.database_filled_from(&first);
    assert!(sums(&database, "example.test/late").await.unwrap().is_some());
    assert_eq!(sums(&database, "example.test/none").await.ok().flatten(), None);
    assert_right(sums(&database, "example.test/m").await.unwrap().unwrap());
}

/// Every record of the other store, damaged in turn: what is kept here is right, or nothing.
#[tokio::test]
async fn what_another_mirror_has_is_believed_no_more_than_the_database() {
    let first = World::new(300);
    sums(&first.database(), "example.test/m").await.unwrap();
    let records = first.store.records().await;
    assert!(records.iter().any(|(key, _)| key.as_str().contains("/tile/")));
    for (key, _) in records {
        let damaged = World {
            store: first.store.damaged(&key).await,
            ..emptied(&first)
        };
        for plugged in [false, true] {
            let second = emptied(&first);
            if plugged {
                first.there.plug();
            } else {
                first.there.unplug();
            }
            let database = second.database_filled_from(&damaged);
            match sums(&database, "example.test/m").await {
                Ok(found) => assert_right(found.unwrap()),
                Err(ChecksumError::Unavailable { .. }) if !plugged => {
                    assert!(!second.keeps_the_lookup().await, "{key}");
                }
                Err(error) => panic!("{key}, plugged: {plugged}: {error}"),
            }
        }
    }
}

/// The store of a mirror that was shown another tree.
#[tokio::test]
async fn a_fork_in_another_store_is_told() {
    let (one, other) = (World::new(300), World::new(280));
    for world in [&one, &other] {
        sums(&world.database(), "example.test/m").await.unwrap();
    }
    other.there.ledger(|ledger| ledger.fill(300));
    other.there.add(&Module::new("example.test/late", "v1.0.0"));
    sums(&other.database(), "example.test/late").await.unwrap();
    let database = one.database_filled_from(&other);
    let told = sums(&database, "example.test/late").await.unwrap_err();
    assert!(matches!(told, ChecksumError::Untrustworthy { .. }), "{told}");
    assert!(one.record("latest").await.unwrap().contains("\n304\n"));
}
