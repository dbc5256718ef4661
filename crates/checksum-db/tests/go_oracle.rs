//! Our logs, tiles, proofs and notes against the code of the go command itself.
//!
//! Every Go installation ships the source of `golang.org/x/mod`. These tests build a small program from it, ask it and
//! compare. Nothing is downloaded. Where we differ on purpose, the test says so.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "all of this is a test, helpers too"
)]

#[path = "go_oracle/oracle.rs"]
mod oracle;
#[path = "go_oracle/tree.rs"]
mod tree;

use base64::{Engine, prelude::BASE64_STANDARD};
use checksum_db::{
    note::VerifierKey,
    record::Lookup,
    tlog::{
        Hash, Node, TreeHead,
        plan::Plan,
        proof,
        tile::{FULL, Tile, TilePath},
    },
};
use oracle::Questions;
use testkit::checksum_database::Signer;
use tree::{Random, Tree};

/// More than a million, and not a round number.
const RECORDS: u64 = (1 << 20) + 77_777;

fn words(hashes: Option<Vec<Hash>>) -> String {
    let words = |hashes: Vec<Hash>| hashes.iter().map(Hash::to_string).collect::<Vec<_>>().join(" ");
    hashes.map_or_else(|| "no".to_owned(), words)
}

#[test]
fn trees_tiles_and_proofs_of_a_million_records() {
    let tree = Tree::of(RECORDS);
    let mut random = Random(1);
    let mut questions = Questions::default();
    questions.ask(["grow", &RECORDS.to_string()], "done");
    let edges = [
        1,
        2,
        3,
        255,
        256,
        257,
        65_535,
        65_536,
        65_537,
        1 << 20,
        RECORDS - 1,
        RECORDS,
    ];
    let sizes: Vec<_> = edges
        .into_iter()
        .chain((0..300).map(|_| random.below(RECORDS) + 1))
        .collect();
    for size in sizes {
        let head = tree.head(size);
        questions.ask(["root", &size.to_string()], head.root.to_string());
        for _ in 0..3 {
            let record = random.below(size);
            let older = random.below(size) + 1;
            let inclusion = proof::prove_record(size, record, &tree);
            let leaf = tree.record(record);
            assert!(proof::check_record(
                inclusion.as_ref().unwrap(),
                size,
                head.root,
                record,
                leaf
            ));
            questions.ask(
                ["record", &size.to_string(), &record.to_string()],
                words(inclusion),
            );
            let consistency = proof::prove_tree(size, older, &tree);
            let old = tree.head(older).root;
            assert!(proof::check_tree(
                consistency.as_ref().unwrap(),
                size,
                head.root,
                older,
                old
            ));
            questions.ask(
                ["tree", &size.to_string(), &older.to_string()],
                words(consistency),
            );

            // The tiles that prove the record are Go's, and they do prove it.
            let plan = Plan::of_nodes(head, &[Node::record(record)]).unwrap();
            let contents: Vec<_> = plan.tiles().iter().map(|tile| tree.tile(*tile)).collect();
            assert!(plan.authenticate(&contents).is_ok());
            for (tile, bytes) in plan.tiles().iter().zip(&contents) {
                let coordinates = [
                    tile.level.to_string(),
                    tile.index.to_string(),
                    tile.width.to_string(),
                ];
                let [level, index, width] = coordinates.each_ref().map(String::as_str);
                questions.ask(
                    ["tile", level, index, width],
                    format!("{tile} {}", Hash::of_record(bytes)),
                );
            }
        }
    }
    questions.ask(["root", "0"], Hash::of_nothing().to_string());
    questions.compare();
}

#[test]
fn tile_paths() {
    let mut random = Random(2);
    let mut questions = Questions::default();
    for _ in 0..2_000 {
        let tile = Tile {
            level: u32::try_from(random.below(8)).unwrap(),
            index: random.next() >> (9 + random.below(50)),
            width: u32::try_from(random.below(256)).unwrap() + 1,
        };
        let tile = if random.below(2) == 0 { tile.full() } else { tile };
        for path in [tile.to_string(), random.altered(&tile.to_string(), "0123x/.p8-")] {
            let ours = match TilePath::parse(&path) {
                Some(TilePath::Hashes(tile)) => format!("{} {} {}", tile.level, tile.index, tile.width),
                Some(TilePath::Records(tile)) => format!("-1 {} {}", tile.index, tile.width),
                // Ours are of one height, and in a tree that can be.
                None if !path.starts_with("tile/8/") => continue,
                None => "no".to_owned(),
            };
            questions.ask(["path", &path], ours);
        }
    }
    assert_eq!(FULL, 256);
    questions.compare_those_accepted();
}

#[test]
fn heads_and_lookups() {
    let mut random = Random(3);
    let mut questions = Questions::default();
    let root = Hash::of_record(b"x");
    for size in 1..3_000u64 {
        let head = format!("go.sum database tree\n{size}\n{root}\nmore\n");
        let sums = format!("example.test/m v1.0.0 {root}\nexample.test/m v1.0.0/go.mod {root}\n");
        let lookup = format!("{size}\n{sums}\n{head}");
        for head in [random.altered(&head, "0+-\n ="), head] {
            let ours = TreeHead::parse(&head).map(|head| format!("{} {}", head.size, head.root));
            questions.ask(["head", &head], ours.unwrap_or_else(|_| "no".to_owned()));
        }
        for lookup in [random.altered(&lookup, "0+-\n \t"), lookup] {
            let ours = Lookup::parse(lookup.as_bytes());
            let text = |lookup: &Lookup<'_>| {
                let note = std::str::from_utf8(lookup.note).unwrap();
                format!("{} {:?} {note:?}", lookup.id, lookup.record.as_str())
            };
            questions.ask(
                ["lookup", &lookup],
                ours.as_ref().map_or_else(|_| "no".to_owned(), text),
            );
        }
    }
    // We refuse more: a number or a size written in another way, an empty tree with a root.
    questions.compare_those_accepted();
}

#[test]
fn keys_and_notes() {
    let mut random = Random(4);
    let mut questions = Questions::default();
    let signer = Signer::new("sum.example.test", 7);
    let (other, key) = (Signer::new("witness.test", 8), signer.key());
    let verifier: VerifierKey = key.parse().unwrap();
    for round in 0..1_500 {
        let altered = random.altered(&key, "+0aA=. ");
        let ours = altered.parse::<VerifierKey>().map(|key| key.name().to_owned());
        questions.ask(["key", &altered], ours.unwrap_or_else(|_| "no".to_owned()));
        let text = format!("go.sum database tree\n{round}\n");
        let witness = other.sign(&text).rsplit_once("\n\n").unwrap().1.to_owned();
        let signed = signer.sign(&text) + &witness;
        for note in [random.altered(&signed, "\n\n— +=\t0aA"), signed] {
            let opened = verifier.open(note.as_bytes()).map(|note| note.text().to_owned());
            let encoded = BASE64_STANDARD.encode(&note);
            questions.ask(
                ["note", &key, &encoded],
                opened.unwrap_or_else(|_| "no".to_owned()),
            );
        }
    }
    questions.compare();
}
