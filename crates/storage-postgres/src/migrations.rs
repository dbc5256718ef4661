//! The schema, made and brought up to date by whoever opens the store, however many do so at once.
//!
//! Each migration is a text that runs in one transaction together with the note that it has run. A lock that ends with
//! the transaction lets one node do it while the others wait, and then find that there is nothing left to do; a pooler in
//! transaction mode is no trouble. A node that finds the schema up to date changes nothing and needs no right to.

use crate::{
    database::{Database, Work},
    error::DatabaseError,
    files::column,
};
use proxy_core::store::StoreError;

/// In order; the first has number 1. What has once been released is never changed.
const MIGRATIONS: [Migration; 1] = [Migration {
    text: include_str!("../migrations/0001_store.sql"),
    needs: 1,
}];

/// A step from one schema to the next.
struct Migration {
    text: &'static str,
    /// How many migrations a build must know to go on using the schema after this one. One that only adds leaves it as it
    /// was, so that nodes of the version before go on, and going back is starting the old binary.
    needs: i32,
}

/// What the schema was found to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    /// One that this build can use.
    Usable,
    /// One that a build made it whose migrations this one would have to know.
    Newer,
}

/// Makes the schema what this build knows.
pub(crate) async fn migrate(database: &Database) -> Result<Schema, Trouble> {
    match look(database).await? {
        Some(schema) => Ok(schema),
        None => bring_up_to_date(database).await,
    }
}

/// What the schema is; `None` if it is not there, or not yet what this build knows.
pub(crate) async fn look(database: &Database) -> Result<Option<Schema>, Trouble> {
    let mut work = database.read().await?;
    let done = Done::read(&mut work).await?;
    work.commit().await?;
    Ok(done.judge())
}

/// Trouble with the database, or with what it answered.
#[derive(Debug)]
pub(crate) enum Trouble {
    Database(DatabaseError),
    Answer(StoreError),
}

async fn bring_up_to_date(database: &Database) -> Result<Schema, Trouble> {
    let mut work = database.write().await?;
    // One at a time for each schema of this database; it is given back when the transaction ends, however it ends.
    work.run_text("SELECT pg_advisory_xact_lock(hashtextextended('stoa migrations of {name}', 0))")
        .await?;
    let done = Done::read(&mut work).await?;
    if let Some(schema) = done.judge() {
        work.undo().await?;
        return Ok(schema);
    }
    let done = done.number;
    if done == 0 {
        work.run_text(
            // Not `IF NOT EXISTS`, which asks for the right to make schemas also where there is nothing to make.
            "DO $$ BEGIN \
             IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = '{name}') THEN \
             CREATE SCHEMA {schema}; END IF; END $$; \
             CREATE TABLE {schema}.migrations \
             (number integer PRIMARY KEY, needs integer NOT NULL, \
             ran timestamptz NOT NULL DEFAULT clock_timestamp())",
        )
        .await?;
    }
    for (number, migration) in (1..).zip(&MIGRATIONS).skip(done) {
        work.run_text(migration.text).await?;
        let note = work
            .statement("INSERT INTO {schema}.migrations (number, needs) VALUES ($1, $2)")
            .bind::<i32>(number)
            .bind(migration.needs);
        work.run(note).await?;
    }
    work.commit().await?;
    tracing::info!(
        migrations = MIGRATIONS.len() - done,
        "the database's schema was brought up to date"
    );
    Ok(Schema::Usable)
}

/// What was done to a schema.
#[derive(Default)]
struct Done {
    /// How many migrations have run.
    number: usize,
    /// How many of them a build must know.
    needs: usize,
}

impl Done {
    async fn read(work: &mut Work) -> Result<Self, Trouble> {
        // Read from the tables and not by `to_regclass`, which may answer from what this server process remembers: it
        // learns what another one has made when it begins a transaction or locks a table, and we may have waited since.
        let is_there = work.statement(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = '{name}' AND c.relname = 'migrations') AS there",
        );
        let row = work.first(is_there).await?;
        if !row.map_or(Ok(false), |row| column::<bool>(&row, "there"))? {
            return Ok(Self::default());
        }
        let last = work.statement(
            "SELECT coalesce(max(number), 0) AS number, coalesce(max(needs), 0) AS needs \
             FROM {schema}.migrations",
        );
        let Some(row) = work.first(last).await? else {
            return Ok(Self::default());
        };
        let count = |name| Ok::<_, StoreError>(usize::try_from(column::<i32>(&row, name)?).unwrap_or(0));
        Ok(Self {
            number: count("number")?,
            needs: count("needs")?,
        })
    }

    /// `None` if there is something to do.
    fn judge(&self) -> Option<Schema> {
        if self.needs > MIGRATIONS.len() {
            Some(Schema::Newer)
        } else if self.number < MIGRATIONS.len() {
            None
        } else {
            Some(Schema::Usable)
        }
    }
}

impl From<DatabaseError> for Trouble {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Answer(error)
    }
}
