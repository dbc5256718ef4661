#![doc = include_str!("../README.md")]

mod connection;
mod url;

pub use url::{InvalidUrl, RedisUrl};

use async_trait::async_trait;
use connection::Server;
use proxy_core::{
    lease::{Claimed, DEAD_AFTER, Lease, LeaseError, LeaseTable, Leases, Renewed, SharedLeases},
    module::ModuleVersion,
};
use redis::{Cmd, RedisError};
use std::time::Duration;

/// How long the fencing number of a lease outlives a holder that died.
const FENCE: Duration = Duration::from_secs(24 * 3600);

/// Gives the lease if it is free, or ours by a try whose answer was lost: its fencing number, or 0 if another has it.
const CLAIM: &str = "\
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  local fence = redis.call('INCR', KEYS[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
  return fence
end
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return tonumber(redis.call('GET', KEYS[2]) or 1)
end
return 0";

/// Says 1 if the lease is ours for another while, also after it ran out and nobody took it; 0 if another has it.
const RENEW: &str = "\
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

/// Removes the lease if it is ours, and all trace of it.
const RELEASE: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1], KEYS[2])
  return 1
end
return 0";

/// Leases in Redis. Cheap to clone; connects when it is first asked, and again whenever the connection breaks.
#[derive(Clone, Debug)]
pub struct RedisLeases(SharedLeases<RedisTable>);

/// Redis seen as a lease service.
#[derive(Debug)]
struct RedisTable {
    server: Server,
    prefix: String,
    time_to_live: Duration,
}

/// Who one who waits is: a name made up for this one time.
#[derive(Debug)]
struct Token(String);

impl RedisLeases {
    /// Leases in the Redis at this address. Nothing is connected yet.
    pub fn new(url: &RedisUrl) -> Result<Self, InvalidUrl> {
        Self::taken_over_after(url, DEAD_AFTER)
    }

    /// The same with holders taken for dead after another time than [`DEAD_AFTER`].
    pub fn taken_over_after(url: &RedisUrl, dead_after: Duration) -> Result<Self, InvalidUrl> {
        let table = RedisTable {
            server: Server::at(url)?,
            prefix: url.prefix().to_owned(),
            time_to_live: dead_after,
        };
        Ok(Self(SharedLeases::new(table, dead_after)))
    }

    /// Asks whether Redis is there and lets us in, for whoever wants to know early.
    pub async fn ping(&self) -> Result<(), LeaseError> {
        self.0
            .table()
            .server
            .ask(&redis::cmd("PING"))
            .await
            .map(drop)
            .map_err(away)
    }
}

#[async_trait]
impl Leases for RedisLeases {
    async fn acquire(&self, module: &ModuleVersion) -> Lease {
        self.0.acquire(module).await
    }
}

#[async_trait]
impl LeaseTable for RedisTable {
    type Watch = Token;
    type Claim = String;

    async fn claim(&self, module: &ModuleVersion, watch: &mut Token) -> Result<Claimed<String>, LeaseError> {
        let mut script = self.script(CLAIM, module, &watch.0);
        script.arg(millis(FENCE));
        let fence = self.number(&script).await?;
        if fence == 0 {
            return Ok(Claimed::Held);
        }
        Ok(Claimed::Granted {
            claim: watch.0.clone(),
            fence,
            // Who gives a lease back removes the number too.
            taken_over: fence > 1,
        })
    }

    async fn renew(&self, module: &ModuleVersion, token: &mut String) -> Result<Renewed, LeaseError> {
        let kept = self.number(&self.script(RENEW, module, token)).await?;
        Ok(if kept == 1 { Renewed::Kept } else { Renewed::Lost })
    }

    async fn release(&self, module: &ModuleVersion, token: String) -> Result<(), LeaseError> {
        self.number(&self.script(RELEASE, module, &token)).await.map(drop)
    }
}

impl RedisTable {
    /// A script about the lease of one version. The braces keep its two keys on one node of a cluster.
    fn script(&self, script: &'static str, module: &ModuleVersion, token: &str) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command
            .arg(script)
            .arg(2)
            .arg(format!("{}:lease:{{{module}}}", self.prefix))
            .arg(format!("{}:fence:{{{module}}}", self.prefix))
            .arg(token)
            .arg(millis(self.time_to_live));
        command
    }

    async fn number(&self, script: &Cmd) -> Result<u64, LeaseError> {
        let answer = self.server.ask(script).await.map_err(away)?;
        redis::from_redis_value(answer).map_err(|error| away(error.into()))
    }
}

impl Default for Token {
    fn default() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn away(error: RedisError) -> LeaseError {
    LeaseError::because("Redis cannot be asked", error)
}
