//! Opening a database as a store.

use crate::{
    database::Database,
    error::DatabaseError,
    migrations::{Schema, Trouble, look, migrate},
    url::PostgresUrl,
};
use std::{error::Error, sync::Arc};

/// Why a database cannot be a store.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be reached, or did not answer in time.
    #[error("the database cannot be reached")]
    Unreachable(#[source] Arc<dyn Error + Send + Sync>),
    /// It was reached and does not let us in: the password, the user, the database's name or the certificate.
    #[error("the database does not let us in")]
    NotLetIn(#[source] Arc<dyn Error + Send + Sync>),
    /// The schema is not there or not up to date, and we may not make it.
    #[error(
        "the schema cannot be made: give the role the right to create one in this database, or open the store once as a \
         role that has it"
    )]
    NotAllowed(#[source] Arc<dyn Error + Send + Sync>),
    /// It has no room left.
    #[error("the database is full")]
    Full(#[source] Arc<dyn Error + Send + Sync>),
    /// The schema was changed by a newer build in a way that this one would have to know.
    #[error("the schema belongs to a newer version of Stoa")]
    Newer,
    /// There is no store to read from, and reading makes none.
    #[error("the schema holds no store, or one that a server of this version has yet to bring up to date")]
    Missing,
    /// The schema cannot be read or made: something else lies there.
    #[error("the schema is not one of Stoa's")]
    Strange(#[source] Arc<dyn Error + Send + Sync>),
}

/// Connects, and brings the schema up to date.
pub(crate) async fn connect(url: &PostgresUrl) -> Result<Database, OpenError> {
    let database = database(url);
    let found = migrate(&database).await;
    judge(found.map(Some)).map(|()| database)
}

/// Connects to a store that is there, and changes nothing.
pub(crate) async fn connect_to_read(url: &PostgresUrl) -> Result<Database, OpenError> {
    let database = database(url);
    judge(look(&database).await).map(|()| database)
}

fn database(url: &PostgresUrl) -> Database {
    let pool = url.pool().connect_lazy_with(url.options());
    Database::new(pool, url.schema())
}

fn judge(found: Result<Option<Schema>, Trouble>) -> Result<(), OpenError> {
    match found {
        Ok(Some(Schema::Usable)) => Ok(()),
        Ok(Some(Schema::Newer)) => Err(OpenError::Newer),
        Ok(None) => Err(OpenError::Missing),
        Err(Trouble::Database(error)) => Err(refused(error)),
        Err(Trouble::Answer(error)) => Err(OpenError::Strange(Arc::new(error))),
    }
}

/// By class of its code (Postgres manual, appendix A): 28 is who we are, 3D that there is no such database.
fn refused(error: DatabaseError) -> OpenError {
    let code = error.code().unwrap_or_default();
    let is_tls = error.is_about_certificates();
    let is_ours = error.0.as_database_error().is_some();
    let cause = Arc::new(error.0);
    match code.as_str() {
        "42501" => OpenError::NotAllowed(cause),
        "53100" => OpenError::Full(cause),
        code if is_tls || code.starts_with("28") || code.starts_with("3D") => OpenError::NotLetIn(cause),
        code if code.starts_with("08") || code.starts_with("53") || code.starts_with("57") => {
            OpenError::Unreachable(cause)
        }
        _ if is_ours => OpenError::Strange(cause),
        _ => OpenError::Unreachable(cause),
    }
}
