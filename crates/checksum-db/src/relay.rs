//! The clients' side: `latest`, `lookup/…` and `tile/…`, each proven before it is given.
//!
//! Every lookup goes out under the greatest head that is known, not under the one it came with. So a client sees one
//! tree that only ever grows, and whatever it will ask for to check a lookup (the right edge of that tree, and the way
//! from the record up to it) is kept by then: it is what the lookup was proven with here. A client's own older heads are
//! proven by the same tiles. Nothing of a client's request goes further than the name of what it asks for.

use crate::{
    client::{Database, Inner},
    record::Lookup,
    tlog::tile::{Tile, TilePath},
};
use async_trait::async_trait;
use bytes::Bytes;
use proxy_core::{
    checksums::{ChecksumError, ChecksumRelay, Relayed},
    module::{ModulePath, ModuleVersion, Version},
};
use std::sync::Arc;

#[async_trait]
impl ChecksumRelay for Database {
    fn name(&self) -> &str {
        &self.0.name
    }

    async fn read(&self, path: &str) -> Result<Option<Relayed>, ChecksumError> {
        self.0.relay(path).await
    }

    async fn read_kept(&self, path: &str) -> Result<Option<Relayed>, ChecksumError> {
        // A head that was kept since is what newer lookups were proven under.
        self.1.reload().await?;
        self.1.relay(path).await
    }
}

/// `<escaped path>@<escaped version>`.
fn unescaped(module: &str) -> Option<ModuleVersion> {
    let (path, version) = module.split_once('@')?;
    let (path, version) = (ModulePath::unescape(path).ok()?, Version::unescape(version).ok()?);
    ModuleVersion::new(path, version).ok()
}

impl Inner {
    async fn relay(self: &Arc<Self>, path: &str) -> Result<Option<Relayed>, ChecksumError> {
        match path.split_once('/') {
            None if path == "latest" => self.relay_latest().await.map(Some),
            Some(("lookup", module)) => match unescaped(module) {
                Some(module) => self.relay_lookup(&module).await,
                None => Ok(None),
            },
            Some(("tile", _)) => match TilePath::parse(path) {
                Some(TilePath::Hashes(tile)) => self.relay_tile(tile).await,
                // Records by number: the go command asks for none.
                Some(TilePath::Records(_)) | None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    async fn relay_latest(&self) -> Result<Relayed, ChecksumError> {
        let (head, stale) = match self.newest().await {
            // The answer is remembered for a while, in which a lookup may have come under a greater head.
            Ok(head) => {
                let greater = self
                    .known()
                    .await?
                    .filter(|known| known.head.size > head.head.size);
                (greater.unwrap_or(head), false)
            }
            // Another node may have seen a greater one than this.
            Err(unavailable @ ChecksumError::Unavailable { .. }) => match self.reload().await? {
                Some(head) => (head, true),
                None => return Err(unavailable),
            },
            Err(error) => return Err(error),
        };
        Ok(changing(head.message.clone(), stale))
    }

    async fn relay_lookup(
        self: &Arc<Self>,
        module: &ModuleVersion,
    ) -> Result<Option<Relayed>, ChecksumError> {
        let answer = match self.lookup(module).await {
            Err(ChecksumError::Unknown { .. }) => return Ok(None),
            outcome => outcome?,
        };
        // It was proven under a head that was the greatest one then; there may only be greater ones by now.
        let head = self.known().await?.filter(|known| answer.id < known.head.size);
        let head = head.ok_or_else(|| ChecksumError::Unavailable {
            name: self.name.clone(),
            reason: "no tree head of it is known".to_owned(),
        })?;
        Ok(Some(changing(
            Lookup::format(answer.id, &answer.record, &head.message),
            false,
        )))
    }

    async fn relay_tile(&self, tile: Tile) -> Result<Option<Relayed>, ChecksumError> {
        let proven = match self.known().await? {
            Some(known) => self.prove_tile(&known, tile).await?,
            None => None,
        };
        let bytes = match proven {
            Some(bytes) => Some(bytes),
            // A client may know a newer tree than we do, from another node too.
            None => {
                let head = match self.newest().await {
                    Err(unavailable @ ChecksumError::Unavailable { .. }) => {
                        self.reload().await?.ok_or(unavailable)?
                    }
                    asked => asked?,
                };
                self.prove_tile(&head, tile).await?
            }
        };
        Ok(bytes.map(|bytes| Relayed {
            bytes,
            immutable: true,
            stale: false,
        }))
    }
}

fn changing(text: String, stale: bool) -> Relayed {
    Relayed {
        bytes: Bytes::from(text),
        immutable: false,
        stale,
    }
}
