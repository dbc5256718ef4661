//! Proofs that stand by themselves: lists of hashes that lead to a root (RFC 6962, sections 2.1.1 and 2.1.2).
//!
//! The client needs none, since tiles prove the same. They are what is kept as evidence when a database contradicts
//! itself: whoever has the two signed heads can check them without asking anybody.

use super::{Hash, MAX_SIZE, Node, joined, subtrees};

/// Knows hashes of a tree.
pub trait Hashes {
    /// The hash of a node, if it is known.
    fn hash(&self, node: Node) -> Option<Hash>;
}

/// The proof that a tree of `size` records holds the record at `index`; `None` if it does not, or a hash is unknown.
pub fn prove_record(size: u64, index: u64, hashes: &impl Hashes) -> Option<Vec<Hash>> {
    if index >= size {
        return None;
    }
    let (mut start, mut end, mut beside) = (0, size, Vec::new());
    while end - start > 1 {
        let middle = middle(start, end);
        if index < middle {
            beside.push((middle, end));
            end = middle;
        } else {
            beside.push((start, middle));
            start = middle;
        }
    }
    range_hashes(beside, hashes)
}

/// Whether this proves that the tree with this root holds this record.
pub fn check_record(proof: &[Hash], size: u64, root: Hash, index: u64, record: Hash) -> bool {
    if index >= size || size > MAX_SIZE {
        return false;
    }
    let (mut start, mut end, mut lefts) = (0, size, Vec::new());
    while end - start > 1 {
        let middle = middle(start, end);
        let left = index >= middle;
        lefts.push(left);
        (start, end) = if left { (middle, end) } else { (start, middle) };
    }
    if lefts.len() != proof.len() {
        return false;
    }
    let steps = lefts.into_iter().rev().zip(proof);
    let reached = steps.fold(record, |below, (left, beside)| {
        if left {
            Hash::of_pair(*beside, below)
        } else {
            Hash::of_pair(below, *beside)
        }
    });
    reached == root
}

/// The proof that the first `older` records of a tree of `size` are the tree of that size; `None` if they are too many
/// or none, or a hash is unknown.
pub fn prove_tree(size: u64, older: u64, hashes: &impl Hashes) -> Option<Vec<Hash>> {
    if older == 0 || older > size {
        return None;
    }
    let (mut start, mut end, mut beside) = (0, size, Vec::new());
    while older != end {
        let middle = middle(start, end);
        if older <= middle {
            beside.push((middle, end));
            end = middle;
        } else {
            beside.push((start, middle));
            start = middle;
        }
    }
    if start != 0 {
        beside.push((start, end)); // the part that both trees have; with nothing to its left it is the older tree
    }
    range_hashes(beside, hashes)
}

/// Whether this proves that a tree with this root begins with the tree of `older` records and `older_root`.
pub fn check_tree(proof: &[Hash], size: u64, root: Hash, older: u64, older_root: Hash) -> bool {
    if older == 0 || older > size || size > MAX_SIZE {
        return false;
    }
    let (mut start, mut end, mut lefts) = (0, size, Vec::new());
    while older != end {
        let middle = middle(start, end);
        let left = older > middle;
        lefts.push(left);
        (start, end) = if left { (middle, end) } else { (start, middle) };
    }
    let (common, proof) = match proof.split_first() {
        _ if start == 0 => (older_root, proof),
        Some((common, rest)) => (*common, rest),
        None => return false,
    };
    if lefts.len() != proof.len() {
        return false;
    }
    let steps = lefts.into_iter().rev().zip(proof);
    let (old, new) = steps.fold((common, common), |(old, new), (left, beside)| {
        if left {
            (Hash::of_pair(*beside, old), Hash::of_pair(*beside, new))
        } else {
            (old, Hash::of_pair(new, *beside))
        }
    });
    (old, new) == (older_root, root)
}

/// Where a tree of more than one record is parted: its left side is the largest complete subtree that leaves a rest.
fn middle(start: u64, end: u64) -> u64 {
    start + (1 << (end - start - 1).ilog2())
}

/// The hashes of ranges that were found from the root down, in the order of a proof: from below up.
fn range_hashes(ranges: Vec<(u64, u64)>, hashes: &impl Hashes) -> Option<Vec<Hash>> {
    let range = |(start, end)| {
        let hashes: Option<Vec<_>> = subtrees(start, end)
            .into_iter()
            .map(|node| hashes.hash(node))
            .collect();
        hashes.map(|hashes| joined(hashes.into_iter()))
    };
    ranges.into_iter().rev().map(range).collect()
}
