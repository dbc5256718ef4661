//! Quarantine: the name of a damaged file is taken away from its rows, which stay.

use crate::{
    chunks::read_row,
    database::Database,
    files::{Kept, look},
};
use proxy_core::{
    file::{ModuleFile, Sha256},
    store::{Corrupt, StoreError},
};
use sha2::Digest;

pub(crate) async fn set_aside(database: &Database, file: &Corrupt) -> Result<(), StoreError> {
    let Some(kept) = look(database, file.file()).await? else {
        return Ok(());
    };
    let read = Sums::read(database, file.file(), &kept).await?;
    if read.as_ref().map(|sums| sums.whole) != file.found() {
        return Ok(());
    }
    // The function compares the rows once more, and the name's content, while nobody else can change it.
    let mut work = database.write().await?;
    let set_aside = work
        .statement("SELECT {schema}.set_aside($1, $2, $3, $4, $5)")
        .bind(file.file().tree_path())
        .bind(kept.content)
        .bind(read.map(|sums| sums.rows))
        .bind(file.found().map(|sum| sum.0.to_vec()))
        // Whatever a zip names its entries, in whatever encoding the database has.
        .bind(file.reason().escape_default().to_string());
    work.first(set_aside).await?;
    Ok(work.commit().await?)
}

/// The sums of a content that can be read to its end.
struct Sums {
    rows: Vec<Vec<u8>>,
    whole: Sha256,
}

impl Sums {
    /// Reads a content as anybody does who opens the file; `None` where it cannot be read to its end.
    async fn read(database: &Database, file: &ModuleFile, kept: &Kept) -> Result<Option<Self>, StoreError> {
        let (rows, mut sums, mut whole) = (kept.rows(), Vec::new(), sha2::Sha256::new());
        for number in 0..rows.count() {
            match read_row(database, file, rows, number, 0..rows.length(number)).await {
                Ok(bytes) => {
                    sums.push(Sha256::of(&bytes).0.to_vec());
                    whole.update(&bytes);
                }
                Err(StoreError::Corrupt { .. }) => return Ok(None),
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(Some(Self {
            rows: sums,
            whole: Sha256(whole.finalize().into()),
        }))
    }
}
