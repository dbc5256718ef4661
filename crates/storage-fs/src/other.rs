//! Folders that another program laid out, for reading: the same files under other names.
//!
//! ```text
//! <module>/@v/<version>.info .mod .zip               upper-case letters as they are: what is synced from Athens' buckets
//! <module>/<version>/<version>.info go.mod source.zip              Athens' disk: likewise, or escaped as Go escapes them
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
use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

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
    /// The same, with upper-case letters as a GOPROXY tree spells them.
    EscapedFolders,
}

impl OtherTree {
    pub(crate) fn all_in(root: &Arc<Path>) -> [Self; 3] {
        Layout::ALL.map(|layout| Self {
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
    const ALL: [Self; 3] = [Self::AsWritten, Self::Folders, Self::EscapedFolders];

    /// The path of a module and the name of a version, as this layout spells them.
    fn spelled(self, module: &ModulePath, version: &Version) -> (String, String) {
        match self {
            Self::AsWritten | Self::Folders => (module.to_string(), version.to_string()),
            Self::EscapedFolders => (module.escaped().to_string(), version.escaped().to_string()),
        }
    }

    /// Where a file lies, from the root.
    fn path_of(self, file: &ModuleFile) -> String {
        let (path, version) = self.spelled(file.module.path(), file.module.version());
        let name = match (self, file.kind) {
            (Self::AsWritten, kind) => return format!("{path}/{VERSIONS}{version}.{kind}"),
            (Self::Folders | Self::EscapedFolders, Kind::Info) => format!("{version}.info"),
            (Self::Folders | Self::EscapedFolders, Kind::Mod) => "go.mod".to_owned(),
            (Self::Folders | Self::EscapedFolders, Kind::Zip) => "source.zip".to_owned(),
        };
        format!("{path}/{version}/{name}")
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
    let path = ModulePath::parse(path).or_else(|_| ModulePath::unescape(path));
    let version = Version::parse(version).or_else(|_| Version::unescape(version));
    let file = ModuleFile::new(ModuleVersion::new(path.ok()?, version.ok()?).ok()?, kind);
    let lies = format!("{folder}{name}");
    // A name that is spelt in two ways at once is never opened.
    let is_opened = Layout::ALL.iter().any(|layout| layout.path_of(&file) == lies);
    (is_opened && file.tree_path() != lies).then_some(file)
}

#[async_trait]
impl ModuleStore for OtherTree {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        let (layout, file) = (self.layout, file.clone());
        reading(&self.root, move |root| {
            open_at(&root.join(layout.path_of(&file)), &file, part)
        })
        .await
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        let (layout, path) = (self.layout, path.clone());
        reading(&self.root, move |root| {
            let as_written = root.join(path.as_str());
            match layout {
                Layout::AsWritten => {
                    versions_in(&as_written.join("@v"), &path, |name| Version::parse(name).ok())
                }
                Layout::Folders => version_folders(&as_written, &path, |name| Version::parse(name).ok()),
                Layout::EscapedFolders => version_folders(&root.join(path.escaped()), &path, |name| {
                    Version::unescape(name).ok()
                }),
            }
        })
        .await
    }

    async fn insert(&self, _: Verified) -> Result<Inserted, StoreError> {
        Err(only_read())
    }
}

/// The versions of this path that have a folder with an `.info` in it.
fn version_folders(
    module: &Path,
    path: &ModulePath,
    read: impl Fn(&str) -> Option<Version>,
) -> Result<Vec<Version>, StoreError> {
    let mut versions = Vec::new();
    let entries = disk::absent_is_none(fs::read_dir(module)).map_err(unreadable)?;
    for entry in entries.into_iter().flatten() {
        // A folder beside them may be a part of a longer module path, as `v2` is.
        let Ok(name) = entry.map_err(unreadable)?.file_name().into_string() else {
            continue;
        };
        let version = read(&name).filter(|version| path.check_version(version).is_ok());
        let Some(version) = version else {
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
                "example.com/!up/m/v1.0.0-!r!c1/",
                "v1.0.0-!r!c1.info",
                Some("example.com/Up/m@v1.0.0-RC1.info"),
            ),
            ("example.com/!up/m/@v/", "v1.0.0-RC1.zip", None),
            ("example.com/!up/m/v1.0.0-RC1/", "source.zip", None),
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
