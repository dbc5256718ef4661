//! How the database is reached.

use super::*;

async fn asked_through(world: &World, chain: &str) -> Result<Option<Sums>, ChecksumError> {
    let database = world.database_with(&world.there.signer().key(), chain, Duration::ZERO);
    sums(&database, "example.test/m").await
}

#[tokio::test]
async fn an_address_is_asked_and_no_proxy() {
    let world = World::new(3);
    let proxy = ChecksumDatabase::new("nobody.example.test");
    let database = world.database_with(&world.there.setting(), &proxy.url(), Duration::ZERO);
    assert_right(sums(&database, "example.test/m").await.unwrap().unwrap());
    assert_eq!(proxy.requests().len(), 0);
    assert_eq!(world.there.count("supported"), 0);
}

#[tokio::test]
async fn a_proxy_that_relays_it_is_asked_below_its_own_path() {
    let world = World::new(3);
    let chain = format!("{}/go/mirror,direct", world.there.url());
    assert_right(asked_through(&world, &chain).await.unwrap().unwrap());
    assert_eq!(
        world.there.requests()[0].path,
        format!("/go/mirror/sumdb/{NAME}/supported")
    );
    let asked = world.there.requests();
    let all_through = asked
        .iter()
        .all(|asked| asked.path.starts_with(&format!("/go/mirror/sumdb/{NAME}/")));
    assert!(all_through, "{asked:?}");
}

#[tokio::test]
async fn a_proxy_that_does_not_relay_it_is_passed_over() {
    let world = World::new(3);
    let other = ChecksumDatabase::new("other.example.test");
    other.lie(|_, _| (404, Vec::new()));
    let chain = format!("{},{}", other.url(), world.there.url());
    assert_right(asked_through(&world, &chain).await.unwrap().unwrap());
    assert_eq!(other.requests().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_fails_ends_the_search_unless_the_chain_goes_on() {
    let world = World::new(3);
    let broken = ChecksumDatabase::new("other.example.test");
    broken.lie(|_, _| (500, Vec::new()));
    let error = asked_through(&world, &format!("{},{}", broken.url(), world.there.url()))
        .await
        .unwrap_err();
    assert!(matches!(error, ChecksumError::Unavailable { .. }), "{error}");
    assert_eq!(world.there.requests().len(), 0);
    let chain = format!("{}|{}", broken.url(), world.there.url());
    assert_right(asked_through(&world, &chain).await.unwrap().unwrap());
}

#[tokio::test]
async fn requests_carry_nothing_of_anybody() {
    let world = World::new(3);
    asked_through(&world, &world.there.url()).await.unwrap().unwrap();
    for asked in world.there.requests() {
        for name in ["authorization", "cookie", "referer"] {
            assert!(!asked.headers.contains_key(name), "{asked:?}");
        }
    }
}
