//! The catalog: the tree, walked in the order of its names.
//!
//! A folder gives its entries in no order, so each is read whole and its next names are picked out: as many as fit a
//! bounded list, and then those behind them. A page walks down to where the one before ended, so it costs a reading of
//! every folder on that way, and memory for its files and for a list a level.

use crate::{disk, files::unreadable};
use proxy_core::{
    file::{Kind, ModuleFile},
    module::{ModulePath, ModuleVersion, Version},
    store::StoreError,
};
use std::{
    collections::BTreeSet,
    fs::{self, DirEntry},
    io,
    path::Path,
};

/// How many names of one folder are held at a time. A folder with more of them is read again for the next ones.
const HELD: usize = 1024;

/// The folder of a module's files.
pub(crate) const VERSIONS: &str = "@v/";

/// One page on its way.
struct Page<'a> {
    root: &'a Path,
    /// The name behind which it begins; empty for the first.
    after: &'a str,
    limit: usize,
    files: Vec<ModuleFile>,
}

/// A page of the files in a tree.
pub(crate) fn files(root: &Path, after: &str, limit: usize) -> Result<Vec<ModuleFile>, StoreError> {
    let mut page = Page {
        root,
        after,
        limit,
        files: Vec::new(),
    };
    page.walk("").map_err(unreadable)?;
    // In a folder that is gone (a volume that was taken away) everything is absent, and that is no answer.
    if page.files.is_empty() && !root.is_dir() {
        return Err(StoreError::unavailable("its folder is gone"));
    }
    Ok(page.files)
}

impl Page<'_> {
    /// Adds the files below a folder, given as the beginning of their names: empty, or ending in a slash.
    fn walk(&mut self, folder: &str) -> io::Result<()> {
        let mut behind = String::new();
        loop {
            let names = self.next_names(folder, &behind)?;
            let (last, all) = (names.last().cloned(), names.len() < HELD);
            for name in names {
                if self.files.len() >= self.limit {
                    return Ok(());
                }
                let whole = format!("{folder}{name}");
                if name.ends_with('/') {
                    self.walk(&whole)?;
                } else if let Some(file) = module_file(folder, &name) {
                    self.files.push(file);
                }
            }
            match last {
                Some(last) if !all => behind = last,
                _ => return Ok(()),
            }
        }
    }

    /// The least names in a folder that lie behind one of them, in order, and lead to what is still to be listed.
    /// Those of folders end in a slash: so they sort as the names of the files below them do.
    fn next_names(&self, folder: &str, behind: &str) -> io::Result<BTreeSet<String>> {
        let mut least = BTreeSet::new();
        let Some(entries) = disk::absent_is_none(fs::read_dir(self.root.join(folder)))? else {
            return Ok(least);
        };
        for entry in entries {
            let Some(name) = listed_name(folder, &entry?)? else {
                continue;
            };
            let whole = format!("{folder}{name}");
            let leads_there = name.ends_with('/') && self.after.starts_with(&whole);
            let ahead = leads_there || *whole > *self.after;
            let full = least.len() >= HELD;
            if !ahead || *name <= *behind || full && least.last().is_some_and(|last| name >= *last) {
                continue;
            }
            least.insert(name);
            if full {
                least.pop_last();
            }
        }
        Ok(least)
    }
}

/// The name of an entry that may be, or lead to, a module file. Whatever has the name of one is listed, also if it is
/// no file: it is damage, and only who finds it here can tell.
pub(crate) fn listed_name(folder: &str, entry: &DirEntry) -> io::Result<Option<String>> {
    let Ok(name) = entry.file_name().into_string() else {
        return Ok(None);
    };
    // No element of a module path starts with a dot: ours are `.stoa` and its like. Proofs are records.
    if name.starts_with('.') || folder.is_empty() && name == "sumdb" {
        return Ok(None);
    }
    if folder.ends_with(VERSIONS) {
        return Ok(Some(name));
    }
    let Some(kind) = disk::absent_is_none(entry.file_type())? else {
        return Ok(None);
    };
    // Opening a module file goes through links to folders, so listing does. One that leads in a circle ends where the
    // system says that it went through too many.
    let leads_on =
        kind.is_dir() || kind.is_symlink() && fs::metadata(entry.path()).is_ok_and(|there| there.is_dir());
    Ok(leads_on.then(|| name + "/"))
}

/// The module file of this name in this folder, which is a module's.
fn module_file(folder: &str, name: &str) -> Option<ModuleFile> {
    let path = folder.strip_suffix(VERSIONS)?.strip_suffix('/')?;
    let (version, extension) = name.rsplit_once('.')?;
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.facts().extension == extension)?;
    let (path, version) = (ModulePath::unescape(path).ok()?, Version::unescape(version).ok()?);
    let file = ModuleFile::new(ModuleVersion::new(path, version).ok()?, kind);
    // A name that is spelt otherwise than ours is never opened, and would lie elsewhere in the order.
    file.tree_path()
        .strip_prefix(folder)
        .is_some_and(|ours| ours == name)
        .then_some(file)
}
