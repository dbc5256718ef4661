//! The source's catalog, version by version, with what the target's catalog has of each.
//!
//! Both come in the order of the files' names, so they are walked side by side. The files of one version need not be
//! neighbours in that order, but those of one module are; so a module's files are held, and no more.

use proxy_core::{
    file::{Kind, ModuleFile},
    module::{ModulePath, ModuleVersion},
    store::{Catalog, StoreError},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// How many files are asked for at a time.
const PAGE: usize = 1000;

/// One version of the source.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct VersionFiles {
    /// The version.
    pub(super) module: ModuleVersion,
    /// What the source has of it, in the order in which files are kept, and whether the target has it too; `None` where
    /// its catalog cannot tell.
    pub(super) kinds: BTreeMap<Kind, Option<bool>>,
}

/// Walks both catalogs.
pub(super) struct Grouped {
    source: Walk,
    target: Option<Walk>,
    module: Option<ModulePath>,
    gathered: BTreeMap<ModuleVersion, BTreeMap<Kind, Option<bool>>>,
    ready: VecDeque<VersionFiles>,
}

struct Walk {
    catalog: Arc<dyn Catalog>,
    page: VecDeque<ModuleFile>,
    after: Option<ModuleFile>,
    ended: bool,
}

impl Grouped {
    pub(super) fn new(source: Arc<dyn Catalog>, target: Option<Arc<dyn Catalog>>) -> Self {
        Self {
            source: Walk::new(source),
            target: target.map(Walk::new),
            module: None,
            gathered: BTreeMap::new(),
            ready: VecDeque::new(),
        }
    }

    /// The next version; `None` at the end, and then ever again.
    pub(super) async fn next(&mut self) -> Result<Option<VersionFiles>, StoreError> {
        while self.ready.is_empty() {
            let Some(file) = self.source.next().await? else {
                self.finish_module();
                break;
            };
            let present = match &mut self.target {
                Some(target) => Some(target.has(&file).await?),
                None => None,
            };
            if self.module.as_ref() != Some(file.module.path()) {
                self.finish_module();
                self.module = Some(file.module.path().clone());
            }
            self.gathered
                .entry(file.module)
                .or_default()
                .insert(file.kind, present);
        }
        Ok(self.ready.pop_front())
    }

    fn finish_module(&mut self) {
        let versions = std::mem::take(&mut self.gathered).into_iter();
        self.ready
            .extend(versions.map(|(module, kinds)| VersionFiles { module, kinds }));
    }
}

/// How many versions a store has, by walking its catalog once.
pub(super) async fn count(catalog: Arc<dyn Catalog>) -> Result<u64, StoreError> {
    let mut versions = Grouped::new(catalog, None);
    let mut count = 0;
    while versions.next().await?.is_some() {
        count += 1;
    }
    Ok(count)
}

impl Walk {
    fn new(catalog: Arc<dyn Catalog>) -> Self {
        Self {
            catalog,
            page: VecDeque::new(),
            after: None,
            ended: false,
        }
    }

    async fn peek(&mut self) -> Result<Option<&ModuleFile>, StoreError> {
        if self.page.is_empty() && !self.ended {
            self.page = self.catalog.files(self.after.as_ref(), PAGE).await?.into();
            self.ended = self.page.is_empty();
            self.after = self.page.back().cloned().or(self.after.take());
        }
        Ok(self.page.front())
    }

    async fn next(&mut self) -> Result<Option<ModuleFile>, StoreError> {
        self.peek().await?;
        Ok(self.page.pop_front())
    }

    /// Whether this file is there. To be asked in the order of the names.
    async fn has(&mut self, file: &ModuleFile) -> Result<bool, StoreError> {
        let name = file.tree_path();
        while let Some(next) = self.peek().await? {
            if next == file {
                return Ok(true);
            }
            if next.tree_path() > name {
                return Ok(false);
            }
            self.page.pop_front();
        }
        Ok(false)
    }
}
