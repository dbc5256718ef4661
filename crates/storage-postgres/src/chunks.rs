//! The bytes of files: rows of moderate size, written in one transaction and read in many.
//!
//! A row is never changed, so a reader needs no transaction around all of a file. It takes each row in one of its own,
//! and while its client is slow it holds no connection: a thousand slow downloads do not keep one hit waiting.

use crate::{
    database::{Database, Work},
    files::{column, damage_or_trouble, rows_missing},
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use proxy_core::{
    file::{Body, Held, ModuleFile},
    store::StoreError,
    upstream::Chunks,
    verify::Verified,
};
use std::{io, ops::Range};

/// How many bytes a row has: enough that the trips of a transaction are little beside it, few enough that a reader's
/// share of memory stays small.
pub(crate) const CHUNK: usize = 512 << 10;

/// How many rows of one file are asked for at a time: one while the one before is being sent.
const AHEAD: usize = 2;

/// The rows of one content.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) content: i64,
    /// How many bytes they have together.
    pub(crate) size: u64,
    /// How many bytes each has but the last.
    pub(crate) chunk: u64,
}

impl Rows {
    /// How many there are.
    pub(crate) fn count(self) -> u64 {
        self.size.div_ceil(self.chunk)
    }

    /// How many bytes one of them has.
    pub(crate) fn length(self, number: u64) -> u64 {
        self.chunk.min(self.size - number * self.chunk)
    }
}

/// Streams a part of a content.
pub(crate) fn read(database: Database, file: ModuleFile, rows: Rows, part: Range<u64>) -> Chunks<StoreError> {
    let numbers = part.start / rows.chunk..part.end.div_ceil(rows.chunk);
    let chunks = stream::iter(numbers).map(move |number| {
        let first = number * rows.chunk;
        let within = part.start.max(first) - first..part.end.min(first + rows.chunk) - first;
        let (database, file) = (database.clone(), file.clone());
        async move { read_row(&database, &file, rows, number, within).await }
    });
    chunks.buffered(AHEAD).boxed()
}

/// Reads a part of one row; the server sends no more than that. A row of another length than it was written with is
/// damaged, also where the part asked for is there.
pub(crate) async fn read_row(
    database: &Database,
    file: &ModuleFile,
    rows: Rows,
    number: u64,
    within: Range<u64>,
) -> Result<Bytes, StoreError> {
    let wanted = within.end - within.start;
    let mut work = database.read().await?;
    let asked = work
        .statement(
            "SELECT length(bytes) AS length, substring(bytes FROM $3 FOR $4) AS bytes \
             FROM {schema}.chunks WHERE content = $1 AND number = $2",
        )
        .bind(rows.content)
        .bind(in_sql(number)?)
        .bind(in_sql(within.start + 1)?)
        .bind(in_sql(wanted)?);
    let row = work.first(asked).await;
    let row = row.map_err(|error| damage_or_trouble(file, error))?;
    work.commit().await?;
    let row = row.ok_or_else(|| rows_missing(file))?;
    let bytes = Bytes::from(column::<Vec<u8>>(&row, "bytes")?);
    let length = column::<i32>(&row, "length")?;
    if u64::try_from(length) == Ok(rows.length(number)) && bytes.len() as u64 == wanted {
        Ok(bytes)
    } else {
        Err(rows_missing(file))
    }
}

/// Writes all bytes of a body under a number of their own, and gives the number. Nobody sees them before the end of the
/// transaction, and nobody looks for them before they have a name.
pub(crate) async fn write(work: &mut Work, body: &Body) -> Result<i64, StoreError> {
    let mut pieces = pieces(body);
    let first = pieces.try_next().await.map_err(unreadable)?.unwrap_or_default();
    let begin = work
        .statement(
            "INSERT INTO {schema}.chunks (content, number, bytes) \
             VALUES (nextval('{schema}.contents'), 0, $1) RETURNING content",
        )
        .bind(Vec::from(first));
    let row = work.first(begin).await?;
    let row = row.ok_or_else(|| StoreError::unavailable("the database did not number a new file"))?;
    let content = column(&row, "content")?;
    let mut number = 0_i32;
    while let Some(piece) = pieces.try_next().await.map_err(unreadable)? {
        number += 1;
        let next = work
            .statement("INSERT INTO {schema}.chunks (content, number, bytes) VALUES ($1, $2, $3)")
            .bind(content)
            .bind(number)
            .bind(Vec::from(piece));
        work.run(next).await?;
    }
    Ok(content)
}

/// Gives a content the name of its file; false if the name is taken.
pub(crate) async fn give_name(work: &mut Work, file: &Verified, content: i64) -> Result<bool, StoreError> {
    let (name, module) = (file.file(), &file.file().module);
    let keep = work
        .statement("SELECT {schema}.keep($1, $2, $3, $4, $5, $6, $7, $8) AS kept")
        .bind(name.tree_path())
        .bind(module.path().as_str().to_owned())
        .bind(module.version().as_str().to_owned())
        .bind(name.kind.facts().extension)
        .bind(i64::try_from(file.body().size()).map_err(|_| StoreError::Full(None))?)
        .bind(file.body().sha256().0.to_vec())
        .bind(content)
        .bind(CHUNK as i32);
    let row = work.first(keep).await?;
    row.map_or(Ok(false), |row| column(&row, "kept"))
}

/// A body in pieces of just the size of a row, but for the last.
fn pieces(body: &Body) -> Chunks<io::Error> {
    if let Held::Memory(bytes) = body.held() {
        let bytes = bytes.clone();
        let starts = (0..bytes.len()).step_by(CHUNK);
        return stream::iter(starts.map(move |start| {
            let end = bytes.len().min(start + CHUNK);
            Ok(bytes.slice(start..end))
        }))
        .boxed();
    }
    stream::try_unfold((body.to_stream(), Bytes::new()), fill).boxed()
}

/// Takes the next piece from a stream whose own pieces have any size; `rest` is what was left of the last of them.
async fn fill(
    (mut chunks, rest): (Chunks<io::Error>, Bytes),
) -> io::Result<Option<(Bytes, (Chunks<io::Error>, Bytes))>> {
    let (mut piece, mut rest) = (BytesMut::new(), rest);
    loop {
        let taken = rest.split_to(rest.len().min(CHUNK - piece.len()));
        piece.extend_from_slice(&taken);
        if piece.len() == CHUNK {
            break;
        }
        match chunks.try_next().await? {
            Some(chunk) => rest = chunk,
            None => break,
        }
    }
    Ok((!piece.is_empty()).then(|| (piece.freeze(), (chunks, rest))))
}

fn in_sql(number: u64) -> Result<i32, StoreError> {
    i32::try_from(number).map_err(|error| StoreError::unavailable_because("a file has too many rows", error))
}

fn unreadable(error: io::Error) -> StoreError {
    StoreError::from_io("a spooled file could not be read", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sizes(chunks: Vec<usize>) -> Vec<usize> {
        let chunks = chunks.into_iter().map(|size| Ok(Bytes::from(vec![7; size])));
        let whole = stream::try_unfold((stream::iter(chunks).boxed(), Bytes::new()), fill);
        whole.map_ok(|piece| piece.len()).try_collect().await.unwrap()
    }

    #[tokio::test]
    async fn pieces_have_the_size_of_a_row_whatever_they_are_made_of() {
        assert_eq!(sizes(vec![]).await, [0; 0]);
        assert_eq!(sizes(vec![1]).await, [1]);
        assert_eq!(sizes(vec![CHUNK]).await, [CHUNK]);
        assert_eq!(sizes(vec![CHUNK / 2; 5]).await, [CHUNK, CHUNK, CHUNK / 2]);
        assert_eq!(
            sizes(vec![CHUNK + 1, CHUNK - 1, 3 * CHUNK, 9]).await,
            [CHUNK, CHUNK, CHUNK, CHUNK, CHUNK, 9]
        );
        let bytes = Bytes::from(vec![7; 2 * CHUNK + 1]);
        let sizes: Vec<usize> = pieces(&Body::from_bytes(bytes))
            .map_ok(|piece| piece.len())
            .try_collect()
            .await
            .unwrap();
        assert_eq!(sizes, [CHUNK, CHUNK, 1]);
    }
}
