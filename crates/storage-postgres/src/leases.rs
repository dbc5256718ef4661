//! Leases: a row for each version that somebody fetches now, renewed while the work runs.
//!
//! A row holds until a moment by the database's own clock, the only one there is here. Its holder puts that moment off
//! every few seconds; if the holder dies, the moment comes. Should the database's clock be set back meanwhile, whoever
//! waits takes the row that it has not seen renewed for as long by a clock that is never set. Who waits asks again and
//! again: listening needs a session, which a pooler in transaction mode does not give.

use crate::{
    database::{Database, Work},
    files::column,
};
use async_trait::async_trait;
use proxy_core::{
    lease::{Claimed, DEAD_AFTER, Lease, LeaseError, LeaseTable, Leases, Renewed, SharedLeases},
    module::ModuleVersion,
    store::StoreError,
};
use std::time::{Duration, Instant};

/// How many connections leases have: each use is short, and one that hangs must not hold up the rest.
pub(crate) const CONNECTIONS: u32 = 4;

/// Leases of the nodes that share a schema. They only save work: where the database is away, everybody may fetch.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct PostgresLeases(SharedLeases<LeaseRows>);

/// The table of leases, seen as a lease service.
#[derive(Debug)]
struct LeaseRows {
    database: Database,
    dead_after: Duration,
}

/// What one who waits is and has seen: nothing at first.
#[derive(Debug, Default)]
struct Watch {
    /// The number its row will have: so a row that was written and whose answer was lost is known again.
    number: Option<i64>,
    /// The holder's state as it was when it last changed, and when that was seen.
    seen: Option<(State, Instant)>,
}

/// A holder and how often it has renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    number: i64,
    beats: i64,
}

impl PostgresLeases {
    pub(crate) fn new(database: Database) -> Self {
        Self::taken_over_after(database, DEAD_AFTER)
    }

    pub(crate) fn taken_over_after(database: Database, dead_after: Duration) -> Self {
        let table = LeaseRows { database, dead_after };
        Self(SharedLeases::new(table, dead_after))
    }
}

#[async_trait]
impl Leases for PostgresLeases {
    async fn acquire(&self, module: &ModuleVersion) -> Lease {
        self.0.acquire(module).await
    }
}

#[async_trait]
impl LeaseTable for LeaseRows {
    type Watch = Watch;
    type Claim = i64;

    async fn claim(&self, module: &ModuleVersion, watch: &mut Watch) -> Result<Claimed<i64>, LeaseError> {
        let number = match watch.number {
            Some(number) => number,
            None => *watch.number.insert(self.number().await.map_err(away)?),
        };
        let (module, dead) = (module.to_string(), watch.dead(self.dead_after));
        self.take(module, number, dead, watch).await.map_err(away)
    }

    async fn renew(&self, _: &ModuleVersion, number: &mut i64) -> Result<Renewed, LeaseError> {
        let renewed = self.put_off(*number).await.map_err(away)?;
        Ok(if renewed { Renewed::Kept } else { Renewed::Lost })
    }

    async fn release(&self, _: &ModuleVersion, number: i64) -> Result<(), LeaseError> {
        self.remove(number).await.map_err(away)
    }
}

impl LeaseRows {
    /// A number that no lease had before.
    async fn number(&self) -> Result<i64, StoreError> {
        let mut work = self.database.write().await?;
        let next = work.statement("SELECT nextval('{schema}.lease_numbers') AS number");
        let row = work.first(next).await?;
        work.commit().await?;
        let row = row.ok_or_else(|| StoreError::unavailable("the database gave no number"))?;
        column(&row, "number")
    }

    /// Takes the lease if it is free, has run out, or is in the state that its holder left when it died.
    async fn take(
        &self,
        module: String,
        number: i64,
        dead: Option<State>,
        watch: &mut Watch,
    ) -> Result<Claimed<i64>, StoreError> {
        let mut work = self.database.write().await?;
        let take = work
            .statement(
                "INSERT INTO {schema}.leases AS held (module, number, expires) \
                 VALUES ($1, $2, clock_timestamp() + $3 * interval '1 second') \
                 ON CONFLICT (module) DO UPDATE \
                 SET number = excluded.number, beats = 0, expires = excluded.expires \
                 WHERE held.expires < clock_timestamp() OR (held.number, held.beats) = ($4, $5) \
                 RETURNING xmax <> 0 AS taken_over", // a row that was there before has an xmax
            )
            .bind(module.clone())
            .bind(number)
            .bind(self.dead_after.as_secs_f64())
            .bind(dead.map(|state| state.number))
            .bind(dead.map(|state| state.beats));
        if let Some(row) = work.first(take).await? {
            let taken_over = column(&row, "taken_over")?;
            work.commit().await?;
            return Ok(granted(number, taken_over));
        }
        let state = state_of(&mut work, module).await?;
        work.undo().await?;
        match state {
            // Our own row, whose answer was lost.
            Some(state) if state.number == number => return Ok(granted(number, false)),
            Some(state) => watch.saw(state),
            // Given back just now: the next try will take it.
            None => watch.seen = None,
        }
        Ok(Claimed::Held)
    }

    async fn put_off(&self, number: i64) -> Result<bool, StoreError> {
        let mut work = self.database.write().await?;
        let renew = work
            .statement(
                "UPDATE {schema}.leases SET beats = beats + 1, \
                 expires = clock_timestamp() + $2 * interval '1 second' WHERE number = $1",
            )
            .bind(number)
            .bind(self.dead_after.as_secs_f64());
        let renewed = work.run(renew).await?;
        work.commit().await?;
        Ok(renewed > 0)
    }

    async fn remove(&self, number: i64) -> Result<(), StoreError> {
        let mut work = self.database.write().await?;
        let remove = work
            .statement("DELETE FROM {schema}.leases WHERE number = $1")
            .bind(number);
        work.run(remove).await?;
        Ok(work.commit().await?)
    }
}

impl Watch {
    fn saw(&mut self, state: State) {
        if self.seen.is_none_or(|(seen, _)| seen != state) {
            self.seen = Some((state, Instant::now()));
        }
    }

    /// The state, once it has not changed for as long as a lease holds.
    fn dead(&self, dead_after: Duration) -> Option<State> {
        let (state, since) = self.seen?;
        (since.elapsed() > dead_after).then_some(state)
    }
}

async fn state_of(work: &mut Work, module: String) -> Result<Option<State>, StoreError> {
    let look = work
        .statement("SELECT number, beats FROM {schema}.leases WHERE module = $1")
        .bind(module);
    let row = work.first(look).await?;
    row.map(|row| {
        Ok(State {
            number: column(&row, "number")?,
            beats: column(&row, "beats")?,
        })
    })
    .transpose()
}

fn granted(number: i64, taken_over: bool) -> Claimed<i64> {
    Claimed::Granted {
        claim: number,
        fence: number.unsigned_abs(),
        taken_over,
    }
}

fn away(error: StoreError) -> LeaseError {
    LeaseError::because("the database cannot be asked", error)
}
