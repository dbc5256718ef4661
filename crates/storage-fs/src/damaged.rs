//! Damaged files: moved aside under a lock, and never lost.
//!
//! No insert replaces a file, and only one process at a time sets any aside; so what was compared under the lock is
//! what the renaming takes away, and the name is free from one moment to the next.

use crate::{Tree, disk, files::unreadable, ziphash};
use bytes::Bytes;
use proxy_core::{
    file::{Kind, ModuleFile, Sha256},
    store::{Corrupt, StoreError},
    sums::H1,
};
use sha2::Digest;
use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Its lock is none of those that records share: it is held while a large zip is read.
const LOCK: &str = "damaged";

impl Tree {
    pub(crate) fn set_aside(&self, damaged: &Corrupt) -> Result<(), StoreError> {
        let name = self.root.join(damaged.file().tree_path());
        let move_away = || {
            let _until_done = self.lock_named(LOCK)?;
            if !is_there(&name, damaged.found())? {
                return Ok(());
            }
            disk::move_to(&name, &self.free_name(&damaged.tree_path())?)?;
            if damaged.file().kind == Kind::Zip {
                self.set_ziphash_aside(&name, damaged)?;
            }
            Ok(())
        };
        move_away().map_err(|error| StoreError::from_io("a damaged file could not be set aside", error))
    }

    /// The sum beside a zip stays, since it refuses any other zip; but one that the zip never had is damage as well,
    /// and would refuse the right one for ever.
    fn set_ziphash_aside(&self, zip: &Path, damaged: &Corrupt) -> io::Result<()> {
        let path = zip.with_extension("ziphash");
        match (ziphash::read(&path)?, damaged.recorded_h1()) {
            (Some(Ok(kept)), Some(recorded)) if kept != recorded => {
                let aside = format!("{}.ziphash", damaged.tree_path());
                disk::move_to(&path, &self.free_name(&aside)?)
            }
            _ => Ok(()),
        }
    }

    /// Moves what is kept beside a zip aside, if it is still this, and writes the right sum.
    pub(crate) fn renew_sum_beside(
        &self,
        zip: &ModuleFile,
        found: &[u8],
        right: H1,
    ) -> Result<(), StoreError> {
        let path = self.root.join(zip.tree_path()).with_extension("ziphash");
        let renew = || {
            let _until_done = self.lock_named(LOCK)?;
            if ziphash::text(&path)?.as_deref() == Some(found) {
                let aside = format!(
                    ".stoa/damaged/{}/@v/{}.ziphash.{}",
                    zip.module.path().escaped(),
                    zip.module.version().escaped(),
                    Sha256::of(found)
                );
                disk::move_to(&path, &self.free_name(&aside)?)?;
                self.write_ziphash(&path, right)?;
            }
            Ok(())
        };
        renew().map_err(|error| StoreError::from_io("a damaged sum could not be set aside", error))
    }

    /// A name for something set aside that nothing else has: the same bytes may have been here before.
    fn free_name(&self, tree_path: &str) -> io::Result<PathBuf> {
        let mut number = 0u32;
        loop {
            let numbered = match number {
                0 => tree_path.to_owned(),
                number => format!("{tree_path}.{number}"),
            };
            let path = self.below_root(&numbered);
            if disk::absent_is_none(fs::symlink_metadata(&path))?.is_none() {
                return Ok(path);
            }
            number += 1;
        }
    }
}

/// What is kept beside a zip.
pub(crate) fn sum_beside(root: &Path, zip: &ModuleFile) -> Result<Option<Bytes>, StoreError> {
    let path = root.join(zip.tree_path()).with_extension("ziphash");
    let text = ziphash::text(&path).map_err(unreadable)?;
    Ok(text.map(Bytes::from))
}

/// Whether what has this name is what was found: these bytes, or for `None` something without bytes.
fn is_there(name: &Path, found: Option<Sha256>) -> io::Result<bool> {
    let Some(metadata) = disk::absent_is_none(fs::symlink_metadata(name))? else {
        return Ok(false);
    };
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(found.is_none());
    }
    let Some(mut file) = disk::open(name)? else {
        return Ok(false);
    };
    let mut hasher = sha2::Sha256::new();
    let mut piece = vec![0; 256 << 10];
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => hasher.update(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The disk itself cannot read it.
            Err(_) => return Ok(found.is_none()),
        }
    }
    Ok(found == Some(Sha256(hasher.finalize().into())))
}
