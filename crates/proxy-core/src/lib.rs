//! What an immutable mirror of Go modules is.
//!
//! This crate knows module paths, versions, module files and their sums; the contract of a store that never
//! changes what it kept; and the mirror that fills it. It knows no HTTP, no SQL, no S3 and no git: whatever it
//! needs from those is a trait here ([`Upstream`](upstream::Upstream), [`ModuleStore`](store::ModuleStore),
//! [`RecordStore`](records::RecordStore), [`ChecksumAuthority`](checksums::ChecksumAuthority),
//! [`Leases`](lease::Leases)) that a crate above fills in.

pub mod checksums;
pub mod file;
pub mod go_mod;
pub mod info;
pub mod lease;
pub mod mirror;
pub mod module;
pub mod policy;
pub mod records;
pub mod scrub;
pub mod seen;
pub mod spool;
pub mod store;
pub mod sums;
pub mod upstream;
pub mod verify;
pub mod zip;

pub use jiff::Timestamp;

/// The example on the crate's page is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Page;
