//! The promises of leases, on real servers: `cargo xtask services` starts them and says where they are.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conformance;
mod failover;
mod outages;
mod takeovers;

use lease_redis::{RedisLeases, RedisUrl};
use std::time::Duration;

/// The address in a variable, with a prefix of keys that no other test has; or why there is none.
#[expect(
    clippy::disallowed_methods,
    reason = "the servers of tests are named in the environment"
)]
fn address(variable: &str) -> Result<String, String> {
    let url = std::env::var(variable)
        .map_err(|_| format!("{variable} is not set: cargo xtask services starts what it names"))?;
    let joint = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{joint}prefix=test-{:032x}", rand::random::<u128>()))
}

fn leases(url: &str, dead_after: Duration) -> RedisLeases {
    // In tests of other crates' features more than one provider may be linked in.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    RedisLeases::taken_over_after(&RedisUrl::parse(url).unwrap(), dead_after).unwrap()
}
