//! Records: rows that change, each with a revision that no other state of any record ever had.

use crate::{database::Database, files::column};
use bytes::Bytes;
use proxy_core::{
    records::{Record, RecordKey, Revision, Written},
    store::StoreError,
};

pub(crate) async fn read(database: &Database, key: &RecordKey) -> Result<Option<Record>, StoreError> {
    let mut work = database.read().await?;
    let read = work
        .statement("SELECT bytes, revision FROM {schema}.records WHERE key = $1")
        .bind(key.as_str().to_owned());
    let row = work.first(read).await?;
    work.commit().await?;
    let record = |row| {
        Ok(Record {
            bytes: column::<Vec<u8>>(&row, "bytes")?.into(),
            revision: Revision(column::<i64>(&row, "revision")?.to_string()),
        })
    };
    row.map(record).transpose()
}

pub(crate) async fn write(
    database: &Database,
    key: &RecordKey,
    bytes: &Bytes,
    expected: Option<&Revision>,
) -> Result<Written, StoreError> {
    let expected = match expected {
        None => None,
        Some(Revision(text)) => match text.parse::<i64>() {
            Ok(revision) => Some(revision),
            // No state of ours.
            Err(_) => return Ok(Written::Changed),
        },
    };
    let mut work = database.write().await?;
    let write = match expected {
        None => work
            .statement(
                "INSERT INTO {schema}.records (key, bytes, revision) \
                 VALUES ($1, $2, nextval('{schema}.revisions')) \
                 ON CONFLICT (key) DO NOTHING RETURNING revision",
            )
            .bind(key.as_str().to_owned())
            .bind(bytes.to_vec()),
        Some(revision) => work
            .statement(
                "UPDATE {schema}.records SET bytes = $2, revision = nextval('{schema}.revisions') \
                 WHERE key = $1 AND revision = $3 RETURNING revision",
            )
            .bind(key.as_str().to_owned())
            .bind(bytes.to_vec())
            .bind(revision),
    };
    let row = work.first(write).await?;
    work.commit().await?;
    match row {
        Some(row) => Ok(Written::Done(Revision(
            column::<i64>(&row, "revision")?.to_string(),
        ))),
        None => Ok(Written::Changed),
    }
}

pub(crate) async fn remove(database: &Database, key: &RecordKey) -> Result<(), StoreError> {
    let mut work = database.write().await?;
    let remove = work
        .statement("DELETE FROM {schema}.records WHERE key = $1")
        .bind(key.as_str().to_owned());
    work.run(remove).await?;
    Ok(work.commit().await?)
}
