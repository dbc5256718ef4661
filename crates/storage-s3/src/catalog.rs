//! The catalog: the bucket's own list of names, which is in the right order already.

use crate::{BucketStore, objects::Objects};
use async_trait::async_trait;
use object_store::ObjectMeta;
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
        let mut after = after.map_or_else(String::new, ModuleFile::tree_path);
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
            let (page, more) = self.objects.page(&after, most).await?;
            let Some(last) = page.last() else {
                return Ok(Vec::new());
            };
            self.objects
                .name(&last.location)
                .unwrap_or_default()
                .clone_into(&mut after);
            let mut files = self.objects.module_files(&page);
            files.truncate(limit);
            if !files.is_empty() || !more {
                return Ok(files);
            }
        }
    }
}

impl Objects {
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
