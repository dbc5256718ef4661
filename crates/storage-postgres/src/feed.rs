//! The feed: versions by the moment at which the database first kept them.
//!
//! The moment is taken in the transaction that inserts the `.info`, from a row that each such transaction changes and so
//! holds until it has committed. So moments are committed in their order, and whoever reads one has seen all before it,
//! whatever any node's clock says. The database's own clock only says how far the next moment lies ahead: one that was
//! set back makes moments a microsecond apart until it has caught up.

use crate::{
    database::Database,
    files::{column, module_of},
};
use jiff::Timestamp;
use proxy_core::store::{FeedEntry, StoreError};

pub(crate) async fn since(
    database: &Database,
    since: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<FeedEntry>, StoreError> {
    let mut work = database.read().await?;
    let page = work
        .statement(
            "SELECT moment, path, version FROM {schema}.feed WHERE moment >= $1 ORDER BY moment LIMIT $2",
        )
        .bind(since.map_or(0, first_microsecond))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = work.all(page).await?;
    work.commit().await?;
    let entry = |row| {
        let when = Timestamp::from_microsecond(column(row, "moment")?)
            .map_err(|error| StoreError::unavailable_because("the feed holds no moment", error))?;
        Ok(FeedEntry {
            module: module_of(row)?,
            when,
        })
    };
    rows.iter().map(entry).collect()
}

/// The first whole microsecond that is not before this moment.
fn first_microsecond(moment: Timestamp) -> i64 {
    let whole = moment.as_microsecond();
    match Timestamp::from_microsecond(whole) {
        Ok(rounded) if rounded < moment => whole + 1,
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_within_a_microsecond_is_behind_its_beginning() {
        let after = |text: &str| first_microsecond(text.parse().unwrap());
        assert_eq!(after("1970-01-01T00:00:01Z"), 1_000_000);
        assert_eq!(after("1970-01-01T00:00:00.000001Z"), 1);
        assert_eq!(after("1970-01-01T00:00:00.000001001Z"), 2);
        assert_eq!(after("1969-12-31T23:59:59.9999995Z"), 0);
    }
}
