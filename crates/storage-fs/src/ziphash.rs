//! `.ziphash` files: the sum beside a zip, which Go's module cache keeps there.
//!
//! Go trusts it instead of hashing the zip again, so a tree that Go is to use has it, and an adopted tree may know
//! sums of zips it no longer has. It is written after the zip: before it, a crash in between would leave a sum that
//! refuses the version for ever if the zip comes back with other bytes.

use crate::{Tree, disk, files::unreadable};
use proxy_core::{file::Kind, store::StoreError, sums::H1, verify::Verified};
use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// More than a sum and the white space around it.
const LONGEST: u64 = 1 << 10;

impl Tree {
    /// Refuses a zip whose sum is not the one kept beside its name.
    pub(crate) fn check_ziphash(&self, zip: &Path, file: &Verified) -> Result<(), StoreError> {
        let Some((offered, path)) = sum_and_path(zip, file) else {
            return Ok(());
        };
        match read(&path).map_err(unreadable)? {
            Some(Ok(kept)) if kept != offered => Err(StoreError::SumDisagrees {
                file: file.file().clone(),
                kept,
                offered,
            }),
            _ => Ok(()),
        }
    }

    /// Writes the sum of a zip that is kept. The zip is in, whatever becomes of this, so a failure is only logged;
    /// the next insert of the same zip tries again.
    pub(crate) fn keep_ziphash(&self, zip: &Path, file: &Verified) {
        if let Some((sum, path)) = sum_and_path(zip, file)
            && let Err(error) = self.write_ziphash(&path, sum)
        {
            tracing::warn!(file = %file.file(), %error, "the .ziphash of a kept zip could not be written");
        }
    }

    /// A power cut may take the sum or empty it, and either counts as none: no insert waits for the disk twice.
    pub(crate) fn write_ziphash(&self, path: &Path, sum: H1) -> io::Result<()> {
        let stage = || disk::stage_unsynced(&self.spool, |to| to.write_all(sum.to_string().as_bytes()));
        match read(path)? {
            Some(Ok(_)) => Ok(()),
            None => match fs::hard_link(stage()?, path) {
                // Somebody inserted the same zip at the same time.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                linked => linked,
            },
            // Go makes such a one anew as well.
            Some(Err(NoSum)) => Ok(stage()?.persist(path)?),
        }
    }
}

/// What lies in a `.ziphash` that is no sum.
pub(crate) struct NoSum;

fn sum_and_path(zip: &Path, file: &Verified) -> Option<(H1, PathBuf)> {
    let sum = file.h1().filter(|_| file.file().kind == Kind::Zip)?;
    Some((sum, zip.with_extension("ziphash")))
}

pub(crate) fn read(path: &Path) -> io::Result<Option<Result<H1, NoSum>>> {
    Ok(text(path)?.map(|text| {
        let sum = std::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        sum.ok_or(NoSum)
    }))
}

/// What lies there, as far as a sum could reach.
pub(crate) fn text(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = disk::open(path)? else {
        return Ok(None);
    };
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text)?;
    Ok(Some(text))
}
