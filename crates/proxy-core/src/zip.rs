//! Module zips: what one may hold, reading and writing one.
//!
//! A module zip holds the files of one version of one module, each named `<module>@<version>/<path>` (Go modules
//! reference, "Module zip files"). Its own bytes prove nothing: the `h1:` sum covers names and contents only, so two
//! zips of other bytes can be the same module, and a zip may say things that no sum covers. Where two readers make
//! different things of those, one file is two modules; and what is kept here is kept for ever and read by others. So a
//! zip must have one reading: its entries lie one after the other from the first byte, the directory follows at once,
//! its end is the end of the file, and the two places that describe an entry say the same. What the go command and
//! ordinary tools write of plain files is like that.
//!
//! That is why [`check()`] does not use a library's reader. The `zip` crate's (9.8.1) can be told to compare the two
//! descriptions, but it is made to read what is there: it looks for a directory that works, reads past bytes before,
//! between and behind the entries, and holds as many entries in memory as the directory has. The two modules here
//! (`directory`, `entry`) take the one form above and nothing else, in one pass and bounded memory. Inflating is
//! `flate2`'s, and writing ([`Writer`]) the `zip` crate's.

mod check;
mod collisions;
mod directory;
mod entry;
mod fold;
mod packed;
mod select;
mod write;

pub use check::check;
pub use packed::Packed;
pub use select::{FileKind, InvalidTree, Selection, TreeFile, VendorRule, select};
pub use write::{Writer, from_files};

use crate::sums::H1;

/// The largest zip, and the most its files may hold together uncompressed, in bytes (Go: `zip.MaxZipFile`).
pub const MAX_ZIP: u64 = 500 << 20;

/// The largest `go.mod` at the root, in bytes (Go: `zip.MaxGoMod`).
pub const MAX_GO_MOD: u64 = 16 << 20;

/// The largest `LICENSE` at the root, in bytes (Go: `zip.MaxLICENSE`).
pub const MAX_LICENSE: u64 = 16 << 20;

/// The most entries in a zip. Go has no such limit; the largest modules known have some tens of thousands of files.
/// Together with the limits below it bounds what the directory of a hostile zip can cost to some 200 MB of memory.
pub const MAX_ENTRIES: u64 = 200_000;

/// The largest directory, names included, in bytes.
pub const MAX_DIRECTORY: u64 = 48 << 20;

/// The longest path of a file below the module's root, in bytes: what Linux takes as one path.
pub const MAX_PATH: usize = 4096;

/// The most files and folders in one module.
pub const MAX_FILES_AND_FOLDERS: usize = 400_000;

/// What a check of a whole zip found out on the way.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The zip's `h1:` sum.
    pub h1: H1,
    /// The root `go.mod` inside it, if there is one.
    pub go_mod: Option<bytes::Bytes>,
}

/// Why a zip is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidZip {
    /// The rule it breaks, naming the entry, as a phrase.
    pub reason: String,
}

/// Why a check did not end well.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The zip is at fault.
    #[error(transparent)]
    Invalid(#[from] InvalidZip),
    /// Our own disk is.
    #[error("a spooled zip could not be read")]
    Io(#[from] std::io::Error),
}

impl InvalidZip {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }

    /// A fault of one entry: the name, shortened and with odd characters made visible, then the fault.
    fn of_entry(name: &str, fault: impl std::fmt::Display) -> Self {
        Self::new(format!("the entry {}: {fault}", excerpt(name)))
    }
}

/// A name as it can be shown: quoted, odd characters made visible, shortened if it is very long.
fn excerpt(name: &str) -> String {
    const LONGEST: usize = 300;
    match name.char_indices().nth(LONGEST) {
        None => format!("{name:?}"),
        Some((end, _)) => format!("{:?}…", &name[..end]),
    }
}
