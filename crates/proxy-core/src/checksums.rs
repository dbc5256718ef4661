//! Checksum databases, as the mirror needs them; `checksum-db` implements both traits.

mod first_sight;
mod pending;

pub use first_sight::FirstSight;
pub use pending::Pending;

use crate::{
    module::{ModulePath, ModuleVersion},
    store::StoreError,
    sums::Sums,
};
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt::Debug;

/// The module of the go command's own toolchains: programs that run as soon as they are there, and that no `go.sum` ever
/// names. They are held against the database whatever the patterns say, before they are kept. (Go's `useSumDB`.)
pub const TOOLCHAIN: &str = "golang.org/toolchain";

/// Knows the sums a version must have.
#[async_trait]
pub trait ChecksumAuthority: Debug + Send + Sync + 'static {
    /// The database's name, for sentences.
    fn name(&self) -> &str;
    /// Whether a database speaks for this module; nothing leaves.
    fn speaks_for(&self, path: &ModulePath) -> bool;
    /// Proven sums; `None`: the database has no such version.
    async fn sums(&self, module: &ModuleVersion) -> Result<Option<Sums>, ChecksumError>;
    /// Asked when the sums are unavailable: whether the version may be kept as it is seen first, and looked up later. If
    /// so, that it has to be is on record by then. Usually it may not.
    async fn postpone(&self, _module: &ModuleVersion) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// Relays a checksum database to clients.
#[async_trait]
pub trait ChecksumRelay: Debug + Send + Sync + 'static {
    /// The database's name, as in `/sumdb/<name>/…`; it may hold slashes.
    fn name(&self) -> &str;
    /// `latest`, `lookup/…`, `tile/…`: verified before it is given.
    async fn read(&self, path: &str) -> Result<Option<Relayed>, ChecksumError>;
    /// The same out of what is kept here, for a client that wants nothing to be fetched: nobody is asked. What is not kept
    /// is [unavailable](ChecksumError::Unavailable).
    async fn read_kept(&self, path: &str) -> Result<Option<Relayed>, ChecksumError>;
}

/// What a relay gives.
#[derive(Clone, Debug)]
pub struct Relayed {
    /// The body.
    pub bytes: Bytes,
    /// Whether it can never change.
    pub immutable: bool,
    /// Whether the database could not be asked and this is what was kept.
    pub stale: bool,
}

/// Why the database gives no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChecksumError {
    /// Try again later.
    #[error("the checksum database {name} is unavailable: {reason}")]
    Unavailable {
        /// The database.
        name: String,
        /// What failed, as a phrase.
        reason: String,
    },
    /// Mend the store: what it keeps of the database cannot be used. The database may well be there, so nothing is put
    /// off on account of this.
    #[error("what is kept of the checksum database {name} is damaged: {reason}")]
    Damaged {
        /// The database.
        name: String,
        /// Which record, and what to do about it.
        reason: String,
    },
    /// The database speaks for the module, but does not know the version.
    #[error(
        "the checksum database {name} does not know {module}; a private module belongs in upstream.private or checksums.skip"
    )]
    Unknown {
        /// The database.
        name: String,
        /// The version.
        module: ModuleVersion,
    },
    /// Refuse: the module is private, its name must not leave.
    #[error("{0} is private here: its name is not sent to a checksum database")]
    Private(String),
    /// Refuse: what came as the database's answer does not prove what it says. Somebody in between may have made it.
    #[error("what the checksum database {name} answered was refused: {reason}")]
    Unproven {
        /// The database.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Stop and tell someone: the database contradicts itself.
    #[error("the checksum database {name} was caught contradicting itself: {reason}")]
    Untrustworthy {
        /// The database.
        name: String,
        /// What shows it.
        reason: String,
    },
}

/// No database speaks for anything: what was seen first holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDatabase;

#[async_trait]
impl ChecksumAuthority for NoDatabase {
    fn name(&self) -> &str {
        "off"
    }
    fn speaks_for(&self, _path: &ModulePath) -> bool {
        false
    }
    async fn sums(&self, _module: &ModuleVersion) -> Result<Option<Sums>, ChecksumError> {
        Ok(None)
    }
}
