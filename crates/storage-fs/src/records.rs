//! Records in the tree: replaced as a whole, and only by who knows what is there.
//!
//! A write takes a lock, compares, and renames a finished file over the old one. A record's revision is the sha-256
//! of its bytes, so that it needs no place of its own and a record copied from elsewhere has one.

use crate::{Tree, disk, files::unreadable};
use bytes::Bytes;
use proxy_core::{
    file::Sha256,
    records::{Record, RecordKey, Revision, Written},
    store::StoreError,
};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// Where the locks lie.
const LOCKS: &str = ".stoa/.locks";

/// How many locks all records share. A write holds one while it waits for the disk, so there are more than there are
/// writes at a time; yet no file is left behind for every record there ever was.
const SHARED: u8 = 64;

/// The longest name of a file, in bytes, wherever files can be linked. A path and a version that each fit one name
/// do not together.
const LONGEST_NAME: usize = 255;

/// What is left of a longer one: enough to recognise it, and room for a sum.
const CUT: usize = 128;

/// Reads a record of a tree.
pub(crate) fn read(root: &Path, key: &RecordKey) -> Result<Option<Record>, StoreError> {
    let record = record(root, key).map_err(unreadable)?;
    // In a folder that is gone (a volume that was taken away) everything is absent, and that is no answer.
    if record.is_none() && !root.is_dir() {
        return Err(StoreError::unavailable("its folder is gone"));
    }
    Ok(record)
}

fn record(root: &Path, key: &RecordKey) -> io::Result<Option<Record>> {
    let Some(mut file) = disk::open(&below(root, &key.tree_path()))? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let revision = revision(&bytes);
    Ok(Some(Record {
        bytes: bytes.into(),
        revision,
    }))
}

/// Where something lies. An element longer than any file's name is cut, and told from others by its sum.
fn below(root: &Path, tree_path: &str) -> PathBuf {
    let mut path = root.to_owned();
    for element in tree_path.split('/') {
        match element.get(..CUT) {
            Some(start) if element.len() > LONGEST_NAME => {
                path.push(format!("{start}~{}", Sha256::of(element.as_bytes())));
            }
            _ => path.push(element),
        }
    }
    path
}

impl Tree {
    pub(crate) fn write_record(
        &self,
        key: &RecordKey,
        bytes: &Bytes,
        expected: Option<&Revision>,
    ) -> Result<Written, StoreError> {
        let write = || {
            // Staged before the lock is taken, so that it is held for as short as can be.
            let staged = disk::stage(&self.spool, |to| to.write_all(bytes))?;
            let _until_done = self.lock(key)?;
            if record(&self.root, key)?.map(|record| record.revision).as_ref() != expected {
                return Ok(Written::Changed);
            }
            disk::replace(staged, &self.record_path(key))?;
            Ok(Written::Done(revision(bytes)))
        };
        write().map_err(|error| StoreError::from_io("a record could not be written", error))
    }

    pub(crate) fn remove_record(&self, key: &RecordKey) -> Result<(), StoreError> {
        let remove = || {
            let _until_done = self.lock(key)?;
            disk::absent_is_none(disk::remove(&self.record_path(key)))
        };
        remove()
            .map(|_| ())
            .map_err(|error| StoreError::from_io("a record could not be removed", error))
    }

    fn record_path(&self, key: &RecordKey) -> PathBuf {
        self.below_root(&key.tree_path())
    }

    /// Where something lies in this tree.
    pub(crate) fn below_root(&self, tree_path: &str) -> PathBuf {
        below(&self.root, tree_path)
    }

    /// Waits for the lock of this record's share, against other processes and other threads alike. It ends with the
    /// file, and so with the process.
    fn lock(&self, key: &RecordKey) -> io::Result<File> {
        let share = Sha256::of(key.as_str().as_bytes()).0[0] % SHARED;
        self.lock_named(&format!("{share:02}"))
    }

    /// Waits for a lock.
    pub(crate) fn lock_named(&self, name: &str) -> io::Result<File> {
        let path = self.root.join(LOCKS).join(name);
        let open = || {
            File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
        };
        let file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                path.parent().map_or(Ok(()), fs::create_dir_all)?;
                open()?
            }
            opened => opened?,
        };
        file.lock()?;
        Ok(file)
    }
}

fn revision(bytes: &[u8]) -> Revision {
    Revision(Sha256::of(bytes).to_string())
}
