//! What a repository of ours remembers of earlier fetches, in a file beside its objects. Without the file, or without what
//! it names, everything comes again, which harms nobody.

use super::write_whole;
use gix::ObjectId;
use std::{collections::HashSet, fs, io, path::Path};

/// How many objects are remembered.
const MOST: usize = 1000;
/// The objects that were asked for and came, the latest first.
const KEPT: &str = "kept";
/// The objects that were asked for and are left out, as trees are of a history.
const LEFT_OUT: &str = "left-out";

/// The objects that were brought into a repository, the latest first, as far as it remembers: so a host can be told
/// what need not come again. They may have been lost since.
pub(in crate::git) fn kept(repository: &Path) -> Vec<ObjectId> {
    read(repository, KEPT)
}

/// Remembers objects that were brought into a repository just now.
pub(in crate::git) fn keep(repository: &Path, brought: &[ObjectId]) -> io::Result<()> {
    add(repository, KEPT, brought)
}

/// The objects that did not come though a fetch went well: they need not be asked for again.
pub(in crate::git) fn left_out(repository: &Path) -> Vec<ObjectId> {
    read(repository, LEFT_OUT)
}

/// Remembers objects that did not come.
pub(in crate::git) fn leave_out(repository: &Path, missed: &[ObjectId]) -> io::Result<()> {
    add(repository, LEFT_OUT, missed)
}

fn read(repository: &Path, name: &str) -> Vec<ObjectId> {
    let lines = fs::read_to_string(repository.join(name)).unwrap_or_default();
    let ids = lines
        .lines()
        .filter_map(|id| ObjectId::from_hex(id.as_bytes()).ok());
    ids.collect()
}

fn add(repository: &Path, name: &str, ids: &[ObjectId]) -> io::Result<()> {
    let mut known = HashSet::new();
    let all = ids.iter().copied().chain(read(repository, name));
    let lines = all.filter(|id| known.insert(*id)).take(MOST);
    write_whole(
        &repository.join(name),
        &lines.map(|id| format!("{id}\n")).collect::<String>(),
    )
}
