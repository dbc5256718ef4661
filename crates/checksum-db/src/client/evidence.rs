//! Evidence: what shows that a database contradicted itself, kept and shouted about.
//!
//! Two heads with good signatures of which neither tree is the beginning of the other cannot both be honest, and the
//! proof needs nobody's word. It is kept as a record, so that it can be shown to whoever runs the database.

use super::{Inner, SignedHead};
use crate::{
    meters,
    tlog::{Hash, plan::Proven, proof},
};
use proxy_core::checksums::ChecksumError;

impl Inner {
    /// The newer tree does not begin with the older one.
    pub(super) async fn fork(
        &self,
        newer: &SignedHead,
        older: &SignedHead,
        proven: &Proven,
    ) -> ChecksumError {
        let (size, before) = (newer.head.size, older.head.size);
        let reason =
            format!("it signed a tree of {size} records that does not begin with its tree of {before}");
        let root = proven
            .root_at(before)
            .map(|root| root.to_string())
            .unwrap_or_default();
        let proof = proof::prove_tree(size, before, proven).unwrap_or_default();
        let proof = proof.iter().map(|hash| format!("{hash}\n")).collect::<String>();
        let details = format!(
            "The newer tree's first {before} records have the root {root}, as this proof shows:\n{proof}"
        );
        self.alarm("fork", reason, newer, older, &details).await
    }

    /// The database goes on answering an older tree than it signed long ago.
    pub(super) async fn shrunk(&self, known: &SignedHead, offered: &SignedHead) -> ChecksumError {
        let (size, before) = (offered.head.size, known.head.size);
        let reason =
            format!("its newest tree has {size} records, though it signed one of {before} long before");
        self.alarm("shrinking", reason, known, offered, "").await
    }

    async fn alarm(
        &self,
        kind: &'static str,
        reason: String,
        newer: &SignedHead,
        older: &SignedHead,
        details: &str,
    ) -> ChecksumError {
        meters::alarm(kind);
        let evidence = format!(
            "The checksum database {} contradicts itself: {reason}.\n\n-- a tree head it signed --\n{}\n-- another tree head \
             it signed --\n{}\n{details}",
            self.name, older.message, newer.message
        );
        let fingerprint = Hash::of_record(evidence.as_bytes()).0;
        let fingerprint: String = fingerprint
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let path = format!(
            "evidence/{kind}-{}-{}-{fingerprint}",
            older.head.size, newer.head.size
        );
        tracing::error!(
            database = self.name,
            kind,
            reason,
            evidence = path,
            "a checksum database contradicts itself"
        );
        if let Err(error) = self.shelf.put(&path, evidence.clone().into()).await {
            // Then the log is where it is kept.
            tracing::error!(database = self.name, %error, evidence, "the evidence could not be kept");
        }
        ChecksumError::Untrustworthy {
            name: self.name.clone(),
            reason,
        }
    }
}
