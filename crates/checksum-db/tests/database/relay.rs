//! What clients are given.

use super::*;

#[tokio::test]
async fn private_names_do_not_leave() {
    let world = World::new(3);
    let database = world.database();
    for lookup in ["corp.test/m", "corp.test/!upper", "skipped.test/m"] {
        let refused = database
            .read(&format!("lookup/{lookup}@v1.0.0"))
            .await
            .unwrap_err();
        assert!(matches!(refused, ChecksumError::Private(_)), "{refused}");
    }
    assert!(!database.speaks_for(module("corp.test/m").path()));
    assert_eq!(world.there.requests().len(), 0);
}

#[tokio::test]
async fn toolchains_are_always_held_against_the_database() {
    let world = World::new(3);
    let toolchain = Module::new("golang.org/toolchain", "v0.0.1-go1.27.0.linux-amd64");
    world.there.add(&toolchain);
    let database = world.database();
    let name = ModuleVersion::parse(&toolchain.path, &toolchain.version).unwrap();
    assert!(database.speaks_for(name.path()));
    assert!(!database.speaks_for(module("golang.org/x/mod").path()));
    assert!(database.sums(&name).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_no_lookup_is_not_found() {
    let world = World::new(3);
    let database = world.database();
    for path in [
        "",
        "lookup",
        "lookup/",
        "lookup/example.test/m",
        "lookup/example.test/m@main",
        "lookup/example.test/m@v1",
        "lookup/example.test/M@v1.0.0",
        "lookup/example.test/m@v1.0.0/go.mod",
        "lookup/example.test/m@v2.0.0",
        "lookup/../m@v1.0.0",
        "tile/8/0/0",
        "tile/4/0/000",
        "tile/8/data/000.p/3",
        "supported/x",
        "other",
    ] {
        assert_eq!(relayed(&database, path).await, None, "{path}");
    }
    assert_eq!(world.there.requests().len(), 0);
}

#[tokio::test]
async fn upper_case_is_asked_for_as_it_is_escaped() {
    let world = World::new(3);
    world.there.add(&Module::new("example.test/Upper", "v1.0.0"));
    let lookup = relayed(&world.database(), "lookup/example.test/!upper@v1.0.0")
        .await
        .unwrap();
    assert!(lookup.starts_with("7\nexample.test/Upper v1.0.0 h1:"), "{lookup}");
    assert_eq!(world.there.count("lookup/example.test/!upper@v1.0.0"), 1);
}

#[tokio::test]
async fn tiles_are_proven_before_they_are_given() {
    let world = World::new(600);
    let database = world.database();
    let tile = database.read("tile/8/0/001").await.unwrap().unwrap();
    assert!(tile.immutable && tile.bytes.len() == 8192);
    assert!(world.record("tile/8/0/001").await.is_some());
    let part = database.read("tile/8/0/001.p/7").await.unwrap().unwrap();
    assert_eq!(part.bytes, tile.bytes.slice(..7 * 32));
    // Past the end of the tree there is none, now.
    assert_eq!(relayed(&database, "tile/8/0/009").await, None);
    world.there.lie(|path, (status, mut body)| {
        if path.starts_with("tile/") {
            body[3] ^= 1;
        }
        (status, body)
    });
    let refused = database.read("tile/8/0/000").await.unwrap_err();
    assert!(matches!(refused, ChecksumError::Unproven { .. }), "{refused}");
    assert_eq!(world.record("tile/8/0/000").await, None);
}

#[tokio::test]
async fn the_newest_head_is_asked_for_and_served_stale_when_it_cannot_be() {
    let world = World::new(3);
    let database = world.database();
    let latest = database.read("latest").await.unwrap().unwrap();
    assert!(!latest.stale && !latest.immutable);
    world.there.unplug();
    let latest = world.database().read("latest").await.unwrap().unwrap();
    assert!(latest.stale);
    let unavailable = World::new(3);
    unavailable.there.unplug();
    let error = unavailable.database().read("latest").await.unwrap_err();
    assert!(matches!(error, ChecksumError::Unavailable { .. }), "{error}");
}
