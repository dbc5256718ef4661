//! Believing tiles: which ones prove what, and whether they do.
//!
//! Nothing that a server sends is true because it was asked for. The tiles on the right edge of a tree give its root,
//! and the root is in a signed head; every hash of these tiles goes into it, so if it agrees they are right. Any other
//! tile is full, and its hash is an entry of the tile above it. A [`Plan`] asks for the tiles that are wanted and for
//! all above them; [`Plan::authenticate`] goes down from the root and gives nothing unless every single tile was held
//! against one that is already proven. (Two attacks of 2026 lived on clients that skipped a tile here, or looked for an
//! answer beside what was proven: CVE-2026-56865 and CVE-2026-56864.)

use super::{Hash, Node, TreeHead, joined, proof::Hashes, roots, tile::Tile};
use bytes::Bytes;
use std::collections::BTreeMap;

/// The tiles that prove some hashes of a tree.
#[derive(Clone, Debug)]
pub struct Plan {
    head: TreeHead,
    /// Parents before children: in order of falling levels.
    tiles: Vec<Tile>,
}

/// Tiles that were proven to belong to a tree, and the hashes in them.
#[derive(Clone, Debug)]
pub struct Proven {
    head: TreeHead,
    tiles: BTreeMap<(u32, u64), (Tile, Bytes)>,
}

/// What was sent is not the tree that the head stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// The tiles of the right edge give another root.
    #[error("the tiles do not add up to the signed root")]
    Root,
    /// A tile is not the one that its parent names, or has another length than its name says.
    #[error("{0} is not the tile of this tree")]
    Tile(Tile),
}

impl Plan {
    /// The tiles that prove these nodes of a tree, and its root; `None` if the tree does not have them all.
    pub fn of_nodes(head: TreeHead, nodes: &[Node]) -> Option<Self> {
        let tiles: Option<Vec<_>> = nodes.iter().map(|node| Tile::holding(*node, head.size)).collect();
        Self::of_tiles(head, &tiles?)
    }

    /// The tiles that prove these, each as wide as the tree has it; `None` if the tree does not have them all.
    pub fn of_tiles(head: TreeHead, wanted: &[Tile]) -> Option<Self> {
        let edge = roots(head.size)
            .into_iter()
            .map(|node| Tile::holding(node, head.size));
        let wanted = wanted
            .iter()
            .map(|tile| Tile::in_tree(tile.level, tile.index, head.size));
        let mut tiles = Vec::new();
        for tile in edge.chain(wanted) {
            let mut next = Some(tile?);
            while let Some(tile) = next.filter(|tile| !tiles.contains(tile)) {
                tiles.push(tile);
                next = tile.parent(head.size);
            }
        }
        tiles.sort_by_key(|tile| (std::cmp::Reverse(tile.level), tile.index));
        Some(Self { head, tiles })
    }

    /// The tiles to bring.
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// Proves the tiles, given the bytes of each in the order of [`Self::tiles`].
    pub fn authenticate(&self, contents: &[Bytes]) -> Result<Proven, Unproven> {
        let mut offered = BTreeMap::new();
        for (position, tile) in self.tiles.iter().enumerate() {
            let bytes = contents.get(position).filter(|bytes| bytes.len() == tile.bytes());
            let bytes = bytes.ok_or(Unproven::Tile(*tile))?;
            offered.insert((tile.level, tile.index), (*tile, bytes.clone()));
        }
        let offered = Proven {
            head: self.head,
            tiles: offered,
        };
        // Every hash of a partial tile is below one of these nodes.
        if offered.root_at(self.head.size) != Some(self.head.root) {
            return Err(Unproven::Root);
        }
        for tile in self.tiles.iter().filter(|tile| tile.is_full()) {
            let root = Node {
                level: super::tile::HEIGHT * (tile.level + 1),
                index: tile.index,
            };
            // Its parent is further up in this list, so that one is proven already.
            let named = tile.parent(self.head.size).and_then(|_| offered.hash(root));
            let bytes = offered.tile(*tile).ok_or(Unproven::Tile(*tile))?;
            if named.is_none() || tile.hash(&bytes, root) != named {
                return Err(Unproven::Tile(*tile));
            }
        }
        Ok(offered)
    }
}

impl Proven {
    /// The tree.
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// The tiles, each with its bytes.
    pub fn tiles(&self) -> impl Iterator<Item = (Tile, &Bytes)> {
        self.tiles.values().map(|(tile, bytes)| (*tile, bytes))
    }

    /// The bytes of the tile at the place of this one, if it is at least as wide: as many as this one has.
    pub fn tile(&self, wanted: Tile) -> Option<Bytes> {
        let (tile, bytes) = self.tiles.get(&(wanted.level, wanted.index))?;
        (tile.width >= wanted.width).then(|| bytes.slice(..wanted.bytes()))
    }

    /// The root that the tree had when it was of this size; `None` if the tiles for that were not in the plan.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        let hashes: Option<Vec<_>> = roots(size).into_iter().map(|node| self.hash(node)).collect();
        hashes.map(|hashes| joined(hashes.into_iter()))
    }
}

impl Hashes for Proven {
    fn hash(&self, node: Node) -> Option<Hash> {
        let place = Tile::holding(node, self.head.size)?;
        let (tile, bytes) = self.tiles.get(&(place.level, place.index))?;
        tile.hash(bytes, node)
    }
}

#[cfg(test)]
mod tests;
