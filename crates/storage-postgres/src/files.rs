//! Module files in the tables: opened, listed, inserted.

use crate::{
    chunks::{self, CHUNK, Rows},
    database::Database,
    error::DatabaseError,
};
use bytes::Bytes;
use proxy_core::{
    file::{Kind, ModuleFile, Sha256},
    module::{ModulePath, ModuleVersion, Version},
    store::{Content, ContentBytes, Inserted, Part, StoreError, Validator},
    verify::Verified,
};
use sqlx::{Row, postgres::PgRow};
use tokio::sync::Semaphore;

/// Files up to this size come whole with the first look; they have a single row then.
const AT_ONCE: i64 = CHUNK as i64;

pub(crate) async fn open(
    database: &Database,
    file: &ModuleFile,
    part: Part,
) -> Result<Option<Content>, StoreError> {
    let at_once = if part == Part::Nothing { 0 } else { AT_ONCE };
    let mut work = database.read().await?;
    let look = work
        .statement(
            "SELECT f.content, f.chunk, f.size, f.sha256, c.bytes FROM {schema}.files f \
             LEFT JOIN {schema}.chunks c ON c.content = f.content AND c.number = 0 AND f.size <= $2 \
             WHERE f.name = $1",
        )
        .bind(file.tree_path())
        .bind(at_once);
    let row = work
        .first(look)
        .await
        .map_err(|error| damage_or_trouble(file, error))?;
    work.commit().await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let kept = Kept::read(&row)?;
    let range = part.of(kept.size);
    let validator = Some(Validator(kept.sha256.to_string().into()));
    let bytes = if range.is_empty() {
        ContentBytes::Memory(Bytes::new())
    } else if kept.size <= AT_ONCE as u64 {
        let whole = column::<Option<Vec<u8>>>(&row, "bytes")?.map(Bytes::from);
        let whole = whole.filter(|bytes| bytes.len() as u64 == kept.size);
        let whole = whole.ok_or_else(|| rows_missing(file))?;
        return Ok(Some(Content::from_memory(&whole, validator, part)));
    } else {
        let stream = chunks::read(database.clone(), file.clone(), kept.rows(), range.clone());
        ContentBytes::Stream(stream)
    };
    Ok(Some(Content {
        size: kept.size,
        validator,
        range,
        bytes,
    }))
}

pub(crate) async fn versions(database: &Database, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
    let mut work = database.read().await?;
    let listed = work
        .statement("SELECT version FROM {schema}.files WHERE path = $1 AND kind = 'info'")
        .bind(path.as_str().to_owned());
    let rows = work.all(listed).await?;
    work.commit().await?;
    rows.iter()
        .map(|row| Version::parse(&column::<String>(row, "version")?).map_err(no_name))
        .collect()
}

pub(crate) async fn insert(
    database: &Database,
    inserts: &Semaphore,
    file: &Verified,
) -> Result<Inserted, StoreError> {
    // Looking first saves the sending of what is there already. It decides nothing: the primary key does.
    if let Some(kept) = look(database, file.file()).await? {
        return Ok(kept.compare(file));
    }
    let _permit = inserts
        .acquire()
        .await
        .map_err(|closed| StoreError::unavailable_because("the store is closed", closed))?;
    let mut work = database.write().await?;
    // The bytes go in first and under a number of their own, so that two nodes with the same file do not wait for each
    // other's bytes: only for the name, which is given in the last statement before the end.
    let content = chunks::write(&mut work, file.body()).await?;
    if !chunks::give_name(&mut work, file, content).await? {
        work.undo().await?;
        return match look(database, file.file()).await? {
            Some(kept) => Ok(kept.compare(file)),
            None => Err(StoreError::unavailable(
                "a module file vanished while it was compared",
            )),
        };
    }
    match work.commit().await {
        Ok(()) => Ok(Inserted::New),
        // The answer was lost, perhaps not the commit. The number says whose bytes stand there.
        Err(error) => match look(database, file.file()).await? {
            Some(kept) if kept.content == content => Ok(Inserted::New),
            _ => Err(error.into()),
        },
    }
}

/// What is known of a kept file.
pub(crate) struct Kept {
    pub(crate) content: i64,
    pub(crate) size: u64,
    pub(crate) sha256: Sha256,
    /// How many bytes each row but the last has.
    pub(crate) chunk: u64,
}

impl Kept {
    pub(crate) fn read(row: &PgRow) -> Result<Self, StoreError> {
        let sha256: Vec<u8> = column(row, "sha256")?;
        let sha256 = <[u8; 32]>::try_from(sha256).map_err(|_| not_understood());
        Ok(Self {
            content: column(row, "content")?,
            size: u64::try_from(column::<i64>(row, "size")?).map_err(|_| not_understood())?,
            sha256: Sha256(sha256?),
            chunk: u64::try_from(column::<i32>(row, "chunk")?).map_err(|_| not_understood())?,
        })
    }

    pub(crate) fn rows(&self) -> Rows {
        Rows {
            content: self.content,
            size: self.size,
            chunk: self.chunk,
        }
    }

    /// Bytes that are recorded when they are kept never change, so their sums stand for them.
    fn compare(&self, file: &Verified) -> Inserted {
        if (self.size, self.sha256) == (file.body().size(), file.body().sha256()) {
            Inserted::Same
        } else {
            Inserted::Other
        }
    }
}

/// What is kept under a name, without its bytes.
pub(crate) async fn look(database: &Database, file: &ModuleFile) -> Result<Option<Kept>, StoreError> {
    let mut work = database.read().await?;
    let look = work
        .statement("SELECT content, chunk, size, sha256 FROM {schema}.files WHERE name = $1")
        .bind(file.tree_path());
    let row = work.first(look).await?;
    work.commit().await?;
    row.as_ref().map(Kept::read).transpose()
}

/// A column of a row.
pub(crate) fn column<'r, T>(row: &'r PgRow, name: &str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(name).map_err(|error| DatabaseError(error).into())
}

/// The file that a row of `files` names.
pub(crate) fn file_of(row: &PgRow) -> Result<ModuleFile, StoreError> {
    let kind: String = column(row, "kind")?;
    let kind = Kind::ALL
        .into_iter()
        .find(|known| known.facts().extension == kind);
    Ok(ModuleFile::new(module_of(row)?, kind.ok_or_else(not_understood)?))
}

/// The version that a row names.
pub(crate) fn module_of(row: &PgRow) -> Result<ModuleVersion, StoreError> {
    let (path, version): (String, String) = (column(row, "path")?, column(row, "version")?);
    ModuleVersion::parse(&path, &version).map_err(no_name)
}

/// The server may find the pages of a file damaged before we do.
pub(crate) fn damage_or_trouble(file: &ModuleFile, error: DatabaseError) -> StoreError {
    if error.is_corruption() {
        return StoreError::Corrupt {
            file: file.clone(),
            reason: "the database cannot read its rows".into(),
        };
    }
    error.into()
}

pub(crate) fn rows_missing(file: &ModuleFile) -> StoreError {
    StoreError::Corrupt {
        file: file.clone(),
        reason: "its rows do not add up to its size".into(),
    }
}

fn no_name(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::unavailable_because("a row of the database names no module version", error)
}

fn not_understood() -> StoreError {
    StoreError::unavailable("a row of the database holds what no store wrote")
}
