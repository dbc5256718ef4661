//! The mirror's side: the sums that a version must have.

use crate::client::Database;
use async_trait::async_trait;
use proxy_core::{
    checksums::{ChecksumAuthority, ChecksumError},
    module::{ModulePath, ModuleVersion},
    sums::Sums,
};

#[async_trait]
impl ChecksumAuthority for Database {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn speaks_for(&self, path: &ModulePath) -> bool {
        self.0.speaks_for(path)
    }

    async fn sums(&self, module: &ModuleVersion) -> Result<Option<Sums>, ChecksumError> {
        match self.0.lookup(module).await {
            Ok(answer) => Ok(Some(answer.sums)),
            Err(ChecksumError::Unknown { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
