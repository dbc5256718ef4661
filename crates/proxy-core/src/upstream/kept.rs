//! Another store as an upstream: what it keeps is fetched from it before any origin is asked, checked like everything
//! else, and kept here.
//!
//! So a store can be moved into while it is served, and the store of another program adopted. Such a store only ever
//! gives files: what is new, and what a branch means, is for the origins to say.

use super::{FetchContext, Fetched, Incoming, Upstream, UpstreamError, Wanted};
use crate::{
    file::{Kind, ModuleFile},
    info::Info,
    mirror::latest_of,
    module::{ModulePath, ModuleVersion, Query, Version},
    store::{ModuleStore, ModuleStoreExt, Part, StoreError},
};
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use std::sync::Arc;

/// A store to fetch from.
#[derive(Debug)]
pub struct KeptUpstream {
    name: Arc<str>,
    spellings: Vec<Arc<dyn ModuleStore>>,
}

impl KeptUpstream {
    /// Fetches from this store, named `name` in records and messages. A place where files may lie under one of several
    /// spellings of their names is given as a store for each; they are asked in order.
    pub fn new(name: impl Into<Arc<str>>, spellings: Vec<Arc<dyn ModuleStore>>) -> Self {
        Self {
            name: name.into(),
            spellings,
        }
    }

    /// The wanted files out of one store, or `None` unless it has all of them, and of the commit that is wanted.
    async fn fetch_from(
        &self,
        store: &dyn ModuleStore,
        wanted: &Wanted,
    ) -> Result<Option<Fetched>, StoreError> {
        if let Some(pinned) = wanted.pinned.as_ref().and_then(commit_of)
            && let Some(info) = info_in(store, &wanted.module).await?
            && commit_of(&info).is_some_and(|commit| commit != pinned)
        {
            return Ok(None);
        }
        let mut fetched = Fetched {
            from: self.name.to_string(),
            ..Fetched::default()
        };
        for &kind in &wanted.kinds {
            let file = ModuleFile::new(wanted.module.clone(), kind);
            let Some(content) = store.open(&file, Part::Whole).await? else {
                return Ok(None);
            };
            let name = Arc::clone(&self.name);
            let incoming = Incoming::Stream {
                size: Some(content.size),
                chunks: content
                    .into_stream()
                    .map_err(move |error| trouble(&name, &error))
                    .boxed(),
            };
            match kind {
                Kind::Info => fetched.info = Some(incoming),
                Kind::Mod => fetched.go_mod = Some(incoming),
                Kind::Zip => fetched.zip = Some(incoming),
            }
        }
        Ok(Some(fetched))
    }
}

#[async_trait]
impl Upstream for KeptUpstream {
    /// The latest of what it keeps; other queries it cannot answer.
    async fn resolve(
        &self,
        path: &ModulePath,
        query: &Query,
        context: &FetchContext,
    ) -> Result<Info, UpstreamError> {
        let unknown = || {
            UpstreamError::not_found(format!(
                "{} keeps nothing for {path}@{}",
                self.name,
                query.as_str()
            ))
        };
        if *query != Query::Latest {
            return Err(unknown());
        }
        let versions = self.versions(path, context).await?;
        let latest = latest_of(versions.into_iter()).ok_or_else(unknown)?;
        let module = ModuleVersion::new(path.clone(), latest).map_err(|_| unknown())?;
        for store in &self.spellings {
            let info = info_in(&**store, &module).await;
            if let Some(info) = info.map_err(|error| trouble(&self.name, &error))? {
                return Ok(info);
            }
        }
        Err(unknown())
    }

    /// All it keeps, pseudo-versions too.
    async fn versions(&self, path: &ModulePath, _: &FetchContext) -> Result<Vec<Version>, UpstreamError> {
        let mut versions = Vec::new();
        for store in &self.spellings {
            versions.extend(
                store
                    .versions(path)
                    .await
                    .map_err(|error| trouble(&self.name, &error))?,
            );
        }
        versions.sort();
        versions.dedup();
        Ok(versions)
    }

    async fn fetch(&self, wanted: &Wanted, _: &FetchContext) -> Result<Fetched, UpstreamError> {
        for store in &self.spellings {
            let fetched = self.fetch_from(&**store, wanted).await;
            if let Some(fetched) = fetched.map_err(|error| trouble(&self.name, &error))? {
                return Ok(fetched);
            }
        }
        Err(UpstreamError::not_found(format!(
            "{} is not kept in {}",
            wanted.module, self.name
        )))
    }
}

/// The `.info` that a store has of a version, if it can be read as one.
async fn info_in(store: &dyn ModuleStore, module: &ModuleVersion) -> Result<Option<Info>, StoreError> {
    let file = ModuleFile::new(module.clone(), Kind::Info);
    let json = store.read(&file).await?;
    Ok(json
        .and_then(|json| Info::parse(&json).ok())
        .filter(|info| info.version == *module.version()))
}

fn commit_of(info: &Info) -> Option<&str> {
    info.origin.as_ref()?.hash.as_deref()
}

fn trouble(name: &str, error: &StoreError) -> UpstreamError {
    UpstreamError::unavailable(format!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        checksums::NoDatabase,
        file::Body,
        store::{Inserted, MemoryStore},
        verify::Unverified,
    };

    fn module(version: &str) -> ModuleVersion {
        let path = ModulePath::parse("example.com/m").unwrap();
        ModuleVersion::new(path, Version::parse(version).unwrap()).unwrap()
    }

    async fn put(store: &MemoryStore, version: &str, kind: Kind, text: String) {
        let file = Unverified::new(ModuleFile::new(module(version), kind), Body::from_bytes(text));
        let verified = file
            .verify(store, &MemoryStore::new(), &NoDatabase)
            .await
            .unwrap();
        assert_eq!(store.insert(verified).await.unwrap(), Inserted::New);
    }

    fn info(version: &str, commit: &str) -> String {
        format!(
            r#"{{"Version":"{version}","Time":"2026-01-01T00:00:00Z","Origin":{{"VCS":"git","URL":"https://x.test","Hash":"{commit}"}}}}"#
        )
    }

    fn wanted(version: &str, kinds: &[Kind], pinned: Option<&str>) -> Wanted {
        Wanted {
            module: module(version),
            kinds: kinds.to_vec(),
            pinned: pinned.map(|commit| Info::parse(info(version, commit).as_bytes()).unwrap()),
        }
    }

    #[tokio::test]
    async fn a_store_gives_what_it_keeps_from_the_first_spelling_that_has_all() {
        let (one, other) = (MemoryStore::new(), MemoryStore::new());
        put(&one, "v1.0.0", Kind::Info, info("v1.0.0", "aaaa")).await;
        put(&other, "v1.0.0", Kind::Info, info("v1.0.0", "bbbb")).await;
        put(&other, "v1.0.0", Kind::Mod, "module example.com/m\n".into()).await;
        put(&other, "v1.2.0", Kind::Info, info("v1.2.0", "cccc")).await;
        let upstream = KeptUpstream::new("the old one", vec![Arc::new(one), Arc::new(other)]);
        let context = FetchContext::default();

        let fetched = upstream
            .fetch(&wanted("v1.0.0", &[Kind::Info], None), &context)
            .await
            .unwrap();
        assert_eq!(fetched.from, "the old one");
        let Some(Incoming::Stream {
            chunks,
            size: Some(size),
        }) = fetched.info
        else {
            panic!("it has an .info")
        };
        let bytes: Vec<_> = chunks.try_collect().await.unwrap();
        assert_eq!(bytes.concat(), info("v1.0.0", "aaaa").as_bytes());
        assert_eq!(size, bytes.concat().len() as u64);
        // Both of one place: the first has no .mod.
        let fetched = upstream
            .fetch(&wanted("v1.0.0", &[Kind::Info, Kind::Mod], None), &context)
            .await
            .unwrap();
        assert!(fetched.info.is_some() && fetched.go_mod.is_some());

        let versions = upstream
            .versions(module("v1.0.0").path(), &context)
            .await
            .unwrap();
        assert_eq!(
            versions,
            [
                module("v1.0.0").version().clone(),
                module("v1.2.0").version().clone()
            ]
        );
        let latest = upstream
            .resolve(module("v1.0.0").path(), &Query::Latest, &context)
            .await
            .unwrap();
        assert_eq!(latest.version, *module("v1.2.0").version());
    }

    #[tokio::test]
    async fn what_it_has_not_or_has_of_another_commit_is_not_found() {
        let store = MemoryStore::new();
        put(&store, "v1.0.0", Kind::Info, info("v1.0.0", "aaaa")).await;
        put(&store, "v1.0.0", Kind::Mod, "module example.com/m\n".into()).await;
        let upstream = KeptUpstream::new("the old one", vec![Arc::new(store)]);
        let context = FetchContext::default();
        for (wanted, there) in [
            (wanted("v1.0.0", &[Kind::Mod], None), true),
            (wanted("v1.0.0", &[Kind::Mod], Some("aaaa")), true),
            (wanted("v1.0.0", &[Kind::Mod], Some("bbbb")), false),
            (wanted("v1.0.0", &[Kind::Mod, Kind::Zip], None), false),
            (wanted("v1.1.0", &[Kind::Mod], None), false),
        ] {
            match upstream.fetch(&wanted, &context).await {
                Ok(_) => assert!(there, "{wanted:?}"),
                Err(UpstreamError::NotFound { reason }) => {
                    assert!(!there, "{wanted:?}");
                    assert!(reason.contains("is not kept in the old one"));
                }
                Err(error) => panic!("{error}"),
            }
        }
        let path = ModulePath::parse("example.com/other").unwrap();
        let latest = upstream.resolve(&path, &Query::Latest, &context).await;
        assert!(matches!(latest, Err(UpstreamError::NotFound { .. })));
    }
}
