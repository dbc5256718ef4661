//! Module files on a disk: the promises, the tree itself, and what disks and processes do to it.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod adopted;
mod conformance;
mod full_disk;
mod house;
mod killed;
mod leases;
mod patrolled;
mod processes;
mod reading;
mod refused;
mod scrubbed;
mod tree;
