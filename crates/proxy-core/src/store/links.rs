//! Signed links: letting a bucket serve a file itself.

use super::StoreError;
use crate::file::ModuleFile;
use async_trait::async_trait;
use std::{fmt::Debug, time::Duration};

/// Makes addresses under which clients read a kept file without us.
#[async_trait]
pub trait SignedLinks: Debug + Send + Sync + 'static {
    /// An address that serves just this file for `lifetime`, or `None` if the file is not kept or cannot be signed for.
    async fn link(&self, file: &ModuleFile, lifetime: Duration) -> Result<Option<String>, StoreError>;
}
