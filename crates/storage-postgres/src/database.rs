//! The database: a bounded pool of connections, and the one way to use one of them, a transaction.
//!
//! A pooler in transaction mode lends us a server process for the length of a transaction and no longer. So nothing
//! here outlives one: there is no named statement, no setting of a session, no lock of a session, no temporary table,
//! no listening. Even a single statement with parameters takes two trips (it is parsed in one and run in the other), so
//! it too runs between `BEGIN` and `COMMIT`, where both trips reach the same process. That is why there is no way here to
//! run a statement outside a [`Work`].

use crate::error::{DatabaseError, gone};
use proxy_core::store::StoreError;
use sqlx::{
    AssertSqlSafe, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgArguments, PgPoolOptions, PgRow},
    query::Query,
};
use std::{fmt, sync::Arc, time::Duration};

/// How long one statement may take. The longest wait is for another node's insert of the same name, and a node that
/// died there is noticed by the server before this ends.
const PATIENCE: Duration = Duration::from_secs(25);

/// How long undoing what nobody waits for may take before the connection is closed instead.
const UNDOING: Duration = Duration::from_secs(5);

/// Nothing is changed, and only what has been committed is seen.
const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY";

/// What holds until this transaction ends, whatever the server's own settings are. A node that vanishes halfway leaves
/// others waiting for its locks no longer than this. A commit that answered is on the disk (a server may be set not to
/// wait for it; one that is set to wait for its standby as well goes on doing so).
const BEGIN_WRITING: &str = "\
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
    SET LOCAL idle_in_transaction_session_timeout = '15s'; \
    SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'";

/// A schema of a database, and connections to it. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub(crate) struct Database {
    pool: PgPool,
    /// Its name, a plain word.
    schema: Arc<str>,
}

/// A transaction. If it is dropped before it has ended, all that was done is undone behind it; where that does not work
/// at once, the connection is closed: it goes back to the others only in a known state.
pub(crate) struct Work {
    connection: Option<PoolConnection<Postgres>>,
    schema: Arc<str>,
    /// What ends it well.
    end: &'static str,
}

/// A statement with its parameters.
pub(crate) type Statement = Query<'static, Postgres, PgArguments>;

impl Database {
    /// Connects when a connection is first needed.
    pub(crate) fn new(pool: PgPool, schema: &str) -> Self {
        Self {
            pool,
            schema: schema.into(),
        }
    }

    /// The same schema over so many connections of its own.
    pub(crate) fn apart(&self, connections: u32) -> Self {
        let options: PgPoolOptions = self.pool.options().clone();
        let options = options.max_connections(connections);
        Self {
            pool: options.connect_lazy_with((*self.pool.connect_options()).clone()),
            schema: Arc::clone(&self.schema),
        }
    }

    /// Begins to read.
    pub(crate) async fn read(&self) -> Result<Work, DatabaseError> {
        self.begin(BEGIN_READING, "END").await
    }

    /// Begins to write.
    pub(crate) async fn write(&self) -> Result<Work, DatabaseError> {
        self.begin(BEGIN_WRITING, "COMMIT").await
    }

    /// Beginning is also how it shows that a connection was lost while it lay idle (a server that was restarted): then
    /// nothing has been done, and the next one is tried, until one was made anew.
    async fn begin(&self, begin: &'static str, end: &'static str) -> Result<Work, DatabaseError> {
        let mut left = self.pool.options().get_max_connections();
        loop {
            let connection = self.pool.acquire().await.map_err(DatabaseError::from)?;
            let mut work = Work {
                connection: Some(connection),
                schema: Arc::clone(&self.schema),
                end,
            };
            match work.run_text(begin).await {
                Ok(()) => return Ok(work),
                Err(error) if left > 0 && gone(&error) => {
                    left -= 1;
                    drop(Closing(work.connection.take()));
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Work {
    /// A statement, in which `{schema}` stands for the schema, and `{name}` for its name in a text.
    pub(crate) fn statement(&self, text: &str) -> Statement {
        let text = self.with_schema(text);
        // Only the schema's name is put in, and that was checked to be a plain word.
        sqlx::query(AssertSqlSafe(text)).persistent(false)
    }

    fn with_schema(&self, text: &str) -> String {
        // In quotes, since a plain word may be one of SQL's own.
        text.replace("{schema}", &format!("\"{}\"", self.schema))
            .replace("{name}", &self.schema)
    }

    /// Runs a statement; gives its first row.
    pub(crate) async fn first(&mut self, statement: Statement) -> Result<Option<PgRow>, DatabaseError> {
        let connection = &mut **self.connection()?;
        in_time(statement.fetch_optional(connection)).await
    }

    /// Runs a statement; gives all its rows.
    pub(crate) async fn all(&mut self, statement: Statement) -> Result<Vec<PgRow>, DatabaseError> {
        let connection = &mut **self.connection()?;
        in_time(statement.fetch_all(connection)).await
    }

    /// Runs a statement; gives the number of rows it changed.
    pub(crate) async fn run(&mut self, statement: Statement) -> Result<u64, DatabaseError> {
        let connection = &mut **self.connection()?;
        Ok(in_time(statement.execute(connection)).await?.rows_affected())
    }

    /// Runs statements without parameters, all in one trip; `{schema}` and `{name}` as in a statement.
    pub(crate) async fn run_text(&mut self, text: &str) -> Result<(), DatabaseError> {
        let text = self.with_schema(text);
        let connection = &mut **self.connection()?;
        in_time(sqlx::raw_sql(AssertSqlSafe(text)).execute(connection)).await?;
        Ok(())
    }

    /// Makes all that was done visible, at once and for ever.
    pub(crate) async fn commit(mut self) -> Result<(), DatabaseError> {
        self.run_text(self.end).await?;
        // Back to the others.
        drop(self.connection.take());
        Ok(())
    }

    /// Undoes all that was done.
    pub(crate) async fn undo(mut self) -> Result<(), DatabaseError> {
        self.run_text("ROLLBACK").await?;
        drop(self.connection.take());
        Ok(())
    }

    fn connection(&mut self) -> Result<&mut PoolConnection<Postgres>, DatabaseError> {
        self.connection
            .as_mut()
            .ok_or(DatabaseError(sqlx::Error::PoolClosed))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let closing = Closing(self.connection.take());
        if closing.0.is_some()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(closing.undo());
        }
    }
}

/// A connection that is closed when this is dropped, also with the runtime it was used in.
struct Closing(Option<PoolConnection<Postgres>>);

impl Closing {
    /// Undoes what was begun, and lets the connection go back to the others. What was under way is answered first.
    async fn undo(mut self) {
        let Some(connection) = &mut self.0 else {
            return;
        };
        let undoing = sqlx::raw_sql("ROLLBACK").execute(&mut **connection);
        if let Ok(Ok(_)) = tokio::time::timeout(UNDOING, undoing).await {
            drop(self.0.take());
        }
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, DatabaseError> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(DatabaseError),
        Err(late) => Err(DatabaseError(sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            late,
        )))),
    }
}

/// What is wrong with the database is wrong with the store.
impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        error.into_store_error()
    }
}

impl fmt::Debug for Database {
    /// Without where it is: that may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}
