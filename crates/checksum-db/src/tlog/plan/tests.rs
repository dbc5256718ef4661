//! Trees of made-up records, their tiles, and every way to alter one.

use super::super::{proof, tile::FULL};
use super::*;
use proptest::prelude::*;

/// A tree with all its nodes.
struct Tree(Vec<Vec<Hash>>);

impl Tree {
    fn of(size: u64) -> Self {
        let records = (0..size).map(|number| Hash::of_record(&number.to_be_bytes()));
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

    fn head(&self, size: u64) -> TreeHead {
        let hashes: Vec<_> = roots(size)
            .into_iter()
            .map(|node| self.hash(node).unwrap())
            .collect();
        let root = joined(hashes.into_iter());
        TreeHead { size, root }
    }

    fn tile(&self, tile: Tile) -> Bytes {
        let hashes = &self.0[(tile.level * 8) as usize];
        let first = usize::try_from(tile.first()).unwrap();
        hashes[first..first + tile.width as usize]
            .iter()
            .flat_map(|hash| hash.0)
            .collect()
    }

    fn tiles(&self, plan: &Plan) -> Vec<Bytes> {
        plan.tiles().iter().map(|tile| self.tile(*tile)).collect()
    }
}

impl Hashes for Tree {
    fn hash(&self, node: Node) -> Option<Hash> {
        let level = self.0.get(node.level as usize)?;
        level.get(usize::try_from(node.index).ok()?).copied()
    }
}

#[test]
fn tiles_prove_records_and_older_trees() {
    let tree = Tree::of(70_000);
    for size in [1, 2, 255, 256, 257, 602, 65_535, 65_536, 65_537, 70_000] {
        let head = tree.head(size);
        for record in [0, size / 3, size / 2, size - 1] {
            let plan = Plan::of_nodes(head, &[Node::record(record)]).unwrap();
            let proven = plan.authenticate(&tree.tiles(&plan)).unwrap();
            assert_eq!(proven.hash(Node::record(record)), tree.hash(Node::record(record)));
        }
        for older in [0, 1, size / 2, size - 1, size] {
            let plan = Plan::of_nodes(head, &roots(older)).unwrap();
            let proven = plan.authenticate(&tree.tiles(&plan)).unwrap();
            assert_eq!(
                proven.root_at(older),
                Some(tree.head(older).root),
                "{older} of {size}"
            );
        }
        assert!(Plan::of_nodes(head, &[Node::record(size)]).is_none());
    }
}

#[test]
fn the_tiles_of_a_lookup_are_those_that_go_asks_for() {
    let head = Tree::of(602).head(602);
    let plan = Plan::of_nodes(head, &[Node::record(3)]).unwrap();
    let names: Vec<_> = plan.tiles().iter().map(Tile::to_string).collect();
    assert_eq!(names, ["tile/8/1/000.p/2", "tile/8/0/000", "tile/8/0/002.p/90"]);
}

/// CVE-2026-56865: a client that took a tile for proven which no other tile named. Here every byte of every tile
/// counts, also where several subtrees share a tile of the right edge.
#[test]
fn a_change_in_any_tile_is_found() {
    let tree = Tree::of(66_600);
    for size in [255, 256, 511, 602, 65_535, 65_791, 66_600] {
        let head = tree.head(size);
        for record in [0, size / 2, size - 1] {
            let plan = Plan::of_nodes(head, &[Node::record(record)]).unwrap();
            let honest = tree.tiles(&plan);
            for (position, tile) in plan.tiles().iter().enumerate() {
                for hash in [0, tile.width / 2, tile.width - 1] {
                    let mut forged = honest[position].to_vec();
                    forged[hash as usize * 32 + 5] ^= 1;
                    let mut offered = honest.clone();
                    offered[position] = forged.into();
                    assert!(plan.authenticate(&offered).is_err(), "{tile} of {size}");
                }
            }
        }
    }
}

/// CVE-2026-56865 as it was done: a forged leaf tile, and above it a forged tile that names it, in a tree whose right
/// edge has fewer tiles than subtrees.
#[test]
fn a_forged_tile_with_a_forged_parent_is_found() {
    let tree = Tree::of(66_000);
    let head = tree.head(66_000);
    let plan = Plan::of_nodes(head, &[Node::record(3)]).unwrap();
    let mut offered = tree.tiles(&plan);
    let at = |level| {
        plan.tiles()
            .iter()
            .position(|tile| (tile.level, tile.index) == (level, 0))
            .unwrap()
    };
    let (leaf, parent) = (at(0), at(1));
    let mut forged = offered[leaf].to_vec();
    forged[3 * 32..4 * 32].copy_from_slice(&Hash::of_record(b"evil").0);
    let tile = plan.tiles()[leaf];
    let named = tile.hash(&forged, Node { level: 8, index: 0 }).unwrap();
    offered[leaf] = forged.into();
    let mut forged = offered[parent].to_vec();
    forged[..32].copy_from_slice(&named.0);
    offered[parent] = forged.into();
    assert_eq!(
        plan.authenticate(&offered).unwrap_err(),
        Unproven::Tile(plan.tiles()[parent])
    );
}

#[test]
fn tiles_of_another_length_or_missing_ones_are_refused() {
    let tree = Tree::of(602);
    let plan = Plan::of_nodes(tree.head(602), &[Node::record(3)]).unwrap();
    let honest = tree.tiles(&plan);
    for position in 0..honest.len() {
        let mut short = honest.clone();
        short[position] = short[position].slice(32..);
        let mut long = honest.clone();
        long[position] = [&long[position][..], &[0; 32]].concat().into();
        for offered in [short, long, honest[..position].to_vec()] {
            let refused = plan.authenticate(&offered).unwrap_err();
            assert_eq!(refused, Unproven::Tile(plan.tiles()[position]));
        }
    }
}

/// CVE-2026-56864: an answer that was found beside what was proven. Nothing outside the plan is ever given.
#[test]
fn hashes_outside_the_plan_are_not_known() {
    let tree = Tree::of(1000);
    let plan = Plan::of_nodes(tree.head(1000), &[Node::record(3)]).unwrap();
    let proven = plan.authenticate(&tree.tiles(&plan)).unwrap();
    assert_eq!(proven.hash(Node::record(300)), None);
    assert_eq!(proven.hash(Node::record(1000)), None);
    assert_eq!(
        proven.tile(Tile {
            level: 0,
            index: 1,
            width: FULL
        }),
        None
    );
    assert_eq!(
        proven.root_at(999),
        Some(tree.head(999).root),
        "its hashes are all in the plan"
    );
    assert_eq!(proven.root_at(700), None);
}

proptest! {
    #[test]
    fn any_tree_proves_what_it_holds(size in 1u64..3000, record in 0u64..3000, older in 0u64..3001, bit in any::<u64>()) {
        let (record, older) = (record % size, older % (size + 1));
        let tree = Tree::of(size);
        let head = tree.head(size);
        let mut nodes = roots(older);
        nodes.push(Node::record(record));
        let plan = Plan::of_nodes(head, &nodes).unwrap();
        let mut offered = tree.tiles(&plan);
        let proven = plan.authenticate(&offered).unwrap();
        prop_assert_eq!(proven.root_at(older), Some(tree.head(older).root));

        let leaf = Hash::of_record(&record.to_be_bytes());
        let mut inclusion = proof::prove_record(size, record, &tree).unwrap();
        prop_assert!(proof::check_record(&inclusion, size, head.root, record, leaf));
        prop_assert!(!proof::check_record(&inclusion, size, head.root, record, Hash::of_nothing()));
        if let Some(hash) = inclusion.first_mut() {
            hash.0[(bit % 32) as usize] ^= 1;
            prop_assert!(!proof::check_record(&inclusion, size, head.root, record, leaf));
        }
        if older > 0 {
            let old = tree.head(older).root;
            let mut consistency = proof::prove_tree(size, older, &proven).or_else(|| proof::prove_tree(size, older, &tree)).unwrap();
            prop_assert!(proof::check_tree(&consistency, size, head.root, older, old));
            prop_assert!(!proof::check_tree(&consistency, size, head.root, older, Hash::of_nothing()));
            consistency.push(old);
            prop_assert!(!proof::check_tree(&consistency, size, head.root, older, old));
        }
        let position = (bit % offered.len() as u64) as usize;
        let mut forged = offered[position].to_vec();
        let place = (bit / 7) as usize % forged.len();
        forged[place] ^= 1 << (bit % 8);
        offered[position] = forged.into();
        prop_assert!(plan.authenticate(&offered).is_err());
    }
}
