//! Who uses a cache, among all processes, and how one that nobody uses is taken away: at once, by a new name.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
};

/// What the names of caches that are being removed begin with.
pub(super) const TRASH: &str = "trash-";

pub(super) fn is_trash(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(TRASH))
}

/// Removes a folder, which another process may be removing too.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a cache's folder, if need be, and says to all processes that it is in use until the file is closed.
pub(super) fn use_together(folder: &Path) -> io::Result<File> {
    loop {
        fs::create_dir_all(folder)?;
        let used = match opened(folder, "used") {
            // Swept a moment ago.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            used => used?,
        };
        used.lock_shared()?;
        // Who waited for a sweeper holds what was swept.
        if is_there(&used, folder)? {
            return Ok(used);
        }
    }
}

/// Whether the file of users that was opened is that of the cache as it is now.
fn is_there(used: &File, folder: &Path) -> io::Result<bool> {
    let held = used.metadata()?;
    Ok(match fs::metadata(folder.join("used")) {
        Ok(there) => (there.dev(), there.ino()) == (held.dev(), held.ino()),
        Err(_) => false,
    })
}

/// The files of a cache that a sweeper wants to lock.
pub(super) struct Holds {
    used: File,
    writing: File,
}

impl Holds {
    /// Opens them; `None` if there is no such cache any more.
    pub(super) fn take(folder: &Path) -> io::Result<Option<Self>> {
        let (used, writing) = match (opened(folder, "used"), opened(folder, "lock")) {
            (Ok(used), Ok(writing)) => (used, writing),
            (Err(error), _) | (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        Ok(Some(Self { used, writing }))
    }

    /// Gives the cache another name, unless somebody uses it.
    pub(super) fn take_away(&self, folder: &Path, trash: &Path) -> io::Result<bool> {
        if self.used.try_lock().is_err() || self.writing.try_lock().is_err() {
            return Ok(false);
        }
        // Another sweeper may have been here before us, and somebody may have made it anew.
        if !is_there(&self.used, folder)? {
            return Ok(false);
        }
        fs::rename(folder, trash)?;
        Ok(true)
    }
}

fn opened(folder: &Path, name: &str) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).write(true).truncate(false);
    options.open(folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_sweepers_the_second_takes_nothing_that_was_made_since() {
        let folder = tempfile::tempdir().unwrap();
        let (cache, trash) = (folder.path().join("cache"), folder.path().join("trash"));
        drop(use_together(&cache).unwrap());
        let (first, second) = (Holds::take(&cache).unwrap(), Holds::take(&cache).unwrap());
        assert!(first.unwrap().take_away(&cache, &trash).unwrap());
        let second = second.unwrap();
        assert!(!second.take_away(&cache, &folder.path().join("none")).unwrap());
        let _used = use_together(&cache).unwrap();
        assert!(!second.take_away(&cache, &folder.path().join("other")).unwrap());
        assert!(cache.exists());
    }

    #[test]
    fn a_cache_that_another_sweeper_took_is_no_trouble() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Holds::take(&folder.path().join("gone")).unwrap().is_none());
    }
}
