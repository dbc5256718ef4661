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
use redis::{Cmd, FromRedisValue, RedisError};
use std::time::Duration;
use tokio::time::Instant;

/// How long what is not renewed stays, by Redis' clock: only so that nothing stays for ever. Who is dead is judged by the
/// clocks of those who wait, since Redis' may be set forward as well as back.
const FORGOTTEN: Duration = Duration::from_secs(10 * 60);

/// How long the fencing number of a lease outlives a holder that died.
const FENCE: Duration = Duration::from_secs(24 * 3600);

/// Gives the lease if it is free, or is still as a fourth argument says, or is ours by a try whose answer was lost: its
/// fencing number, or 0 if another has it, and what another left there.
const CLAIM: &str = "\
local held = redis.call('GET', KEYS[1])
local mine = ARGV[1] .. ':'
if held and string.sub(held, 1, #mine) == mine then
  return {tonumber(redis.call('GET', KEYS[2]) or 1), ''}
end
if held and held ~= ARGV[4] then
  return {0, held}
end
redis.call('SET', KEYS[1], mine .. '0', 'PX', ARGV[2])
local fence = redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return {fence, held or ''}";

/// Says 1 if the lease is ours for another while, also after it ran out and nobody took it; 0 if another has it. The
/// value is another one each time, which shows whoever waits that its holder lives.
const RENEW: &str = "\
local held = redis.call('GET', KEYS[1])
local mine = ARGV[1] .. ':'
if held and string.sub(held, 1, #mine) ~= mine then
  return 0
end
redis.call('SET', KEYS[1], mine .. ARGV[3], 'PX', ARGV[2])
return 1";

/// Removes the lease if it is ours, and all trace of it.
const RELEASE: &str = "\
local held = redis.call('GET', KEYS[1])
local mine = ARGV[1] .. ':'
if held and string.sub(held, 1, #mine) == mine then
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
    dead_after: Duration,
}

/// What one who waits knows.
#[derive(Debug)]
struct Watch {
    /// Who it is: a name made up for this one time.
    name: String,
    /// What was last seen of another holder, and since when it has been just that, on our own clock.
    seen: Option<(Vec<u8>, Instant)>,
}

/// What a holder is known by.
#[derive(Debug)]
struct Claim {
    name: String,
    /// How often it was renewed.
    beats: u64,
}

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
            dead_after,
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
    type Watch = Watch;
    type Claim = Claim;

    async fn claim(&self, module: &ModuleVersion, watch: &mut Watch) -> Result<Claimed<Claim>, LeaseError> {
        let mut script = self.script(CLAIM, module, &watch.name);
        script.arg(millis(FENCE));
        let asked = Instant::now();
        if let Some((seen, since)) = &watch.seen
            && asked.saturating_duration_since(*since) >= self.dead_after
        {
            script.arg(seen);
        }
        let (fence, held): (u64, Vec<u8>) = self.ask(&script).await?;
        if fence > 0 {
            let name = watch.name.clone();
            return Ok(Claimed::Granted {
                claim: Claim { name, beats: 0 },
                fence,
                // Who gives a lease back removes the number too.
                taken_over: fence > 1 || !held.is_empty(),
            });
        }
        if watch.seen.as_ref().is_none_or(|(seen, _)| *seen != held) {
            watch.seen = Some((held, Instant::now()));
        }
        Ok(Claimed::Held)
    }

    async fn renew(&self, module: &ModuleVersion, claim: &mut Claim) -> Result<Renewed, LeaseError> {
        claim.beats += 1;
        let mut script = self.script(RENEW, module, &claim.name);
        script.arg(claim.beats);
        let kept: u64 = self.ask(&script).await?;
        Ok(if kept == 1 { Renewed::Kept } else { Renewed::Lost })
    }

    async fn release(&self, module: &ModuleVersion, claim: Claim) -> Result<(), LeaseError> {
        let script = self.script(RELEASE, module, &claim.name);
        self.ask::<u64>(&script).await.map(drop)
    }
}

impl RedisTable {
    /// A script about the lease of one version. The braces keep its two keys on one node of a cluster.
    fn script(&self, script: &'static str, module: &ModuleVersion, name: &str) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command
            .arg(script)
            .arg(2)
            .arg(format!("{}:lease:{{{module}}}", self.prefix))
            .arg(format!("{}:fence:{{{module}}}", self.prefix))
            .arg(name)
            .arg(millis(FORGOTTEN));
        command
    }

    async fn ask<A: FromRedisValue>(&self, script: &Cmd) -> Result<A, LeaseError> {
        let answer = self.server.ask(script).await.map_err(away)?;
        redis::from_redis_value(answer).map_err(|error| away(error.into()))
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            name: format!("{:032x}", rand::random::<u128>()),
            seen: None,
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn away(error: RedisError) -> LeaseError {
    LeaseError::because("Redis cannot be asked", error)
}
