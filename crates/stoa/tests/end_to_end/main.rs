//! The whole mirror from outside: the real binary between a real `go` and upstreams that count and misbehave.
//!
//! One file for each promise; what they share is in [`world`].
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agreement;
mod buckets;
mod build;
mod checksum_lies;
mod checksums;
mod direct;
mod first_sight;
mod hostile;
mod loops;
mod memory;
mod once;
mod outage;
mod outgoing;
mod postgres;
mod private;
mod public;
mod settings;
mod toolchain;
mod two_processes;
mod verify;
mod world;
