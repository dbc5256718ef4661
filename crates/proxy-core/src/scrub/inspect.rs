//! Reading one kept file, and saying what is wrong with it.

use super::Fault;
use crate::{
    file::{Body, Kind, ModuleFile, Sha256},
    module::ModuleVersion,
    records::RecordStore,
    seen::{Seen, Sight},
    spool::{ReceiveError, Spool, SpoolError},
    store::{Content, Corrupt, ModuleStore, ModuleStoreExt, Part, Quarantine, StoreError},
    sums::H1,
    verify::{
        checks,
        judge::{check_agreement, check_go_mod, check_info},
    },
    zip::{self, CheckError},
};
use bytes::Bytes;
use futures::TryStreamExt;
use jiff::Timestamp;
use sha2::Digest;
use std::sync::Arc;

/// Where the record of a file says it came from, when it was there before any record.
const ADOPTED: &str = "adopted";

/// How closely a file is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Its bytes are held against their record: those that were kept passed every rule then. Without a record, as
    /// [`Whole`](Self::Whole).
    Bytes,
    /// Also against the rules of its kind, its sum, and the other files of its version.
    Whole,
}

/// Reads kept files. Changes nothing.
#[derive(Clone, Debug)]
pub struct Inspector {
    /// The store itself: a memory before it would answer with what it was, not what it is.
    pub store: Arc<dyn ModuleStore>,
    /// What was recorded of its files.
    pub records: Arc<dyn RecordStore>,
    /// Where a zip is looked at.
    pub spool: Spool,
    /// What keeps sums beside zips, if anything does.
    pub quarantine: Option<Arc<dyn Quarantine>>,
    /// How closely.
    pub depth: Depth,
}

/// What came of reading one file.
#[derive(Clone, Debug, Default)]
pub struct Inspected {
    /// How many bytes were read.
    pub bytes: u64,
    /// The sum that the file has, if its kind has one and it is sound.
    pub h1: Option<H1>,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// What should be recorded of it and is not, if nothing is wrong.
    pub unrecorded: Option<Sight>,
    /// It is sound, and marked as set aside: it was healed.
    pub healed: bool,
}

/// A file as it was read.
struct Found {
    size: u64,
    sha256: Sha256,
    /// Its bytes at hand, unless only their sum was asked for.
    body: Option<Body>,
}

/// What the rules of its kind leave of a file.
#[derive(Default)]
struct Ruled {
    h1: Option<H1>,
    /// Of a zip, the `go.mod` in it.
    inside: Option<Option<Bytes>>,
}

/// Why bytes have no answer.
enum Unread {
    Damaged(String),
    Failed(StoreError),
}

impl Inspector {
    /// Reads one file; `None` if it is not kept (any more). The error means that the store, or our own spool, could not
    /// be read, which says nothing of the file.
    pub async fn inspect(&self, file: &ModuleFile) -> Result<Option<Inspected>, StoreError> {
        let mut inspected = Inspected::default();
        let seen = match self.recorded(&file.module).await? {
            Ok(seen) => Some(seen),
            Err(reason) => {
                let module = file.module.clone();
                inspected.faults.push(Fault::Record { module, reason });
                None
            }
        };
        let sight = match seen.as_ref().map(|seen| seen.sight(file.kind)).transpose() {
            Ok(sight) => sight.flatten(),
            Err(error) => return Err(error),
        };
        let recorded_h1 = sight.as_ref().and_then(|sight| sight.h1);
        let damaged = |found: Option<Sha256>, reason: String| {
            Fault::Damaged(Corrupt::proven(file.clone(), found, recorded_h1, reason))
        };
        if let Some(right) = recorded_h1 {
            inspected.faults.extend(self.sum_beside(file, right).await?);
        }
        let opened = match self.store.open(file, Part::Whole).await {
            Ok(None) => return Ok(None),
            Ok(Some(content)) => self.read(content, sight.is_some()).await,
            Err(error) => Err(error.into()),
        };
        let found = match opened {
            Ok(found) => found,
            Err(Unread::Damaged(reason)) => {
                inspected.faults.push(damaged(None, reason));
                return Ok(Some(inspected));
            }
            Err(Unread::Failed(error)) => return Err(error),
        };
        inspected.bytes = found.size;
        if let Some(reason) = sight.as_ref().and_then(|sight| differs(&found, sight)) {
            inspected.faults.push(damaged(Some(found.sha256), reason));
            return Ok(Some(inspected));
        }
        let ruled = match found.body {
            None => Ruled {
                h1: recorded_h1,
                inside: None,
            },
            Some(body) => match rule(file, body).await? {
                Ok(ruled) if recorded_h1.is_some() && ruled.h1 != recorded_h1 => {
                    let reason = "its sum is another than was recorded when it was kept".to_owned();
                    inspected.faults.push(damaged(Some(found.sha256), reason));
                    return Ok(Some(inspected));
                }
                Ok(ruled) => ruled,
                Err(reason) => {
                    inspected.faults.push(damaged(Some(found.sha256), reason));
                    return Ok(Some(inspected));
                }
            },
        };
        inspected.h1 = ruled.h1;
        if let (None, Some(right)) = (recorded_h1, ruled.h1) {
            inspected.faults.extend(self.sum_beside(file, right).await?);
        }
        if file.kind == Kind::Zip {
            self.inspect_set(file, found.sha256, &ruled, seen.as_ref(), &mut inspected)
                .await?;
        }
        if inspected.faults.is_empty() {
            inspected.healed = seen.is_some_and(|seen| seen.is_aside(file.kind));
            inspected.unrecorded = sight.is_none().then(|| Sight {
                size: found.size,
                sha256: found.sha256,
                h1: ruled.h1,
                when: Timestamp::now(),
                from: ADOPTED.to_owned(),
                commit: None,
            });
        }
        Ok(Some(inspected))
    }

    /// What is wrong with the sum beside a zip. None, or an empty one, is what a power cut leaves, and Go makes it anew.
    async fn sum_beside(&self, zip: &ModuleFile, right: H1) -> Result<Option<Fault>, StoreError> {
        let Some(quarantine) = self.quarantine.as_ref().filter(|_| zip.kind == Kind::Zip) else {
            return Ok(None);
        };
        let Some(found) = quarantine.sum_beside(zip).await? else {
            return Ok(None);
        };
        let says = str::from_utf8(&found).ok().map(str::trim);
        let is_right = says.is_some_and(|says| says.is_empty() || says.parse::<H1>() == Ok(right));
        Ok((!is_right).then(|| Fault::SumBeside {
            zip: zip.clone(),
            found,
            right,
        }))
    }

    /// The record of a version, or what is wrong with it.
    async fn recorded(&self, module: &ModuleVersion) -> Result<Result<Seen, String>, StoreError> {
        let read = async {
            let seen = Seen::of(&*self.records, module).await?;
            for kind in Kind::ALL {
                seen.sight(kind)?;
            }
            seen.contradiction()?;
            Ok(seen)
        };
        match read.await {
            Ok(seen) => Ok(Ok(seen)),
            Err(StoreError::Corrupt { reason, .. }) => Ok(Err(reason)),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, content: Content, is_recorded: bool) -> Result<Found, Unread> {
        let size = content.size;
        if is_recorded && self.depth == Depth::Bytes {
            let mut hasher = sha2::Sha256::new();
            let mut chunks = content.into_stream();
            while let Some(chunk) = chunks.try_next().await? {
                hasher.update(&chunk);
            }
            return Ok(Found {
                size,
                sha256: Sha256(hasher.finalize().into()),
                body: None,
            });
        }
        let body = self.spool.receive(content.into_stream(), size).await;
        let body = body.map_err(|error| match error {
            ReceiveError::Sender(error) => error.into(),
            ReceiveError::TooLarge { .. } => {
                Unread::Failed(StoreError::unavailable("a kept file was longer than announced"))
            }
            ReceiveError::Spool(error) => Unread::Failed(spool_failed(error)),
        })?;
        Ok(Found {
            size: body.size(),
            sha256: body.sha256(),
            body: Some(body),
        })
    }

    /// Holds a sound zip against the other files of its version.
    async fn inspect_set(
        &self,
        zip: &ModuleFile,
        sha256: Sha256,
        ruled: &Ruled,
        seen: Option<&Seen>,
        inspected: &mut Inspected,
    ) -> Result<(), StoreError> {
        for missing in [Kind::Info, Kind::Mod] {
            let other = ModuleFile::new(zip.module.clone(), missing);
            let there = match self.store.contains(&other).await {
                // What is in its place is for its own inspection.
                Err(StoreError::Corrupt { .. }) => true,
                found => found?,
            };
            if there || seen.is_some_and(|seen| seen.is_aside(missing)) {
                continue;
            }
            // It may have been set aside while the zip was read; the mark comes first, so it can be read now.
            let now = self.recorded(&zip.module).await?;
            if !now.is_ok_and(|now| now.is_aside(missing)) {
                let zip = zip.clone();
                inspected.faults.push(Fault::Torn { zip, missing });
            }
        }
        let Some(inside) = &ruled.inside else {
            return Ok(());
        };
        let other = ModuleFile::new(zip.module.clone(), Kind::Mod);
        let kept = match self.store.read(&other).await {
            Ok(Some(kept)) => kept,
            Ok(None) | Err(StoreError::Corrupt { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let Err(reason) = check_agreement(zip, inside.as_deref(), &kept) else {
            return Ok(());
        };
        let kept_sha256 = Sha256::of(&kept);
        let recorded = seen.map(|seen| seen.sight(Kind::Mod)).transpose()?.flatten();
        let fault = match recorded {
            // The `.mod` itself is damaged, which its own inspection finds; the zip is not to blame.
            Some(sight) if sight.sha256 != kept_sha256 => return Ok(()),
            Some(_) => {
                let h1 = ruled.h1;
                Corrupt::proven(zip.clone(), Some(sha256), h1, reason)
            }
            // Each entry of a zip bears a sum of its own, and those of this one are right: it is the other that changed.
            None => {
                let reason = "it is not the go.mod in the zip of its version".to_owned();
                Corrupt::proven(other, Some(kept_sha256), None, reason)
            }
        };
        inspected.faults.push(Fault::Damaged(fault));
        Ok(())
    }
}

/// How bytes differ from what was recorded of them, if they do.
fn differs(found: &Found, sight: &Sight) -> Option<String> {
    if found.size != sight.size {
        return Some(format!(
            "it has {} bytes, and had {} when it was kept",
            found.size, sight.size
        ));
    }
    (found.sha256 != sight.sha256).then(|| {
        format!(
            "its sha-256 is {}, and was {} when it was kept",
            found.sha256, sight.sha256
        )
    })
}

/// Applies the rules of its kind to a file; the inner error is the rule that it breaks.
async fn rule(file: &ModuleFile, body: Body) -> Result<Result<Ruled, String>, StoreError> {
    let limit = file.kind.facts().max_size;
    if body.size() > limit {
        return Ok(Err(format!("it is larger than {limit} bytes")));
    }
    let file = file.clone();
    let ruled = checks(move || match file.kind {
        Kind::Zip => match zip::check(&file.module, &body) {
            Ok(checked) => Ok(Ok(Ruled {
                h1: Some(checked.h1),
                inside: Some(checked.go_mod),
            })),
            Err(CheckError::Invalid(fault)) => Ok(Err(fault.reason)),
            Err(CheckError::Io(error)) => Err(error),
        },
        Kind::Info => {
            let bytes = body.read_to_bytes()?;
            Ok(check_info(&file, &bytes).map(|()| Ruled::default()))
        }
        Kind::Mod => {
            let bytes = body.read_to_bytes()?;
            Ok(check_go_mod(&bytes).map(|()| Ruled {
                h1: Some(H1::of_go_mod(&bytes)),
                inside: None,
            }))
        }
    })
    .await;
    ruled.map_err(|error| StoreError::from_io("a spooled file could not be read", error))
}

fn spool_failed(error: SpoolError) -> StoreError {
    match error {
        SpoolError::Full(error) => StoreError::Full(Some(error)),
        error => StoreError::unavailable_because("a kept file could not be spooled", error),
    }
}

impl From<StoreError> for Unread {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt { reason, .. } => Self::Damaged(reason),
            error => Self::Failed(error),
        }
    }
}
