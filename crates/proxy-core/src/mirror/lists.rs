//! Version lists: what an origin has, and what is kept here.

use super::{Inner, Mirror, MirrorError, Served};
use crate::{
    module::{ModulePath, Version},
    policy::Caller,
    store::StoreError,
    upstream::FetchContext,
};
use bytes::Bytes;
use std::{collections::BTreeSet, sync::Arc};

/// The versions of a module, and the same as the text that `@v/list` answers. Cheap to clone.
///
/// Canonical versions without pseudo-versions (Go modules reference, "GOPROXY protocol"), lowest first.
#[derive(Clone, Debug)]
pub struct VersionList {
    versions: Arc<[Version]>,
    text: Bytes,
}

impl Mirror {
    /// The versions known: those the origin has and those kept here.
    pub async fn versions(
        &self,
        path: &ModulePath,
        caller: &Caller,
    ) -> Result<Served<VersionList>, MirrorError> {
        let inner = &self.0;
        if !inner.permit(caller, path, None)? {
            let kept = match inner.lists.peek(path) {
                Some(list) => Some(list),
                None => inner.kept_list(path).await?,
            };
            let answer = kept.ok_or_else(|| MirrorError::NotKept(path.to_string()))?;
            return Ok(Served {
                answer,
                cache: super::Cache::Hit,
            });
        }
        let refresh = || {
            let (inner, path, via) = (Arc::clone(inner), path.clone(), Arc::clone(&caller.via));
            async move { inner.ask_for_list(&path, &FetchContext::new(via)).await }
        };
        let (answer, cache) = inner
            .lists
            .get(path, refresh, || async { Ok(inner.kept_list(path).await?) })
            .await?;
        Ok(Served {
            answer: answer.permitted(inner, path, caller),
            cache,
        })
    }
}

impl Inner {
    async fn ask_for_list(
        &self,
        path: &ModulePath,
        context: &FetchContext,
    ) -> Result<VersionList, MirrorError> {
        let told = self
            .chain
            .walk_origins(path, context, self.lifetimes.silence, |upstream| async move {
                upstream.versions(path, context).await
            })
            .await;
        let mut kept = self.ingest.store.versions(path).await?;
        let (found, trouble) = self.chain.versions_in_stores(path, context).await;
        kept.extend(found);
        match told {
            Ok(told) => Ok(VersionList::new(told.into_iter().chain(kept))),
            // The origin has no such module any more, but what is kept is still there.
            Err(error) if MirrorError::from(error.clone()).is_not_found() && !kept.is_empty() => {
                Ok(VersionList::new(kept))
            }
            Err(error) => Err(trouble.unwrap_or(error).into()),
        }
    }

    /// The list of what is kept, here and in the stores before the origins, or `None` where nothing is.
    async fn kept_list(&self, path: &ModulePath) -> Result<Option<VersionList>, StoreError> {
        let mut kept = self.ingest.store.versions(path).await?;
        let (found, _) = self
            .chain
            .versions_in_stores(path, &FetchContext::default())
            .await;
        kept.extend(found);
        Ok((!kept.is_empty()).then(|| VersionList::new(kept)))
    }
}

impl VersionList {
    /// Sorts, drops doubles and pseudo-versions, and renders.
    pub fn new(versions: impl IntoIterator<Item = Version>) -> Self {
        let versions: BTreeSet<Version> = versions
            .into_iter()
            .filter(|version| !version.is_pseudo())
            .collect();
        let mut text = String::new();
        for version in &versions {
            text.push_str(version.as_str());
            text.push('\n');
        }
        Self {
            versions: versions.into_iter().collect(),
            text: text.into(),
        }
    }

    /// Sorted, lowest first.
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// One version a line, in that order.
    pub fn text(&self) -> &Bytes {
        &self.text
    }

    /// The list with one more version, or `None` if that changes nothing.
    pub(super) fn with(&self, version: &Version) -> Option<Self> {
        if version.is_pseudo() || self.versions.binary_search(version).is_ok() {
            return None;
        }
        Some(Self::new(self.versions.iter().chain([version]).cloned()))
    }

    /// The list without the versions that the policy hides from this caller.
    fn permitted(self, inner: &Inner, path: &ModulePath, caller: &Caller) -> Self {
        if caller.rules.is_empty() {
            return self;
        }
        Self::new(
            self.versions
                .iter()
                .filter(|version| inner.permit(caller, path, Some(version)).is_ok())
                .cloned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(versions: &[&str]) -> VersionList {
        VersionList::new(versions.iter().map(|version| Version::parse(version).unwrap()))
    }

    #[test]
    fn a_list_is_sorted_as_go_sorts_without_doubles_and_pseudo_versions() {
        let versions = [
            "v1.10.0",
            "v1.9.0",
            "v1.10.0-rc.1",
            "v1.9.0",
            "v0.0.0-20200102030405-0123456789ab",
            "v2.0.0+incompatible",
        ];
        assert_eq!(
            list(&versions).text(),
            "v1.9.0\nv1.10.0-rc.1\nv1.10.0\nv2.0.0+incompatible\n"
        );
        assert_eq!(list(&[]).text(), "");
    }

    #[test]
    fn a_version_is_added_once_and_in_its_place() {
        let (list, version) = (list(&["v1.0.0", "v1.2.0"]), Version::parse("v1.1.0").unwrap());
        let longer = list.with(&version).unwrap();
        assert_eq!(longer.text(), "v1.0.0\nv1.1.0\nv1.2.0\n");
        assert!(longer.with(&version).is_none());
        assert!(
            longer
                .with(&Version::parse("v0.0.0-20200102030405-0123456789ab").unwrap())
                .is_none()
        );
    }
}
