//! From unverified to verified: the only way bytes get into a store.
//!
//! What *verified* means: the file's name is canonical (its type says so); a `.info` names the version; a `.mod` is
//! text with a module line (which may name another path: forks used through `replace` do); a `.zip` obeys the rules
//! of module zips, and its `go.mod` is the `.mod` that is kept; the `h1:` sums are those of the checksum database where
//! one speaks for the module, else those recorded when the version was first seen. An `.info` has no sum, but a database
//! that speaks for the module must know its version: or anybody in between could make versions up. A file that was kept
//! once and is now missing (set aside because it was damaged) comes back only as the very bytes that were kept, and a
//! version that a database contradicted never.
//!
//! [`Unverified::verify`] gathers what the file is held against, which waits for stores and networks; `judge` then
//! decides, which depends on nothing else.

pub(crate) mod judge;

use crate::{
    checksums::{ChecksumAuthority, ChecksumError},
    file::{Body, Kind, ModuleFile},
    module::ModuleVersion,
    records::RecordStore,
    seen::{Contradiction, Seen},
    store::{ModuleStore, ModuleStoreExt, StoreError},
    sums::{H1, Sums},
};
use judge::{Evidence, Expected, Lost, judge};
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
    commit: Option<String>,
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
        /// Who says so: the checksum database's name.
        authority: String,
    },
    /// The sum is another than when the version was first seen, and no database can say which is right.
    #[error(
        "{file} was refused: its sum is {offered}{}, but it was {kept}{} when the version was first seen",
        of_commit(.offered_commit), of_commit(.kept_commit)
    )]
    SeenOtherwise {
        /// The file.
        file: ModuleFile,
        /// The sum that was recorded first.
        kept: H1,
        /// The commit it came from, if that was known.
        kept_commit: Option<String>,
        /// The sum of the bytes that came.
        offered: H1,
        /// The commit they came from, if that is known.
        offered_commit: Option<String>,
    },
    /// The version was kept while the checksum database was away, which then contradicted it. It is refused for good.
    #[error(
        "{module} is refused for good: it was kept here while {} could not be asked, with the sum {} of its .{}, but {} says {}",
        .contradiction.authority, .contradiction.kept, .contradiction.kind, .contradiction.authority, .contradiction.proven
    )]
    Contradicted {
        /// The version.
        module: ModuleVersion,
        /// Both sums.
        contradiction: Box<Contradiction>,
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
        Self {
            file,
            body,
            commit: None,
        }
    }

    /// Says which commit the bytes came from, for the sentence of a refusal.
    pub fn of_commit(self, commit: Option<&str>) -> Self {
        Self {
            commit: commit.map(str::to_owned),
            ..self
        }
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
        let seen = Seen::of(records, module).await?;
        refuse_contradicted(module, &seen)?;
        let first = seen.sight(*kind)?;
        // What is kept needs no comparing with its record: other bytes are then no more than a lost race.
        let lost = match &first {
            Some(sight) if !store.contains(&self.file).await? => Some(Lost {
                sha256: sight.sha256,
                kept_commit: sight.commit.clone(),
                offered_commit: self.commit.clone(),
            }),
            _ => None,
        };
        let expected = match proven(authority, module).await? {
            Some(sums) => match kind {
                Kind::Info => None,
                Kind::Mod => Some(sums.go_mod),
                Kind::Zip => Some(sums.zip),
            }
            .map(|h1| Expected::Proven {
                h1,
                authority: authority.name().to_owned(),
            }),
            None => first.and_then(|sight| {
                Some(Expected::Seen {
                    h1: sight.h1?,
                    kept_commit: sight.commit,
                    offered_commit: self.commit.clone(),
                })
            }),
        };
        Ok(Evidence {
            go_mod,
            lost,
            expected,
        })
    }

    /// Judges at once what takes no time, and the rest in a blocking task.
    async fn judge(&self, evidence: Evidence) -> Result<Option<H1>, VerifyError> {
        let small =
            self.file.kind != Kind::Zip && self.body.bytes().is_some_and(|bytes| bytes.len() <= 64 << 10);
        if small {
            return judge(&self.file, &self.body, &evidence);
        }
        let (file, body) = (self.file.clone(), self.body.clone());
        match checks(move || Ok(judge(&file, &body, &evidence))).await {
            Ok(outcome) => outcome,
            Err(error) => Err(VerifyError::Spool(Arc::new(error))),
        }
    }
}

/// Checks in a blocking task, behind the bound of all checks.
pub(crate) async fn checks<T: Send + 'static>(
    check: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    // The semaphore is never closed; were it, the check would run all the same.
    let _permit = CHECKS.acquire().await;
    tokio::task::spawn_blocking(check)
        .await
        .unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
}

/// Refuses a version that a checksum database contradicted once.
pub(crate) fn refuse_contradicted(module: &ModuleVersion, seen: &Seen) -> Result<(), VerifyError> {
    match seen.contradiction()? {
        None => Ok(()),
        Some(contradiction) => Err(VerifyError::Contradicted {
            module: module.clone(),
            contradiction: Box::new(contradiction),
        }),
    }
}

/// The sums that the database proves; `None` where none speaks for the module, or where it is away and that may wait.
async fn proven(
    authority: &dyn ChecksumAuthority,
    module: &ModuleVersion,
) -> Result<Option<Sums>, VerifyError> {
    if !authority.speaks_for(module.path()) {
        return Ok(None);
    }
    match authority.sums(module).await {
        Ok(Some(sums)) => Ok(Some(sums)),
        Ok(None) => Err(VerifyError::Checksums(ChecksumError::Unknown {
            name: authority.name().to_owned(),
            module: module.clone(),
        })),
        Err(ChecksumError::Unavailable { .. }) if authority.postpone(module).await? => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A commit for a sentence, if it is known.
fn of_commit(commit: &Option<String>) -> String {
    commit
        .as_ref()
        .map_or_else(String::new, |commit| format!(" (commit {commit})"))
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
