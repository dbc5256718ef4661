//! `cargo xtask deny`: licences, banned crates and sources of everything that is built in, by cargo-deny.
//!
//! Not part of `cargo xtask test`, since cargo-deny takes minutes to build and its advisories need a network. Without
//! a network, advisories are left out and it says so.

use crate::{Failure, step::program, tree::cargo};

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let checks: &[&str] = match arguments {
        [] => &["bans", "licenses", "sources"],
        ["--advisories"] => &["advisories", "bans", "licenses", "sources"],
        _ => return Err("usage: cargo xtask deny [--advisories]".to_owned()),
    };
    let installed = cargo().args(["deny", "--version"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        return Err("cargo-deny is not installed: cargo install cargo-deny --locked".to_owned());
    }
    if arguments.is_empty() {
        println!("advisories are left out: they need a network (--advisories asks for them)");
    }
    program("deny", cargo().args(["deny", "--locked", "check"]).args(checks))
}
