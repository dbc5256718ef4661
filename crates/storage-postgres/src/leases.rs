//! Leases: a row for each version that somebody fetches now, renewed while the work runs.
//!
//! A row holds until a moment by the database's own clock, the only one there is here. Its holder puts that moment off
//! again and again; if the holder dies, the moment comes. Should the database's clock be set back meanwhile, whoever
//! waits takes the row that it has not seen renewed for as long by a clock that is never set. Who waits asks from time
//! to time: listening needs a session, which a pooler in transaction mode does not give.

use crate::{database::Database, error::DatabaseError};
use async_trait::async_trait;
use proxy_core::{
    lease::{Claimed, DEAD_AFTER, Lease, LeaseError, LeaseTable, Leases, Renewed, SharedLeases},
    module::ModuleVersion,
};
use sqlx::{Row, postgres::PgRow};
use std::time::{Duration, Instant};

/// How many connections leases have: each use is short, and one that hangs must not hold up the rest.
pub(crate) const CONNECTIONS: u32 = 4;

/// Leases of the nodes that share a schema. Cheap to clone; connects when it is first asked. They only save work: where
/// the database is away, everybody may fetch.
#[derive(Clone, Debug)]
pub struct PostgresLeases(SharedLeases<PostgresTable>);

/// A table of a database seen as a lease service.
#[derive(Debug)]
pub struct PostgresTable {
    database: Database,
    dead_after: Duration,
}

/// One who waits: a name made up for this one time, and what it has seen of the holder, and since when.
#[derive(Debug)]
pub struct Watch {
    name: String,
    seen: Option<(Seen, Instant)>,
}

/// A holder, and how often it has renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    number: i64,
    beats: i64,
}

/// How long a holder may be silent where nothing else is said.
pub(crate) const USUAL: Duration = DEAD_AFTER;

impl PostgresLeases {
    pub(crate) fn new(database: Database, dead_after: Duration) -> Self {
        let table = PostgresTable { database, dead_after };
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
impl LeaseTable for PostgresTable {
    type Watch = Watch;
    type Claim = String;

    async fn claim(&self, module: &ModuleVersion, watch: &mut Watch) -> Result<Claimed<String>, LeaseError> {
        let dead = watch.dead(self.dead_after);
        let mut work = self.database.write().await?;
        let take = work
            .statement(
                "INSERT INTO {schema}.leases AS held (module, holder, number, expires) \
                 VALUES ($1, $2, nextval('{schema}.lease_numbers'), clock_timestamp() + $3 * interval '1 second') \
                 ON CONFLICT (module) DO UPDATE SET holder = excluded.holder, expires = excluded.expires, \
                 number = CASE WHEN held.holder = excluded.holder THEN held.number ELSE excluded.number END, \
                 beats = CASE WHEN held.holder = excluded.holder THEN held.beats + 1 ELSE 0 END, \
                 taken_over = held.holder <> excluded.holder OR held.taken_over \
                 WHERE held.holder = excluded.holder OR held.expires < clock_timestamp() \
                 OR (held.number, held.beats) = ($4, $5) \
                 RETURNING number, taken_over",
            )
            .bind(module.to_string())
            .bind(watch.name.clone())
            .bind(self.dead_after.as_secs_f64())
            .bind(dead.map(|seen| seen.number))
            .bind(dead.map(|seen| seen.beats));
        if let Some(row) = work.first(take).await? {
            let (number, taken_over) = (column::<i64>(&row, "number")?, column(&row, "taken_over")?);
            work.commit().await?;
            return Ok(Claimed::Granted {
                claim: watch.name.clone(),
                fence: number.unsigned_abs(),
                taken_over,
            });
        }
        let look = work
            .statement("SELECT number, beats FROM {schema}.leases WHERE module = $1")
            .bind(module.to_string());
        let row = work.first(look).await?;
        work.undo().await?;
        // One that is gone was given back just now, and the next try takes it.
        if let Some(row) = row {
            watch.saw(Seen {
                number: column(&row, "number")?,
                beats: column(&row, "beats")?,
            });
        }
        Ok(Claimed::Held)
    }

    async fn renew(&self, module: &ModuleVersion, name: &mut String) -> Result<Renewed, LeaseError> {
        let mut work = self.database.write().await?;
        let renew = work
            .statement(
                "UPDATE {schema}.leases SET beats = beats + 1, \
                 expires = clock_timestamp() + $3 * interval '1 second' WHERE module = $1 AND holder = $2",
            )
            .bind(module.to_string())
            .bind(name.clone())
            .bind(self.dead_after.as_secs_f64());
        let renewed = work.run(renew).await?;
        work.commit().await?;
        Ok(if renewed > 0 { Renewed::Kept } else { Renewed::Lost })
    }

    async fn release(&self, module: &ModuleVersion, name: String) -> Result<(), LeaseError> {
        let mut work = self.database.write().await?;
        let release = work
            .statement("DELETE FROM {schema}.leases WHERE module = $1 AND holder = $2")
            .bind(module.to_string())
            .bind(name);
        work.run(release).await?;
        Ok(work.commit().await?)
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

impl Watch {
    fn saw(&mut self, state: Seen) {
        if self.seen.is_none_or(|(seen, _)| seen != state) {
            self.seen = Some((state, Instant::now()));
        }
    }

    /// What was seen, once it has not changed for so long.
    fn dead(&self, after: Duration) -> Option<Seen> {
        let (state, since) = self.seen?;
        (since.elapsed() > after).then_some(state)
    }
}

/// Trouble with the database means that it is away.
impl From<DatabaseError> for LeaseError {
    fn from(error: DatabaseError) -> Self {
        Self::because(error.phrase(), error.0)
    }
}

/// A column of a row.
fn column<'r, T>(row: &'r PgRow, name: &str) -> Result<T, DatabaseError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(name).map_err(DatabaseError)
}
