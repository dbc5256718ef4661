//! Tiles: names have one spelling and stay inside a folder, and tiles that nobody proved prove nothing.
//!
//! An input is a path, the size of a tree and the number of a record, one on a line.

use super::stays_inside;
use crate::{Target, Verdict};
use bytes::Bytes;
use checksum_db::tlog::{
    Hash, MAX_SIZE, Node, TreeHead,
    plan::Plan,
    tile::{Tile, TilePath},
};

pub(crate) const TILE: Target = Target {
    name: "tile",
    run,
    longest: 200,
    words: &[
        "tile/8/",
        "tile/8/0/",
        "data/",
        "x001/",
        "000",
        "234",
        ".p/",
        "255",
        "256",
        "7/",
        "\n",
        "\n602\n",
        "65536",
        "9223372036854775807",
        "/",
        "..",
    ],
};

fn run(data: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n');
    let path = lines.next().unwrap_or_default();
    let mut number = || {
        lines
            .next()
            .and_then(|line| line.parse::<u64>().ok())
            .unwrap_or_default()
    };
    let (size, record) = (number().min(MAX_SIZE), number());
    check_plan(size, record);
    let Some(read) = TilePath::parse(path) else {
        return Verdict::Refused;
    };
    assert_eq!(read.to_string(), path, "a tile has one name");
    assert!(stays_inside(path));
    let (TilePath::Hashes(tile) | TilePath::Records(tile)) = read;
    assert!((1..=256).contains(&tile.width) && tile.level <= 7);
    if let Some(there) = Tile::in_tree(tile.level, tile.index, size) {
        assert_eq!((there.level, there.index), (tile.level, tile.index));
        assert_eq!(
            there.parent(size).is_some(),
            there.is_full(),
            "a full tile is an entry of another"
        );
    }
    Verdict::Accepted
}

fn check_plan(size: u64, record: u64) {
    let head = TreeHead {
        size,
        root: Hash::of_record(b"another tree"),
    };
    let Some(plan) = Plan::of_nodes(head, &[Node::record(record)]) else {
        assert!(record >= size, "a record in the tree can be proven");
        return;
    };
    assert!(record < size && plan.tiles().len() <= 16, "{:?}", plan.tiles());
    for (position, tile) in plan.tiles().iter().enumerate() {
        if let Some(parent) = tile.parent(size) {
            assert!(
                plan.tiles()[..position].contains(&parent),
                "the parent of {tile} comes before it"
            );
        }
    }
    let nothing: Vec<_> = plan
        .tiles()
        .iter()
        .map(|tile| Bytes::from(vec![0; tile.bytes()]))
        .collect();
    assert!(plan.authenticate(&nothing).is_err(), "nothing proves nothing");
}
