//! Module files: their names, and their bytes once finished.

use crate::{module::ModuleVersion, spool::SpoolFile};
use bytes::Bytes;
use std::{fmt, sync::Arc};

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

/// Finished bytes with size and sha-256, in memory or in a sealed spool file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Body {
    size: u64,
    sha256: Sha256,
    held: Held,
}

/// A sha-256 of bytes as they are; prints as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256(pub [u8; 32]);

/// Where a [`Body`]'s bytes are.
#[derive(Clone, Debug)]
pub enum Held {
    /// In memory.
    Memory(Bytes),
    /// In a spool file that nobody can write any more.
    File(Arc<SpoolFile>),
}

impl Body {
    /// Holds bytes in memory.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            size: bytes.len() as u64,
            sha256: Sha256::of(&bytes),
            held: Held::Memory(bytes),
        }
    }

    /// Only the spool makes bodies of files: it hashed them as it wrote them.
    pub(crate) fn from_spool(size: u64, sha256: Sha256, file: Arc<SpoolFile>) -> Self {
        Self {
            size,
            sha256,
            held: Held::File(file),
        }
    }

    /// How many bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The sum of the bytes as they are.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Where the bytes are.
    pub fn held(&self) -> &Held {
        &self.held
    }
}

impl Sha256 {
    /// The sum of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
