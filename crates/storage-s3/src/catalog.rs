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
use futures::future::BoxFuture;
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

impl Objects {
    /// Whether this server lists in the order of bytes: found out once, with two names that tell.
    ///
    /// Where that cannot be found out (the bucket may be for reading alone) it is taken not to: the other way is right
    /// everywhere.
    pub(crate) async fn lists_by_bytes(&self) -> bool {
        let found_out = self.by_bytes.get_or_try_init(async || {
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
            Ok::<_, StoreError>(listed == names)
        });
        match found_out.await {
            Ok(by_bytes) => *by_bytes,
            Err(error) => {
                tracing::debug!(%error, "it could not be found out in which order the bucket lists names");
                false
            }
        }
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
    let (path, file) = name.rsplit_once("/@v/")?;
    let (version, extension) = file.rsplit_once('.')?;
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.facts().extension == extension)?;
    let (path, version) = (ModulePath::unescape(path).ok()?, Version::unescape(version).ok()?);
    let file = ModuleFile::new(ModuleVersion::new(path, version).ok()?, kind);
    // A name that reads as a file's and is not how we would write it is somebody else's.
    (file.tree_path() == name).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::module_file;

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
}
