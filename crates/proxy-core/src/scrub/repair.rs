//! Acting on what was found: damage is set aside, and what is right is recorded.

use super::{Fault, Inspected};
use crate::{
    file::{Kind, ModuleFile, Sha256},
    module::ModuleVersion,
    records::{RecordKey, RecordStore, Written},
    seen::{self, Contradiction},
    store::{Corrupt, ModuleStore, Part, Quarantine, StoreError},
    sums::Sums,
};
use futures::TryStreamExt;
use sha2::Digest;
use std::sync::Arc;

/// Sets damage aside, in the store and in what is recorded. Nothing is deleted.
#[derive(Clone, Debug)]
pub struct Repair {
    /// The store itself.
    pub store: Arc<dyn ModuleStore>,
    /// What is recorded of it.
    pub records: Arc<dyn RecordStore>,
    /// What takes files out of it, and out of memories before it.
    pub quarantine: Arc<dyn Quarantine>,
}

impl Repair {
    /// Does what can be done about a fault: afterwards what was damaged, or is missing, is a miss.
    pub async fn mend(&self, fault: &Fault) -> Result<(), StoreError> {
        match fault {
            Fault::Damaged(corrupt) => {
                let file = corrupt.file();
                // Marked first: a version must never lack a file without anybody knowing why.
                match seen::mark_aside(&*self.records, &file.module, file.kind).await {
                    // Its record is damaged as well, and set aside for its own sake.
                    Err(StoreError::Corrupt { .. }) => {
                        self.set_record_aside(&file.module).await?;
                        seen::mark_aside(&*self.records, &file.module, file.kind).await?;
                    }
                    marked => marked?,
                }
                self.quarantine.set_aside(corrupt.clone()).await
            }
            Fault::Torn { zip, missing } => seen::mark_aside(&*self.records, &zip.module, *missing).await,
            Fault::SumBeside { zip, found, right } => {
                self.quarantine.renew_sum_beside(zip, found, *right).await
            }
            Fault::Record { module, .. } => self.set_record_aside(module).await,
            Fault::Contradicted {
                module,
                contradiction,
                sums,
            } => self.condemn(module, contradiction, *sums).await,
        }
    }

    /// Records what is missing of a file that was found sound, and that it is no longer aside.
    pub async fn settle(&self, file: &ModuleFile, inspected: &Inspected) -> Result<(), StoreError> {
        if let Some(sight) = &inspected.unrecorded {
            seen::note(&*self.records, &file.module, file.kind, sight.clone()).await?;
        }
        if inspected.healed {
            seen::unmark_aside(&*self.records, &file.module, file.kind).await?;
        }
        Ok(())
    }

    /// Refuses a version for good, which a checksum database knows with other sums, and sets all of it aside.
    pub async fn condemn(
        &self,
        module: &ModuleVersion,
        contradiction: &Contradiction,
        proven: Sums,
    ) -> Result<(), StoreError> {
        seen::condemn(&*self.records, module, contradiction).await?;
        // The zip first, so that it is never there without the others.
        for kind in [Kind::Zip, Kind::Mod, Kind::Info] {
            let file = ModuleFile::new(module.clone(), kind);
            let found = self.sum_of(&file).await?;
            let proven = match kind {
                Kind::Info => None,
                Kind::Mod => Some(proven.go_mod),
                Kind::Zip => Some(proven.zip),
            };
            let reason = format!("{} contradicts its version", contradiction.authority);
            if found.is_some() {
                seen::mark_aside(&*self.records, module, kind).await?;
            }
            // Also what is gone: another node may have set it aside, and a memory of ours may still have it.
            let file = Corrupt::proven(file, found.flatten(), proven, reason);
            self.quarantine.set_aside(file).await?;
        }
        Ok(())
    }

    /// The sum of a kept file as it is now; the inner `None` where it has no bytes that can be read.
    async fn sum_of(&self, file: &ModuleFile) -> Result<Option<Option<Sha256>>, StoreError> {
        let content = match self.store.open(file, Part::Whole).await {
            Ok(Some(content)) => content,
            Ok(None) => return Ok(None),
            Err(StoreError::Corrupt { .. }) => return Ok(Some(None)),
            Err(error) => return Err(error),
        };
        let mut hasher = sha2::Sha256::new();
        let mut chunks = content.into_stream();
        while let Some(chunk) = chunks.try_next().await? {
            hasher.update(&chunk);
        }
        Ok(Some(Some(Sha256(hasher.finalize().into()))))
    }

    /// Copies the record of a version to where damage lies, and begins it anew; the next inspection fills it.
    async fn set_record_aside(&self, module: &ModuleVersion) -> Result<(), StoreError> {
        let key = seen::key(module)?;
        let Some(record) = self.records.read(&key).await? else {
            return Ok(());
        };
        let sum = Sha256::of(&record.bytes);
        let aside = RecordKey::parse(&format!("damaged/{key}.{sum}"))
            .map_err(|error| StoreError::unavailable(error.to_string()))?;
        // That it is there already means that somebody came as far as this before.
        let _copied: Written = self.records.write(&aside, record.bytes, None).await?;
        // Whoever changed it meanwhile has mended it.
        let _begun: Written = self
            .records
            .write(&key, seen::anew()?, Some(&record.revision))
            .await?;
        Ok(())
    }
}
