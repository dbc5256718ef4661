//! Quarantine: where a damaged file goes, so that its name is a miss again.
//!
//! Nothing is deleted and nothing is replaced: the damaged bytes stay at hand under `.stoa/damaged/` (in Postgres in a
//! table of their own), and the record of first sight goes on saying which bytes the name had. So an ordinary fetch
//! heals the file if, and only if, it brings just those.

use super::StoreError;
use crate::{
    file::{ModuleFile, Sha256},
    sums::H1,
};
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt::Debug;

/// Takes damaged files out of the way.
#[async_trait]
pub trait Quarantine: Debug + Send + Sync + 'static {
    /// Moves a damaged file aside. Once it answers, `open` says `None` until the file is inserted anew.
    ///
    /// It takes away only the bytes that were found damaged: where the file meanwhile has others (another node has set
    /// it aside and it was fetched anew), or none, nothing is done. Dropped halfway, it happened or did not.
    async fn set_aside(&self, file: Corrupt) -> Result<(), StoreError>;

    /// The text that the store keeps beside a zip for others to read (`.ziphash`), if it keeps such a thing. It is no
    /// module file and is never served, but Go's module cache believes it.
    async fn sum_beside(&self, _zip: &ModuleFile) -> Result<Option<Bytes>, StoreError> {
        Ok(None)
    }

    /// Sets aside what is kept beside a zip, if it is still this text, and writes the right sum.
    async fn renew_sum_beside(&self, _zip: &ModuleFile, _found: &[u8], _right: H1) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The proof that a kept file is damaged: a check read its bytes, and they are not those that were kept, or break a
/// rule that no file was ever kept against. Only the checks of this crate make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrupt {
    file: ModuleFile,
    found: Option<Sha256>,
    recorded_h1: Option<H1>,
    reason: String,
}

impl Corrupt {
    /// To be called by a check that has just read the bytes, and by nothing else: these calls are the whole list of
    /// ways in which a name can become a miss again.
    pub(crate) fn proven(
        file: ModuleFile,
        found: Option<Sha256>,
        recorded_h1: Option<H1>,
        reason: String,
    ) -> Self {
        Self {
            file,
            found,
            recorded_h1,
            reason,
        }
    }

    /// The file.
    pub fn file(&self) -> &ModuleFile {
        &self.file
    }

    /// The sum of the bytes that were found; `None` where they could not be read to their end (a folder or a link is in
    /// the file's place, rows are missing).
    pub fn found(&self) -> Option<Sha256> {
        self.found
    }

    /// The `h1:` sum that the record of first sight says the file has, if there is one: what a store keeps of the sum
    /// beside the file, and is another, is damaged too.
    pub fn recorded_h1(&self) -> Option<H1> {
        self.recorded_h1
    }

    /// How it shows, as a phrase.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Where the damaged bytes go in a tree or bucket: a name of their own, so that nothing set aside before is lost.
    pub fn tree_path(&self) -> String {
        let sum = self
            .found
            .map_or_else(|| "unreadable".to_owned(), |sum| sum.to_string());
        format!(".stoa/damaged/{}.{sum}", self.file.tree_path())
    }
}
