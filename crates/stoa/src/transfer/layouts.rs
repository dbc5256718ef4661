//! A source read in every layout that its files may have: ours, and those of other programs in the same place.

use crate::open_store::Otherwise;
use async_trait::async_trait;
use proxy_core::{
    file::ModuleFile,
    module::{ModulePath, Version},
    store::{Catalog, Content, Inserted, ModuleStore, Part, StoreError},
    verify::Verified,
};
use std::{collections::BTreeMap, ops::Bound, sync::Arc};

/// A store with what lies beside its own files. Where both have a file, the store's own counts.
///
/// Its catalog holds the names of the others: they sort in another order where they lie.
#[derive(Debug)]
pub(crate) struct Layouts {
    ours: Arc<dyn ModuleStore>,
    catalog: Arc<dyn Catalog>,
    others: Vec<Arc<dyn ModuleStore>>,
    listed: BTreeMap<String, ModuleFile>,
}

impl Layouts {
    pub(crate) fn new(ours: Arc<dyn ModuleStore>, catalog: Arc<dyn Catalog>, others: Otherwise) -> Self {
        let listed = others.files.into_iter().map(|file| (file.tree_path(), file));
        Self {
            ours,
            catalog,
            others: others.stores,
            listed: listed.collect(),
        }
    }
}

#[async_trait]
impl ModuleStore for Layouts {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        if let Some(content) = self.ours.open(file, part).await? {
            return Ok(Some(content));
        }
        for other in &self.others {
            if let Some(content) = other.open(file, part).await? {
                return Ok(Some(content));
            }
        }
        Ok(None)
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        let mut versions = self.ours.versions(path).await?;
        for other in &self.others {
            versions.extend(other.versions(path).await?);
        }
        versions.sort();
        versions.dedup();
        Ok(versions)
    }

    async fn insert(&self, _: Verified) -> Result<Inserted, StoreError> {
        Err(StoreError::unavailable("it is opened for reading alone"))
    }
}

#[async_trait]
impl Catalog for Layouts {
    async fn files(&self, after: Option<&ModuleFile>, limit: usize) -> Result<Vec<ModuleFile>, StoreError> {
        let page = self.catalog.files(after, limit).await?;
        let behind = after.map_or(Bound::Unbounded, |after| Bound::Excluded(after.tree_path()));
        // A short page is not the end: what lies behind it waits until the catalog has come as far.
        let end = match page.last() {
            Some(last) => Bound::Included(last.tree_path()),
            None => Bound::Unbounded,
        };
        let others = self.listed.range((behind, end)).take(limit);
        let mut files: BTreeMap<String, ModuleFile> =
            others.map(|(name, file)| (name.clone(), file.clone())).collect();
        files.extend(page.into_iter().map(|file| (file.tree_path(), file)));
        Ok(files.into_values().take(limit).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proxy_core::{file::Kind, module::ModuleVersion, store::MemoryStore};

    /// Lists the same in pages as short as a catalog may give.
    #[derive(Debug)]
    struct Listing(Vec<ModuleFile>);

    #[async_trait]
    impl Catalog for Listing {
        async fn files(&self, after: Option<&ModuleFile>, _: usize) -> Result<Vec<ModuleFile>, StoreError> {
            let after = after.map_or_else(String::new, ModuleFile::tree_path);
            let next = self.0.iter().find(|file| file.tree_path() > after);
            Ok(next.into_iter().cloned().collect())
        }
    }

    #[tokio::test]
    async fn both_are_listed_in_one_order_and_each_file_once() {
        let file = |path: &str| ModuleFile::new(ModuleVersion::parse(path, "v1.0.0").unwrap(), Kind::Mod);
        let ours = [
            "example.com/Up",
            "example.com/a",
            "example.com/m",
            "example.com/z",
        ]
        .map(file);
        let others = [
            "example.com/Z",
            "example.com/Up",
            "example.com/b",
            "example.com/zz",
        ]
        .map(file);
        let mut expected: Vec<_> = ours.iter().chain(&others).cloned().collect();
        expected.sort_by_key(ModuleFile::tree_path);
        expected.dedup();
        assert_eq!(expected.len(), 7);
        let layouts = Layouts::new(
            Arc::new(MemoryStore::new()),
            Arc::new(Listing(ours.into())),
            Otherwise {
                stores: Vec::new(),
                files: others.into(),
            },
        );
        for limit in [1, 2, 100] {
            let mut files: Vec<ModuleFile> = Vec::new();
            loop {
                let page = layouts.files(files.last(), limit).await.unwrap();
                assert!(page.len() <= limit);
                if page.is_empty() {
                    break;
                }
                files.extend(page);
            }
            assert_eq!(files, expected, "in pages of {limit}");
        }
    }
}
