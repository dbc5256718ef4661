//! The last good answers to queries, as records: with every origin unplugged and after a restart, `@latest` and the
//! branches that were asked for still mean what they meant last.

use crate::{
    file::Sha256,
    module::{ModulePath, Query, Version},
    records::{RecordKey, RecordStore},
    store::StoreError,
};

/// The version a query led to last, or `None` if that was never recorded.
pub(super) async fn read(
    records: &dyn RecordStore,
    path: &ModulePath,
    query: &Query,
) -> Result<Option<Version>, StoreError> {
    let Some(key) = key(path, query) else {
        return Ok(None);
    };
    let record = records.read(&key).await?;
    Ok(record.and_then(|record| Version::parse(str::from_utf8(&record.bytes).ok()?.trim_end()).ok()))
}

/// Records the version a query led to, if it is another than before. A record that cannot be written, or that
/// another node writes at the same time, costs no more than an older answer on a bad day.
pub(super) async fn note(records: &dyn RecordStore, path: &ModulePath, query: &Query, version: &Version) {
    let Some(key) = key(path, query) else { return };
    let text = format!("{version}\n");
    let noted = async {
        let before = records.read(&key).await?;
        if before.as_ref().is_some_and(|record| record.bytes == text) {
            return Ok(());
        }
        let expected = before.map(|record| record.revision);
        records
            .write(&key, text.clone().into(), expected.as_ref())
            .await
            .map(drop)
    };
    let noted: Result<(), StoreError> = noted.await;
    if let Err(error) = noted {
        tracing::warn!(module = %path, %error, "what a query means now could not be recorded");
    }
}

/// `answers/<path>@<hash of the query>`: a branch name may hold what a key may not.
fn key(path: &ModulePath, query: &Query) -> Option<RecordKey> {
    let name = Sha256::of(query.as_str().as_bytes()).to_string();
    RecordKey::parse(&format!("answers/{}@{}", path.escaped(), &name[..32])).ok()
}
