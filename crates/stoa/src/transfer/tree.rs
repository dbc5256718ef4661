//! A folder of module files that somebody else wrote, read and never written.
//!
//! Two layouts are understood, also mixed, with names escaped as Go escapes them or as they are:
//!
//! ```text
//! <module>/@v/<version>.info .mod .zip      GOPROXY: a module cache's download folder, a store of ours, Athens' buckets
//! <module>/<version>/<version>.info go.mod source.zip                                              Athens' disk
//! ```

use async_trait::async_trait;
use proxy_core::{
    file::{Kind, ModuleFile},
    module::{ModulePath, ModuleVersion, Version},
    store::{Catalog, Content, ContentBytes, Inserted, ModuleStore, Part, StoreError},
    verify::Verified,
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    ops::Bound,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The files of a folder, by the names under which a store keeps them. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ReadTree(Arc<BTreeMap<String, (ModuleFile, PathBuf)>>);

impl ReadTree {
    /// Looks through a folder. What is no module file in it is passed over. Blocks.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = vec![(folder.to_owned(), String::new())];
        while let Some((folder, name)) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let Ok(element) = entry.file_name().into_string() else {
                    continue;
                };
                // Links are followed, as `cp -L` would; a hidden folder is nobody's module.
                let kind = fs::metadata(entry.path()).map(|found| found.file_type());
                match kind {
                    Ok(kind) if kind.is_dir() && !element.starts_with('.') && element != "sumdb" => {
                        folders.push((entry.path(), format!("{name}{element}/")));
                    }
                    Ok(kind) if kind.is_file() => {
                        if let Some(file) = file_named(&name, &element) {
                            files.entry(file.tree_path()).or_insert((file, entry.path()));
                        }
                    }
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Self(Arc::new(files)))
    }
}

/// The module file that lies in this folder (its elements, each with a slash behind it) under this name.
fn file_named(folder: &str, name: &str) -> Option<ModuleFile> {
    if let Some(path) = folder.strip_suffix("/@v/") {
        let (version, extension) = name.rsplit_once('.')?;
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.facts().extension == extension)?;
        return Some(ModuleFile::new(module(path, version)?, kind));
    }
    let (path, version) = folder.strip_suffix('/')?.rsplit_once('/')?;
    let kind = match name {
        "go.mod" => Kind::Mod,
        "source.zip" => Kind::Zip,
        _ if name.strip_suffix(".info") == Some(version) => Kind::Info,
        _ => return None,
    };
    Some(ModuleFile::new(module(path, version)?, kind))
}

/// A version named as Go escapes names, or as it is.
fn module(path: &str, version: &str) -> Option<ModuleVersion> {
    let path = ModulePath::unescape(path)
        .or_else(|_| ModulePath::parse(path))
        .ok()?;
    let version = Version::unescape(version)
        .or_else(|_| Version::parse(version))
        .ok()?;
    ModuleVersion::new(path, version).ok()
}

#[async_trait]
impl ModuleStore for ReadTree {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        let Some((_, path)) = self.0.get(&file.tree_path()) else {
            return Ok(None);
        };
        let path = path.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let file = File::open(path)?;
            Ok((file.metadata()?.len(), file))
        });
        let opened: io::Result<(u64, File)> = opened
            .await
            .map_err(|stopped| StoreError::unavailable_because("a read was stopped", stopped))?;
        let (size, file) = opened.map_err(|error| StoreError::from_io("a file could not be read", error))?;
        Ok(Some(Content {
            size,
            validator: None,
            range: part.of(size),
            bytes: ContentBytes::File(file),
        }))
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        let infos = self
            .0
            .values()
            .map(|(file, _)| file)
            .filter(|file| file.kind == Kind::Info);
        Ok(infos
            .filter(|file| file.module.path() == path)
            .map(|file| file.module.version().clone())
            .collect())
    }

    async fn insert(&self, _file: Verified) -> Result<Inserted, StoreError> {
        Err(StoreError::unavailable("this folder is only read"))
    }
}

#[async_trait]
impl Catalog for ReadTree {
    async fn files(&self, after: Option<&ModuleFile>, limit: usize) -> Result<Vec<ModuleFile>, StoreError> {
        let after = after.map(ModuleFile::tree_path);
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ahead = self.0.range((behind, Bound::Unbounded));
        Ok(ahead.take(limit).map(|(_, (file, _))| file.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_are_read_escaped_or_not() {
        for (folder, name, expected) in [
            (
                "example.com/m/@v/",
                "v1.0.0.info",
                Some("example.com/m@v1.0.0.info"),
            ),
            (
                "example.com/!up/m/@v/",
                "v1.0.0-!r!c1.zip",
                Some("example.com/Up/m@v1.0.0-RC1.zip"),
            ),
            (
                "example.com/Up/m/@v/",
                "v1.0.0-RC1.zip",
                Some("example.com/Up/m@v1.0.0-RC1.zip"),
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
            ("example.com/m/v1.0.0/", "v1.1.0.info", None),
            ("example.com/m/@v/", "list", None),
            ("example.com/m/@v/", "v1.0.0.ziphash", None),
            ("example.com/m/@v/", "v1.0.0.lock", None),
            ("example.com/m/@v/", "main.info", None),
            ("example.com/m/src/", "go.mod", None),
            ("", "go.mod", None),
        ] {
            let found = file_named(folder, name).map(|file| file.to_string());
            assert_eq!(found.as_deref(), expected, "{folder}{name}");
        }
    }
}
