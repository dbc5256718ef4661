//! Module files in the tree: opened, listed, inserted.

use crate::{Tree, disk};
use bytes::Bytes;
use proxy_core::{
    file::{Body, Held, ModuleFile, Sha256},
    module::{ModulePath, Version},
    store::{Content, ContentBytes, Inserted, Part, StoreError, Validator},
    verify::Verified,
};
use sha2::Digest;
use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

/// Parts up to this size are read at once with the opening, in the same visit to a blocking thread.
const READ_AT_ONCE: u64 = 64 << 10;

/// How much is copied or compared at a time.
const PIECE: usize = 256 << 10;

impl Tree {
    fn path_of(&self, file: &ModuleFile) -> PathBuf {
        self.root.join(file.tree_path())
    }

    pub(crate) fn open_file(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        open_at(&self.path_of(file), file, part)
    }

    pub(crate) fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        let folder = self.root.join(path.escaped()).join("@v");
        versions_in(&folder, path, |name| Version::unescape(name).ok())
    }

    pub(crate) fn insert(&self, file: &Verified) -> Result<Inserted, StoreError> {
        let path = self.path_of(file.file());
        // Looking first saves the staging of what is there already. It decides nothing: the link does.
        let inserted = match compare(&path, file)? {
            Some(found) => found,
            None => {
                self.check_ziphash(&path, file)?;
                self.link_in(&path, file)?
            }
        };
        if inserted != Inserted::Other {
            self.keep_ziphash(&path, file);
        }
        Ok(inserted)
    }

    /// Brings the bytes to the disk and links them to their name, unless it was taken meanwhile.
    fn link_in(&self, path: &Path, file: &Verified) -> Result<Inserted, StoreError> {
        let linked = match file.body().held() {
            Held::File(spooled) => match spooled.sync().and_then(|()| disk::link(spooled.path(), path)) {
                // Spooled somewhere else: then the bytes have to come over first.
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                    self.copy_in(path, file.body())
                }
                linked => linked,
            },
            Held::Memory(_) => self.copy_in(path, file.body()),
        };
        match linked {
            Ok(()) => Ok(Inserted::New),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match compare(path, file)? {
                Some(found) => Ok(found),
                None => Err(StoreError::unavailable(
                    "a module file vanished while it was compared",
                )),
            },
            Err(error) => Err(StoreError::from_io("a module file could not be written", error)),
        }
    }

    fn copy_in(&self, path: &Path, body: &Body) -> io::Result<()> {
        let staged = disk::stage(&self.spool, |to| match body.held() {
            Held::Memory(bytes) => to.write_all(bytes),
            Held::File(_) => in_pieces(body.open(), |piece| to.write_all(piece)),
        })?;
        disk::link(&staged, path)
    }
}

/// Opens a module file that lies here.
pub(crate) fn open_at(path: &Path, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
    let Some((opened, metadata)) = open_regular(path, file)? else {
        return Ok(None);
    };
    let (size, validator) = (metadata.size(), Some(validator(&metadata)));
    let range = part.of(size);
    let bytes = match range.end - range.start {
        0 => ContentBytes::Memory(Bytes::new()),
        length @ 1..=READ_AT_ONCE => {
            let mut bytes = vec![0; length as usize];
            opened
                .read_exact_at(&mut bytes, range.start)
                .map_err(unreadable)?;
            ContentBytes::Memory(bytes.into())
        }
        _ => ContentBytes::File(opened),
    };
    Ok(Some(Content {
        size,
        validator,
        range,
        bytes,
    }))
}

/// The versions of this path whose `.info` lies in a folder, under names that `read` reads.
pub(crate) fn versions_in(
    folder: &Path,
    path: &ModulePath,
    read: impl Fn(&str) -> Option<Version>,
) -> Result<Vec<Version>, StoreError> {
    let listed = disk::absent_is_none(fs::read_dir(folder)).map_err(unreadable)?;
    let mut versions = Vec::new();
    for entry in listed.into_iter().flatten() {
        let entry = entry.map_err(unreadable)?;
        // A module cache also holds lists, locks, sums and unfinished downloads: whatever is no `.info` of a
        // version of just this path is not ours.
        let name = entry.file_name();
        let version = name
            .to_str()
            .and_then(|name| name.strip_suffix(".info"))
            .and_then(&read);
        let Some(version) = version else { continue };
        if path.check_version(&version).is_ok() && entry.file_type().map_err(unreadable)?.is_file() {
            versions.push(version);
        }
    }
    Ok(versions)
}

/// What an insert of this file finds: `None` if the name is free.
fn compare(path: &Path, file: &Verified) -> Result<Option<Inserted>, StoreError> {
    let Some((kept, metadata)) = open_regular(path, file.file())? else {
        return Ok(None);
    };
    if metadata.size() != file.body().size() {
        return Ok(Some(Inserted::Other));
    }
    let mut hasher = sha2::Sha256::new();
    in_pieces(kept, |piece| {
        hasher.update(piece);
        Ok(())
    })
    .map_err(unreadable)?;
    if Sha256(hasher.finalize().into()) != file.body().sha256() {
        return Ok(Some(Inserted::Other));
    }
    // Whoever linked it may not have come to this yet, and we are about to say that it is kept.
    disk::sync_folder_of(path).map_err(unreadable)?;
    Ok(Some(Inserted::Same))
}

/// Opens a kept file, which is never a folder, a pipe or a symbolic link, and never empty.
fn open_regular(path: &Path, file: &ModuleFile) -> Result<Option<(File, Metadata)>, StoreError> {
    let damaged = |reason: &str| StoreError::Corrupt {
        file: file.clone(),
        reason: reason.to_owned(),
    };
    let opened = match disk::open(path) {
        Ok(None) => return Ok(None),
        Ok(Some(opened)) => opened,
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            return Err(damaged("a symbolic link is in its place"));
        }
        Err(error) => return Err(unreadable(error)),
    };
    let metadata = opened.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(damaged("something that is no file is in its place"));
    }
    if metadata.size() == 0 {
        return Err(damaged("it is empty"));
    }
    Ok(Some((opened, metadata)))
}

/// Size and time of the last change: a file that was linked once has both for ever.
fn validator(metadata: &Metadata) -> Validator {
    let (size, seconds, nanoseconds) = (metadata.size(), metadata.mtime(), metadata.mtime_nsec());
    Validator(format!("{size:x}-{seconds:x}-{nanoseconds:x}").into())
}

fn in_pieces(mut from: impl Read, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => each(&piece[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

pub(crate) fn unreadable(error: io::Error) -> StoreError {
    StoreError::from_io("a kept file could not be read", error)
}
