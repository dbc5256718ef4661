//! Versions that were kept while the checksum database was away, and still have to be looked up.
//!
//! The list is spread over a few records, so that no outage makes one large, and is written before a file is kept: a
//! process that dies in between leaves a name too many, never one too few. Each process holds in memory what it added or
//! found at its start, so that looking whether there is anything to do costs nothing.

use crate::{
    file::Sha256,
    module::ModuleVersion,
    records::{Record, RecordKey, RecordStore, Written},
    store::StoreError,
};
use bytes::Bytes;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many records the list is spread over.
const SHARES: u8 = 16;

/// The versions that are to be looked up. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pending {
    records: Arc<dyn RecordStore>,
    here: Arc<Mutex<BTreeSet<ModuleVersion>>>,
}

impl Pending {
    /// The list in these records; nothing is read yet.
    pub fn new(records: Arc<dyn RecordStore>) -> Self {
        Self {
            records,
            here: Arc::default(),
        }
    }

    /// What this process knows to be pending.
    pub fn here(&self) -> Vec<ModuleVersion> {
        self.in_memory().iter().cloned().collect()
    }

    /// Adds a version; it is on record when this returns.
    pub async fn add(&self, module: &ModuleVersion) -> Result<(), StoreError> {
        self.change(module, BTreeSet::insert).await?;
        self.in_memory().insert(module.clone());
        Ok(())
    }

    /// Takes a version off the list: it was looked up.
    pub async fn remove(&self, module: &ModuleVersion) -> Result<(), StoreError> {
        self.change(module, |lines, line| lines.remove(&line)).await?;
        self.in_memory().remove(module);
        Ok(())
    }

    /// Reads what is on record: what was pending when a process ended, and what other nodes added.
    pub async fn reload(&self) -> Result<(), StoreError> {
        for share in 0..SHARES {
            let record = self.records.read(&key(share)?).await?;
            let found = record.as_ref().map(lines).unwrap_or_default();
            let found = found.iter().filter_map(|line| {
                let (path, version) = line.split_once('@')?;
                ModuleVersion::parse(path, version).ok()
            });
            self.in_memory().extend(found);
        }
        Ok(())
    }

    async fn change(
        &self,
        module: &ModuleVersion,
        act: impl Fn(&mut BTreeSet<String>, String) -> bool,
    ) -> Result<(), StoreError> {
        let line = module.to_string();
        let key = key(Sha256::of(line.as_bytes()).0[0] % SHARES)?;
        loop {
            let record = self.records.read(&key).await?;
            let mut lines = record.as_ref().map(lines).unwrap_or_default();
            if !act(&mut lines, line.clone()) {
                return Ok(());
            }
            let text: String = lines.into_iter().map(|line| line + "\n").collect();
            let expected = record.as_ref().map(|record| &record.revision);
            if let Written::Done(_) = self.records.write(&key, Bytes::from(text), expected).await? {
                return Ok(());
            }
        }
    }

    fn in_memory(&self) -> MutexGuard<'_, BTreeSet<ModuleVersion>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line for each version. One that cannot be read is of no use to anybody, and goes with the next change.
fn lines(record: &Record) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(&record.bytes);
    text.lines().map(str::to_owned).collect()
}

fn key(share: u8) -> Result<RecordKey, StoreError> {
    RecordKey::parse(&format!("pending/{share:02}"))
        .map_err(|error| StoreError::unavailable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn what_is_pending_outlives_the_process() {
        let store = Arc::new(MemoryStore::new());
        let modules: Vec<ModuleVersion> = (0..100)
            .map(|number| ModuleVersion::parse(&format!("example.test/M{number}"), "v1.0.0-rc.1").unwrap())
            .collect();
        let pending = Pending::new(Arc::clone(&store) as _);
        for module in &modules {
            pending.add(module).await.unwrap();
            pending.add(module).await.unwrap();
        }
        for module in &modules[..50] {
            pending.remove(module).await.unwrap();
        }
        let again = Pending::new(store);
        assert_eq!(again.here(), []);
        again.reload().await.unwrap();
        let mut left = modules[50..].to_vec();
        left.sort();
        assert_eq!(again.here(), left);
        assert_eq!(pending.here(), left);
    }
}
