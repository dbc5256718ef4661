//! Tiles: held in memory, kept as records, fetched when there is no other way, and proven each time.
//!
//! One tile is kept for each place, as wide as the greatest head has it: every narrower state is its beginning. When the
//! tree grows, the tiles of the old right edge are the very ones that prove the old tree to be the beginning of the new
//! one; so whatever could be proven under the old head can be proven under the new one from what is kept, and the
//! database may go away at any time.

use super::{Inner, SignedHead};
use crate::tlog::{
    TreeHead,
    plan::{Plan, Proven},
    roots,
    tile::{FULL, Tile},
};
use bytes::Bytes;
use futures::future::try_join_all;
use proxy_core::checksums::ChecksumError;

/// The memory for tiles, in bytes.
const MOST_BYTES: u64 = 16 << 20;

/// Tiles in memory, each as wide as it was seen.
pub(super) struct Warm(moka::sync::Cache<(u32, u64), (Tile, Bytes)>);

/// Where tiles are looked for first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// In memory and in our records.
    Kept,
    /// In the records of other mirrors.
    Beside,
    /// At the database.
    Fetched,
}

/// Proven tiles, and which of them are not kept yet.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) proven: Proven,
    fetched: Vec<Tile>,
}

impl Warm {
    pub(super) fn new() -> Self {
        let weigh =
            |_: &(u32, u64), (_, bytes): &(Tile, Bytes)| u32::try_from(bytes.len() + 64).unwrap_or(u32::MAX);
        let cache = moka::sync::Cache::builder()
            .max_capacity(MOST_BYTES)
            .weigher(weigh);
        Self(cache.build())
    }

    fn get(&self, wanted: Tile) -> Option<Bytes> {
        let (tile, bytes) = self.0.get(&(wanted.level, wanted.index))?;
        (tile.width >= wanted.width).then(|| bytes.slice(..wanted.bytes()))
    }

    fn insert(&self, tile: Tile, bytes: &Bytes) {
        if self.get(tile).is_none() {
            self.0.insert((tile.level, tile.index), (tile, bytes.clone()));
        }
    }
}

impl Inner {
    /// Brings the tiles of a plan and proves them. What is kept and does not prove anything is fetched anew.
    pub(super) async fn gather(&self, plan: &Plan) -> Result<Gathered, ChecksumError> {
        let tiles = plan.tiles();
        let kept = try_join_all(tiles.iter().map(|tile| self.kept_tile(*tile))).await?;
        let missing = tiles.iter().zip(&kept).filter(|(_, kept)| kept.is_none());
        let missing: Vec<_> = missing.map(|(tile, _)| *tile).collect();
        let mut ways = Vec::new();
        if missing.len() < tiles.len() {
            ways.push((Way::Kept, missing));
        }
        if !self.beside.is_empty() {
            ways.push((Way::Beside, tiles.to_vec()));
        }
        ways.push((Way::Fetched, tiles.to_vec()));
        let mut outcome = None;
        for (way, fetched) in ways {
            if let Some(error) = outcome.take() {
                tracing::warn!(database = self.name, %error, "kept tiles do not prove this head; fetching them anew");
            }
            let bring = tiles.iter().zip(&kept).map(|(tile, kept)| async move {
                match kept {
                    Some(bytes) if way == Way::Kept => Ok(bytes.clone()),
                    _ => self.bring_tile(*tile, way).await,
                }
            });
            match plan.authenticate(&try_join_all(bring).await?) {
                Ok(proven) => return Ok(Gathered { proven, fetched }),
                Err(error) => outcome = Some(error),
            }
        }
        let error = outcome.map(|error| error.to_string()).unwrap_or_default();
        Err(self.unproven(error))
    }

    async fn bring_tile(&self, tile: Tile, way: Way) -> Result<Bytes, ChecksumError> {
        if way != Way::Fetched
            && let Some(bytes) = self.tile_beside(tile).await
        {
            return Ok(bytes);
        }
        self.fetch_tile(tile).await
    }

    /// The bytes of a tile of our tree; `None` if the tree is too small for it.
    pub(crate) async fn prove_tile(
        &self,
        head: &SignedHead,
        tile: Tile,
    ) -> Result<Option<Bytes>, ChecksumError> {
        let there = Tile::in_tree(tile.level, tile.index, head.head.size);
        if there.is_none_or(|there| there.width < tile.width) {
            return Ok(None);
        }
        let Some(plan) = Plan::of_tiles(head.head, &[tile]) else {
            return Ok(None);
        };
        let gathered = self.gather(&plan).await?;
        self.keep(&gathered).await?;
        Ok(gathered.proven.tile(tile))
    }

    /// Keeps tiles, once the head they were proven with is known to be of our tree.
    pub(super) async fn keep(&self, gathered: &Gathered) -> Result<(), ChecksumError> {
        for (tile, bytes) in gathered.proven.tiles() {
            if gathered.fetched.contains(&tile) {
                let put = self.shelf.put(&tile.to_string(), bytes.clone()).await;
                put.map_err(|error| self.unkept(&error))?;
            }
            self.warm.insert(tile, bytes);
        }
        Ok(())
    }

    /// Removes the records of tiles that are kept wider by now. That they go is not needed for anything.
    pub(super) async fn forget_outgrown(&self, older: TreeHead, newer: TreeHead) {
        let edge = roots(older.size)
            .into_iter()
            .filter_map(|node| Tile::holding(node, older.size));
        for tile in edge {
            let wider = Tile::in_tree(tile.level, tile.index, newer.size);
            if wider.is_some_and(|wider| wider.width > tile.width)
                && let Err(error) = self.shelf.remove(&tile.to_string()).await
            {
                tracing::debug!(database = self.name, %error, "an outgrown tile stays");
            }
        }
    }

    /// A tile from memory or the records: under its own name, or as the beginning of a wider one. Not proven.
    async fn kept_tile(&self, tile: Tile) -> Result<Option<Bytes>, ChecksumError> {
        if let Some(bytes) = self.warm.get(tile) {
            return Ok(Some(bytes));
        }
        if let Some(bytes) = self.tile_record(tile, tile.width).await? {
            return Ok(Some(bytes));
        }
        if tile.width == FULL {
            return Ok(None);
        }
        if let Some(bytes) = self.tile_record(tile, FULL).await? {
            return Ok(Some(bytes));
        }
        // As wide as the greatest head has it, here or, if another node let the tree grow, there.
        for head in [self.known().await?, self.reload().await?].into_iter().flatten() {
            let there = Tile::in_tree(tile.level, tile.index, head.head.size);
            if let Some(there) = there.filter(|there| there.width > tile.width)
                && let Some(bytes) = self.tile_record(tile, there.width).await?
            {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    async fn tile_record(&self, tile: Tile, width: u32) -> Result<Option<Bytes>, ChecksumError> {
        let there = Tile { width, ..tile };
        let record = self
            .shelf
            .read(&there.to_string())
            .await
            .map_err(|error| self.unkept(&error))?;
        let whole = record.filter(|record| record.bytes.len() == there.bytes());
        Ok(whole.map(|record| record.bytes.slice(..tile.bytes())))
    }

    /// A tile from the database; of a partial one that is gone because it grew, the beginning of the full one.
    async fn fetch_tile(&self, tile: Tile) -> Result<Bytes, ChecksumError> {
        for there in [tile, tile.full()] {
            match self.fetch(&there.to_string(), there.bytes()).await? {
                Some(bytes) if bytes.len() == there.bytes() => return Ok(bytes.slice(..tile.bytes())),
                Some(_) => {
                    return Err(self.unproven(format!("{there} has another length than its name says")));
                }
                None if there.is_full() => break,
                None => {}
            }
        }
        Err(self.unavailable(format!("it has no {tile}, which its tree must have")))
    }
}
