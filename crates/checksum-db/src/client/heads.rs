//! Heads: the greatest one seen is kept, and every other is held against it.
//!
//! A head is believed if the database signed it *and* it is of the one tree we know: the older of two must be the
//! beginning of the newer. A database that cannot show that has shown different trees to different people. An older head
//! is no lie by itself (answers are cached all the way to us), but it never takes the place of the newer one, and
//! `latest` may not go on answering one.

use super::{Inner, SignedHead, tiles::Gathered};
use crate::{
    meters,
    tlog::{TreeHead, plan::Plan, roots},
};
use proxy_core::checksums::ChecksumError;
use std::{
    sync::{Arc, PoisonError},
    time::Instant,
};

/// The record of the greatest head.
pub(super) const LATEST: &str = "latest";

/// The largest note that is read.
pub(super) const NOTE_LIMIT: usize = 1 << 20;

/// How often a head is held against another one that somebody else kept in between.
const ATTEMPTS: usize = 8;

/// A head that was proven, and since when this process knows it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    head: Arc<SignedHead>,
    since: Instant,
}

impl Inner {
    /// Opens a note with a head in it. Proves who signed it, and no more.
    pub(super) fn open(&self, message: &[u8]) -> Result<SignedHead, ChecksumError> {
        let note = self
            .key
            .open(message)
            .map_err(|error| self.unproven(format!("its tree head: {error}")))?;
        let head =
            TreeHead::parse(note.text()).map_err(|error| self.unproven(format!("its tree head: {error}")))?;
        Ok(SignedHead {
            head,
            message: note.message(),
        })
    }

    /// The greatest head this process knows, else the one that is kept.
    pub(crate) async fn known(&self) -> Result<Option<Arc<SignedHead>>, ChecksumError> {
        match self.in_memory() {
            Some(known) => Ok(Some(known.head)),
            None => self.reload().await,
        }
    }

    /// The greatest head, after a look at what other nodes kept.
    pub(crate) async fn reload(&self) -> Result<Option<Arc<SignedHead>>, ChecksumError> {
        let record = self
            .shelf
            .read(LATEST)
            .await
            .map_err(|error| self.unkept(&error))?;
        if let Some(record) = record {
            self.remember(self.open_kept(&record.bytes)?);
        }
        Ok(self.in_memory().map(|known| known.head))
    }

    /// What is kept was proven before it was; all that can be wrong with it is damage.
    fn open_kept(&self, message: &[u8]) -> Result<SignedHead, ChecksumError> {
        self.open(message).map_err(|_| {
            meters::alarm("damaged");
            let error = ChecksumError::Damaged {
                name: self.name.clone(),
                reason: format!(
                    "its record sumdb/{}/{LATEST} is no tree head that it signed; put it back from a copy of the store, \
                     or remove it, and the database's next answer is believed as the first one was",
                    self.name
                ),
            };
            tracing::error!(database = self.name, "{error}");
            error
        })
    }

    fn in_memory(&self) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a proven head, unless a greater one is known.
    fn remember(&self, head: SignedHead) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known
            .as_ref()
            .is_none_or(|known| known.head.head.size < head.head.size)
        {
            *known = Some(Known {
                head: Arc::new(head),
                since: Instant::now(),
            });
        }
    }

    /// Holds a head against the greatest one known, keeps the greater one, and gives it.
    pub(super) async fn merge(&self, offered: SignedHead) -> Result<Arc<SignedHead>, ChecksumError> {
        let is_known = || self.in_memory().filter(|known| known.head.head == offered.head);
        if let Some(known) = is_known() {
            return Ok(known.head);
        }
        let _alone = self.merging.lock().await;
        if let Some(known) = is_known() {
            return Ok(known.head);
        }
        for _ in 0..ATTEMPTS {
            let kept = self
                .shelf
                .read(LATEST)
                .await
                .map_err(|error| self.unkept(&error))?;
            let revision = kept.as_ref().map(|kept| &kept.revision);
            if let Some(kept) = &kept {
                self.remember(self.open_kept(&kept.bytes)?);
            }
            let known = self.in_memory().map(|known| known.head);
            if let Some(known) = known
                .as_ref()
                .filter(|known| offered.head.size <= known.head.size)
            {
                let gathered = self.contains(known, &offered).await?;
                self.keep(&gathered).await?;
                return Ok(Arc::clone(known));
            }
            let gathered = match &known {
                Some(known) => self.contains(&offered, known).await?,
                None => self.gather(&self.plan(offered.head, &[])?).await?,
            };
            // The tiles first: whoever finds a head finds them too.
            self.keep(&gathered).await?;
            let message = offered.message.clone().into();
            let swapped = self.shelf.swap(LATEST, message, revision).await;
            if swapped.map_err(|error| self.unkept(&error))? {
                self.remember(offered);
                if let Some(known) = known {
                    self.forget_outgrown(known.head, gathered.proven.head()).await;
                }
                return self
                    .known()
                    .await?
                    .ok_or_else(|| self.unavailable("its tree head was forgotten"));
            }
        }
        Err(self.unavailable("its tree head keeps changing in the store"))
    }

    /// Proves that the tree of one head begins with the tree of the other; if it does not, that is what is proven.
    async fn contains(&self, newer: &SignedHead, older: &SignedHead) -> Result<Gathered, ChecksumError> {
        let plan = self.plan(newer.head, &roots(older.head.size))?;
        let gathered = self.gather(&plan).await?;
        match gathered.proven.root_at(older.head.size) {
            Some(root) if root == older.head.root => Ok(gathered),
            Some(_) => Err(self.fork(newer, older, &gathered.proven).await),
            None => Err(self.unproven("its tiles do not reach an older tree")),
        }
    }

    pub(super) fn plan(&self, head: TreeHead, nodes: &[crate::tlog::Node]) -> Result<Plan, ChecksumError> {
        Plan::of_nodes(head, nodes).ok_or_else(|| self.unproven("its tree is smaller than what is in it"))
    }

    /// Asks for the newest head and merges it. The error tells whether the database could be asked.
    pub(crate) async fn newest(&self) -> Result<Arc<SignedHead>, ChecksumError> {
        let asked = self.latest.try_get_with((), async {
            let message = self.fetch(LATEST, NOTE_LIMIT).await?;
            let message = message.ok_or_else(|| self.unavailable("it has no newest tree head"))?;
            let offered = self.open(&message)?;
            let before = self.in_memory();
            let known = self.merge(offered.clone()).await?;
            match before.filter(|before| offered.head.size < before.head.head.size) {
                Some(before) if before.since.elapsed() > self.grace => {
                    Err(self.shrunk(&before.head, &offered).await)
                }
                _ => Ok(known),
            }
        });
        asked.await.map_err(|error| ChecksumError::clone(&error))
    }
}
