//! The whole mirror from outside: the real binary between a real `go` and upstreams that count and misbehave.
//!
//! One file for each promise; what they share is in [`world`].
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agreement;
mod build;
mod checksum_lies;
mod checksums;
mod direct;
mod hostile;
mod loops;
mod memory;
mod once;
mod outage;
mod outgoing;
mod postgres;
mod public;
mod settings;
mod two_processes;
mod world;
