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
        let (held, there) = (used.metadata()?, fs::metadata(folder.join("used")));
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (held.dev(), held.ino())) {
            return Ok(used);
        }
    }
}

pub(super) fn opened(folder: &Path, name: &str) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).write(true).truncate(false);
    options.open(folder.join(name))
}
