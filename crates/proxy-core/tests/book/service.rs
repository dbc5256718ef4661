//! The service that the example keeps its files in: a stand-in for whatever you have.

use bytes::Bytes;
use proxy_core::store::StoreError;
use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, PoisonError},
};

/// A key-value service that many processes share. Every clone speaks to the same one.
#[derive(Clone, Debug, Default)]
pub struct Service(Arc<Mutex<BTreeMap<String, Bytes>>>);

impl Service {
    /// The value of a key.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.with(|map| map.get(key).cloned()))
    }

    /// Puts a value if the key has none, in one step; says whether it did.
    pub async fn put_new(&self, key: &str, value: Bytes) -> Result<bool, StoreError> {
        Ok(self.with(|map| match map.contains_key(key) {
            true => false,
            false => map.insert(key.to_owned(), value).is_none(),
        }))
    }

    /// Replaces a value if it is still `old`, in one step; says whether it did.
    pub async fn swap(&self, key: &str, old: &Bytes, new: Bytes) -> Result<bool, StoreError> {
        Ok(self.with(|map| match map.get_mut(key) {
            Some(value) if value == old => {
                *value = new;
                true
            }
            _ => false,
        }))
    }

    /// Removes a key; removing none is fine.
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.with(|map| map.remove(key));
        Ok(())
    }

    /// At most so many keys that begin with `prefix`, in the order of their bytes, behind `after`.
    pub async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        let behind = (Bound::Excluded(after.max(prefix).to_owned()), Bound::Unbounded);
        Ok(self.with(|map| {
            let keys = map.range(behind).map(|(key, _)| key.clone());
            keys.take_while(|key| key.starts_with(prefix))
                .take(limit)
                .collect()
        }))
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Bytes>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
