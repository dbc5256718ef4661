//! Git repositories: what their refs, commits and trees mean to `go`.

pub mod attributes;
mod checkout;
