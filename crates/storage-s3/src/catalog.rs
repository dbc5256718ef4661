//! The catalog: the bucket's own list of names, which on most servers is in the right order already.
//!
//! S3, Google and Azure list names in the order of their bytes, from any name on: a page of the catalog is a page of
//! theirs. Servers that keep objects in folders list folder by folder, `m/…` before `m-x/…`, although `-` comes before
//! `/`. On those the catalog goes from folder to folder itself, which costs a request for each.

use crate::{
    BucketStore,
    objects::{Objects, unlisted},
};
use async_trait::async_trait;
use futures::{TryStreamExt, future::BoxFuture};
use object_store::{ObjectMeta, PutPayload};
use proxy_core::{
    file::{Kind, ModuleFile},
    module::{ModulePath, ModuleVersion, Version},
    store::{Catalog, StoreError},
};

/// How many names every server gives at a time.
const PAGE: usize = 1000;

/// Folders that hold no module file, and the name right behind all that is in them (`0` comes after `/`). They are
/// jumped over, since there may be as many records as there are files, and more tiles of a checksum database than both.
const OTHERS: [(&str, &str); 2] = [(".stoa/", ".stoa0"), ("sumdb/", "sumdb0")];

#[async_trait]
impl Catalog for BucketStore {
    async fn files(&self, after: Option<&ModuleFile>, limit: usize) -> Result<Vec<ModuleFile>, StoreError> {
        let after = after.map_or_else(String::new, ModuleFile::tree_path);
        if self.objects.lists_by_bytes().await {
            self.objects.files_in_order(after, limit).await
        } else {
            let mut files = Vec::new();
            self.objects
                .walk(String::new(), &after, limit, &mut files)
                .await?;
            Ok(files)
        }
    }
}

impl BucketStore {
    /// The module files in it whose names only [`spelled_as_written`](Self::spelled_as_written) finds, in no order. Lists
    /// the whole bucket, and holds those files.
    pub async fn files_as_written(&self) -> Result<Vec<ModuleFile>, StoreError> {
        let objects = &self.objects;
        let hosts = objects
            .objects
            .list_with_delimiter(objects.folder("")?.as_ref())
            .await
            .map_err(unlisted)?
            .common_prefixes;
        let mut files = Vec::new();
        for host in hosts {
            let ours = objects.name(&host).map(|name| format!("{name}/"));
            if ours.is_none_or(|ours| OTHERS.iter().any(|(other, _)| ours == *other)) {
                continue;
            }
            let mut listed = objects.objects.list(Some(&host));
            while let Some(object) = listed.try_next().await.map_err(unlisted)? {
                files.extend(objects.name(&object.location).and_then(file_as_written));
            }
        }
        Ok(files)
    }
}

impl Objects {
    /// Whether this server lists in the order of bytes: found out once, with names that tell.
    ///
    /// Where that cannot be found out (the bucket may be for reading alone) it is taken not to: the other way is right
    /// everywhere.
    pub(crate) async fn lists_by_bytes(&self) -> bool {
        let found_out = self.by_bytes.get_or_try_init(async || match self.only_read {
            true => self.shows_its_order().await,
            false => self.tries_its_order().await,
        });
        match found_out.await {
            Ok(by_bytes) => *by_bytes,
            Err(error) => {
                tracing::debug!(%error, "it could not be found out in which order the bucket lists names");
                false
            }
        }
    }

    /// Finds it out with two names of its own.
    async fn tries_its_order(&self) -> Result<bool, StoreError> {
        let names = ["-b", "/a"].map({
            let random = format!(".stoa/preflight/{:032x}", rand::random::<u128>());
            move |end| format!("{random}{end}")
        });
        for name in &names {
            let payload = PutPayload::from_static(b"in which order?");
            self.put(&self.path(name)?, payload, "text/plain", None).await?;
        }
        let before = names[0].trim_end_matches("-b");
        let listed = self.page(before, 2).await;
        for name in &names {
            self.remove(&self.path(name)?).await?;
        }
        let (listed, _) = listed?;
        let listed: Vec<_> = listed
            .iter()
            .filter_map(|object| self.name(&object.location))
            .collect();
        Ok(listed == names)
    }

    /// Finds it out with a name that is there: what lies in `m/` comes behind `m.~` in the order of bytes, and before it
    /// where `m` itself is compared.
    async fn shows_its_order(&self) -> Result<bool, StoreError> {
        let (listed, _) = self.page("", PAGE).await?;
        if !listed.is_sorted_by(|one, next| one.location.as_ref() <= next.location.as_ref()) {
            return Ok(false);
        }
        let mut names = listed.iter().filter_map(|object| self.name(&object.location));
        // Without a name in a folder there is no file to list.
        let Some((folder, _)) = names.find_map(|name| name.split_once('/')) else {
            return Ok(false);
        };
        let (next, _) = self.page(&format!("{folder}.~"), 1).await?;
        let next = next.first().and_then(|object| self.name(&object.location));
        Ok(next.is_some_and(|next| next.split_once('/').is_some_and(|(found, _)| found == folder)))
    }

    async fn files_in_order(&self, mut after: String, limit: usize) -> Result<Vec<ModuleFile>, StoreError> {
        loop {
            if let Some((_, behind)) = OTHERS.iter().find(|(folder, _)| after.starts_with(folder)) {
                after = (*behind).to_owned();
            }
            if after.is_empty() {
                // No module path comes before it: none begins with what sorts before a dot.
                after = OTHERS[0].1.to_owned();
            }
            // A sum may lie beside each zip, and is read for nothing.
            let most = limit.saturating_add(limit / 3 + 1).min(PAGE);
            let (page, more) = self.page(&after, most).await?;
            let Some(last) = page.last() else {
                return Ok(Vec::new());
            };
            self.name(&last.location)
                .unwrap_or_default()
                .clone_into(&mut after);
            let mut files = self.module_files(&page);
            files.truncate(limit);
            if !files.is_empty() || !more {
                return Ok(files);
            }
        }
    }

    /// Adds the files below a folder whose names lie behind `after`, until there are `limit`.
    ///
    /// The names of folders end in a slash: so they sort as the names of what is in them do.
    fn walk<'a>(
        &'a self,
        folder: String,
        after: &'a str,
        limit: usize,
        files: &'a mut Vec<ModuleFile>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if folder.ends_with("/@v/") {
                return self.files_in_folder(&folder, after, limit, files).await;
            }
            let listed = self
                .objects
                .list_with_delimiter(self.folder(&folder)?.as_ref())
                .await
                .map_err(unlisted)?;
            let names = listed.common_prefixes.iter().filter_map(|path| self.name(path));
            let mut names: Vec<String> = names.map(|name| format!("{name}/")).collect();
            names.sort_unstable();
            for name in names {
                let ours = OTHERS.iter().any(|(other, _)| name == *other);
                let ahead = *name > *after || after.starts_with(&name);
                if ahead && !ours {
                    self.walk(name, after, limit, files).await?;
                }
                if files.len() >= limit {
                    break;
                }
            }
            Ok(())
        })
    }

    /// The same for a folder that holds nothing but files: in it, every server lists in the order of bytes.
    async fn files_in_folder(
        &self,
        folder: &str,
        after: &str,
        limit: usize,
        files: &mut Vec<ModuleFile>,
    ) -> Result<(), StoreError> {
        let mut after = if after.starts_with(folder) { after } else { folder }.to_owned();
        while files.len() < limit {
            let (page, more) = self.page_in(folder, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            self.name(&last.location)
                .unwrap_or_default()
                .clone_into(&mut after);
            files.extend(self.module_files(&page));
            if !more {
                break;
            }
        }
        files.truncate(limit);
        Ok(())
    }

    fn module_files(&self, page: &[ObjectMeta]) -> Vec<ModuleFile> {
        page.iter()
            .filter_map(|object| module_file(self.name(&object.location)?))
            .collect()
    }
}

/// The module file whose name in the tree this is, if it is one's.
fn module_file(name: &str) -> Option<ModuleFile> {
    // A name that reads as a file's and is not how we would write it is somebody else's.
    file_read(name, ModulePath::unescape, Version::unescape).filter(|file| file.tree_path() == name)
}

/// The module file that has this name where names are as they are written, and another in our tree.
fn file_as_written(name: &str) -> Option<ModuleFile> {
    file_read(name, ModulePath::parse, Version::parse).filter(|file| file.tree_path() != name)
}

fn file_read<P, V>(
    name: &str,
    path: impl Fn(&str) -> Result<ModulePath, P>,
    version: impl Fn(&str) -> Result<Version, V>,
) -> Option<ModuleFile> {
    let (of_path, file) = name.rsplit_once("/@v/")?;
    let (of_version, extension) = file.rsplit_once('.')?;
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.facts().extension == extension)?;
    let module = ModuleVersion::new(path(of_path).ok()?, version(of_version).ok()?).ok()?;
    Some(ModuleFile::new(module, kind))
}

#[cfg(test)]
mod tests {
    use super::{file_as_written, module_file};

    #[test]
    fn a_name_is_a_module_file_s_or_it_is_not() {
        for name in [
            "github.com/!azure/x/@v/v1.2.0-!r!c1.zip",
            "example.com/m/v2/@v/v2.0.0.info",
            "example.com/m/@v/v1.0.0-a.j.mod",
        ] {
            assert_eq!(module_file(name).unwrap().tree_path(), name);
        }
        for name in [
            "github.com/Azure/x/@v/v1.0.0.zip",
            "example.com/m/@v/v1.0.0.ziphash",
            "example.com/m/@v/list",
            "example.com/m/@v/v2.0.0.info",
            "example.com/m/@v/v1.0.0.INFO",
            "example.com/m/@v/v1.info",
            ".stoa/seen/example.com/m@v1.0.0",
            "sumdb/sum.example.com/latest",
            "example.com/m/v1.0.0.zip",
        ] {
            assert_eq!(module_file(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_as_it_is_written_is_one_that_ours_is_not() {
        for (name, expected) in [
            (
                "github.com/Azure/x/@v/v1.0.0.zip",
                Some("github.com/!azure/x/@v/v1.0.0.zip"),
            ),
            (
                "example.com/m/@v/v1.0.0-RC1.info",
                Some("example.com/m/@v/v1.0.0-!r!c1.info"),
            ),
            ("example.com/m/@v/v1.0.0.info", None),
            ("github.com/!azure/x/@v/v1.0.0.zip", None),
            ("github.com/Azure/x/@v/v1.0.0.ziphash", None),
            ("github.com/Azure/x/v1.0.0/go.mod", None),
        ] {
            let found = file_as_written(name).map(|file| file.tree_path());
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }
}
