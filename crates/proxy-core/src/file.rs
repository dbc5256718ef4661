//! Module files: their names, and their bytes once finished.

mod body;

pub use body::{Body, BodyReader, Held, InvalidSha256, Sha256};

use crate::module::ModuleVersion;
use std::fmt;

/// The name of one module file; carries no bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleFile {
    /// Whose file.
    pub module: ModuleVersion,
    /// Which of its three.
    pub kind: Kind,
}

/// The three files of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The version, its time and where it came from, as JSON.
    Info,
    /// The `go.mod`.
    Mod,
    /// The source.
    Zip,
}

/// Everything known about a kind of file, in one place.
#[derive(Clone, Copy, Debug)]
pub struct KindFacts {
    /// The file name's ending, without the dot.
    pub extension: &'static str,
    /// The media type it is served as.
    pub content_type: &'static str,
    /// The largest file accepted, in bytes (Go modules reference, "Module zip files": 500 MiB; go.mod 16 MiB).
    pub max_size: u64,
}

impl Kind {
    /// All three, in the order they are inserted: a zip is never kept without the others.
    pub const ALL: [Self; 3] = [Self::Info, Self::Mod, Self::Zip];

    /// What is known about this kind.
    pub const fn facts(self) -> KindFacts {
        match self {
            Self::Info => KindFacts {
                extension: "info",
                content_type: "application/json",
                max_size: 1 << 20,
            },
            Self::Mod => KindFacts {
                extension: "mod",
                content_type: "text/plain; charset=utf-8",
                max_size: 16 << 20,
            },
            Self::Zip => KindFacts {
                extension: "zip",
                content_type: "application/zip",
                max_size: 500 << 20,
            },
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.facts().extension)
    }
}

impl ModuleFile {
    /// Names a file.
    pub fn new(module: ModuleVersion, kind: Kind) -> Self {
        Self { module, kind }
    }

    /// Where it lies in the GOPROXY tree: `github.com/!azure/x/@v/v1.2.0.zip`.
    pub fn tree_path(&self) -> String {
        format!(
            "{}/@v/{}.{}",
            self.module.path().escaped(),
            self.module.version().escaped(),
            self.kind.facts().extension
        )
    }
}

impl fmt::Display for ModuleFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.module, self.kind)
    }
}
