//! Git repositories as a source of modules: what the suite beside `go` cannot ask.
//!
//! Hosts that lie, hang and refuse, tags that move, caches that were left in a mess, questions nobody waits for.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod adversary;
mod caches;
mod ends;
mod formats;
mod histories;
mod house;
mod judged;
mod pins;
mod ssh;
mod statuses;
mod strangers;
