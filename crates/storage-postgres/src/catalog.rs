//! The catalog: a walk along the primary key, which is sorted by bytes.

use crate::{database::Database, files::file_of};
use proxy_core::{file::ModuleFile, store::StoreError};

pub(crate) async fn files(
    database: &Database,
    after: Option<&ModuleFile>,
    limit: usize,
) -> Result<Vec<ModuleFile>, StoreError> {
    let mut work = database.read().await?;
    let page = work
        .statement("SELECT path, version, kind FROM {schema}.files WHERE name > $1 ORDER BY name LIMIT $2")
        // Every name lies behind the empty one.
        .bind(after.map(ModuleFile::tree_path).unwrap_or_default())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = work.all(page).await?;
    work.commit().await?;
    rows.iter().map(file_of).collect()
}
