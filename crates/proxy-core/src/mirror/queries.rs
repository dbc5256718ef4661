//! Queries: what a branch, a commit or `latest` means now.
//!
//! A query leads to a version. The answer an origin gives becomes that version's `.info` if none is kept; if one is
//! kept, that is the answer, whatever the origin says of it now. So a query costs one request and never a second
//! download.

use super::{Inner, Mirror, MirrorError, Served, answers};
use crate::{
    file::{Body, Kind, ModuleFile},
    info::Info,
    module::{ModulePath, ModuleVersion, Query, Version},
    policy::Caller,
    store::ModuleStoreExt,
    upstream::{FetchContext, UpstreamError},
    verify::Unverified,
};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long the stores before the origins are waited for when the origin was waited for in vain already.
const STORES: Duration = Duration::from_secs(3);

/// The version a query led to, and its `.info` as it is kept.
pub(super) type Resolved = (ModuleVersion, Bytes);

impl Mirror {
    /// What a query means: the version, and the bytes of its `.info`.
    pub async fn query(
        &self,
        path: &ModulePath,
        query: &Query,
        caller: &Caller,
    ) -> Result<Served<(ModuleVersion, Bytes)>, MirrorError> {
        let inner = &self.0;
        let key = (path.clone(), query.clone());
        if !inner.permit(caller, path, None)? {
            let kept = match inner.resolved.peek(&key) {
                Some(resolved) => Some(resolved),
                None => inner.kept_answer(path, query).await?,
            };
            let answer = kept.ok_or_else(|| MirrorError::NotKept(format!("{path}@{}", query.as_str())))?;
            inner.permit(caller, path, Some(answer.0.version()))?;
            return Ok(Served {
                answer,
                cache: super::Cache::Hit,
            });
        }
        let refresh = || {
            let (inner, (path, query), via) = (Arc::clone(inner), key.clone(), Arc::clone(&caller.via));
            async move { inner.resolve(&path, &query, &FetchContext::new(via)).await }
        };
        let (answer, cache) = inner
            .resolved
            .get(&key, refresh, || inner.answer_without_origin(path, query, caller))
            .await?;
        inner.permit(caller, path, Some(answer.0.version()))?;
        Ok(Served { answer, cache })
    }
}

impl Inner {
    async fn resolve(
        &self,
        path: &ModulePath,
        query: &Query,
        context: &FetchContext,
    ) -> Result<Resolved, MirrorError> {
        let told = self
            .chain
            .walk_origins(path, context, self.lifetimes.silence, |upstream| async move {
                let info = upstream.resolve(path, query, context).await?;
                match ModuleVersion::new(path.clone(), info.version.clone()) {
                    Ok(module) => Ok((module, info)),
                    Err(error) => Err(UpstreamError::malformed(error.to_string())),
                }
            })
            .await
            .map_err(MirrorError::from);
        let (module, info) = match told {
            Ok(told) => told,
            Err(error) if error.is_not_found() && *query == Query::Latest => {
                // The origin has no such module any more, but what is kept is still there.
                self.adopt_latest(path, context).await?;
                return self.kept_answer(path, query).await?.ok_or(error);
            }
            Err(error) => return Err(error),
        };
        let resolved = self.keep_info(module, &info).await?;
        answers::note(&*self.ingest.records, path, query, resolved.0.version()).await;
        Ok(resolved)
    }

    /// Makes what an origin told the `.info` of its version, unless one is kept; gives the one that is kept.
    async fn keep_info(&self, module: ModuleVersion, info: &Info) -> Result<Resolved, MirrorError> {
        let file = ModuleFile::new(module, Kind::Info);
        if let Some(json) = self.ingest.store.read(&file).await? {
            return Ok((file.module, json));
        }
        let origin = info.origin.as_ref();
        let from = origin.map_or("a query", |origin| origin.url.as_str());
        let commit = origin.and_then(|origin| origin.hash.as_deref());
        let told = Unverified::new(file.clone(), Body::from_bytes(info.to_json()));
        let _whoever_was_first = self.ingest.insert(told, from, commit).await?;
        self.note_kept(&file.module).await;
        let json = self
            .ingest
            .store
            .read(&file)
            .await?
            .ok_or(MirrorError::Internal)?;
        Ok((file.module, json))
    }

    /// Keeps the `.info` of the latest version of each store before the origins, as one to choose among.
    async fn adopt_latest(&self, path: &ModulePath, context: &FetchContext) -> Result<(), MirrorError> {
        let mut trouble = None;
        for store in &self.chain.also {
            let kept = match store.resolve(path, &Query::Latest, context).await {
                Ok(info) => match ModuleVersion::new(path.clone(), info.version.clone()) {
                    Ok(module) => self.keep_info(module, &info).await.map(drop),
                    Err(_) => Ok(()),
                },
                Err(UpstreamError::NotFound { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            };
            // The others may be well; that this one is not is told in the end.
            if let Err(error) = kept {
                trouble.get_or_insert(error);
            }
        }
        trouble.map_or(Ok(()), Err)
    }

    /// What can be answered while the origin is in trouble: as [`kept_answer`](Self::kept_answer) has it, the stores before
    /// the origins included, as they are in lists.
    async fn answer_without_origin(
        &self,
        path: &ModulePath,
        query: &Query,
        caller: &Caller,
    ) -> Result<Option<Resolved>, MirrorError> {
        if *query == Query::Latest {
            let context = FetchContext::new(Arc::clone(&caller.via));
            match timeout(STORES, self.adopt_latest(path, &context)).await {
                Ok(Ok(())) => {}
                // What is kept here is an answer all the same.
                Ok(Err(error)) => {
                    tracing::debug!(%path, %error, "the latest version of a store was not taken over");
                }
                Err(_) => tracing::debug!(%path, "the stores before the origins are slow"),
            }
        }
        self.kept_answer(path, query).await
    }

    /// What can be answered from here: what the query meant last, else, for `latest`, the version that `go` would choose
    /// of those kept.
    async fn kept_answer(&self, path: &ModulePath, query: &Query) -> Result<Option<Resolved>, MirrorError> {
        let mut version = answers::read(&*self.ingest.records, path, query).await?;
        if *query == Query::Latest {
            let kept = self.ingest.store.versions(path).await?;
            version = latest_of(kept.into_iter().chain(version));
        }
        let Some(module) = version.and_then(|version| ModuleVersion::new(path.clone(), version).ok()) else {
            return Ok(None);
        };
        let file = ModuleFile::new(module, Kind::Info);
        let json = self.ingest.store.read(&file).await?;
        Ok(json.map(|json| (file.module, json)))
    }
}

/// The version `go` takes for the latest: the highest release, else the highest pre-release, else the newest
/// pseudo-version (Go modules reference, "Version queries").
pub(crate) fn latest_of(versions: impl Iterator<Item = Version>) -> Option<Version> {
    versions.max_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)))
}

fn rank(version: &Version) -> u8 {
    match (version.is_pseudo(), version.is_prerelease()) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_of_what_is_kept_is_a_release_before_a_pre_release_before_a_commit() {
        let latest = |versions: &[&str]| {
            latest_of(versions.iter().map(|version| Version::parse(version).unwrap())).map(|v| v.to_string())
        };
        let pseudo = "v1.9.1-0.20200102030405-0123456789ab";
        assert_eq!(
            latest(&["v1.2.0", "v1.10.0", "v2.0.0-rc.1", pseudo]).as_deref(),
            Some("v1.10.0")
        );
        assert_eq!(
            latest(&["v0.1.0-beta", "v0.1.0-alpha", pseudo]).as_deref(),
            Some("v0.1.0-beta")
        );
        assert_eq!(latest(&[pseudo]).as_deref(), Some(pseudo));
        assert_eq!(latest(&[]), None);
    }
}
