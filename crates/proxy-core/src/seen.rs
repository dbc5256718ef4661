//! First sight: what was recorded of each module file when it was first kept.
//!
//! One record a version, `seen/<path>@<version>`, written after the file, so it never claims what is not kept. It is
//! JSON: a table for each kind of file. What is recorded of a file stands; only kinds that were missing are added.
//! Beside them lie two marks: the kinds that were set aside as damaged, and what a checksum database said against a
//! version that was kept without asking it.

mod marks;

pub use marks::{Contradiction, condemn, mark_aside, unmark_aside};

use crate::{
    file::{Kind, ModuleFile, Sha256},
    module::ModuleVersion,
    records::{Record, RecordKey, RecordStore, Written},
    store::StoreError,
    sums::H1,
};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// What was recorded of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Its size, in bytes.
    pub size: u64,
    /// The sum of its bytes as they are.
    pub sha256: Sha256,
    /// Its `h1:` sum; `.info` files have none.
    pub h1: Option<H1>,
    /// When it was first kept.
    pub when: Timestamp,
    /// Which upstream it came from, without credentials; `adopted` where the store held it before us.
    pub from: String,
    /// The commit it was made from, if known.
    pub commit: Option<String>,
}

/// Everything that was recorded of a version.
#[derive(Clone, Debug)]
pub struct Seen {
    module: ModuleVersion,
    table: Map<String, Value>,
}

impl Seen {
    /// Reads the record of a version; where there is none, nothing was recorded.
    pub async fn of(records: &dyn RecordStore, module: &ModuleVersion) -> Result<Self, StoreError> {
        let table = match records.read(&key(module)?).await? {
            Some(record) => parse(module, Kind::Info, &record)?,
            None => Map::new(),
        };
        Ok(Self {
            module: module.clone(),
            table,
        })
    }

    /// What was recorded of a file, or `None`.
    pub fn sight(&self, kind: Kind) -> Result<Option<Sight>, StoreError> {
        sight_in(&self.table, &self.module, kind)
    }
}

/// What was recorded of a file, or `None`.
pub async fn read(
    records: &dyn RecordStore,
    module: &ModuleVersion,
    kind: Kind,
) -> Result<Option<Sight>, StoreError> {
    Seen::of(records, module).await?.sight(kind)
}

/// Records a file; the first record stands, and is the answer.
pub async fn note(
    records: &dyn RecordStore,
    module: &ModuleVersion,
    kind: Kind,
    sight: Sight,
) -> Result<Sight, StoreError> {
    let key = key(module)?;
    // Whoever changes the record in between has added a kind or the mark, so this ends after as many rounds as there are.
    loop {
        let record = records.read(&key).await?;
        let (mut table, revision) = match &record {
            Some(record) => (parse(module, kind, record)?, Some(&record.revision)),
            None => (Map::new(), None),
        };
        if let Some(first) = sight_in(&table, module, kind)? {
            return Ok(first);
        }
        table.insert(kind.to_string(), StoredSight::from(&sight).into_json()?);
        let bytes = Bytes::from(Value::Object(table).to_string());
        if let Written::Done(_) = records.write(&key, bytes, revision).await? {
            return Ok(sight);
        }
    }
}

/// Marks a version with a page of the feed that exists before its own entry does; the first mark stands, and is the
/// answer. It lies in the same record, as one more table, and claims nothing about any file.
pub(crate) async fn mark(
    records: &dyn RecordStore,
    module: &ModuleVersion,
    page: u64,
) -> Result<u64, StoreError> {
    let key = key(module)?;
    // As above: whoever changes the record in between has added a kind or the mark.
    loop {
        let record = records.read(&key).await?;
        let (mut table, revision) = match &record {
            Some(record) => (parse(module, Kind::Info, record)?, Some(&record.revision)),
            None => (Map::new(), None),
        };
        if let Some(mark) = table.get(FEED) {
            let mark = Mark::deserialize(mark).map_err(|error| malformed(module, Kind::Info, &error))?;
            return Ok(mark.from_page);
        }
        table.insert(FEED.to_owned(), Mark { from_page: page }.into_json()?);
        let bytes = Bytes::from(Value::Object(table).to_string());
        if let Written::Done(_) = records.write(&key, bytes, revision).await? {
            return Ok(page);
        }
    }
}

/// A record that takes the place of one that was lost. Nothing is known of any file; but the version may have an entry in
/// any page of the feed, and with a later mark it would be given another.
pub(crate) fn anew() -> Result<Bytes, StoreError> {
    let mark = Mark { from_page: 0 }.into_json()?;
    let table = Map::from_iter([(FEED.to_owned(), mark)]);
    Ok(Bytes::from(Value::Object(table).to_string()))
}

/// The name of the mark's table, beside those of the kinds.
const FEED: &str = "feed";

/// The mark's own form.
#[derive(Serialize, Deserialize)]
struct Mark {
    /// The version's entry, if it has one, is in this page of the feed or a later one.
    from_page: u64,
}

/// The record's own form of a [`Sight`]: what it names, it names for ever.
#[derive(Serialize, Deserialize)]
struct StoredSight {
    size: u64,
    sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    h1: Option<String>,
    when: String,
    from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
}

/// Where the record of a version is.
pub(crate) fn key(module: &ModuleVersion) -> Result<RecordKey, StoreError> {
    let key = format!("seen/{}@{}", module.path().escaped(), module.version().escaped());
    RecordKey::parse(&key)
        .map_err(|error| StoreError::unavailable_because("a version has a name no record can have", error))
}

/// The tables of a record. Those of kinds unknown here, written by a later release, are kept as they are.
fn parse(module: &ModuleVersion, kind: Kind, record: &Record) -> Result<Map<String, Value>, StoreError> {
    serde_json::from_slice(&record.bytes).map_err(|error| malformed(module, kind, &error))
}

fn sight_in(
    table: &Map<String, Value>,
    module: &ModuleVersion,
    kind: Kind,
) -> Result<Option<Sight>, StoreError> {
    let Some(stored) = table.get(kind.facts().extension) else {
        return Ok(None);
    };
    let stored = StoredSight::deserialize(stored).map_err(|error| malformed(module, kind, &error))?;
    let h1 = stored.h1.map(|sum| sum.parse()).transpose();
    Ok(Some(Sight {
        size: stored.size,
        sha256: stored
            .sha256
            .parse()
            .map_err(|error| malformed(module, kind, &error))?,
        h1: h1.map_err(|error| malformed(module, kind, &error))?,
        when: stored
            .when
            .parse()
            .map_err(|error| malformed(module, kind, &error))?,
        from: stored.from,
        commit: stored.commit,
    }))
}

fn malformed(module: &ModuleVersion, kind: Kind, error: &dyn fmt::Display) -> StoreError {
    StoreError::Corrupt {
        file: ModuleFile::new(module.clone(), kind),
        reason: format!("the record of its first sight cannot be read: {error}"),
    }
}

impl From<&Sight> for StoredSight {
    fn from(sight: &Sight) -> Self {
        Self {
            size: sight.size,
            sha256: sight.sha256.to_string(),
            h1: sight.h1.map(|sum| sum.to_string()),
            when: sight.when.to_string(),
            from: sight.from.clone(),
            commit: sight.commit.clone(),
        }
    }
}

impl Mark {
    fn into_json(self) -> Result<Value, StoreError> {
        serde_json::to_value(self)
            .map_err(|error| StoreError::unavailable_because("a record could not be written as JSON", error))
    }
}

impl StoredSight {
    fn into_json(self) -> Result<Value, StoreError> {
        serde_json::to_value(self)
            .map_err(|error| StoreError::unavailable_because("a record could not be written as JSON", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        module::{ModulePath, Version},
        store::MemoryStore,
    };

    fn module() -> ModuleVersion {
        let path = ModulePath::parse("example.com/Up/m").unwrap();
        ModuleVersion::new(path, Version::parse("v1.0.0-RC1").unwrap()).unwrap()
    }

    fn sight(text: &str, h1: Option<H1>) -> Sight {
        Sight {
            size: text.len() as u64,
            sha256: Sha256::of(text.as_bytes()),
            h1,
            when: "2025-11-23T01:02:03.5Z".parse().unwrap(),
            from: "https://proxy.example".to_owned(),
            commit: h1.is_none().then(|| "c0ffee".to_owned()),
        }
    }

    #[tokio::test]
    async fn what_was_recorded_is_read_back_kind_by_kind() {
        let store = MemoryStore::new();
        assert_eq!(read(&store, &module(), Kind::Mod).await.unwrap(), None);
        let info = sight("info", None);
        let go_mod = sight("mod", Some(H1::of_go_mod(b"mod")));
        assert_eq!(
            note(&store, &module(), Kind::Info, info.clone()).await.unwrap(),
            info
        );
        assert_eq!(
            note(&store, &module(), Kind::Mod, go_mod.clone()).await.unwrap(),
            go_mod
        );
        assert_eq!(read(&store, &module(), Kind::Info).await.unwrap(), Some(info));
        assert_eq!(read(&store, &module(), Kind::Mod).await.unwrap(), Some(go_mod));
        assert_eq!(read(&store, &module(), Kind::Zip).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_first_record_stands() {
        let store = MemoryStore::new();
        let (first, second) = (sight("one", None), sight("two", None));
        assert_eq!(
            note(&store, &module(), Kind::Info, first.clone()).await.unwrap(),
            first
        );
        assert_eq!(note(&store, &module(), Kind::Info, second).await.unwrap(), first);
        assert_eq!(read(&store, &module(), Kind::Info).await.unwrap(), Some(first));
    }

    #[tokio::test]
    async fn the_record_s_form_is_fixed() {
        let store = MemoryStore::new();
        let go_mod = sight("mod", Some(H1::of_go_mod(b"mod")));
        note(&store, &module(), Kind::Mod, go_mod).await.unwrap();
        let key = RecordKey::parse("seen/example.com/!up/m@v1.0.0-!r!c1").unwrap();
        let record = store.read(&key).await.unwrap().unwrap();
        let expected = serde_json::json!({ "mod": {
            "size": 3,
            "sha256": Sha256::of(b"mod").to_string(),
            "h1": H1::of_go_mod(b"mod").to_string(),
            "when": "2025-11-23T01:02:03.5Z",
            "from": "https://proxy.example",
        }});
        assert_eq!(serde_json::from_slice::<Value>(&record.bytes).unwrap(), expected);
    }

    #[tokio::test]
    async fn nodes_that_record_at_the_same_time_lose_nothing() {
        for _ in 0..50 {
            let store = MemoryStore::new();
            let note = |kind, text| {
                let store = store.clone();
                tokio::spawn(async move { note(&store, &module(), kind, sight(text, None)).await.unwrap() })
            };
            let tasks = [
                note(Kind::Info, "a"),
                note(Kind::Info, "b"),
                note(Kind::Mod, "c"),
                note(Kind::Zip, "d"),
            ];
            let [a, b, c, d] = futures::future::join_all(tasks).await.try_into().unwrap();
            assert_eq!(a.as_ref().unwrap(), b.as_ref().unwrap(), "one stands");
            for (kind, sight) in [(Kind::Info, a), (Kind::Mod, c), (Kind::Zip, d)] {
                assert_eq!(read(&store, &module(), kind).await.unwrap(), Some(sight.unwrap()));
            }
        }
    }

    #[tokio::test]
    async fn the_first_mark_stands_and_is_no_sight() {
        let store = MemoryStore::new();
        assert_eq!(mark(&store, &module(), 7).await.unwrap(), 7);
        assert_eq!(mark(&store, &module(), 9).await.unwrap(), 7);
        for kind in Kind::ALL {
            assert_eq!(read(&store, &module(), kind).await.unwrap(), None);
        }
        let info = sight("info", None);
        note(&store, &module(), Kind::Info, info.clone()).await.unwrap();
        assert_eq!(
            mark(&store, &module(), 11).await.unwrap(),
            7,
            "a sight leaves it alone"
        );
        assert_eq!(read(&store, &module(), Kind::Info).await.unwrap(), Some(info));
    }

    #[tokio::test]
    async fn what_a_later_release_wrote_is_kept_and_nonsense_is_told() {
        let store = MemoryStore::new();
        let key = key(&module()).unwrap();
        let write = |text: &'static str, at: Option<crate::records::Revision>| {
            let (store, key) = (store.clone(), key.clone());
            async move {
                store
                    .write(&key, Bytes::from_static(text.as_bytes()), at.as_ref())
                    .await
                    .unwrap()
            }
        };
        let Written::Done(revision) = write(r#"{"later":{"x":1}}"#, None).await else {
            panic!("it is new")
        };
        note(&store, &module(), Kind::Info, sight("i", None))
            .await
            .unwrap();
        let record = store.read(&key).await.unwrap().unwrap();
        assert!(
            std::str::from_utf8(&record.bytes)
                .unwrap()
                .contains(r#""later":{"x":1}"#)
        );
        assert_ne!(record.revision, revision);

        let _ = write(r#"{"info":{"size":1}}"#, Some(record.revision)).await;
        assert!(matches!(
            read(&store, &module(), Kind::Info).await,
            Err(StoreError::Corrupt { .. })
        ));
    }
}
