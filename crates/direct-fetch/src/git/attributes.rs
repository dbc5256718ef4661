//! Which `.gitattributes` of a tree apply to which of its files, and what they ask for.
//!
//! `go` makes a module zip of what `git archive` writes, so attributes change the bytes of a module, and with them
//! its sum. Only the attributes in the commit's own tree count: all files from the repository's root down, also those
//! above the module's folder; a deeper file overrides, a later line overrides an earlier one (gitattributes(5)). The
//! machine's own attribute files and the repository's `info/attributes` do not count, so the sum is the same
//! everywhere. `export-subst` and `export-ignore` are never asked for: `go` switches both off.

use bstr::{BString, ByteSlice};
use gix_attributes::{
    Search, StateRef,
    search::{MetadataCollection, Outcome},
};
use gix_filter::eol::AttributesDigest;
use std::path::Path;

/// The attributes that change bytes, in the order their states are asked for.
const NAMES: [&str; 5] = ["text", "crlf", "eol", "ident", "working-tree-encoding"];

/// git ignores lines longer than this, in bytes.
const LONGEST_LINE: usize = 2048;

/// The `.gitattributes` files of one tree.
#[derive(Debug)]
pub struct TreeAttributes {
    search: Search,
    names: MetadataCollection,
}

/// What the attributes of one file ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Checkout {
    /// Lines end in CRLF; `Auto` only where the content is text by its looks and has no CR yet.
    pub crlf: Option<Crlf>,
    /// `$Id$` is replaced by the blob's hash.
    pub ident: bool,
    /// UTF-8 is written in this encoding, named as in the file.
    pub encoding: Option<BString>,
}

/// When a line's LF becomes CRLF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Crlf {
    /// Whatever the content looks like.
    Always,
    /// Only in content that looks like text.
    Auto,
}

/// An attribute that makes `git archive`, and so the module, fail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} has the attribute working-tree-encoding without the name of an encoding")]
pub struct NoEncoding {
    /// The file, from the repository's root.
    pub path: String,
}

impl TreeAttributes {
    /// Reads the files of a tree: each with the folder it lies in (empty for the root), parents before children.
    /// Symbolic links must not be among them: git does not follow them.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut attributes = Self {
            search: Search::default(),
            names: MetadataCollection::default(),
        };
        attributes.add("", b"[attr]binary -diff -merge -text", true);
        for (folder, content) in files {
            // Macros count in the root's file only.
            attributes.add(folder, content, folder.is_empty());
        }
        attributes
    }

    fn add(&mut self, folder: &str, content: &[u8], macros: bool) {
        // What stands behind a NUL is not there to git, and a byte order mark belongs to the first pattern, which then is
        // that of no file: both differ from what the library makes of a file.
        let content = content.split(|byte| *byte == 0).next().unwrap_or_default();
        let marked = content.starts_with(b"\xEF\xBB\xBF");
        let mut lines: Vec<u8> = Vec::with_capacity(content.len());
        for line in content.lines_with_terminator().skip(usize::from(marked)) {
            let length = line.len() + usize::from(!line.ends_with(b"\n"));
            if length <= LONGEST_LINE {
                lines.extend_from_slice(line);
            }
        }
        let (file, root) = (Path::new(folder).join(".gitattributes"), Path::new(""));
        self.search
            .add_patterns_buffer(&lines, file, Some(root), &mut self.names, macros)
            .expect("only the reading of attribute files from a disk can fail");
    }

    /// What is asked for one file, named from the repository's root.
    pub fn of(&self, path: &str) -> Result<Checkout, NoEncoding> {
        let mut found = Outcome::default();
        found.initialize_with_selection(&self.names, NAMES);
        self.search.pattern_matching_relative_path(
            path.as_bytes().as_bstr(),
            gix_attributes::glob::pattern::Case::Sensitive,
            Some(false),
            &mut found,
        );
        let states: Vec<_> = found
            .iter_selected()
            .map(|found| found.assignment.state)
            .collect();
        let state = |index: usize| states.get(index).copied().unwrap_or(StateRef::Unspecified);
        let encoding = match state(4) {
            // `-working-tree-encoding` is to git an encoding of no name, which is none.
            StateRef::Unspecified | StateRef::Unset => None,
            StateRef::Value(name) => Some(BString::from(name.as_bstr())),
            StateRef::Set => {
                return Err(NoEncoding {
                    path: path.to_owned(),
                });
            }
        };
        Ok(Checkout {
            crlf: crlf(state(0), state(1), state(2)),
            ident: state(3) == StateRef::Set,
            encoding,
        })
    }
}

/// `crlf` is the old name of `text`, and counts where `text` says nothing.
fn crlf(text: StateRef<'_>, crlf: StateRef<'_>, eol: StateRef<'_>) -> Option<Crlf> {
    let named =
        |state: StateRef<'_>, name: &str| matches!(state, StateRef::Value(value) if value.as_bstr() == name);
    let says_something = |state: StateRef<'_>| {
        matches!(state, StateRef::Set | StateRef::Unset) || named(state, "auto") || named(state, "input")
    };
    let text = if says_something(text) { text } else { crlf };
    if text == StateRef::Unset || !named(eol, "crlf") {
        return None;
    }
    Some(if named(text, "auto") {
        Crlf::Auto
    } else {
        Crlf::Always
    })
}

impl From<Crlf> for AttributesDigest {
    fn from(crlf: Crlf) -> Self {
        match crlf {
            Crlf::Always => Self::TextCrlf,
            Crlf::Auto => Self::TextAutoCrlf,
        }
    }
}
