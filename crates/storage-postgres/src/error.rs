//! What can go wrong in a database, folded into what the caller of a store does next.

use proxy_core::store::StoreError;
use std::{io, sync::Arc};

/// What the database, or the way to it, answered.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct DatabaseError(#[from] pub(crate) sqlx::Error);

/// `disk_full` (Postgres manual, appendix A, "Error Codes").
const DISK_FULL: &str = "53100";

/// The class of what is damaged below the tables: `data_corrupted` and `index_corrupted`.
const CORRUPTED: [&str; 2] = ["XX001", "XX002"];

impl DatabaseError {
    /// Whether the server found its own pages damaged.
    pub(crate) fn is_corruption(&self) -> bool {
        self.code().is_some_and(|code| CORRUPTED.contains(&code.as_str()))
    }

    /// Whether the two sides could not agree on a secret connection; what the other side's certificate lacks comes as
    /// data that makes no sense.
    pub(crate) fn is_about_certificates(&self) -> bool {
        match &self.0 {
            sqlx::Error::Tls(_) => true,
            sqlx::Error::Io(error) => error.kind() == io::ErrorKind::InvalidData,
            _ => false,
        }
    }

    /// The code of the error (`SQLSTATE`), where the server answered with one.
    pub(crate) fn code(&self) -> Option<String> {
        let error = self.0.as_database_error()?;
        error.code().map(std::borrow::Cow::into_owned)
    }

    /// The one place where it is decided what trouble with the database means. The text names no place and no value:
    /// what the server said is the cause.
    pub(crate) fn into_store_error(self) -> StoreError {
        if self.code().as_deref() == Some(DISK_FULL) {
            return StoreError::Full(Some(Arc::new(self.0)));
        }
        StoreError::unavailable_because(self.phrase(), self.0)
    }

    /// What happened, as a phrase without places and values.
    pub(crate) fn phrase(&self) -> &'static str {
        match &self.0 {
            sqlx::Error::PoolTimedOut => "no connection to the database could be had in time",
            sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
                "the database did not answer in time"
            }
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) => "the database cannot be reached",
            sqlx::Error::Database(_) => "the database refused a statement",
            _ => "the database's answer was not understood",
        }
    }
}

/// Whether a connection is of no more use although nothing may be wrong with the database: it was closed by the other
/// side, which a server that stops announces (class 57P) and a pooler that lost its server calls a connection exception
/// (class 08).
pub(crate) fn gone(error: &DatabaseError) -> bool {
    match &error.0 {
        sqlx::Error::Io(error) => error.kind() != io::ErrorKind::TimedOut,
        sqlx::Error::Protocol(_) => true,
        _ => error
            .code()
            .is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_named_without_places_and_a_lost_connection_is_told_from_a_slow_one() {
        let io = |kind| DatabaseError(sqlx::Error::Io(io::Error::new(kind, "10.0.0.1:5432")));
        assert!(gone(&io(io::ErrorKind::ConnectionReset)));
        assert!(!gone(&io(io::ErrorKind::TimedOut)));
        assert!(!gone(&DatabaseError(sqlx::Error::PoolTimedOut)));
        let shown = io(io::ErrorKind::ConnectionRefused)
            .into_store_error()
            .to_string();
        assert_eq!(shown, "the store is unavailable: the database cannot be reached");
        let shown = io(io::ErrorKind::TimedOut).into_store_error().to_string();
        assert_eq!(
            shown,
            "the store is unavailable: the database did not answer in time"
        );
    }
}
