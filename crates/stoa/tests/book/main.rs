//! The book tried out: every command and every configuration in `docs/` and on the pages at the top of the tree.
//!
//! What a fenced block is for stands behind its first three marks, after the language:
//!
//! | block | what happens here |
//! |---|---|
//! | `console run` | its commands run, and what they print is compared; `…` stands for anything |
//! | `console run fails` | the same, and the last of them fails |
//! | `toml check` | `stoa config check` takes it as `stoa.toml` |
//! | `toml credentials` | `stoa config check` takes it as the file of `direct.credentials` |
//! | `json check` | it is JSON |
//! | `ini git` | `git` reads it as its configuration |
//! | `nginx front` | nginx serves with it, in front of two nodes |
//! | any of them with `file=NAME` | it is also written to that file, for the commands that follow on the page |
//! | `why="…"` | it cannot be tried here, and this says why |
//!
//! Blocks in other languages than those that people paste (`text`, `rust`, …) need nothing.

mod blocks;
mod front;
mod reader;
mod servers;

use blocks::{Block, Trial, blocks};
use reader::Reader;
use std::{
    fs,
    path::{Path, PathBuf},
};
use testkit::{go::GoCommand, skip_or_fail};

/// The top of the tree.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("crates/stoa lies in the tree")
        .to_owned()
}

/// Every page, with its path from the top of the tree.
fn pages() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder of the tree") {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("docs"), &mut found);
    for page in ["README.md", "CONTRIBUTING.md"] {
        found.push(root().join(page));
    }
    found.sort();
    let name = |path: &Path| {
        let below = path.strip_prefix(root()).expect("it lies below the top");
        below.to_string_lossy().into_owned()
    };
    let read = |path: &PathBuf| (name(path), fs::read_to_string(path).expect("a page is text"));
    found.iter().map(read).collect()
}

#[test]
fn every_block_that_people_paste_says_how_it_is_tried() {
    let mut complaints = Vec::new();
    for (page, text) in pages() {
        for block in blocks(&text) {
            if let Err(reason) = block.trial() {
                complaints.push(format!("{page}:{}: {reason}", block.line));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_configuration_is_one() {
    let mut complaints = Vec::new();
    let mut checked = 0;
    for (page, text) in pages() {
        for block in blocks(&text) {
            let Ok(trial) = block.trial() else { continue };
            let outcome = match trial {
                Trial::Settings => servers::check_settings(&block.text),
                Trial::Credentials => servers::check_credentials(&block.text),
                Trial::Json => serde_json::from_str::<serde_json::Value>(&block.text)
                    .map(drop)
                    .map_err(|error| error.to_string()),
                Trial::Git => servers::check_git(&block.text),
                Trial::Front | Trial::Run { .. } | Trial::None => continue,
            };
            checked += 1;
            if let Err(reason) = outcome {
                complaints.push(format!("{page}:{}: {reason}", block.line));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(checked > 0, "the book holds configurations");
}

#[test]
fn every_command_does_what_the_book_says() {
    if GoCommand::find().is_none() {
        skip_or_fail!("there is no go command here");
    }
    let mut complaints = Vec::new();
    let mut ran = 0;
    for (page, text) in pages() {
        let blocks = blocks(&text);
        let run = |block: &Block<'_>| match block.trial() {
            Ok(Trial::Run { fails }) => Some(fails),
            _ => None,
        };
        if !blocks.iter().any(|block| run(block).is_some()) {
            continue;
        }
        let mut reader = Reader::new();
        for block in &blocks {
            if let Some(name) = block.file() {
                reader.write(name, &block.text);
            }
            let Some(fails) = run(block) else { continue };
            ran += 1;
            if let Err(reason) = reader.follow(&block.text, fails) {
                complaints.push(format!("{page}:{}: {reason}", block.line));
                break; // what follows on this page builds on it
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
    assert!(ran > 0, "the book holds commands");
}

/// Sentences of troubleshooting that others print: `go`, and what answers in the mirror's place.
const OF_OTHERS: [&str; 5] = [
    "unknown revision",
    "no matching versions",
    "x509: certificate signed by unknown authority",
    "http: server gave HTTP response to HTTPS client",
    "Access denied",
];

/// People look for what they read on their screen: a sentence that changed in the code would not be found any more.
#[test]
fn every_sentence_that_troubleshooting_begins_with_is_said() {
    let sources = sources(&root().join("crates"));
    let (_, page) = pages()
        .into_iter()
        .find(|(name, _)| name == "docs/troubleshooting.md")
        .expect("the page");
    let shown: Vec<Block<'_>> = blocks(&page);
    let mut looked_for = 0;
    let mut complaints = Vec::new();
    for heading in page.lines().filter(|line| line.starts_with("### ")) {
        for sentence in heading.split('`').skip(1).step_by(2) {
            // A status is the server's to choose, and what stands for anything is in nobody's code.
            let parts = sentence.split('…').map(str::trim);
            for part in parts.filter(|part| part.len() > 4 && !part.starts_with(|c: char| c.is_ascii_digit()))
            {
                looked_for += 1;
                let tried = shown.iter().any(|block| block.text.contains(part));
                if !tried && !OF_OTHERS.contains(&part) && !sources.contains(part) {
                    complaints.push(format!("nobody says {part:?} ({heading})"));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(looked_for > 20, "only {looked_for} sentences were looked for");
}

/// The sources of all crates, without their tests: one text in which no sentence is broken into lines.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the tree") {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(path).expect("a source is text");
                for line in source.lines().map(str::trim) {
                    // A string goes on in the next line behind a backslash.
                    text.push_str(line.strip_suffix('\\').unwrap_or(line));
                    if !line.ends_with('\\') {
                        text.push('\n');
                    }
                }
            }
        }
    }
    text
}
