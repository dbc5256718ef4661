//! Tiles: how a log publishes its hashes.
//!
//! A tile of height 8 holds up to 256 neighbouring hashes of every eighth level; the levels in between follow from
//! them. A full tile never changes. The last one of a level is partial and grows: `.p/<width>` names the state with so
//! many hashes. Positions are written three digits at a time, all but the last behind an `x`, so that no folder gets
//! large: 1234067 is `x001/x234/067`. (`golang.org/x/mod/sumdb/tlog`; Go's databases and clients use height 8 only.)

use super::{Hash, Node, decimal};
use std::fmt;

/// The levels in a tile.
pub const HEIGHT: u32 = 8;

/// The hashes in a full tile.
pub const FULL: u32 = 1 << HEIGHT;

/// The bytes of a hash.
pub(crate) const HASH_SIZE: usize = 32;

/// The name of one tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// Its level, counted in tiles: its hashes are nodes of level `8 * level`. At most 7.
    pub level: u32,
    /// Its position among the tiles of its level.
    pub index: u64,
    /// How many hashes it holds, from 1 to [`FULL`].
    pub width: u32,
}

/// What is asked for under `tile/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TilePath {
    /// Hashes.
    Hashes(Tile),
    /// The records below a tile of level 0.
    Records(Tile),
}

impl Tile {
    /// The tile that holds a node in a tree of this size; `None` if the tree has no such node.
    pub fn holding(node: Node, size: u64) -> Option<Self> {
        let level = node.level / HEIGHT;
        let above = node.level % HEIGHT;
        let last = node.index.checked_add(1)?.checked_mul(1 << above)?;
        let tile = Self::in_tree(level, node.index >> (HEIGHT - above), size)?;
        // All of the hashes below the node are in the tile, or the tree does not have it.
        (last <= tile.first() + u64::from(tile.width)).then_some(tile)
    }

    /// The tile at this place in a tree of this size, as wide as the tree allows.
    pub fn in_tree(level: u32, index: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(HEIGHT * level)?;
        let first = index.checked_mul(u64::from(FULL))?;
        let width = u32::try_from(hashes.checked_sub(first)?.min(u64::from(FULL))).ok()?;
        (width > 0).then_some(Self { level, index, width })
    }

    /// The tile whose entry stands for this one: a full tile has one in every tree that holds it.
    pub fn parent(self, size: u64) -> Option<Self> {
        Self::in_tree(self.level + 1, self.index >> HEIGHT, size).filter(|_| self.is_full())
    }

    /// The same place, with all its hashes.
    #[must_use]
    pub fn full(self) -> Self {
        Self { width: FULL, ..self }
    }

    /// Whether it holds all the hashes it ever will.
    pub fn is_full(self) -> bool {
        self.width == FULL
    }

    /// How many bytes it has.
    pub fn bytes(self) -> usize {
        self.width as usize * HASH_SIZE
    }

    /// The position of its first hash among the nodes of its level.
    pub(crate) fn first(self) -> u64 {
        self.index * u64::from(FULL)
    }

    /// The hash of a node, worked out from the bytes of the tile that holds it.
    pub(crate) fn hash(self, bytes: &[u8], node: Node) -> Option<Hash> {
        let above = node
            .level
            .checked_sub(HEIGHT * self.level)
            .filter(|above| *above <= HEIGHT)?;
        let start = node.index.checked_mul(1 << above)?.checked_sub(self.first())?;
        let (start, count) = (usize::try_from(start).ok()?, 1usize << above);
        let hashes = bytes.get(start * HASH_SIZE..(start + count) * HASH_SIZE)?;
        let mut hashes: Vec<Hash> = hashes.as_chunks().0.iter().map(|hash| Hash(*hash)).collect();
        while hashes.len() > 1 {
            hashes = hashes
                .as_chunks()
                .0
                .iter()
                .map(|[left, right]| Hash::of_pair(*left, *right))
                .collect();
        }
        hashes.first().copied()
    }

    fn write(self, f: &mut fmt::Formatter<'_>, level: &dyn fmt::Display) -> fmt::Result {
        write!(f, "tile/{HEIGHT}/{level}/")?;
        let digits = self.index.to_string();
        let digits = format!("{digits:0>width$}", width = digits.len().div_ceil(3) * 3);
        for (position, group) in (0..digits.len())
            .step_by(3)
            .map(|start| (start, &digits[start..start + 3]))
        {
            let last = position + 3 == digits.len();
            write!(
                f,
                "{}{group}{}",
                if last { "" } else { "x" },
                if last { "" } else { "/" }
            )?;
        }
        match self.is_full() {
            true => Ok(()),
            false => write!(f, ".p/{}", self.width),
        }
    }
}

impl TilePath {
    /// Reads a path such as `tile/8/0/x001/234.p/90`, which has one spelling. Other heights than 8 are not read.
    pub fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("tile/")?.strip_prefix("8/")?;
        let (level, rest) = rest.split_once('/')?;
        let (place, width) = match rest.split_once(".p/") {
            Some((place, width)) => (place, u32::try_from(decimal(width)?).ok()?),
            None => (rest, FULL),
        };
        let mut index: u64 = 0;
        for group in place.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let is_group = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
            let digits: u64 = digits.parse().ok().filter(|_| is_group)?;
            index = index.checked_mul(1000)?.checked_add(digits)?;
        }
        let records = level == "data";
        let level = if records {
            0
        } else {
            u32::try_from(decimal(level)?).ok()?
        };
        let named = level <= 7 && index <= super::MAX_SIZE / u64::from(FULL) && (1..=FULL).contains(&width);
        let tile = Tile { level, index, width };
        let read = if records {
            Self::Records(tile)
        } else {
            Self::Hashes(tile)
        };
        // A full width written out, a leading group of zeros, a missing `x`: other spellings of one name.
        (named && read.to_string() == path).then_some(read)
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, &self.level)
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hashes(tile) => tile.write(f, &tile.level),
            Self::Records(tile) => tile.write(f, &"data"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        for (path, level, index, width) in [
            ("tile/8/0/000", 0, 0, FULL),
            ("tile/8/1/000.p/2", 1, 0, 2),
            ("tile/8/0/x001/x234/067", 0, 1_234_067, FULL),
            ("tile/8/3/x001/000.p/255", 3, 1000, 255),
        ] {
            let tile = Tile { level, index, width };
            assert_eq!(TilePath::parse(path), Some(TilePath::Hashes(tile)), "{path}");
            assert_eq!(tile.to_string(), path);
        }
        let records = TilePath::parse("tile/8/data/x001/234.p/7");
        let tile = Tile {
            level: 0,
            index: 1234,
            width: 7,
        };
        assert_eq!(records, Some(TilePath::Records(tile)));
        for path in [
            "",
            "tile",
            "tile/8",
            "tile/8/0",
            "tile/8/0/",
            "tile/8/0/0",
            "tile/8/0/00",
            "tile/8/0/0000",
            "tile/8/0/x000",
            "tile/8/0/x000/001",
            "tile/8/0/001/234",
            "tile/8/0/x001/x234",
            "tile/8/0/000.p/0",
            "tile/8/0/000.p/256",
            "tile/8/0/000.p/01",
            "tile/8/0/000.p",
            "tile/8/0/000.p/",
            "tile/8/0/000.p/1/2",
            "tile/8/8/000",
            "tile/08/0/000",
            "tile/8/00/000",
            "tile/4/0/000",
            "tile/8/-1/000",
            "tile/8/0/+01",
            "tile/8/0/../000",
            "/tile/8/0/000",
            "tile/8/0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(TilePath::parse(path), None, "{path}");
        }
    }

    #[test]
    fn a_tree_has_the_tiles_of_its_nodes() {
        let tile = |level, index, width| Some(Tile { level, index, width });
        assert_eq!(Tile::holding(Node::record(0), 1), tile(0, 0, 1));
        assert_eq!(Tile::holding(Node::record(1), 1), None);
        assert_eq!(Tile::holding(Node::record(600), 602), tile(0, 2, 90));
        assert_eq!(Tile::holding(Node { level: 7, index: 3 }, 602), tile(0, 1, FULL));
        assert_eq!(Tile::holding(Node { level: 8, index: 1 }, 602), tile(1, 0, 2));
        assert_eq!(Tile::holding(Node { level: 8, index: 2 }, 602), None);
        assert_eq!(Tile::holding(Node { level: 7, index: 4 }, 602), None);
        assert_eq!(tile(0, 1, FULL).unwrap().parent(602), tile(1, 0, 2));
        assert_eq!(tile(0, 2, 90).unwrap().parent(602), None);
        assert_eq!(
            Tile::holding(Node { level: 62, index: 0 }, super::super::MAX_SIZE),
            tile(7, 0, 127)
        );
    }
}
