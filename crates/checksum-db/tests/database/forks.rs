//! One tree that only grows, and what happens when a database shows another.

use super::*;

/// A database that signed 304 records and then goes on from another 299.
fn forked() -> World {
    let world = World::new(300);
    world.there.add(&Module::new("example.test/first", "v1.0.0"));
    world
}

async fn evidence(world: &World) -> Vec<String> {
    world.store.texts("/evidence/").await
}

#[tokio::test]
async fn the_greatest_head_is_kept_and_never_goes_back() {
    let world = forked();
    let database = world.database();
    sums(&database, "example.test/first").await.unwrap().unwrap();
    assert!(world.record("latest").await.unwrap().contains("\n305\n"));
    // An older head of the same tree, as a cache in between would give it: the record counts, the head does not.
    let signer = testkit::checksum_database::Signer::new(NAME, 42);
    let mut old = world.there.ledger(|ledger| ledger.clone());
    old.truncate(302);
    world.there.lie(move |path, reply| {
        if path.starts_with("lookup/") {
            old.answer(&signer, path)
        } else {
            reply
        }
    });
    let lookup = relayed(&database, "lookup/example.test/m@v1.0.0").await.unwrap();
    assert!(lookup.contains("\n305\n"), "{lookup}");
    assert!(world.record("latest").await.unwrap().contains("\n305\n"));
    // The tree grows: only the new tiles are fetched, and the outgrown ones go.
    world.there.behave();
    world.there.ledger(|ledger| ledger.fill(1000));
    world.there.add(&Module::new("example.test/second", "v1.0.0"));
    sums(&database, "example.test/second").await.unwrap().unwrap();
    assert!(world.record("latest").await.unwrap().contains("\n1306\n"));
    assert_eq!(world.record("tile/8/0/001.p/49").await, None);
    assert!(world.record("tile/8/0/001").await.is_some());
}

#[tokio::test]
async fn a_fork_is_refused_and_both_heads_are_kept() {
    let world = forked();
    sums(&world.database(), "example.test/first")
        .await
        .unwrap()
        .unwrap();
    let before = world.record("latest").await.unwrap();
    // Another tree, signed with the same key, longer than the one we know.
    world.there.ledger(|ledger| {
        ledger.truncate(299);
        ledger.fill(8);
    });
    world.there.add(&Module::new("example.test/other", "v1.0.0"));
    for database in [world.database(), world.database()] {
        let error = sums(&database, "example.test/other").await.unwrap_err();
        assert!(matches!(error, ChecksumError::Untrustworthy { .. }), "{error}");
        let relayed = database.read("lookup/example.test/other@v1.0.0").await;
        assert!(
            matches!(relayed, Err(ChecksumError::Untrustworthy { .. })),
            "{relayed:?}"
        );
    }
    assert_eq!(world.record("latest").await.unwrap(), before);
    assert_eq!(world.record("lookup/example.test/other@v1.0.0").await, None);
    let evidence = evidence(&world).await;
    assert_eq!(evidence.len(), 1, "one fork is one piece of evidence");
    assert!(
        evidence[0].contains("\n305\n") && evidence[0].contains("\n308\n"),
        "{evidence:?}"
    );
    assert!(
        evidence[0].contains("as this proof shows:\n") && !evidence[0].ends_with("shows:\n"),
        "{evidence:?}"
    );
    // What was proven before still is, and goes out under the head that we know.
    let kept = relayed(&world.database(), "lookup/example.test/first@v1.0.0")
        .await
        .unwrap();
    assert!(kept.contains("\n305\n"));
}

#[tokio::test]
async fn a_shorter_or_equally_long_fork_is_refused() {
    for (cut, added) in [(299, 3), (299, 5)] {
        let world = forked();
        sums(&world.database(), "example.test/first")
            .await
            .unwrap()
            .unwrap();
        world.there.ledger(|ledger| {
            ledger.truncate(cut);
            ledger.fill(added);
        });
        world.there.add(&Module::new("example.test/other", "v1.0.0"));
        let error = sums(&world.database(), "example.test/other").await.unwrap_err();
        assert!(matches!(error, ChecksumError::Untrustworthy { .. }), "{error}");
        assert!(world.record("latest").await.unwrap().contains("\n305\n"));
        assert_eq!(evidence(&world).await.len(), 1);
    }
}

#[tokio::test]
async fn a_tree_that_shrinks_for_long_is_refused() {
    let world = forked();
    for (grace, refused) in [(Duration::from_secs(3600), false), (Duration::ZERO, true)] {
        let database = world.database_with(&world.there.setting(), "", grace);
        sums(&database, "example.test/first").await.unwrap().unwrap();
        let signer = testkit::checksum_database::Signer::new(NAME, 42);
        let mut old = world.there.ledger(|ledger| ledger.clone());
        old.truncate(303);
        world.there.lie(move |path, reply| {
            if path == "latest" {
                old.answer(&signer, path)
            } else {
                reply
            }
        });
        let latest = database.read("latest").await;
        if refused {
            assert!(
                matches!(latest, Err(ChecksumError::Untrustworthy { .. })),
                "{latest:?}"
            );
            assert_eq!(evidence(&world).await.len(), 1);
        } else {
            assert!(String::from_utf8_lossy(&latest.unwrap().unwrap().bytes).contains("\n305\n"));
        }
        world.there.behave();
    }
}

#[tokio::test]
async fn nodes_that_share_a_store_agree_on_the_head() {
    let world = forked();
    let (one, two) = (world.database(), world.database());
    sums(&one, "example.test/m").await.unwrap().unwrap();
    sums(&two, "example.test/first").await.unwrap().unwrap();
    world.there.ledger(|ledger| ledger.fill(500));
    world.there.add(&Module::new("example.test/second", "v1.0.0"));
    sums(&two, "example.test/second").await.unwrap().unwrap();
    // The first node knows an older head; what it proves with are the wider tiles that the other one kept.
    world.there.unplug();
    let newest = two.read("latest").await.unwrap().unwrap().bytes;
    assert_eq!(one.read("latest").await.unwrap().unwrap().bytes, newest);
    assert!(relayed(&one, "lookup/example.test/first@v1.0.0").await.is_some());
    assert!(relayed(&one, "tile/8/0/001.p/49").await.is_some());
}

#[tokio::test]
async fn racing_lookups_are_one() {
    let world = World::new(300);
    let database = world.database();
    let asked = (0..20).map(|_| sums(&database, "example.test/m"));
    for outcome in futures::future::join_all(asked).await {
        assert_right(outcome.unwrap().unwrap());
    }
    assert_eq!(world.there.count("lookup/"), 1);
    assert_eq!(world.there.count("tile/8/0/001.p/48"), 1);
}
