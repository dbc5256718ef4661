//! What nodes can share.

use crate::world::Shared;
use testkit::{
    bucket::{BucketServer, TestBucket},
    chaos::Chaos,
    postgres::{Servers, fresh_word},
};

/// A folder, with its own locks as leases.
pub(crate) async fn folder() -> Result<Shared, String> {
    Ok(in_a_folder())
}

/// A folder, with leases in its records.
pub(crate) async fn folder_with_records() -> Result<Shared, String> {
    Ok(in_a_folder().set("STOA_LEASE__URL", "records"))
}

/// A folder, with leases in Redis.
pub(crate) async fn folder_with_redis() -> Result<Shared, String> {
    with_redis(in_a_folder())
}

/// A database, with leases in its rows.
pub(crate) async fn postgres() -> Result<Shared, String> {
    let (servers, schema) = (Servers::find()?, fresh_word());
    let url = format!("{}?schema={schema}&max_connections=8", servers.direct);
    Ok(Shared::new().set("STOA_STORAGE__URL", &url))
}

/// A bucket, with leases in its records.
pub(crate) async fn bucket() -> Result<Shared, String> {
    let bucket = TestBucket::fresh(BucketServer::SeaweedFs).await?;
    let url = bucket.url();
    let (place, endpoint) = url.split_once("?endpoint=http://").unwrap();
    let chaos = Chaos::before(endpoint);
    let behind = format!("{place}?endpoint={}", chaos.url());
    let creating = format!("PUT /{}/example.test/", place.strip_prefix("s3://").unwrap());
    let shared = bucket
        .variables()
        .iter()
        .fold(Shared::new(), |shared, (name, value)| shared.set(name, value));
    Ok(shared
        .set("STOA_STORAGE__URL", &behind)
        .with_a_store_behind(chaos, creating)
        .keeping(bucket))
}

/// A bucket, with leases in Redis.
pub(crate) async fn bucket_with_redis() -> Result<Shared, String> {
    with_redis(bucket().await?)
}

fn in_a_folder() -> Shared {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file:{}", folder.path().display());
    Shared::new().set("STOA_STORAGE__URL", &url).keeping(folder)
}

/// Leases in a Redis that can be made to go away.
fn with_redis(shared: Shared) -> Result<Shared, String> {
    let url = variable("STOA_TEST_REDIS")?;
    let (credentials, host) = url.rsplit_once('@').unwrap();
    let chaos = Chaos::before(host);
    let url = format!("{credentials}@{}?prefix=test-{:032x}", chaos.address(), number());
    Ok(shared.set("STOA_LEASE__URL", &url).with_leases_behind(chaos))
}

/// The address of a server, as `cargo xtask services` says it.
#[expect(
    clippy::disallowed_methods,
    reason = "the servers of tests are named in the environment"
)]
fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: cargo xtask services starts what it names"))
}

/// A number that no other test has.
fn number() -> u128 {
    rand::random()
}
