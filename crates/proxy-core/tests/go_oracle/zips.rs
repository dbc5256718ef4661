//! Module zips: which ones Go takes, which files it puts into one, which letters it takes for each other.

use crate::{
    oracle::Questions,
    raw::{RawEntry, RawZip},
    words::Words,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use proxy_core::{
    file::Body,
    module::{ModulePath, ModuleVersion, Version, path::check_file_path},
    zip::{self, FileKind, InvalidTree, TreeFile, VendorRule, from_files},
};
use std::collections::{HashMap, HashSet};

const PATH: &str = "example.test/Mod/v2";
const VERSION: &str = "v2.0.0-pre.1";

fn module() -> ModuleVersion {
    ModuleVersion::new(ModulePath::parse(PATH).unwrap(), Version::parse(VERSION).unwrap()).unwrap()
}

/// Our sum of a zip, or `no`.
fn ours(zip: &[u8]) -> String {
    zip::check(&module(), &Body::from_bytes(zip.to_vec()))
        .map_or("no".to_owned(), |checked| checked.h1.to_string())
}

/// The path of a file: nested, vendored, or wrong in one of the ways that Go looks for.
fn file_path(words: &mut Words) -> String {
    const ELEMENTS: &[&str] = &[
        "a",
        "b",
        "A",
        "B",
        "k",
        "K",
        "\u{212a}",
        "ſ",
        "s",
        "ß",
        "ss",
        "Ünï",
        "x.go",
        "X.go",
        "vendor",
        "vendor",
        "Vendor",
        "modules.txt",
        "go.mod",
        "go.mod",
        "GO.MOD",
        "LICENSE",
        "license",
        ".git",
        ".hg_archival.txt",
        "a b",
        "a:b",
        "aux",
        "nul.go",
        "dot.",
        "..",
        ".",
        "",
        "a\\b",
        "é",
        "e\u{301}",
        "\u{1f600}",
        "~1",
        "ı",
        "I",
    ];
    const WELL: usize = 20;
    let depth = words.below(4);
    let element = |words: &mut Words| match words.below(12) {
        0 => words.pick(ELEMENTS),
        _ => words.pick(&ELEMENTS[..WELL]),
    };
    let elements: Vec<_> = (0..=depth).map(|_| element(words)).collect();
    elements.join("/")
}

fn file_paths(words: &mut Words) -> Vec<String> {
    (0..=words.below(6)).map(|_| file_path(words)).collect()
}

/// Well-formed zips of any names: we take the ones that Go takes, and only those.
#[test]
fn names_in_zips() {
    let mut words = Words::new(21);
    let mut questions = Questions::default();
    for _ in 0..1_500 {
        let prefix = words.pick(&["example.test/Mod/v2@v2.0.0-pre.1/"; 9][..]);
        let prefix = if words.below(40) == 0 {
            "example.test/mod/v2@v2.0.0-pre.1/"
        } else {
            prefix
        };
        let entries = file_paths(&mut words).into_iter().map(|path| {
            let name = format!("{prefix}{path}");
            match words.below(3) {
                0 => RawEntry::stored(&name, path.as_bytes()),
                1 => RawEntry::new(&name, path.as_bytes()).with_descriptor(true, false),
                _ => RawEntry::new(&name, path.as_bytes()),
            }
        });
        // Entries for folders are the one thing that Go reads past and we refuse.
        let entries: Vec<_> = entries.filter(|entry| !entry.name.ends_with(b"/")).collect();
        let zip = RawZip::of(entries).bytes();
        questions.ask("zip", [PATH, VERSION, &BASE64_STANDARD.encode(&zip)], ours(&zip));
    }
    assert!(questions.accepted() > 400, "{} accepted", questions.accepted());
    questions.compare();
}

/// Zips damaged anywhere: what we take, Go takes too, and as the same module. We refuse more than Go does.
#[test]
fn damaged_zips() {
    let mut words = Words::new(22);
    let mut questions = Questions::default();
    let text = "package m // with text to deflate, text to deflate, text to deflate\n".repeat(3);
    let name = |path: &str| format!("{PATH}@{VERSION}/{path}");
    let whole = [
        from_files(
            &module(),
            [("go.mod", &b"module x\n"[..]), ("m.go", text.as_bytes())],
        )
        .unwrap(),
        RawZip::of([
            RawEntry::new(&name("a.go"), text.as_bytes()),
            RawEntry::stored(&name("b.go"), b"b"),
            RawEntry::new(&name("c.go"), b"").with_descriptor(false, true),
        ])
        .bytes(),
    ];
    for _ in 0..6_000 {
        let mut zip = whole[words.below(whole.len())].clone();
        for _ in 0..=words.below(5) / 4 {
            let (at, other) = (words.below(zip.len()), words.below(zip.len()));
            match words.below(6) {
                0 => zip[at] = words.below(256) as u8,
                1 => zip[at] ^= 1 << words.below(8),
                2 => zip.truncate(at.max(1)),
                3 => drop(zip.drain(at.min(other)..at.max(other).min(at.min(other) + 8))),
                4 => zip.insert(at, words.below(256) as u8),
                _ => {
                    let first = at.min(other);
                    zip.copy_within(first..at.max(other).min(first + 30), 0);
                }
            }
        }
        questions.ask("zip", [PATH, VERSION, &BASE64_STANDARD.encode(&zip)], ours(&zip));
    }
    assert!(questions.accepted() > 100, "{} accepted", questions.accepted());
    questions.compare_those_accepted();
}

/// Go's own writer: what it writes we take, and Go takes what ours writes.
#[test]
fn writers() {
    let mut words = Words::new(23);
    let mut created = Questions::default();
    let mut written = Questions::default();
    for round in 0..100 {
        let mut files: Vec<_> = file_paths(&mut words)
            .into_iter()
            .map(|path| (path, words.join(&["text", "\n"], 99)))
            .collect();
        let tree: Vec<_> = files
            .iter()
            .map(|(path, text)| TreeFile {
                path,
                kind: FileKind::Regular,
                size: text.len() as u64,
            })
            .collect();
        match zip::select(&tree, VendorRule::Before124) {
            Ok(selection) if selection.omitted.is_empty() => {}
            _ => files = vec![(format!("file-{round}.go"), "package m\n".to_owned())],
        }
        let zip = from_files(
            &module(),
            files.iter().map(|(path, text)| (&**path, text.as_bytes())),
        )
        .unwrap();
        let sum = ours(&zip);
        assert_ne!(sum, "no", "{files:?}");
        written.ask("zip", [PATH, VERSION, &BASE64_STANDARD.encode(&zip)], sum.clone());
        let pairs = files.iter().flat_map(|(path, text)| [&**path, text]);
        created.ask_list("create zip", [PATH, VERSION].into_iter().chain(pairs), sum);
    }
    let Some(theirs) = created.answers() else {
        testkit::skip_or_fail!("there is no go command here")
    };
    for (zip, sum) in theirs.iter().zip(created.ours()) {
        assert_eq!(ours(&BASE64_STANDARD.decode(zip).unwrap()), sum);
    }
    written.compare();
}

/// Trees: the same files are chosen, or none can be.
#[test]
fn trees() {
    let mut words = Words::new(24);
    let mut questions = Questions::default();
    let mut chosen = 0;
    for _ in 0..20_000 {
        let go_mod = words.pick(&[
            "module m\n",
            "module m\ngo 1.23\n",
            "module m\ngo 1.24rc1\n",
            "go 1.24\ngo 1.24\n",
            "go 1.30\n",
        ]);
        let mut files: Vec<_> = (0..=words.below(7))
            .map(|_| {
                let path = file_path(&mut words);
                let kind = words.below(8);
                let size = match words.below(60) {
                    0 => 500 << 20,
                    1 => (16 << 20) + 1,
                    _ => 10,
                };
                (path, kind, size)
            })
            .collect();
        // No tree has one path twice.
        let mut paths = HashSet::new();
        files.retain(|(path, ..)| paths.insert(path.clone()));
        let descriptions: Vec<_> = files
            .iter()
            .map(|(path, kind, size)| format!("{} {size} {path}", ["link", "other", "file"][*kind.min(&2)]))
            .collect();
        let tree: Vec<_> = files
            .iter()
            .map(|(path, kind, size)| TreeFile {
                path,
                kind: [FileKind::Symlink, FileKind::Other, FileKind::Regular][*kind.min(&2)],
                size: *size,
            })
            .collect();
        let root = tree
            .iter()
            .any(|file| file.path == "go.mod" && file.kind == FileKind::Regular);
        let ours = match zip::select(&tree, VendorRule::of(root.then_some(go_mod.as_bytes()))) {
            Ok(selection) => {
                chosen += 1;
                selection
                    .kept
                    .iter()
                    .map(|&index| tree[index].path)
                    .collect::<Vec<_>>()
                    .join("|")
            }
            Err(InvalidTree::TooLarge) => "too large".to_owned(),
            Err(InvalidTree::Files(_)) => "no".to_owned(),
        };
        questions.ask_list(
            "tree",
            std::iter::once(go_mod).chain(descriptions.iter().map(|text| &**text)),
            ours,
        );
    }
    assert!(chosen > 4_000, "{chosen} chosen");
    questions.compare();
}

/// Every character that Go takes for another one when it ignores case: two names collide for us exactly if they do
/// for Go, as long as Go knows the letters (its tables can be older than ours).
#[test]
fn case() {
    let mut questions = Questions::default();
    questions.ask("folds", [], "");
    let Some(theirs) = questions.answers() else {
        testkit::skip_or_fail!("there is no go command here")
    };
    let mut classes: HashMap<u32, Vec<char>> = HashMap::new();
    for line in theirs[0].lines() {
        let (character, smallest) = line.split_once(' ').unwrap();
        let character = char::from_u32(character.parse().unwrap()).unwrap();
        classes
            .entry(smallest.parse().unwrap())
            .or_default()
            .push(character);
    }
    assert!(classes.len() > 1_300, "{} classes", classes.len());
    let collide = |one: char, other: char| {
        let paths = [one, other].map(|character| format!("d{character}"));
        let tree = paths.each_ref().map(|path| TreeFile {
            path,
            kind: FileKind::Regular,
            size: 0,
        });
        zip::select(&tree, VendorRule::Since124).is_err()
    };
    let mut compared = 0;
    for class in classes.values() {
        // Marks, numbers and symbols have classes too, but no name holds them.
        let letters: Vec<_> = class
            .iter()
            .filter(|letter| check_file_path(&letter.to_string()).is_ok())
            .collect();
        for pair in letters.windows(2) {
            assert!(collide(*pair[0], *pair[1]), "{pair:?}");
            compared += 1;
        }
    }
    assert!(compared > 1_300, "{compared} pairs");
}
