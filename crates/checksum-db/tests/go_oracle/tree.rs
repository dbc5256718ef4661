//! A whole tree in memory, and numbers that only look random.

use bytes::Bytes;
use checksum_db::tlog::{Hash, Node, TreeHead, proof::Hashes, roots, tile::Tile};

/// Every node of a log whose records are named by their numbers.
pub(crate) struct Tree(Vec<Vec<Hash>>);

impl Tree {
    pub(crate) fn of(size: u64) -> Self {
        let records = (0..size).map(|number| Hash::of_record(format!("record {number}\n").as_bytes()));
        let mut levels = vec![records.collect::<Vec<_>>()];
        while let Some(last) = levels.last().filter(|level| level.len() > 1) {
            let above = last
                .as_chunks()
                .0
                .iter()
                .map(|[left, right]| Hash::of_pair(*left, *right));
            let above = above.collect();
            levels.push(above);
        }
        Self(levels)
    }

    pub(crate) fn head(&self, size: u64) -> TreeHead {
        let hashes = roots(size).into_iter().map(|node| self.hash(node).unwrap());
        let root = hashes.rev().reduce(|right, left| Hash::of_pair(left, right));
        TreeHead {
            size,
            root: root.unwrap_or_else(Hash::of_nothing),
        }
    }

    pub(crate) fn record(&self, index: u64) -> Hash {
        self.hash(Node::record(index)).unwrap()
    }

    pub(crate) fn tile(&self, tile: Tile) -> Bytes {
        let hashes = (0..u64::from(tile.width)).map(|entry| Node {
            level: 8 * tile.level,
            index: tile.index * 256 + entry,
        });
        hashes.flat_map(|node| self.hash(node).unwrap().0).collect()
    }
}

impl Hashes for Tree {
    fn hash(&self, node: Node) -> Option<Hash> {
        self.0
            .get(node.level as usize)?
            .get(usize::try_from(node.index).ok()?)
            .copied()
    }
}

/// Steele and others' `SplitMix64`.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// The text with one character dropped, doubled or replaced by one of these.
    pub(crate) fn altered(&mut self, text: &str, by: &str) -> String {
        let mut characters: Vec<_> = text.chars().collect();
        let at = usize::try_from(self.below(characters.len() as u64)).unwrap();
        let by: Vec<_> = by.chars().collect();
        match self.below(3) {
            0 => drop(characters.remove(at)),
            1 => characters.insert(at, characters[at]),
            _ => characters[at] = by[usize::try_from(self.below(by.len() as u64)).unwrap()],
        }
        characters.into_iter().collect()
    }
}
