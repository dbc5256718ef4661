//! What a disk can be trusted with: a file that is finished before it has a name, a name that is given once, and a
//! folder that remembers both after a power cut.

use proxy_core::spool::Spool;
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};
use tempfile::{NamedTempFile, TempPath};

/// Everybody may read what is kept, and nobody writes it.
const KEPT: u32 = 0o444;

/// Writes a file in the staging folder, takes the right to write it away, and brings it to the disk. It has no name
/// that anybody looks for yet, and is gone when dropped.
pub(crate) fn stage(spool: &Spool, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<TempPath> {
    let staged = write(spool, fill)?;
    staged.as_file().sync_all()?;
    Ok(staged.into_temp_path())
}

/// Like [`stage`], for what may be empty after a power cut: nobody waits for the disk.
pub(crate) fn stage_unsynced(
    spool: &Spool,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<TempPath> {
    Ok(write(spool, fill)?.into_temp_path())
}

fn write(spool: &Spool, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<NamedTempFile> {
    let mut staged = NamedTempFile::new_in(spool.folder())?;
    fill(staged.as_file_mut())?;
    staged
        .as_file()
        .set_permissions(fs::Permissions::from_mode(KEPT))?;
    Ok(staged)
}

/// Gives a finished file its name, once and for ever: fails with [`io::ErrorKind::AlreadyExists`] if the name is
/// taken. Makes the folders above it. The name is durable when this returns.
pub(crate) fn link(finished: &Path, name: &Path) -> io::Result<()> {
    in_its_folder(name, || fs::hard_link(finished, name))
}

/// Gives a finished file its name, whatever had it before. The name is durable when this returns.
pub(crate) fn replace(finished: TempPath, name: &Path) -> io::Result<()> {
    // A rename that fails gives the file back, so that it can be tried again.
    let mut finished = Some(finished);
    in_its_folder(name, || {
        match finished.take().map(|finished| finished.persist(name)) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(failed)) => {
                finished = Some(failed.path);
                Err(failed.error)
            }
        }
    })
}

/// Gives what has this name another one, which must be free. Both changes are durable when this returns.
pub(crate) fn move_to(name: &Path, other: &Path) -> io::Result<()> {
    in_its_folder(other, || fs::rename(name, other))?;
    sync_folder_of(name)
}

/// Takes a name away. The change is durable when this returns.
pub(crate) fn remove(name: &Path) -> io::Result<()> {
    fs::remove_file(name)?;
    sync_folder_of(name)
}

/// Does something in the folder of `name`, if need be a second time when the folder is made, and syncs the folder.
fn in_its_folder(name: &Path, mut act: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    match act() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = name.parent() {
                make_folder(folder)?;
            }
            act()?;
        }
        done => done?,
    }
    sync_folder_of(name)
}

/// Makes a folder and those above it, each durable. That another process makes them meanwhile is fine; then both sync.
fn make_folder(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = folder.parent().ok_or(error)?;
            make_folder(above)?;
            return make_folder(folder);
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    sync_folder_of(folder)
}

/// Syncs the folder that holds this name: only then does the name survive a power cut.
pub(crate) fn sync_folder_of(name: &Path) -> io::Result<()> {
    name.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Opens a file for reading, or `None` if nothing has that name, or none could: one too long, or below a file.
///
/// A symbolic link at the end is not followed, and a pipe does not block; the caller sees that either is no file.
pub(crate) fn open(name: &Path) -> io::Result<Option<File>> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(name);
    absent_is_none(opened)
}

/// Makes an answer of the errors that mean that nothing has that name.
pub(crate) fn absent_is_none<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
                Ok(None)
            }
            _ => Err(error),
        },
    }
}
