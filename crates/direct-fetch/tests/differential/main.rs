//! The native reader of git repositories against `go mod download` and `go list -m -versions`.
//!
//! For every module and query both give the same `.info`, the same `.mod` and the same sum of the zip, or both refuse. The
//! deliberate differences are in one table, [`DELIBERATE`].

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod bytes_of_trees;
mod checklist;
mod corners;
mod folders;
mod house;
mod names;
mod random;
mod rare;

use house::House;

/// Where we differ on purpose: module, query, and why.
const DELIBERATE: &[(&str, &str, &str)] = &[(
    "example.test/newer",
    "v1.0.0",
    "a go line newer than the installed toolchain: go refuses, we have no toolchain that could be too old",
)];

/// What we refuse with trouble and go serves: words of our refusal, and why.
const DELIBERATE_REFUSALS: &[(&str, &str)] = &[(
    "is not known here exactly as git writes it",
    "an encoding is what the C library of go's machine takes it for: nearly the same bytes would be a wrong sum",
)];

/// Lists, and what `latest` means by them, that we give and go refuses: words of its refusal, and why.
const DELIBERATE_LISTS: &[(&str, &str)] = &[(
    "unexpected response from git log",
    "one tag on a tree where a commit should be must not take every other version's name away",
)];
