//! What a parser must never do, whatever it is given.
//!
//! A [`Target`] takes any bytes, hands them to a part of the mirror that reads what strangers send, and panics if that
//! part panics or breaks a promise: what was read is written back the same, the order of versions is total, a name that
//! was let in can be a folder. The [`driver`] makes inputs up from the seeds in `corpus/<target>/`. It runs on the stable
//! compiler and knows nothing of coverage; what it has instead is each target's verdict, so that inputs which were let
//! in become seeds themselves and the next ones start deeper.

#![forbid(unsafe_code)]

pub mod driver;
mod mutation;
mod targets;

use std::path::{Path, PathBuf};

/// A part of the mirror that reads what strangers send, and what must always be true of it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its folder in the corpus.
    pub name: &'static str,
    /// Panics if a promise is broken.
    pub run: fn(&[u8]) -> Verdict,
    /// The longest input worth making up, in bytes.
    pub longest: usize,
    /// Words its inputs are made of.
    pub words: &'static [&'static str],
}

/// What a target thought of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was let in.
    Accepted,
    /// It was refused, as most are.
    Refused,
}

impl From<bool> for Verdict {
    fn from(accepted: bool) -> Self {
        if accepted { Self::Accepted } else { Self::Refused }
    }
}

/// All targets.
pub const TARGETS: [Target; 13] = [
    targets::ESCAPE,
    targets::PATH,
    targets::VERSION,
    targets::QUERY,
    targets::PATTERN,
    targets::INFO,
    targets::GO_MOD,
    targets::REQUEST,
    targets::ZIP,
    targets::TREE,
    targets::NOTE,
    targets::LOOKUP,
    targets::TILE,
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

impl Target {
    /// The folder of its seeds.
    pub fn corpus(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(self.name)
    }
}
