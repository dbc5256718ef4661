//! The targets, one file each: what is read, and what must be true of it.

mod escape;
mod go_mod;
mod info;
mod lookup;
mod note;
mod path;
mod pattern;
mod query;
mod request;
mod tile;
mod tree;
mod version;
mod zip;

pub(crate) use escape::ESCAPE;
pub(crate) use go_mod::GO_MOD;
pub(crate) use info::INFO;
pub(crate) use lookup::LOOKUP;
pub(crate) use note::NOTE;
pub(crate) use path::PATH;
pub(crate) use pattern::PATTERN;
pub(crate) use query::QUERY;
pub(crate) use request::REQUEST;
pub(crate) use tile::TILE;
pub(crate) use tree::TREE;
pub(crate) use version::VERSION;
pub(crate) use zip::ZIP;

use std::path::Component;

/// Whether a path can be joined to a folder without leaving it, on file systems of any kind.
fn stays_inside(path: &str) -> bool {
    let parts = std::path::Path::new(path).components();
    let windows_separators = ['\\', ':', '\0'];
    !path.is_empty()
        && !path.contains(windows_separators)
        && !path.contains("//")
        && parts.into_iter().all(|part| matches!(part, Component::Normal(_)))
}
