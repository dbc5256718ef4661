//! Folders that another program laid out, for reading: the same files under other names.
//!
//! ```text
//! <module>/@v/<version>.info .mod .zip               upper-case letters as they are: what is synced from Athens' buckets
//! <module>/<version>/<version>.info go.mod source.zip                                            Athens' disk, likewise
//! ```

use crate::{
    catalog::{VERSIONS, listed_name},
    disk,
    files::{open_at, unreadable, versions_in},
    tree::{only_read, reading},
};
use async_trait::async_trait;
use proxy_core::{
    file::{Kind, ModuleFile},
    module::{ModulePath, ModuleVersion, Version},
    store::{Content, Inserted, ModuleStore, Part, StoreError},
    verify::Verified,
};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A folder read in another way than [`FsTree`](crate::FsTree) reads it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OtherTree {
    root: Arc<Path>,
    layout: Layout,
}

#[derive(Clone, Copy, Debug)]
enum Layout {
    /// A GOPROXY tree, but for the spelling of upper-case letters.
    AsWritten,
    /// A folder for each version.
    Folders,
}

impl OtherTree {
    pub(crate) fn all_in(root: &Arc<Path>) -> [Self; 2] {
        [Layout::AsWritten, Layout::Folders].map(|layout| Self {
            root: Arc::clone(root),
            layout,
        })
    }

    /// Walks the whole folder, once for all layouts.
    pub(crate) fn files(root: &Path) -> Result<Vec<ModuleFile>, StoreError> {
        let mut found = BTreeSet::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            let entries = disk::absent_is_none(fs::read_dir(root.join(&folder))).map_err(unreadable)?;
            for entry in entries.into_iter().flatten() {
                let entry = entry.map_err(unreadable)?;
                match listed_name(&folder, &entry).map_err(unreadable)? {
                    Some(below) if below.ends_with('/') => folders.push(format!("{folder}{below}")),
                    // Outside of `@v` only folders are listed.
                    listed => {
                        let name = listed.or_else(|| entry.file_name().into_string().ok());
                        found.extend(name.and_then(|name| module_file(&folder, &name)));
                    }
                }
            }
        }
        Ok(found.into_iter().collect())
    }
}

impl Layout {
    fn path_of(self, root: &Path, file: &ModuleFile) -> PathBuf {
        let (path, version) = (file.module.path(), file.module.version());
        root.join(match (self, file.kind) {
            (Self::AsWritten, kind) => format!("{path}/@v/{version}.{kind}"),
            (Self::Folders, Kind::Info) => format!("{path}/{version}/{version}.info"),
            (Self::Folders, Kind::Mod) => format!("{path}/{version}/go.mod"),
            (Self::Folders, Kind::Zip) => format!("{path}/{version}/source.zip"),
        })
    }
}

/// The module file that lies in this folder (empty, or ending in a slash) under a name that is not the one of our tree.
fn module_file(folder: &str, name: &str) -> Option<ModuleFile> {
    let (path, version, kind) = match folder.strip_suffix(VERSIONS) {
        Some(path) => {
            let (version, extension) = name.rsplit_once('.')?;
            let mut kinds = Kind::ALL.into_iter();
            let kind = kinds.find(|kind| kind.facts().extension == extension)?;
            (path.strip_suffix('/')?, version, kind)
        }
        None => {
            let (path, version) = folder.strip_suffix('/')?.rsplit_once('/')?;
            let kind = match name {
                "go.mod" => Kind::Mod,
                "source.zip" => Kind::Zip,
                _ if name.strip_suffix(".info") == Some(version) => Kind::Info,
                _ => return None,
            };
            (path, version, kind)
        }
    };
    let (path, version) = (ModulePath::parse(path).ok()?, Version::parse(version).ok()?);
    let file = ModuleFile::new(ModuleVersion::new(path, version).ok()?, kind);
    (file.tree_path() != format!("{folder}{name}")).then_some(file)
}

#[async_trait]
impl ModuleStore for OtherTree {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        let (layout, file) = (self.layout, file.clone());
        reading(&self.root, move |root| {
            open_at(&layout.path_of(root, &file), &file, part)
        })
        .await
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        let (layout, path) = (self.layout, path.clone());
        reading(&self.root, move |root| {
            let module = root.join(path.as_str());
            match layout {
                Layout::AsWritten => versions_in(&module.join("@v"), &path, |name| Version::parse(name).ok()),
                Layout::Folders => version_folders(&module, &path).map_err(unreadable),
            }
        })
        .await
    }

    async fn insert(&self, _: Verified) -> Result<Inserted, StoreError> {
        Err(only_read())
    }
}

/// The versions of this path that have a folder with an `.info` in it.
fn version_folders(module: &Path, path: &ModulePath) -> io::Result<Vec<Version>> {
    let mut versions = Vec::new();
    for entry in disk::absent_is_none(fs::read_dir(module))?.into_iter().flatten() {
        // A folder beside them may be a part of a longer module path, as `v2` is.
        let Ok(name) = entry?.file_name().into_string() else {
            continue;
        };
        let version = Version::parse(&name).ok();
        let Some(version) = version.filter(|version| path.check_version(version).is_ok()) else {
            continue;
        };
        if module.join(&name).join(format!("{name}.info")).is_file() {
            versions.push(version);
        }
    }
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use super::module_file;

    #[test]
    fn only_what_lies_elsewhere_than_in_our_tree_is_found() {
        for (folder, name, expected) in [
            (
                "example.com/Up/m/@v/",
                "v1.0.0-RC1.zip",
                Some("example.com/Up/m@v1.0.0-RC1.zip"),
            ),
            (
                "example.com/m/@v/",
                "v1.0.0-RC1.info",
                Some("example.com/m@v1.0.0-RC1.info"),
            ),
            (
                "example.com/m/v2/v2.0.0/",
                "go.mod",
                Some("example.com/m/v2@v2.0.0.mod"),
            ),
            (
                "example.com/Up/m/v1.0.0/",
                "source.zip",
                Some("example.com/Up/m@v1.0.0.zip"),
            ),
            (
                "example.com/m/v1.0.0/",
                "v1.0.0.info",
                Some("example.com/m@v1.0.0.info"),
            ),
            ("example.com/m/@v/", "v1.0.0.info", None),
            ("example.com/!up/m/@v/", "v1.0.0.zip", None),
            ("example.com/m/v1.0.0/", "v1.1.0.info", None),
            ("example.com/m/v2.0.0/", "go.mod", None),
            ("example.com/m/@v/", "list", None),
            ("example.com/Up/m/@v/", "v1.0.0.ziphash", None),
            ("example.com/m/src/", "go.mod", None),
            ("", "go.mod", None),
        ] {
            let found = module_file(folder, name).map(|file| file.to_string());
            assert_eq!(found.as_deref(), expected, "{folder}{name}");
        }
    }
}
