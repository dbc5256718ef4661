//! A folder to read from and never to write in: no staging, no locks, nothing swept, so that it may be somebody else's, or
//! on a disk that is mounted for reading alone.

use crate::files::{open_at, versions_in};
use async_trait::async_trait;
use proxy_core::{
    file::ModuleFile,
    module::{ModulePath, Version},
    store::{Content, Inserted, ModuleStore, Part, StoreError},
    verify::Verified,
};
use std::{io, path::PathBuf};

/// A GOPROXY tree in a folder, for reading. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FsTree {
    root: PathBuf,
    as_written: bool,
}

impl FsTree {
    /// Reads the tree in this folder, which must be there. Blocks.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let root = folder.into().canonicalize()?;
        if !root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self {
            root,
            as_written: false,
        })
    }

    /// The same folder, read as a tree whose names have upper-case letters as they are: Athens lays out its folders so.
    pub fn spelled_as_written(&self) -> Self {
        Self {
            root: self.root.clone(),
            as_written: true,
        }
    }

    /// Reads in a blocking task.
    async fn reading<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let tree = self.clone();
        match tokio::task::spawn_blocking(move || work(&tree)).await {
            Ok(answer) => answer,
            Err(stopped) => Err(StoreError::unavailable_because(
                "a task on the disk was stopped",
                stopped,
            )),
        }
    }
}

#[async_trait]
impl ModuleStore for FsTree {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        let file = file.clone();
        self.reading(move |tree| {
            let name = if tree.as_written {
                let (path, version) = (file.module.path(), file.module.version());
                format!("{path}/@v/{version}.{}", file.kind)
            } else {
                file.tree_path()
            };
            open_at(&tree.root.join(name), &file, part)
        })
        .await
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        let path = path.clone();
        self.reading(move |tree| {
            let folder = if tree.as_written {
                tree.root.join(path.as_str())
            } else {
                tree.root.join(path.escaped())
            };
            versions_in(&folder.join("@v"), &path, |name| {
                if tree.as_written {
                    Version::parse(name).ok()
                } else {
                    Version::unescape(name).ok()
                }
            })
        })
        .await
    }

    async fn insert(&self, _: Verified) -> Result<Inserted, StoreError> {
        Err(StoreError::unavailable("it is opened for reading alone"))
    }
}
