//! The marks of a version: what was set aside, and what a checksum database said against it.

use super::{Seen, key, malformed, parse};
use crate::{
    file::Kind,
    module::ModuleVersion,
    records::{RecordStore, Written},
    store::StoreError,
    sums::H1,
};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The mark of kinds that were set aside, and when each was.
const ASIDE: &str = "aside";

/// The mark of a version that a checksum database contradicts.
const CONTRADICTED: &str = "contradicted";

/// A checksum database, asked late, knows a version with other sums than those it was kept with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Which of the version's files shows it.
    pub kind: Kind,
    /// The sum that was kept.
    pub kept: H1,
    /// The sum that the database proves.
    pub proven: H1,
    /// The database.
    pub authority: String,
}

/// The mark's own form.
#[derive(Serialize, Deserialize)]
struct StoredContradiction {
    kind: String,
    kept: String,
    proven: String,
    authority: String,
    when: String,
}

impl Seen {
    /// Whether the file was set aside as damaged, and has not been found whole since.
    pub fn is_aside(&self, kind: Kind) -> bool {
        let aside = self.table.get(ASIDE).and_then(Value::as_object);
        aside.is_some_and(|aside| aside.contains_key(kind.facts().extension))
    }

    /// What a checksum database said against the version; it is refused ever after.
    pub fn contradiction(&self) -> Result<Option<Contradiction>, StoreError> {
        let Some(stored) = self.table.get(CONTRADICTED) else {
            return Ok(None);
        };
        let unreadable = |error: &dyn std::fmt::Display| malformed(&self.module, Kind::Info, error);
        let stored = StoredContradiction::deserialize(stored).map_err(|error| unreadable(&error))?;
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.facts().extension == stored.kind)
            .ok_or_else(|| unreadable(&"it names a kind of file that there is not"))?;
        Ok(Some(Contradiction {
            kind,
            kept: stored.kept.parse().map_err(|error| unreadable(&error))?,
            proven: stored.proven.parse().map_err(|error| unreadable(&error))?,
            authority: stored.authority,
        }))
    }
}

/// Marks a file as set aside, before it is: so that a version whose file is missing for that reason is never taken for
/// one that lost it in some other way.
pub async fn mark_aside(
    records: &dyn RecordStore,
    module: &ModuleVersion,
    kind: Kind,
) -> Result<(), StoreError> {
    change(records, module, |table| {
        let aside = table
            .entry(ASIDE)
            .or_insert_with(|| Value::Object(Map::new()))
            .as_object_mut();
        let Some(aside) = aside else { return false };
        let known = aside.contains_key(kind.facts().extension);
        aside.insert(kind.to_string(), Timestamp::now().to_string().into());
        !known
    })
    .await
}

/// Takes the mark away: the file was found whole.
pub async fn unmark_aside(
    records: &dyn RecordStore,
    module: &ModuleVersion,
    kind: Kind,
) -> Result<(), StoreError> {
    change(records, module, |table| {
        let Some(aside) = table.get_mut(ASIDE).and_then(Value::as_object_mut) else {
            return false;
        };
        let was_there = aside.remove(kind.facts().extension).is_some();
        if aside.is_empty() {
            table.remove(ASIDE);
        }
        was_there
    })
    .await
}

/// Marks a version as contradicted; the first mark stands.
pub async fn condemn(
    records: &dyn RecordStore,
    module: &ModuleVersion,
    contradiction: &Contradiction,
) -> Result<(), StoreError> {
    let stored = StoredContradiction {
        kind: contradiction.kind.to_string(),
        kept: contradiction.kept.to_string(),
        proven: contradiction.proven.to_string(),
        authority: contradiction.authority.clone(),
        when: Timestamp::now().to_string(),
    };
    let stored = serde_json::to_value(stored)
        .map_err(|error| StoreError::unavailable_because("a record could not be written as JSON", error))?;
    change(records, module, |table| {
        let first = !table.contains_key(CONTRADICTED);
        if first {
            table.insert(CONTRADICTED.to_owned(), stored.clone());
        }
        first
    })
    .await
}

/// Changes the record of a version, however often somebody else changes it in between; `act` says whether it did.
async fn change(
    records: &dyn RecordStore,
    module: &ModuleVersion,
    act: impl Fn(&mut Map<String, Value>) -> bool,
) -> Result<(), StoreError> {
    let key = key(module)?;
    loop {
        let record = records.read(&key).await?;
        let (mut table, revision) = match &record {
            Some(record) => (parse(module, Kind::Info, record)?, Some(&record.revision)),
            None => (Map::new(), None),
        };
        if !act(&mut table) {
            return Ok(());
        }
        let bytes = Bytes::from(Value::Object(table).to_string());
        if let Written::Done(_) = records.write(&key, bytes, revision).await? {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{file::Sha256, seen, store::MemoryStore};

    fn module() -> ModuleVersion {
        ModuleVersion::parse("example.com/m", "v1.0.0").unwrap()
    }

    #[tokio::test]
    async fn marks_lie_beside_what_was_seen_and_leave_it_alone() {
        let store = MemoryStore::new();
        let sight = seen::Sight {
            size: 1,
            sha256: Sha256::of(b"x"),
            h1: None,
            when: Timestamp::UNIX_EPOCH,
            from: "a".to_owned(),
            commit: None,
        };
        mark_aside(&store, &module(), Kind::Mod).await.unwrap();
        seen::note(&store, &module(), Kind::Info, sight.clone())
            .await
            .unwrap();
        mark_aside(&store, &module(), Kind::Info).await.unwrap();
        let now = Seen::of(&store, &module()).await.unwrap();
        assert!(now.is_aside(Kind::Mod) && now.is_aside(Kind::Info) && !now.is_aside(Kind::Zip));
        assert_eq!(now.sight(Kind::Info).unwrap(), Some(sight));
        unmark_aside(&store, &module(), Kind::Mod).await.unwrap();
        unmark_aside(&store, &module(), Kind::Info).await.unwrap();
        let now = Seen::of(&store, &module()).await.unwrap();
        assert!(!now.is_aside(Kind::Mod) && !now.table.contains_key(ASIDE));
    }

    #[tokio::test]
    async fn the_first_contradiction_stands() {
        let store = MemoryStore::new();
        let said = |text: &[u8]| Contradiction {
            kind: Kind::Mod,
            kept: H1::of_go_mod(b"kept"),
            proven: H1::of_go_mod(text),
            authority: "sum.example.test".to_owned(),
        };
        for text in [&b"first"[..], b"second"] {
            condemn(&store, &module(), &said(text)).await.unwrap();
            let now = Seen::of(&store, &module()).await.unwrap();
            assert_eq!(now.contradiction().unwrap(), Some(said(b"first")));
        }
    }
}
