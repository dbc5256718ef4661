//! Names that cannot lie beside each other in one folder on every system.

use super::{MAX_FILES_AND_FOLDERS, excerpt, fold::fold};
use std::collections::HashMap;

/// The files of a module and the folders they lie in, as seen so far.
///
/// Go's rule: no two paths, folders included, are equal when case is ignored, and nothing is both a file and a
/// folder. Go keeps every folder's whole path; here each element is kept once, so that a zip of long paths costs
/// memory by its size and not by its square.
#[derive(Default)]
pub(super) struct Collisions {
    nodes: Vec<Node>,
    /// By the parent's index and the folded element: see [`key`].
    children: HashMap<Box<str>, usize>,
}

struct Node {
    parent: Option<usize>,
    spelling: Box<str>,
    is_folder: bool,
}

impl Collisions {
    /// Adds a file; the error says with what it collides.
    pub(super) fn add(&mut self, path: &str) -> Result<(), String> {
        // As far down as something is known already, with case ignored; `same` while no element is spelled otherwise.
        let mut rest = path;
        let mut deepest = None;
        let mut same = true;
        while let Some(&node) = self.children.get(&*key(deepest, element(rest))) {
            same &= *self.nodes[node].spelling == *element(rest);
            deepest = Some(node);
            rest = below(rest);
            if rest.is_empty() {
                break;
            }
        }
        let known = &path[..path.len() - rest.len()].trim_end_matches('/');
        if let Some(node) = deepest {
            if !same {
                let other = self.path(node);
                return Err(format!(
                    "it collides with {} when case is ignored",
                    excerpt(&other)
                ));
            }
            match (self.nodes[node].is_folder, rest.is_empty()) {
                (true, false) => {}
                (false, true) => return Err("it is there twice".to_owned()),
                _ => return Err(format!("{} is both a file and a folder", excerpt(known))),
            }
        }
        while !rest.is_empty() {
            if self.nodes.len() >= MAX_FILES_AND_FOLDERS {
                return Err(format!(
                    "there are more than {MAX_FILES_AND_FOLDERS} files and folders"
                ));
            }
            let node = Node {
                parent: deepest,
                spelling: element(rest).into(),
                is_folder: rest.contains('/'),
            };
            self.children
                .insert(key(deepest, element(rest)), self.nodes.len());
            deepest = Some(self.nodes.len());
            self.nodes.push(node);
            rest = below(rest);
        }
        Ok(())
    }

    /// The path of a node as it was first spelled.
    fn path(&self, node: usize) -> String {
        let mut elements = Vec::new();
        let mut next = Some(node);
        while let Some(node) = next {
            elements.push(&*self.nodes[node].spelling);
            next = self.nodes[node].parent;
        }
        elements.reverse();
        elements.join("/")
    }
}

/// The first element of a path.
fn element(path: &str) -> &str {
    path.split_once('/').map_or(path, |(first, _)| first)
}

/// What comes after the first element.
fn below(path: &str) -> &str {
    path.split_once('/').map_or("", |(_, rest)| rest)
}

fn key(parent: Option<usize>, element: &str) -> Box<str> {
    match parent {
        None => format!("/{}", fold(element)).into(),
        Some(parent) => format!("{parent}/{}", fold(element)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(paths: &[&str]) -> Result<(), String> {
        let mut collisions = Collisions::default();
        paths.iter().try_for_each(|path| collisions.add(path))
    }

    #[test]
    fn files_that_differ_lie_beside_each_other() {
        assert_eq!(
            outcome(&["a", "b/a", "b/c", "b/d/a", "ab", "c/b/a", "0", "0a/0"]),
            Ok(())
        );
    }

    #[test]
    fn what_cannot_lie_beside_each_other_is_told() {
        let cases: &[(&[&str], &str)] = &[
            (&["README.md", "readme.md"], "collides with \"README.md\""),
            (&["K", "\u{212a}"], "collides with \"K\""),
            (&["s", "ſ"], "collides with \"s\""),
            (&["A/x", "a/y"], "collides with \"A\""),
            (&["d/A/x", "d/a/x"], "collides with \"d/A/x\""),
            (&["a", "A/b"], "collides with \"a\""),
            (&["a/b", "A"], "collides with \"a\""),
            (&["a", "a/b"], "\"a\" is both a file and a folder"),
            (&["d/a/b", "d/a"], "\"d/a\" is both a file and a folder"),
            (&["d/a", "d/a/b/c"], "\"d/a\" is both a file and a folder"),
            (&["a/b", "a/b"], "it is there twice"),
        ];
        for (paths, reason) in cases {
            let error = outcome(paths).unwrap_err();
            assert!(error.contains(reason), "{paths:?}: {error}");
        }
    }

    #[test]
    fn the_number_of_files_and_folders_is_bounded() {
        let mut collisions = Collisions::default();
        let deep = vec!["a"; MAX_FILES_AND_FOLDERS].join("/");
        assert_eq!(collisions.add(&deep), Ok(()));
        assert_eq!(
            collisions.add("a/b"),
            Err("there are more than 400000 files and folders".to_owned())
        );
    }
}
