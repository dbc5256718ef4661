//! What other mirrors proved: looked at before the database is asked, and believed no more than it.
//!
//! A store that is copied comes with lookups, tiles and a head of its own. They are answers like those of the database,
//! only nearer: each is proven before it is kept. So a mirror with no way out can be copied with all that its clients
//! verify by. What cannot be read there, or proves nothing, is asked of the database as if it had never been there.

use super::{Answer, Inner, SignedHead, heads::LATEST};
use crate::{
    record::Lookup,
    shelf::Shelf,
    tlog::tile::{FULL, Tile},
};
use bytes::Bytes;
use proxy_core::{checksums::ChecksumError, module::ModuleVersion};
use tokio::sync::OnceCell;

/// What another mirror kept of the database.
#[derive(Debug)]
pub(super) struct Beside {
    shelf: Shelf,
    /// Its greatest head, which says how wide its tiles are. It may grow meanwhile; what it had is enough.
    latest: OnceCell<Option<SignedHead>>,
}

impl Beside {
    pub(super) fn new(shelf: Shelf) -> Self {
        Self {
            shelf,
            latest: OnceCell::new(),
        }
    }

    async fn read(&self, path: &str) -> Option<Bytes> {
        match self.shelf.read(path).await {
            Ok(record) => record.map(|record| record.bytes),
            Err(error) => {
                tracing::warn!(path, %error, "what another store has of the checksum database cannot be read");
                None
            }
        }
    }
}

impl Inner {
    /// The proven record of a version, where another mirror kept it and what proves it.
    pub(super) async fn find_beside(
        &self,
        module: &ModuleVersion,
        path: &str,
    ) -> Result<Option<Answer>, ChecksumError> {
        for beside in &self.beside {
            let Some(message) = beside.read(path).await else {
                continue;
            };
            match self.take_over(beside, module, path, &message).await {
                Ok(answer) => return Ok(Some(answer)),
                Err(error @ ChecksumError::Untrustworthy { .. }) => return Err(error),
                Err(error) => {
                    tracing::warn!(%module, %error, "a lookup of another store is not proven; asking the database");
                }
            }
        }
        Ok(None)
    }

    /// The greatest head first: by it the tiles are found.
    async fn take_over(
        &self,
        beside: &Beside,
        module: &ModuleVersion,
        path: &str,
        message: &[u8],
    ) -> Result<Answer, ChecksumError> {
        let reaches = |head: Option<&SignedHead>, id| head.is_some_and(|head| id < head.head.size);
        let id = Lookup::parse(message).map_err(|error| self.unproven(error))?.id;
        if !reaches(self.known().await?.as_deref(), id)
            && let Some(latest) = self.latest_of(beside).await
        {
            self.merge(latest.clone()).await?;
        }
        self.take(module, path, message).await
    }

    /// The bytes of a tile, where another mirror kept them: under its own name, or as the beginning of a wider one. Not
    /// proven.
    pub(super) async fn tile_beside(&self, tile: Tile) -> Option<Bytes> {
        for beside in &self.beside {
            let there = self
                .latest_of(beside)
                .await
                .and_then(|latest| Tile::in_tree(tile.level, tile.index, latest.head.size));
            let mut widths = vec![tile.width, FULL];
            widths.extend(there.map(|there| there.width));
            widths.dedup();
            for width in widths.into_iter().filter(|width| *width >= tile.width) {
                let there = Tile { width, ..tile };
                let bytes = beside.read(&there.to_string()).await;
                if let Some(bytes) = bytes.filter(|bytes| bytes.len() == there.bytes()) {
                    return Some(bytes.slice(..tile.bytes()));
                }
            }
        }
        None
    }

    async fn latest_of<'a>(&self, beside: &'a Beside) -> Option<&'a SignedHead> {
        let read = async || self.open(&beside.read(LATEST).await?).ok();
        beside.latest.get_or_init(read).await.as_ref()
    }
}
