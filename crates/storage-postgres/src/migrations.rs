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
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/0001_store.sql")];

/// What the schema was found to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    /// As this build knows it.
    Current,
    /// Made by a build that knows more migrations.
    Newer,
}

/// Makes the schema what this build knows.
pub(crate) async fn migrate(database: &Database) -> Result<Schema, Trouble> {
    let mut work = database.read().await?;
    let done = number_of_done(&mut work).await?;
    work.commit().await?;
    match judge(done) {
        Some(schema) => Ok(schema),
        None => bring_up_to_date(database).await,
    }
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
    let done = number_of_done(&mut work).await?;
    if let Some(schema) = judge(done) {
        work.undo().await?;
        return Ok(schema);
    }
    if done == 0 {
        work.run_text(
            // Not `IF NOT EXISTS`, which asks for the right to make schemas also where there is nothing to make.
            "DO $$ BEGIN \
             IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = '{name}') THEN \
             CREATE SCHEMA {schema}; END IF; END $$; \
             CREATE TABLE {schema}.migrations \
             (number integer PRIMARY KEY, ran timestamptz NOT NULL DEFAULT clock_timestamp())",
        )
        .await?;
    }
    for (number, text) in (1..).zip(MIGRATIONS).skip(done) {
        work.run_text(text).await?;
        let note = work
            .statement("INSERT INTO {schema}.migrations (number) VALUES ($1)")
            .bind::<i32>(number);
        work.run(note).await?;
    }
    work.commit().await?;
    tracing::info!(
        migrations = MIGRATIONS.len() - done,
        "the database's schema was brought up to date"
    );
    Ok(Schema::Current)
}

/// How many migrations have run.
async fn number_of_done(work: &mut Work) -> Result<usize, Trouble> {
    // Read from the tables and not by `to_regclass`, which may answer from what this server process remembers: it learns
    // what another one has made when it begins a transaction or locks a table, and we may have waited since.
    let is_there = work.statement(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = '{name}' AND c.relname = 'migrations') AS there",
    );
    let row = work.first(is_there).await?;
    if !row.map_or(Ok(false), |row| column::<bool>(&row, "there"))? {
        return Ok(0);
    }
    let last = work.statement("SELECT coalesce(max(number), 0) AS last FROM {schema}.migrations");
    let row = work.first(last).await?;
    let last = row.map_or(Ok(0), |row| column::<i32>(&row, "last"))?;
    Ok(usize::try_from(last).unwrap_or(0))
}

fn judge(done: usize) -> Option<Schema> {
    match done.cmp(&MIGRATIONS.len()) {
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal => Some(Schema::Current),
        std::cmp::Ordering::Greater => Some(Schema::Newer),
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
