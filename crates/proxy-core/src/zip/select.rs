//! Which files of a tree belong into the module zip.
//!
//! Go's rule (`zip.CheckFiles`), down to the order of its tests, since that order decides: a bad name in a nested
//! module is harmless, a symbolic link that is left out still collides, a link named `go.mod` hides nothing. Another
//! choice of files is another `h1:` sum. The rule is a pure function of paths, kinds and sizes; whoever has a tree
//! (from version control, from a fixture) lists it and gets back what to write.

use super::{MAX_GO_MOD, MAX_LICENSE, MAX_ZIP, collisions::Collisions, excerpt};
use crate::{go_mod::GoMod, module::path::check_file_path};
use std::{collections::HashSet, fmt};

/// A file of a tree. Folders are not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeFile<'a> {
    /// The path from the module's root, with slashes.
    pub path: &'a str,
    /// What it is.
    pub kind: FileKind,
    /// Its size, in bytes.
    pub size: u64,
}

/// What a file of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file, executable or not.
    Regular,
    /// A symbolic link, wherever it points to.
    Symlink,
    /// Anything else: a device, a submodule's commit.
    Other,
}

/// Which files count as vendored. Go 1.24 mended the rule, but for modules that ask for an older Go it stays as it
/// was, or the sums of their versions would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VendorRule {
    /// The go line of the root `go.mod` says 1.24 or more (`1.24rc1` counts).
    Since124,
    /// It says less, or nothing, or there is no `go.mod`, or it cannot be read.
    Before124,
}

impl VendorRule {
    /// The rule that the root `go.mod`, if there is one, asks for. It is the file as it goes into the zip.
    pub fn of(go_mod: Option<&[u8]>) -> Self {
        match go_mod.map(GoMod::parse) {
            Some(Ok(go_mod)) if go_mod.go_version_at_least(1, 24) => Self::Since124,
            _ => Self::Before124,
        }
    }
}

/// What was chosen of a tree: indexes of the list that was given, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// What belongs into the zip.
    pub kept: Vec<usize>,
    /// What does not, with the reason as a phrase.
    pub omitted: Vec<(usize, &'static str)>,
}

/// Why no module zip can be made of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidTree {
    /// The files to keep are larger than [`MAX_ZIP`] together.
    TooLarge,
    /// Files that may be in no zip: path and reason, in the order of the tree.
    Files(Vec<(String, String)>),
}

/// Chooses the files that belong into the module zip.
pub fn select(files: &[TreeFile<'_>], vendor_rule: VendorRule) -> Result<Selection, InvalidTree> {
    let nested = nested_modules(files);
    let mut selection = Selection::default();
    let mut invalid: Vec<(String, String)> = Vec::new();
    let mut collisions = Collisions::default();
    let mut room = Some(MAX_ZIP);
    for (index, file) in files.iter().enumerate() {
        match judge(file, &nested, vendor_rule, &mut collisions, &mut room) {
            Ok(None) => selection.kept.push(index),
            Ok(Some(reason)) => selection.omitted.push((index, reason)),
            Err(reason) => invalid.push((file.path.to_owned(), reason)),
        }
    }
    if room.is_none() {
        return Err(InvalidTree::TooLarge);
    }
    if !invalid.is_empty() {
        return Err(InvalidTree::Files(invalid));
    }
    Ok(selection)
}

/// Keeps the file (`None`), leaves it out for a reason, or finds that it may be in no zip.
fn judge(
    file: &TreeFile<'_>,
    nested: &HashSet<&str>,
    vendor_rule: VendorRule,
    collisions: &mut Collisions,
    room: &mut Option<u64>,
) -> Result<Option<&'static str>, String> {
    let path = file.path;
    if !is_clean(path) {
        return Err("its path is not clean".to_owned());
    }
    if path.starts_with('/') {
        return Err("its path is not relative".to_owned());
    }
    if is_vendored(path, vendor_rule) {
        return Ok(Some("it is in a vendor folder"));
    }
    if folders(path).any(|folder| nested.contains(folder)) {
        return Ok(Some("it is in another module"));
    }
    if path == ".hg_archival.txt" {
        return Ok(Some("hg archive wrote it"));
    }
    check_file_path(path)?;
    if path != "go.mod" && path.eq_ignore_ascii_case("go.mod") {
        return Err("a go.mod must be written in lower case".to_owned());
    }
    collisions.add(path)?;
    match file.kind {
        FileKind::Regular => {}
        FileKind::Symlink => return Ok(Some("it is a symbolic link")),
        FileKind::Other => return Ok(Some("it is no regular file")),
    }
    *room = room.and_then(|room| room.checked_sub(file.size));
    let limit = match path {
        "go.mod" => MAX_GO_MOD,
        "LICENSE" => MAX_LICENSE,
        _ => u64::MAX,
    };
    if file.size > limit {
        return Err(format!("it is larger than {limit} bytes"));
    }
    Ok(None)
}

/// The folders below the root that hold a `go.mod` in any case: all below them belongs to other modules.
fn nested_modules<'a>(files: &[TreeFile<'a>]) -> HashSet<&'a str> {
    let go_mods = files.iter().filter(|file| file.kind == FileKind::Regular);
    go_mods
        .filter_map(|file| file.path.rsplit_once('/'))
        .filter(|(_, base)| base.eq_ignore_ascii_case("go.mod"))
        .map(|(folder, _)| folder)
        .collect()
}

/// The folders a file lies in, from the innermost, the root left out.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/').map(|(at, _)| &path[..at])
}

fn is_vendored(path: &str, rule: VendorRule) -> bool {
    if rule == VendorRule::Since124 && path == "vendor/modules.txt" {
        return true;
    }
    if let Some(below) = path.strip_prefix("vendor/") {
        return below.contains('/');
    }
    match (path.split_once("/vendor/"), rule) {
        (None, _) => false,
        (Some((_, below)), VendorRule::Since124) => below.contains('/'),
        // Before, Go looked for the slash from the wrong place and so always found one (golang.org/issue/37397).
        (Some(_), VendorRule::Before124) => true,
    }
}

/// Whether Go's `path.Clean` would leave the path as it is.
fn is_clean(path: &str) -> bool {
    if path == "." || path == "/" {
        return true;
    }
    let relative = path.strip_prefix('/').unwrap_or(path);
    let mut elements = relative.split('/').peekable();
    if relative.len() == path.len() {
        while elements.next_if_eq(&"..").is_some() {}
    }
    (elements.peek().is_none() || !relative.is_empty())
        && elements.all(|element| !matches!(element, "" | "." | ".."))
}

impl fmt::Display for InvalidTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        match self {
            Self::TooLarge => write!(f, "module source tree too large (max size is {MAX_ZIP} bytes)"),
            Self::Files(files) => {
                for (index, (path, reason)) in files.iter().take(SHOWN).enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(f, "{separator}the file {}: {reason}", excerpt(path))?;
                }
                match files.len().saturating_sub(SHOWN) {
                    0 => Ok(()),
                    more => write!(f, "; and {more} more"),
                }
            }
        }
    }
}

impl std::error::Error for InvalidTree {}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree<'a>(paths: &[&'a str]) -> Vec<TreeFile<'a>> {
        // A `@` marks a symbolic link, as `ls -F` does.
        let file = |path: &&'a str| match path.strip_suffix('@') {
            Some(path) => TreeFile {
                path,
                kind: FileKind::Symlink,
                size: 1,
            },
            None => TreeFile {
                path,
                kind: FileKind::Regular,
                size: 1,
            },
        };
        paths.iter().map(file).collect()
    }

    fn kept<'a>(paths: &[&'a str], rule: VendorRule) -> Vec<&'a str> {
        let files = tree(paths);
        let selection = select(&files, rule).unwrap();
        assert_eq!(selection.kept.len() + selection.omitted.len(), files.len());
        selection.kept.iter().map(|&index| files[index].path).collect()
    }

    #[test]
    fn nested_modules_are_left_out() {
        let paths = [
            "a.go",
            "d/GO.MOD",
            "d/x.go",
            "go.mod",
            "l/go.mod@",
            "l/x.go",
            "n/deep/CON",
            "n/go.mod",
            "n:o",
        ];
        assert_eq!(
            kept(&paths[..8], VendorRule::Before124),
            ["a.go", "go.mod", "l/x.go"]
        );
        assert!(select(&tree(&paths), VendorRule::Before124).is_err());
    }

    #[test]
    fn vendored_files_are_left_out_by_the_rule_of_the_go_line() {
        let paths = [
            "Vendors/Vendor/y.go",
            "a/vendor/v.go",
            "a/vendor/p/v.go",
            "a/vendor/modules.txt",
            "vendor/modules.txt",
            "vendor/p/p.go",
            "vendor/x.go",
        ];
        use VendorRule::*;
        assert_eq!(
            kept(&paths, Before124),
            ["Vendors/Vendor/y.go", "vendor/modules.txt", "vendor/x.go"]
        );
        assert_eq!(
            kept(&paths, Since124),
            [
                "Vendors/Vendor/y.go",
                "a/vendor/v.go",
                "a/vendor/modules.txt",
                "vendor/x.go"
            ]
        );
    }

    #[test]
    fn the_first_test_that_applies_decides() {
        type Case<'a> = (&'a [&'a str], Result<&'a [&'a str], &'a str>);
        let cases: &[Case<'_>] = &[
            // Left out before its name is looked at.
            (&["vendor/p/a:b", ".hg_archival.txt", "x"], Ok(&["x"])),
            // Not clean, wherever it lies.
            (&["vendor/p/../x"], Err("not clean")),
            (&["/vendor/p/x"], Err("not relative")),
            (&["../x"], Err("an element of it ends in a dot")),
            (&["a:b"], Err("':'")),
            (&["Go.mod"], Err("lower case")),
            (&["GO.MOD@"], Err("lower case")),
            // A link is left out, but only after it collided.
            (&["File.txt", "file.txt@"], Err("collides with \"File.txt\"")),
            (&["a@", "a/b"], Err("both a file and a folder")),
            (&["link@", "x"], Ok(&["x"])),
        ];
        for (paths, expected) in cases {
            match (select(&tree(paths), VendorRule::Since124), expected) {
                (Ok(_), Ok(expected)) => assert_eq!(kept(paths, VendorRule::Since124), *expected),
                (Err(error), Err(reason)) => {
                    assert!(error.to_string().contains(reason), "{paths:?}: {error}");
                }
                (outcome, _) => panic!("{paths:?}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn sizes_are_limited_and_their_sum_is_reported_first() {
        let file = |path, size| TreeFile {
            path,
            kind: FileKind::Regular,
            size,
        };
        let outcome = |files: &[TreeFile<'_>]| select(files, VendorRule::Since124);
        let full = [file("a", MAX_ZIP - MAX_GO_MOD), file("go.mod", MAX_GO_MOD)];
        assert!(outcome(&full).is_ok());
        assert_eq!(
            outcome(&[&full[..], &[file("z", 1), file("a:b", 1)]].concat()),
            Err(InvalidTree::TooLarge)
        );
        assert_eq!(
            outcome(&[file("huge", u64::MAX), file("huge2", u64::MAX)]),
            Err(InvalidTree::TooLarge)
        );
        // What is left out, or invalid before its size is looked at, counts nothing.
        assert!(outcome(&[file("vendor/p/x", MAX_ZIP + 1), file("n/go.mod", MAX_ZIP + 1)]).is_ok());
        assert!(matches!(
            outcome(&[file("a:b", MAX_ZIP + 1)]),
            Err(InvalidTree::Files(_))
        ));
        for path in ["go.mod", "LICENSE"] {
            let error = outcome(&[file(path, MAX_GO_MOD + 1)]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the file {path:?}: it is larger than 16777216 bytes")
            );
        }
        assert!(outcome(&[file("d/LICENSE", MAX_LICENSE + 1)]).is_ok());
    }

    #[test]
    fn every_invalid_file_is_reported_in_order() {
        let Err(InvalidTree::Files(files)) = select(&tree(&["b:", "ok", "a:", "OK"]), VendorRule::Since124)
        else {
            panic!("they are invalid")
        };
        assert_eq!(
            files.iter().map(|(path, _)| &**path).collect::<Vec<_>>(),
            ["b:", "a:", "OK"]
        );
    }

    #[test]
    fn clean_is_what_go_calls_clean() {
        for clean in [".", "/", "a", "a/b", "..", "../..", "../a", "/a", "...", "a/.b"] {
            assert!(is_clean(clean), "{clean:?}");
        }
        for unclean in [
            "", "a/", "./a", "a/.", "a//b", "a/..", "a/../b", "/..", "/../a", "//", "//a", "../", ".././a",
        ] {
            assert!(!is_clean(unclean), "{unclean:?}");
        }
    }
}
