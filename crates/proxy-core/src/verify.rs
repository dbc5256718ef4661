//! From unverified to verified: the only way bytes get into a store.
//!
//! What *verified* means: the file's name is canonical (its type says so); a `.info` names the version; a `.mod` is
//! text with a module line (which may name another path: forks used through `replace` do); a `.zip` obeys the rules
//! of module zips, and its `go.mod` is the `.mod` that is kept; the `h1:` sums are those of the checksum database where
//! one speaks for the module, else those recorded when the version was first seen. A file that was kept once and is
//! now missing (set aside because it was damaged) comes back only as the very bytes that were kept.
//!
//! [`Unverified::verify`] gathers what the file is held against, which waits for stores and networks; `judge` then
//! decides, which depends on nothing else.

mod judge;

use crate::{
    checksums::{ChecksumAuthority, ChecksumError},
    file::{Body, Kind, ModuleFile},
    records::RecordStore,
    seen,
    store::{ModuleStore, ModuleStoreExt, StoreError},
    sums::H1,
};
use judge::{Evidence, Expected, judge};
use std::{
    io,
    num::NonZero,
    sync::{Arc, LazyLock},
    thread,
};
use tokio::sync::Semaphore;

/// How many checks run at the same time in the whole process: as many as there are cores, since a check inflates
/// and hashes without ever waiting. More would only take threads from the reading of kept files.
static CHECKS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(2, NonZero::get)));

/// A module file as somebody gave it to us.
#[derive(Debug)]
pub struct Unverified {
    file: ModuleFile,
    body: Body,
}

/// A module file that passed its checks: what [`ModuleStore::insert`] demands. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Verified {
    file: Arc<ModuleFile>,
    body: Body,
    h1: Option<H1>,
}

/// Why a file was refused, or could not be judged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VerifyError {
    /// The bytes break a rule, or are not those of the version's other files.
    #[error("{file} was refused: {reason}")]
    Invalid {
        /// The file.
        file: ModuleFile,
        /// The rule and the place, as a phrase.
        reason: String,
    },
    /// Two sums that must be equal are not.
    #[error("{file} was refused: its sum is {offered}, but {authority} says {expected}")]
    SumMismatch {
        /// The file.
        file: ModuleFile,
        /// The sum the file must have.
        expected: H1,
        /// The sum of the bytes that came.
        offered: H1,
        /// Who says so: the checksum database's name, or "the record of its first sight".
        authority: String,
    },
    /// The zip came before the `.mod` it is checked against.
    #[error("{0} cannot be checked: no go.mod of its version is kept")]
    NoGoMod(ModuleFile),
    /// The checksum database could not be asked, or does not know the version.
    #[error(transparent)]
    Checksums(#[from] ChecksumError),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Our own disk failed while reading the spooled file.
    #[error("a spooled file could not be read")]
    Spool(#[source] Arc<io::Error>),
}

impl Unverified {
    /// Names the bytes.
    pub fn new(file: ModuleFile, body: Body) -> Self {
        Self { file, body }
    }

    /// Asks the authority for sums, the store for the `.mod` and the records for what was seen first, then
    /// checks in a blocking task. The only way to a [`Verified`].
    pub async fn verify(
        self,
        store: &dyn ModuleStore,
        records: &dyn RecordStore,
        authority: &dyn ChecksumAuthority,
    ) -> Result<Verified, VerifyError> {
        let evidence = self.gather(store, records, authority).await?;
        let h1 = self.judge(evidence).await?;
        Ok(Verified {
            file: Arc::new(self.file),
            body: self.body,
            h1,
        })
    }

    async fn gather(
        &self,
        store: &dyn ModuleStore,
        records: &dyn RecordStore,
        authority: &dyn ChecksumAuthority,
    ) -> Result<Evidence, VerifyError> {
        let ModuleFile { module, kind } = &self.file;
        let go_mod = match kind {
            Kind::Zip => {
                let name = ModuleFile::new(module.clone(), Kind::Mod);
                let go_mod = store.read(&name).await?;
                Some(go_mod.ok_or_else(|| VerifyError::NoGoMod(self.file.clone()))?)
            }
            Kind::Info | Kind::Mod => None,
        };
        let first = seen::read(records, module, *kind).await?;
        // What is kept needs no comparing with its record: other bytes are then no more than a lost race.
        let lost = match &first {
            Some(_) if !store.contains(&self.file).await? => first.clone(),
            _ => None,
        };
        let proven = match kind {
            Kind::Info => None,
            _ if !authority.speaks_for(module.path()) => None,
            Kind::Mod | Kind::Zip => {
                let unknown = || ChecksumError::Unknown {
                    name: authority.name().to_owned(),
                    module: module.clone(),
                };
                let sums = authority.sums(module).await?.ok_or_else(unknown)?;
                Some(Expected {
                    h1: if *kind == Kind::Mod { sums.go_mod } else { sums.zip },
                    authority: authority.name().to_owned(),
                })
            }
        };
        let recorded = || {
            Some(Expected {
                h1: first.as_ref()?.h1?,
                authority: "the record of its first sight".to_owned(),
            })
        };
        Ok(Evidence {
            go_mod,
            lost: lost.map(|sight| sight.sha256),
            expected: proven.or_else(recorded),
        })
    }

    /// Judges at once what takes no time, and the rest in a blocking task.
    async fn judge(&self, evidence: Evidence) -> Result<Option<H1>, VerifyError> {
        let small =
            self.file.kind != Kind::Zip && self.body.bytes().is_some_and(|bytes| bytes.len() <= 64 << 10);
        if small {
            return judge(&self.file, &self.body, &evidence);
        }
        // The semaphore is never closed; were it, the check would run all the same.
        let _permit = CHECKS.acquire().await;
        let (file, body) = (self.file.clone(), self.body.clone());
        match tokio::task::spawn_blocking(move || judge(&file, &body, &evidence)).await {
            Ok(outcome) => outcome,
            Err(error) => Err(VerifyError::Spool(Arc::new(io::Error::other(error)))),
        }
    }
}

impl Verified {
    /// The file's name.
    pub fn file(&self) -> &ModuleFile {
        &self.file
    }

    /// Its bytes.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Its `h1:` sum; `.info` files have none.
    pub fn h1(&self) -> Option<H1> {
        self.h1
    }
}

#[cfg(test)]
mod tests;
