//! Lookups: one flight at a time for each version, proven, and kept for ever.

use super::{Answer, Inner, heads::NOTE_LIMIT};
use crate::{
    meters::looked_up,
    record::Lookup,
    tlog::{Hash, Node, proof::Hashes},
};
use proxy_core::{checksums::ChecksumError, module::ModuleVersion};
use std::{sync::Arc, time::Duration};

/// The largest answer that is read: a record is a few hundred bytes, and a note stands behind it.
const LOOKUP_LIMIT: usize = NOTE_LIMIT + (64 << 10);

/// How long somebody waits for a lookup and all its tiles. What is under way goes on, for whoever asks next.
const PATIENCE: Duration = Duration::from_secs(30);

impl Inner {
    /// The proven record of a version; [`ChecksumError::Unknown`] if the database has none.
    pub(crate) async fn lookup(
        self: &Arc<Self>,
        module: &ModuleVersion,
    ) -> Result<Arc<Answer>, ChecksumError> {
        if !self.speaks_for(module.path()) {
            return Err(ChecksumError::Private(module.path().to_string()));
        }
        // A task of its own: whoever hangs up cancels nobody.
        let find = async {
            let (inner, module) = (Arc::clone(self), module.clone());
            match tokio::spawn(async move { inner.find(&module).await }).await {
                Ok(outcome) => outcome,
                Err(_) => Err(self.unavailable("looking it up ended without an answer")),
            }
        };
        match tokio::time::timeout(PATIENCE, self.answers.try_get_with_by_ref(module, find)).await {
            Ok(found) => found.map_err(|error| ChecksumError::clone(&error)),
            Err(_) => Err(self.unavailable(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }

    async fn find(&self, module: &ModuleVersion) -> Result<Arc<Answer>, ChecksumError> {
        let path = format!(
            "lookup/{}@{}",
            module.path().escaped(),
            module.version().escaped()
        );
        let kept = self
            .shelf
            .read(&path)
            .await
            .map_err(|error| self.unkept(&error))?;
        if let Some(kept) = kept {
            match self.prove_kept(module, &kept.bytes).await {
                Ok(answer) => {
                    looked_up("kept");
                    return Ok(Arc::new(answer));
                }
                Err(ChecksumError::Unproven { reason, .. }) => {
                    tracing::warn!(%module, reason, "a kept lookup proves nothing any more; fetching it anew");
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(answer) = self.find_beside(module, &path).await? {
            looked_up("kept");
            return Ok(Arc::new(answer));
        }
        let outcome = self.find_there(module, &path).await;
        looked_up(match &outcome {
            Ok(_) => "fetched",
            Err(ChecksumError::Unknown { .. }) => "unknown",
            Err(ChecksumError::Unavailable { .. }) => "unavailable",
            Err(_) => "refused",
        });
        outcome.map(Arc::new)
    }

    async fn find_there(&self, module: &ModuleVersion, path: &str) -> Result<Answer, ChecksumError> {
        let unknown = || ChecksumError::Unknown {
            name: self.name.clone(),
            module: module.clone(),
        };
        if self.unknown.contains_key(module) {
            return Err(unknown());
        }
        let Some(message) = self.fetch(path, LOOKUP_LIMIT).await? else {
            self.unknown.insert(module.clone(), ());
            return Err(unknown());
        };
        self.take(module, path, &message).await
    }

    /// Proves what was answered, and keeps it.
    pub(super) async fn take(
        &self,
        module: &ModuleVersion,
        path: &str,
        message: &[u8],
    ) -> Result<Answer, ChecksumError> {
        let lookup = self.read(module, message)?;
        let offered = self.open(lookup.note)?;
        if lookup.id >= offered.head.size {
            return Err(self.unproven("its tree head does not reach the record"));
        }
        let text = Lookup::format(lookup.id, &lookup.record, &offered.message);
        self.merge(offered).await?;
        let answer = self.prove(module, lookup).await?;
        let put = self.shelf.put(path, text.into()).await;
        put.map_err(|error| self.unkept(&error))?;
        Ok(answer)
    }

    /// What is kept was proven once; its head need not be looked at again if there is a greater one.
    async fn prove_kept(&self, module: &ModuleVersion, message: &[u8]) -> Result<Answer, ChecksumError> {
        let lookup = self.read(module, message)?;
        let known = self.known().await?;
        if known.is_none_or(|known| known.head.size <= lookup.id) {
            self.merge(self.open(lookup.note)?).await?;
        }
        self.prove(module, lookup).await
    }

    fn read<'a>(&self, module: &ModuleVersion, message: &'a [u8]) -> Result<Lookup<'a>, ChecksumError> {
        let lookup = Lookup::parse(message).map_err(|error| self.unproven(error))?;
        lookup.record.sums(module).map_err(|error| self.unproven(error))?;
        Ok(lookup)
    }

    /// Proves that the record is in the tree of the greatest head.
    async fn prove(&self, module: &ModuleVersion, lookup: Lookup<'_>) -> Result<Answer, ChecksumError> {
        let Lookup { id, record, .. } = lookup;
        let sums = record.sums(module).map_err(|error| self.unproven(error))?;
        let known = self.known().await?;
        let head = known
            .ok_or_else(|| self.unavailable("no tree head of it is known"))?
            .head;
        let node = Node::record(id);
        let gathered = self.gather(&self.plan(head, &[node])?).await?;
        if gathered.proven.hash(node) != Some(Hash::of_record(record.as_str().as_bytes())) {
            return Err(self.unproven("its tree holds another record at that place"));
        }
        self.keep(&gathered).await?;
        Ok(Answer { id, record, sums })
    }
}
