//! Misses: fetching the files of one version, one flight at a time.

use super::{Inner, MirrorError, ingest::Kept};
use crate::{
    checksums::ChecksumError,
    file::{Kind, ModuleFile},
    lease::{Lease, Pauses},
    module::ModuleVersion,
    policy::Caller,
    seen::Seen,
    store::{Content, ModuleStoreExt, Part},
    upstream::{FetchContext, Wanted},
    verify::refuse_contradicted,
};
use std::sync::Arc;
use tokio::time::Instant;

/// How often a version is fetched anew because somebody else kept another commit's `.info` in between. The second
/// time it is fetched for just that commit, so a third would be another race lost.
const ROUNDS: usize = 3;

/// What a flight was for, and how it ended.
#[derive(Clone, Debug)]
pub(super) struct Landed {
    wanted: Kind,
    outcome: Result<(), MirrorError>,
}

/// Brings a file that the store did not have, and opens it.
///
/// Who finds a flight under way for another file of the version waits for it, looks in the store, and starts the next
/// if need be; so all files of a version come one after the other, and each sees what the one before brought.
pub(super) async fn fetch(
    inner: &Arc<Inner>,
    file: &ModuleFile,
    part: Part,
    caller: &Caller,
) -> Result<Content, MirrorError> {
    loop {
        if let Some(error) = inner.absent.get(file) {
            return Err(error);
        }
        let flight = inner.flights.join(&file.module, || {
            let (inner, file) = (Arc::clone(inner), file.clone());
            let context = FetchContext::new(Arc::clone(&caller.via));
            async move {
                let outcome = inner.bring(&file, &context).await;
                // Also what the checksum database does not know: or every request would fetch it anew, to refuse it.
                if let Err(
                    error @ (MirrorError::NotFound { .. }
                    | MirrorError::Checksums(ChecksumError::Unknown { .. })),
                ) = &outcome
                {
                    inner.absent.insert(file.clone(), error.clone());
                }
                Ok(Landed {
                    wanted: file.kind,
                    outcome,
                })
            }
        })?;
        let landed = flight.await?;
        if landed.wanted == file.kind {
            landed.outcome?;
        }
        match inner.ingest.store.open(file, part).await? {
            Some(content) => return Ok(content),
            // It was brought and is not there: somebody took it out of the store behind our back.
            None if landed.wanted == file.kind => return Err(MirrorError::Internal),
            None => {}
        }
    }
}

impl Inner {
    /// Brings one file, and the files that must be kept before it.
    async fn bring(&self, file: &ModuleFile, context: &FetchContext) -> Result<(), MirrorError> {
        let module = &file.module;
        let Some(_lease) = self.turn(file, context).await else {
            return Ok(()); // another node has kept it
        };
        for _ in 0..ROUNDS {
            let kinds = self.missing(file).await?;
            if kinds.is_empty() {
                return Ok(());
            }
            refuse_contradicted(module, &Seen::of(&*self.ingest.records, module).await?)?;
            let wanted = Wanted {
                module: module.clone(),
                kinds,
                pinned: self.ingest.kept_info(module).await?,
            };
            let received = self
                .chain
                .walk(module.path(), context, self.lifetimes.silence, |upstream| {
                    let wanted = &wanted;
                    async move {
                        let fetched = upstream.fetch(wanted, context).await?;
                        self.ingest.receive(fetched, &wanted.kinds, context).await
                    }
                })
                .await?;
            let kept = self.ingest.keep(module, received).await?;
            self.note_kept(module).await;
            match kept {
                Kept::All => return Ok(()),
                Kept::Superseded => {
                    tracing::info!(%module, "somebody else kept another commit; fetching that one");
                }
            }
        }
        Err(MirrorError::Contended(module.clone()))
    }

    /// Waits for the lease; and, while another node has it, for that node to keep the file: then there is nothing left
    /// to do, however long it goes on with the other files of the version.
    async fn turn(&self, file: &ModuleFile, context: &FetchContext) -> Option<Lease> {
        let began = Instant::now();
        let (mut acquiring, mut pauses) = (self.leases.acquire(&file.module), Pauses::patient());
        let lease = loop {
            let look = async {
                tokio::time::sleep(pauses.next()).await;
                // A store in trouble is found out by whoever gets the lease.
                matches!(self.ingest.store.contains(file).await, Ok(true))
            };
            tokio::select! {
                biased;
                lease = &mut acquiring => break lease,
                stored = look => if stored {
                    return None;
                }
            }
        };
        // No origin was silent meanwhile, so a wait does not end the search. But one who waited for another node that
        // ended without success waits less for the same origin, and the less the longer it has waited: nodes in a row
        // must not add up their patience.
        let silence = self.lifetimes.silence;
        let left = if lease.is_taken_over() {
            silence
        } else {
            let answered_by = silence + silence / 5;
            answered_by
                .saturating_sub(began.elapsed())
                .clamp(silence / 15, silence / 3)
        };
        context.leave(left, silence);
        Some(lease)
    }

    /// What must be fetched so that `file` can be kept: a zip never without the `.info` and `.mod` of its version.
    async fn missing(&self, file: &ModuleFile) -> Result<Vec<Kind>, MirrorError> {
        let needed: &[Kind] = if file.kind == Kind::Zip {
            &Kind::ALL
        } else {
            &[file.kind]
        };
        let mut missing = Vec::new();
        if self.ingest.store.contains(file).await? {
            return Ok(missing);
        }
        for &kind in needed {
            if !self
                .ingest
                .store
                .contains(&ModuleFile::new(file.module.clone(), kind))
                .await?
            {
                missing.push(kind);
            }
        }
        Ok(missing)
    }

    /// Adds a version whose `.info` is kept now to the remembered list.
    pub(super) async fn note_kept(&self, module: &ModuleVersion) {
        let info = ModuleFile::new(module.clone(), Kind::Info);
        if matches!(self.ingest.store.contains(&info).await, Ok(true)) {
            self.lists
                .amend(module.path(), |list| list.with(module.version()));
        }
    }
}
