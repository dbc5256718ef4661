//! Filling one store from another: what `stoa copy` and `stoa import` do.
//!
//! Both catalogs are walked side by side, so that what the target has costs no question of its own; a second run copies
//! only what is missing. What is missing goes through the same door as everything else ([`Ingest`]): received whole,
//! verified, inserted in the order `.info`, `.mod`, `.zip`. What both have is compared by the records of its first
//! sight, and by its bytes where there is no record. Nothing is ever changed on either side.

mod compare;
mod grouped;
pub(crate) mod layouts;
pub(crate) mod progress;

use compare::Comparison;
use futures::{FutureExt, StreamExt, future::FusedFuture, stream};
use grouped::{Grouped, VersionFiles};
use progress::Progress;
use proxy_core::{
    checksums::ChecksumError,
    file::{Body, Kind, ModuleFile},
    info::Info,
    mirror::{MirrorError, ingest::Ingest},
    records::RecordStore,
    seen,
    spool::ReceiveError,
    store::{Catalog, Inserted, ModuleStore, ModuleStoreExt, Part, StoreError},
    verify::Unverified,
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// So many files in a row that could not be read, checked or written mean that a store or the checksum database is not
/// there.
const STORE_IS_GONE: u32 = 12;

/// How long a store in trouble is left alone before the file is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// A store to read from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Its files.
    pub(crate) modules: Arc<dyn ModuleStore>,
    /// What it has.
    pub(crate) catalog: Arc<dyn Catalog>,
    /// The records of first sight, where it has some.
    pub(crate) records: Option<Arc<dyn RecordStore>>,
    /// Its name, without secrets: where the files of no record came from.
    pub(crate) name: String,
}

/// A store to fill.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The way into it.
    pub(crate) ingest: Ingest,
    /// What it has; `None`: each file is asked for.
    pub(crate) catalog: Option<Arc<dyn Catalog>>,
}

/// What became of the files of a transfer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Versions that were looked at.
    pub(crate) versions: u64,
    /// Files that were copied, and their bytes.
    pub(crate) copied: u64,
    pub(crate) bytes: u64,
    /// Files that the target had.
    pub(crate) present: u64,
    /// Files that are not what the target has, break a rule, or are damaged.
    pub(crate) found: u64,
    /// Files that a store did not give or take.
    pub(crate) failed: u64,
}

/// How a transfer ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Everything was looked at.
    Done,
    /// Somebody told it to stop.
    Stopped,
    /// A store is not there: a sentence.
    Gone(String),
}

/// What became of one file.
enum Outcome {
    /// It is in the target now, and had so many bytes.
    Copied(u64),
    /// It was there.
    Present,
}

/// Why one file is not in the target as it is in the source.
enum Complaint {
    /// Something was found, as a sentence.
    Found(String),
    /// A store failed, as a sentence.
    Failed(String),
}

/// Copies what the target lacks, so many versions at a time, until it is done or told to stop.
pub(crate) async fn transfer(
    source: &Source,
    target: &Target,
    at_a_time: usize,
    progress: &Progress,
    stop: &CancellationToken,
) -> (Tally, Ending) {
    let mut tally = Tally::default();
    let versions = stream::unfold(
        Grouped::new(Arc::clone(&source.catalog), target.catalog.clone()),
        |mut grouped| async { Some((grouped.next().await.transpose()?, grouped)) },
    );
    let versions = versions
        .map(|version| async move {
            match version {
                Ok(version) => Ok(copy_version(source, target, version).await),
                Err(error) => Err(error),
            }
        })
        .buffer_unordered(at_a_time);
    let mut versions = std::pin::pin!(versions);
    let mut counting = std::pin::pin!(grouped::count(Arc::clone(&source.catalog)).fuse());
    let mut failed_in_a_row = 0;
    loop {
        let version = tokio::select! {
            biased;
            () = stop.cancelled() => return (tally, Ending::Stopped),
            counted = &mut counting, if !counting.is_terminated() => {
                // What cannot be counted cannot be walked either, and that is told where it matters.
                if let Ok(count) = counted {
                    progress.total(count);
                }
                continue;
            }
            version = versions.next() => version,
        };
        let outcomes = match version {
            None => return (tally, Ending::Done),
            Some(Err(error)) => {
                return (
                    tally,
                    Ending::Gone(format!("a store cannot list what it keeps: {error}")),
                );
            }
            Some(Ok(outcomes)) => outcomes,
        };
        tally.versions += 1;
        for outcome in outcomes {
            failed_in_a_row = if matches!(outcome, Err(Complaint::Failed(_))) {
                failed_in_a_row + 1
            } else {
                0
            };
            match outcome {
                Ok(Outcome::Copied(size)) => {
                    tally.copied += 1;
                    tally.bytes += size;
                }
                Ok(Outcome::Present) => tally.present += 1,
                Err(Complaint::Found(sentence)) => {
                    tally.found += 1;
                    progress.tell(&sentence);
                }
                Err(Complaint::Failed(sentence)) => {
                    tally.failed += 1;
                    progress.tell(&sentence);
                    if failed_in_a_row >= STORE_IS_GONE {
                        return (
                            tally,
                            Ending::Gone("a store or the checksum database is not there any more".into()),
                        );
                    }
                }
            }
        }
        progress.show(&tally);
    }
}

/// The files of one version in the order in which they may be kept; the first that cannot be ends it.
async fn copy_version(
    source: &Source,
    target: &Target,
    version: VersionFiles,
) -> Vec<Result<Outcome, Complaint>> {
    let mut outcomes = Vec::new();
    for (kind, present) in version.kinds {
        let file = ModuleFile::new(version.module.clone(), kind);
        let mut outcome = one_file(source, target, &file, present).await;
        if matches!(outcome, Err(Complaint::Failed(_))) {
            tokio::time::sleep(PAUSE).await;
            outcome = one_file(source, target, &file, present).await;
        }
        let ends = outcome.is_err();
        outcomes.push(outcome);
        // What is behind it is checked against it, or was made from another commit.
        if ends {
            break;
        }
    }
    outcomes
}

async fn one_file(
    source: &Source,
    target: &Target,
    file: &ModuleFile,
    present: Option<bool>,
) -> Result<Outcome, Complaint> {
    let present = match present {
        Some(present) => present,
        None => target
            .ingest
            .store
            .contains(file)
            .await
            .map_err(|error| failed(file, &error))?,
    };
    if present {
        return match compare::compare(source, target, file).await? {
            Comparison::Same => Ok(Outcome::Present),
            Comparison::Differs(how) => Err(Complaint::Found(format!(
                "{file} disagrees: {how}; the target's stands"
            ))),
        };
    }
    let sight = match &source.records {
        Some(records) => seen::read(&**records, &file.module, file.kind)
            .await
            .map_err(|error| failed(file, &error))?,
        None => None,
    };
    let body = receive(&*source.modules, target, file).await?;
    let size = body.size();
    if let Some(sight) = &sight
        && sight.sha256 != body.sha256()
    {
        return Err(Complaint::Found(format!(
            "{file} is damaged in the source: its bytes are not those of its record"
        )));
    }
    if file.kind == Kind::Zip {
        let info = ModuleFile::new(file.module.clone(), Kind::Info);
        let kept = target
            .ingest
            .store
            .contains(&info)
            .await
            .map_err(|error| failed(&info, &error))?;
        if !kept {
            return Err(Complaint::Found(format!(
                "{file} is not copied: no .info of its version is there"
            )));
        }
    }
    let commit = commit_in(file.kind, &body);
    let unverified = Unverified::new(file.clone(), body);
    let inserted = match sight {
        Some(sight) => target.ingest.insert_seen(unverified, sight).await,
        None => {
            target
                .ingest
                .insert(unverified, &source.name, commit.as_deref())
                .await
        }
    };
    match inserted {
        Ok(Inserted::New) => Ok(Outcome::Copied(size)),
        Ok(Inserted::Same) => Ok(Outcome::Present),
        // Somebody inserted other bytes since the catalog was read.
        Ok(Inserted::Other) => match compare::compare(source, target, file).await? {
            Comparison::Same => Ok(Outcome::Present),
            Comparison::Differs(how) => Err(Complaint::Found(format!(
                "{file} disagrees: {how}; the target's stands"
            ))),
        },
        Err(
            error @ (MirrorError::Checksums(
                ChecksumError::Unavailable { .. } | ChecksumError::Damaged { .. },
            )
            | MirrorError::Store(StoreError::Unavailable { .. } | StoreError::Full(_))
            | MirrorError::Spool(_)),
        ) => Err(Complaint::Failed(format!("{file} was not copied: {error}"))),
        Err(error) => Err(Complaint::Found(error.to_string())),
    }
}

/// Brings a file of a store into the target's spool.
async fn receive(store: &dyn ModuleStore, target: &Target, file: &ModuleFile) -> Result<Body, Complaint> {
    let content = store
        .open(file, Part::Whole)
        .await
        .map_err(|error| failed(file, &error))?
        .ok_or_else(|| Complaint::Found(format!("{file} is listed, and not there")))?;
    let limit = file.kind.facts().max_size;
    match target.ingest.spool.receive(content.into_stream(), limit).await {
        Ok(body) => Ok(body),
        Err(ReceiveError::Sender(error)) => Err(failed(file, &error)),
        Err(error @ ReceiveError::TooLarge { .. }) => {
            Err(Complaint::Found(format!("{file} was refused: {error}")))
        }
        Err(error @ ReceiveError::Spool(_)) => {
            Err(Complaint::Failed(format!("{file} was not copied: {error}")))
        }
    }
}

/// The commit that an `.info` names.
fn commit_in(kind: Kind, body: &Body) -> Option<String> {
    if kind != Kind::Info {
        return None;
    }
    Info::parse(body.bytes()?).ok()?.origin?.hash
}

/// What a store said of a file: damage is found, everything else is trouble.
fn failed(file: &ModuleFile, error: &StoreError) -> Complaint {
    match error {
        StoreError::Corrupt { .. } | StoreError::SumDisagrees { .. } => Complaint::Found(error.to_string()),
        StoreError::Unavailable { .. } | StoreError::Full(_) => {
            Complaint::Failed(format!("{file} was not copied: {error}"))
        }
    }
}
