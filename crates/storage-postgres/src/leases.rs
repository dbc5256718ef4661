//! Leases: a row for each version that somebody fetches now, renewed while the work runs.
//!
//! A row holds until a moment by the database's own clock, the only one there is here. Its holder puts that moment off
//! every few seconds; if the holder dies, the moment comes. Should the database's clock be set back meanwhile, whoever
//! waits takes the row that it has not seen renewed for as long by a clock that is never set. Who waits asks again and
//! again, ever more slowly: listening needs a session, which a pooler in transaction mode does not give.

use crate::{database::Database, error::DatabaseError, files::column};
use async_trait::async_trait;
use proxy_core::{
    lease::{Lease, Leases},
    module::ModuleVersion,
    store::StoreError,
};
use rand::RngExt;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How many connections leases have: each use is short, and one that hangs must not hold up the rest.
pub(crate) const CONNECTIONS: u32 = 4;

/// How long a lease holds that is not renewed. A dead node's lease is taken over within this and one more look.
const LIFETIME: Duration = Duration::from_secs(12);

/// How often a holder renews: so often that two tries may fail.
const BEAT: Duration = Duration::from_secs(4);

/// How long a waiter waits before it looks again: at first, and at most.
const LOOK: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// How long the database may take to answer before it counts as away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Leases of the nodes that share a schema. They only save work: where the database is away, everybody may fetch.
#[derive(Clone, Debug)]
pub struct PostgresLeases {
    database: Database,
}

/// A row that is ours, renewed until this is dropped; then it is given back.
#[derive(Debug)]
struct Holding {
    leases: PostgresLeases,
    number: i64,
    beating: JoinHandle<()>,
}

/// What a look at a lease found.
enum Look {
    /// It is ours now, by this number.
    Taken(Holding),
    /// Somebody else has it, in this state.
    Held(State),
}

/// A holder and how often it has renewed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    number: i64,
    beats: i64,
}

/// What a waiter has seen: the state, and since when by its own clock.
#[derive(Default)]
struct Watch(Option<(State, Instant)>);

impl PostgresLeases {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Waits until the lease is ours.
    async fn wait(&self, module: &str) -> Result<Holding, StoreError> {
        let (mut watch, mut pause) = (Watch::default(), LOOK.0);
        loop {
            match self.look(module, watch.dead()).await? {
                Look::Taken(holding) => return Ok(holding),
                Look::Held(state) => watch.saw(state),
            }
            // Somewhere in the second half, so that waiters do not come together.
            let share = rand::rng().random_range(0.5..1.0);
            tokio::time::sleep(pause.mul_f64(share)).await;
            pause = (pause * 2).min(LOOK.1);
        }
    }

    /// Takes the lease if it is free, has run out, or is in the state that its holder left when it died. In a task of
    /// its own: should the waiter give up meanwhile, what was taken is dropped, and so given back.
    async fn look(&self, module: &str, dead: Option<State>) -> Result<Look, StoreError> {
        let (leases, module) = (self.clone(), module.to_owned());
        let looking = tokio::spawn(async move {
            tokio::time::timeout(PATIENCE, leases.take(&module, dead))
                .await
                .map_err(|late| {
                    StoreError::unavailable_because("the database did not answer in time", late)
                })?
        });
        looking
            .await
            .map_err(|stopped| StoreError::unavailable_because("taking a lease was stopped", stopped))?
    }

    async fn take(&self, module: &str, dead: Option<State>) -> Result<Look, StoreError> {
        let mut work = self.database.write().await?;
        let take = work
            .statement(
                "INSERT INTO {schema}.leases AS held (module, number, expires) \
                 VALUES ($1, nextval('{schema}.lease_numbers'), clock_timestamp() + $2 * interval '1 second') \
                 ON CONFLICT (module) DO UPDATE \
                 SET number = excluded.number, beats = 0, expires = excluded.expires \
                 WHERE held.expires < clock_timestamp() OR (held.number, held.beats) = ($3, $4) \
                 RETURNING number",
            )
            .bind(module.to_owned())
            .bind(LIFETIME.as_secs_f64())
            .bind(dead.map(|state| state.number))
            .bind(dead.map(|state| state.beats));
        if let Some(row) = work.first(take).await? {
            let number = column(&row, "number")?;
            work.commit().await?;
            return Ok(Look::Taken(self.hold(number)));
        }
        let look = work
            .statement("SELECT number, beats FROM {schema}.leases WHERE module = $1")
            .bind(module.to_owned());
        let row = work.first(look).await?;
        work.undo().await?;
        // Given back just now: no state, and the next look will take it.
        let (number, beats) = match row {
            Some(row) => (column(&row, "number")?, column(&row, "beats")?),
            None => (0, 0),
        };
        Ok(Look::Held(State { number, beats }))
    }

    fn hold(&self, number: i64) -> Holding {
        let leases = self.clone();
        Holding {
            leases: self.clone(),
            number,
            beating: tokio::spawn(async move { leases.beat(number).await }),
        }
    }

    /// Renews a lease until it is lost.
    async fn beat(&self, number: i64) {
        loop {
            tokio::time::sleep(BEAT).await;
            match tokio::time::timeout(PATIENCE, self.renew(number)).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => {
                    tracing::warn!("a lease ran out while its work went on; the work may be done twice");
                    return;
                }
                Ok(Err(error)) => tracing::debug!(%error, "a lease could not be renewed"),
                Err(_) => tracing::debug!("a lease could not be renewed in time"),
            }
        }
    }

    async fn renew(&self, number: i64) -> Result<bool, DatabaseError> {
        let mut work = self.database.write().await?;
        let renew = work
            .statement(
                "UPDATE {schema}.leases SET beats = beats + 1, \
                 expires = clock_timestamp() + $2 * interval '1 second' WHERE number = $1",
            )
            .bind(number)
            .bind(LIFETIME.as_secs_f64());
        let renewed = work.run(renew).await?;
        work.commit().await?;
        Ok(renewed > 0)
    }

    async fn give_back(&self, number: i64) -> Result<(), DatabaseError> {
        let mut work = self.database.write().await?;
        let give_back = work
            .statement("DELETE FROM {schema}.leases WHERE number = $1")
            .bind(number);
        work.run(give_back).await?;
        work.commit().await
    }
}

#[async_trait]
impl Leases for PostgresLeases {
    async fn acquire(&self, module: &ModuleVersion) -> Lease {
        match self.wait(&module.to_string()).await {
            Ok(holding) => Lease::holding(holding),
            Err(error) => {
                tracing::warn!(%error, "no lease could be had; a version may be fetched twice");
                Lease::free()
            }
        }
    }
}

impl Watch {
    fn saw(&mut self, state: State) {
        if self.0.is_none_or(|(seen, _)| seen != state) {
            self.0 = Some((state, Instant::now()));
        }
    }

    /// The state, once it has not changed for as long as a lease holds.
    fn dead(&self) -> Option<State> {
        let (state, since) = self.0?;
        (since.elapsed() > LIFETIME).then_some(state)
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.beating.abort();
        // Without a runtime the process is ending, and the lease runs out.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (leases, number) = (self.leases.clone(), self.number);
            runtime.spawn(async move {
                if let Err(error) = leases.give_back(number).await {
                    tracing::debug!(%error, "a lease could not be given back and will run out");
                }
            });
        }
    }
}
