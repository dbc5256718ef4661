//! `direct` by the real `go` and git, against hosts on loopback.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

#[macro_use]
mod place;

mod answers;
mod cage;
mod files;
mod moved;
