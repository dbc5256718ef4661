//! The scrub: what is kept is read again, and held against what was recorded and against the rules of its kind.
//!
//! An [`Inspector`] reads one file and says what is wrong with it; it changes nothing. A [`Repair`] acts on what was
//! found: damage is set aside, so that its name is a miss again and an ordinary fetch heals it, if and only if it
//! brings the bytes that were kept. A [`Patrol`] does both to the whole store, slowly and for ever; [`Recheck`] does it
//! to versions that were kept while the checksum database was away.
//!
//! These checks alone prove a file damaged: there is no other way in which a kept name becomes a miss.

mod inspect;
mod patrol;
mod recheck;
mod repair;

pub use inspect::{Depth, Inspected, Inspector};
pub use patrol::{Patrol, PatrolParts, Status, Tally};
pub use recheck::{Compared, Recheck, compare};
pub use repair::Repair;

use crate::{
    file::{Kind, ModuleFile},
    module::ModuleVersion,
    seen::Contradiction,
    store::Corrupt,
    sums::{H1, Sums},
};
use bytes::Bytes;
use std::fmt;

/// Something wrong with what is kept.
#[derive(Clone, Debug)]
pub enum Fault {
    /// A file is not what was kept, or breaks a rule of its kind.
    Damaged(Corrupt),
    /// A zip is kept without another file of its version, and that one was not set aside.
    Torn {
        /// The zip.
        zip: ModuleFile,
        /// What is missing.
        missing: Kind,
    },
    /// The sum that the store keeps beside a zip, for Go's sake, is not the zip's.
    SumBeside {
        /// The zip.
        zip: ModuleFile,
        /// What is kept.
        found: Bytes,
        /// The zip's sum.
        right: H1,
    },
    /// The record of a version cannot be read, so its files cannot be held against it.
    Record {
        /// The version.
        module: ModuleVersion,
        /// What is wrong with it, as a phrase.
        reason: String,
    },
    /// The checksum database proves other sums than those the version is kept with.
    Contradicted {
        /// The version.
        module: ModuleVersion,
        /// What was compared.
        contradiction: Contradiction,
        /// What the database proves.
        sums: Sums,
    },
}

impl Fault {
    /// What kind of fault it is, in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Damaged(_) | Self::SumBeside { .. } => "damaged",
            Self::Torn { .. } => "torn",
            Self::Record { .. } => "record",
            Self::Contradicted { .. } => "contradicted",
        }
    }
}

/// The name, and what is wrong, in one line.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(corrupt) => write!(f, "damaged: {}: {}", corrupt.file(), corrupt.reason()),
            Self::SumBeside { zip, right, .. } => {
                write!(f, "damaged: {}.ziphash: it does not say {right}", zip.module)
            }
            Self::Torn { zip, missing } => {
                write!(f, "torn: {zip}: the .{missing} of its version is not there")
            }
            Self::Record { module, reason } => write!(f, "damaged record: {module}: {reason}"),
            Self::Contradicted {
                module,
                contradiction: said,
                ..
            } => write!(
                f,
                "contradicted: {module}.{}: its sum is {}, but {} says {}",
                said.kind, said.kept, said.authority, said.proven
            ),
        }
    }
}
