//! The way in: receive into the spool, verify, insert in order, record the first sight.
//!
//! Everything that ever gets into a store passes here: what was fetched, and later what is imported, copied or
//! warmed. The order is the store's promise: a zip is inserted after the `.info` and `.mod` of its version, and was
//! verified against the `.mod` that the store then held, whoever put it there. All files that came are verified before
//! the first is inserted, so that nothing is left of a version that is refused.

mod beside;

use super::MirrorError;
use crate::{
    checksums::ChecksumAuthority,
    file::{Body, Kind, ModuleFile},
    info::Info,
    module::ModuleVersion,
    records::RecordStore,
    seen::{self, Sight},
    spool::{ReceiveError, Spool},
    store::{Inserted, ModuleStore, ModuleStoreExt, RecordFeed, StoreError},
    sums::H1,
    upstream::{FetchContext, Fetched, Incoming, UpstreamError},
    verify::{Unverified, Verified, VerifyError},
};
use beside::WithGoMod;
use futures::StreamExt;
use std::{sync::Arc, time::Duration};

/// How often an insert is tried when the store is unavailable, and how long is waited in between.
const INSERT_ATTEMPTS: u32 = 3;
const INSERT_PAUSE: Duration = Duration::from_millis(300);

/// The way into a store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ingest {
    /// Where the files go.
    pub store: Arc<dyn ModuleStore>,
    /// Where first sights are recorded.
    pub records: Arc<dyn RecordStore>,
    /// Who knows the sums.
    pub checksums: Arc<dyn ChecksumAuthority>,
    /// Where bytes on their way in are.
    pub spool: Spool,
    /// Told of every version that is new, where the store does not order its inserts itself.
    pub feed: Option<RecordFeed>,
}

/// Files of one version, received whole and not yet looked at.
#[derive(Debug)]
pub(super) struct Received {
    info: Option<Body>,
    go_mod: Option<Body>,
    zip: Option<Body>,
    from: String,
}

/// How keeping the files of a version ended.
pub(super) enum Kept {
    /// All of them are kept, these or those that somebody else inserted first.
    All,
    /// Somebody else's `.info` names another commit: the other files must be fetched for that one.
    Superseded,
}

impl Ingest {
    /// Receives every file to its end; the upstream's failures are the upstream's, the spool's are ours.
    pub(super) async fn receive(
        &self,
        fetched: Fetched,
        wanted: &[Kind],
        context: &FetchContext,
    ) -> Result<Received, UpstreamError> {
        let Fetched {
            info,
            go_mod,
            zip,
            from,
        } = fetched;
        for (kind, missing) in [
            (Kind::Info, info.is_none()),
            (Kind::Mod, go_mod.is_none()),
            (Kind::Zip, zip.is_none()),
        ] {
            if missing && wanted.contains(&kind) {
                return Err(UpstreamError::malformed(format!(
                    "{from} answered without the .{kind} it was asked for"
                )));
            }
        }
        Ok(Received {
            info: self.receive_one(Kind::Info, info, &from, context).await?,
            go_mod: self.receive_one(Kind::Mod, go_mod, &from, context).await?,
            zip: self.receive_one(Kind::Zip, zip, &from, context).await?,
            from,
        })
    }

    async fn receive_one(
        &self,
        kind: Kind,
        incoming: Option<Incoming>,
        from: &str,
        context: &FetchContext,
    ) -> Result<Option<Body>, UpstreamError> {
        let (size, chunks) = match incoming {
            None => return Ok(None),
            Some(Incoming::Whole(body)) => return Ok(Some(body)),
            Some(Incoming::Stream { size, chunks }) => (size, chunks),
        };
        let limit = kind.facts().max_size;
        let too_large =
            || UpstreamError::malformed(format!("{from} sent a .{kind} of more than {limit} bytes"));
        if size.is_some_and(|size| size > limit) {
            return Err(too_large());
        }
        let context = context.clone();
        let chunks = chunks.inspect(move |_| context.note_activity()).boxed();
        match self.spool.receive(chunks, limit).await {
            Ok(body) if size.is_some_and(|size| size != body.size()) => Err(UpstreamError::malformed(
                format!("{from} sent a .{kind} shorter or longer than it announced"),
            )),
            Ok(body) => Ok(Some(body)),
            Err(ReceiveError::Sender(error)) => Err(error),
            Err(ReceiveError::TooLarge { .. }) => Err(too_large()),
            Err(ReceiveError::Spool(error)) => Err(UpstreamError::Spool(error)),
        }
    }

    /// Verifies and inserts the files of one version in order.
    pub(super) async fn keep(&self, module: &ModuleVersion, received: Received) -> Result<Kept, MirrorError> {
        let Received {
            info,
            go_mod,
            zip,
            from,
        } = received;
        let told = info
            .as_ref()
            .and_then(Body::bytes)
            .and_then(|json| Info::parse(json).ok());
        let pinned = match &told {
            Some(_) => None,
            None => self.kept_info(module).await?,
        };
        let commit = told.as_ref().or(pinned.as_ref()).and_then(commit_of);
        let mut verified = Vec::new();
        let view = match &go_mod {
            Some(body) => WithGoMod::view(&self.store, module, body).await?,
            None => Arc::clone(&self.store),
        };
        // Those with sums first, since their refusals say more.
        for (kind, body) in [(Kind::Mod, go_mod), (Kind::Zip, zip), (Kind::Info, info)] {
            let Some(body) = body else { continue };
            let store = if kind == Kind::Zip { &view } else { &self.store };
            let file = Unverified::new(ModuleFile::new(module.clone(), kind), body).of_commit(commit);
            match file.verify(&**store, &*self.records, &*self.checksums).await {
                Ok(file) => verified.push(file),
                // It may be that somebody else has kept another commit meanwhile, and these files are none of that one.
                Err(_) if self.is_superseded(module, told.as_ref()).await? => return Ok(Kept::Superseded),
                Err(error) => return Err(error.into()),
            }
        }
        verified.sort_by_key(|file| file.file().kind);
        let mut other_go_mod = false;
        for mut file in verified {
            if file.file().kind == Kind::Zip && other_go_mod {
                // It was held against a `.mod` that lost a race.
                let again = Unverified::new(file.file().clone(), file.body().clone()).of_commit(commit);
                file = self.verify(again).await?;
            }
            let inserted = self
                .insert_and_record(&file, sight_of(&file, &from, commit))
                .await?;
            other_go_mod |= file.file().kind == Kind::Mod && inserted == Inserted::Other;
            if file.file().kind == Kind::Info
                && inserted == Inserted::Other
                && self.is_superseded(module, told.as_ref()).await?
            {
                return Ok(Kept::Superseded);
            }
        }
        Ok(Kept::All)
    }

    /// Whether the `.info` that is kept names another commit than the one that came.
    async fn is_superseded(&self, module: &ModuleVersion, told: Option<&Info>) -> Result<bool, StoreError> {
        let Some(told) = told else { return Ok(false) };
        let kept = self.kept_info(module).await?;
        Ok(kept.is_some_and(|kept| (commit_of(told), told.time) != (commit_of(&kept), kept.time)))
    }

    /// Verifies one file, inserts it, and records its first sight: where it came `from`, and of which commit.
    pub async fn insert(
        &self,
        file: Unverified,
        from: &str,
        commit: Option<&str>,
    ) -> Result<Inserted, MirrorError> {
        let verified = self.verify(file.of_commit(commit)).await?;
        let sight = sight_of(&verified, from, commit);
        self.insert_and_record(&verified, sight).await
    }

    /// The same for a file of another store, whose own record of its first sight comes along: `seen` must be of just
    /// these bytes.
    pub async fn insert_seen(&self, file: Unverified, seen: Sight) -> Result<Inserted, MirrorError> {
        let verified = self.verify(file.of_commit(seen.commit.as_deref())).await?;
        // When and from where is the other store's word; what the bytes are is not.
        let sight = Sight {
            when: seen.when,
            ..sight_of(&verified, &seen.from, seen.commit.as_deref())
        };
        self.insert_and_record(&verified, sight).await
    }

    async fn verify(&self, file: Unverified) -> Result<Verified, VerifyError> {
        file.verify(&*self.store, &*self.records, &*self.checksums).await
    }

    async fn insert_and_record(&self, file: &Verified, sight: Sight) -> Result<Inserted, MirrorError> {
        let inserted = self.insert_verified(file).await?;
        match inserted {
            Inserted::New | Inserted::Same => self.record(file, sight).await,
            Inserted::Other => self.report_other(file, &sight.from).await,
        }
        Ok(inserted)
    }

    async fn insert_verified(&self, file: &Verified) -> Result<Inserted, StoreError> {
        let mut attempt = 1;
        loop {
            match self.store.insert(file.clone()).await {
                Err(StoreError::Unavailable { .. }) if attempt < INSERT_ATTEMPTS => {
                    tokio::time::sleep(INSERT_PAUSE * attempt).await;
                    attempt += 1;
                }
                outcome => {
                    // What an attempt that failed has inserted all the same is the same now, and yet new.
                    let new = match outcome {
                        Ok(Inserted::New) => true,
                        Ok(Inserted::Same) => attempt > 1,
                        Ok(Inserted::Other) | Err(_) => false,
                    };
                    if let (true, Kind::Info, Some(feed)) = (new, file.file().kind, &self.feed) {
                        feed.announce(file.file().module.clone());
                    }
                    return outcome;
                }
            }
        }
    }

    /// The `.info` that is kept of a version, if it can be read.
    pub(super) async fn kept_info(&self, module: &ModuleVersion) -> Result<Option<Info>, StoreError> {
        let file = ModuleFile::new(module.clone(), Kind::Info);
        let Some(json) = self.store.read(&file).await? else {
            return Ok(None);
        };
        Info::parse(&json).map(Some).map_err(|error| StoreError::Corrupt {
            file,
            reason: error.reason,
        })
    }

    /// Records what was kept. A record that cannot be written now is made when the file is next read whole by a
    /// check; the file stands, so this is no failure of the insert.
    async fn record(&self, file: &Verified, sight: Sight) {
        let ModuleFile { module, kind } = file.file();
        metrics::counter!("stoa_files_kept_total", "kind" => kind.facts().extension).increment(1);
        if let Err(error) = seen::note(&*self.records, module, *kind, sight).await {
            tracing::warn!(file = %file.file(), %error, "the first sight of a file could not be recorded");
        }
    }

    /// Says what it means that other bytes were kept: the same module zipped by somebody else is no alarm, another
    /// module is.
    async fn report_other(&self, file: &Verified, from: &str) {
        let Some(offered) = file.h1() else { return };
        let kept = self.kept_sum(file.file()).await;
        if kept == Some(offered) {
            return;
        }
        metrics::counter!("stoa_sum_conflicts_total").increment(1);
        let kept = kept.map_or_else(|| "unknown".to_owned(), |sum| sum.to_string());
        tracing::error!(
            file = %file.file(), %offered, %kept, %from,
            "a file with another sum is kept already; the kept one stands"
        );
    }

    async fn kept_sum(&self, file: &ModuleFile) -> Option<H1> {
        if file.kind == Kind::Mod {
            return self
                .store
                .read(file)
                .await
                .ok()
                .flatten()
                .map(|bytes| H1::of_go_mod(&bytes));
        }
        seen::read(&*self.records, &file.module, file.kind)
            .await
            .ok()
            .flatten()
            .and_then(|sight| sight.h1)
    }
}

/// What is recorded of a file that was first seen now.
fn sight_of(file: &Verified, from: &str, commit: Option<&str>) -> Sight {
    Sight {
        size: file.body().size(),
        sha256: file.body().sha256(),
        h1: file.h1(),
        when: jiff::Timestamp::now(),
        from: from.to_owned(),
        commit: commit.map(str::to_owned),
    }
}

fn commit_of(info: &Info) -> Option<&str> {
    info.origin.as_ref().and_then(|origin| origin.hash.as_deref())
}
