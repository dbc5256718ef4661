//! The transparency log behind a checksum database: an append-only list of records, hashed as a Merkle tree.
//!
//! The hash of a record is SHA-256 of a zero byte and the record, that of two subtrees SHA-256 of a one byte and both
//! hashes (RFC 6962, section 2.1). So the one root hash in a signed head stands for every record below it, and a few
//! hashes beside a path prove one record, or that an older tree is the beginning of a newer one.
//!
//! Everything here is pure: it is given bytes, and says what they prove. [`tile`] is how a database publishes its
//! hashes, [`plan`] how tiles are believed, [`proof`] what is proven with them.

pub mod plan;
pub mod proof;
pub mod tile;

use base64::{Engine, display::Base64Display, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// The hash of a record or a subtree.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

/// The largest tree: what Go can count.
pub const MAX_SIZE: u64 = i64::MAX as u64;

/// The root of a complete subtree: it stands for the records from `index << level` on, `1 << level` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// The height above the records, at most 62.
    pub level: u32,
    /// The position among the nodes of this level.
    pub index: u64,
}

/// A tree of so many records, and the hash of all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// How many records there are.
    pub size: u64,
    /// The hash over them.
    pub root: Hash,
}

/// A text that describes no tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it describes no tree: {0}")]
pub struct InvalidTree(&'static str);

impl Hash {
    /// The hash of a record.
    pub fn of_record(record: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update([0]);
        hash.update(record);
        Self(hash.finalize().into())
    }

    /// The hash of a tree of two parts.
    pub fn of_pair(left: Self, right: Self) -> Self {
        let mut hash = Sha256::new();
        hash.update([1]);
        hash.update(left.0);
        hash.update(right.0);
        Self(hash.finalize().into())
    }

    /// The hash of the tree without records.
    pub fn of_nothing() -> Self {
        Self(Sha256::digest([]).into())
    }
}

impl Node {
    /// The node of one record.
    pub fn record(index: u64) -> Self {
        Self { level: 0, index }
    }
}

/// The complete subtrees, largest first, that the records of a range fall into. The range begins at a multiple of the
/// largest power of two below its length, as every part of a tree does.
fn subtrees(mut start: u64, end: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    while start < end {
        let level = (end - start).ilog2();
        nodes.push(Node {
            level,
            index: start >> level,
        });
        start += 1 << level;
    }
    nodes
}

/// The complete subtrees, largest first, of a tree of this size: together they give its root.
pub fn roots(size: u64) -> Vec<Node> {
    subtrees(0, size)
}

/// The hash over neighbouring subtrees, largest first.
fn joined(hashes: impl DoubleEndedIterator<Item = Hash>) -> Hash {
    hashes
        .rev()
        .reduce(|right, left| Hash::of_pair(left, right))
        .unwrap_or_else(Hash::of_nothing)
}

impl TreeHead {
    /// Reads the text of a signed head: `go.sum database tree`, the size, the root.
    ///
    /// Further lines are ignored, for what may come one day; but one that reads like a line of `go.sum` is refused, since
    /// a head travels behind a record, and there are versions of `go` that look for sums in both.
    pub fn parse(text: &str) -> Result<Self, InvalidTree> {
        let lines = text
            .strip_prefix("go.sum database tree\n")
            .filter(|_| text.len() <= 1_000_000)
            .ok_or(InvalidTree("its first line is another"))?;
        let (size, rest) = lines.split_once('\n').ok_or(InvalidTree("it has no size"))?;
        let (root, rest) = rest.split_once('\n').ok_or(InvalidTree("it has no root"))?;
        let size = decimal(size)
            .filter(|size| *size <= MAX_SIZE)
            .ok_or(InvalidTree("its size is no number"))?;
        let root: Hash = root.parse()?;
        if size == 0 && root != Hash::of_nothing() {
            return Err(InvalidTree("it has no records and the root of some"));
        }
        if rest.contains(" h1:") {
            return Err(InvalidTree("it holds sums"));
        }
        Ok(Self { size, root })
    }
}

/// A number written the one way there is.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Base64Display::new(&self.0, &BASE64_STANDARD), f)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = InvalidTree;
    fn from_str(text: &str) -> Result<Self, InvalidTree> {
        let bytes = BASE64_STANDARD.decode(text).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or(InvalidTree("its root is no hash"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_of_one_record_is_that_record() {
        let record = "example.test/basic v1.2.3 h1:Z0Xxn4yPRPWzXM8kaBAzY3hLdzG9Py66kA/E6YjpACQ=\n\
                      example.test/basic v1.2.3/go.mod h1:a0Nj8bv49qqFaruxVdlumPZG3ynjybbQ4M3PpGm7HxA=\n";
        assert_eq!(
            Hash::of_record(record.as_bytes()).to_string(),
            "cbbqkv9Oi70XA5hIuHPtChTzQBfebFO9RIMaao8vFL4="
        );
    }

    #[test]
    fn a_tree_falls_into_complete_subtrees() {
        let levels = |size| {
            roots(size)
                .iter()
                .map(|node| (node.level, node.index))
                .collect::<Vec<_>>()
        };
        assert_eq!(levels(0), []);
        assert_eq!(levels(1), [(0, 0)]);
        assert_eq!(levels(13), [(3, 0), (2, 2), (0, 12)]);
        assert_eq!(levels(MAX_SIZE).len(), 63);
    }

    #[test]
    fn heads_are_read_strictly() {
        let root = "nND/nri/U0xuHUrYSy0HtMeal2vzD9V4k/BO79C+QeI=";
        let head = |size: &str| format!("go.sum database tree\n{size}\n{root}\n");
        for (size, expected) in [("2", 2), ("9223372036854775807", MAX_SIZE)] {
            let read = TreeHead::parse(&head(size)).unwrap();
            assert_eq!((read.size, read.root.to_string().as_str()), (expected, root));
        }
        let more = format!("{}a line of the future\n", head("2"));
        assert_eq!(TreeHead::parse(&more).unwrap().size, 2);
        for size in ["", "02", "+2", "-2", "2 ", "9223372036854775808", "0"] {
            assert!(TreeHead::parse(&head(size)).is_err(), "{size}");
        }
        let empty = format!("go.sum database tree\n0\n{}\n", Hash::of_nothing());
        assert_eq!(TreeHead::parse(&empty).unwrap().size, 0);
        for text in [
            String::new(),
            head("2").replace("tree", "tree v2"),
            head("2").replace("nND/", ""),
            head("2").trim_end().to_owned(),
            format!("{}example.test/m v1.0.0 h1:forged\n", head("2")),
        ] {
            assert!(TreeHead::parse(&text).is_err(), "{text}");
        }
    }
}
