//! The archive: one folder with the program and all that belongs to it.

use super::{
    build::Build,
    contents::{Contents, Item, gzip},
};
use crate::Failure;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Writes `stoa-VERSION-TARGET.tar.gz`.
pub(super) fn write(build: &Build, contents: &Contents, into: &Path) -> Result<PathBuf, Failure> {
    let path = into.join(format!("{}.tar.gz", build.name()));
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut archive = tar::Builder::new(Vec::new());
    archive.mode(tar::HeaderMode::Deterministic);
    for item in items(contents) {
        let mut header = tar::Header::new_gnu();
        header.set_size(item.bytes.len() as u64);
        header.set_mode(item.mode);
        header.set_mtime(build.seconds);
        header.set_uid(0);
        header.set_gid(0);
        header.set_entry_type(tar::EntryType::Regular);
        let name = format!("{}/{}", build.name(), item.path);
        archive
            .append_data(&mut header, name, item.bytes.as_slice())
            .map_err(failed)?;
    }
    let bytes = archive.into_inner().map_err(failed)?;
    fs::write(&path, gzip(&bytes)?).map_err(failed)?;
    Ok(path)
}

/// Everything in it, in a fixed order.
fn items(contents: &Contents) -> Vec<Item> {
    let mut items = vec![Item::new("stoa", contents.binary.clone()).mode(0o755)];
    let pages = contents.pages.iter();
    items.extend(pages.map(|(name, bytes)| Item::new(*name, bytes.clone())));
    items.push(Item::new(
        "THIRD-PARTY-LICENSES.txt",
        contents.licences.as_bytes(),
    ));
    items.push(Item::new("stoa.cdx.json", contents.sbom.as_bytes()));
    let manual = contents.manual.iter();
    items.extend(manual.map(|(name, bytes)| Item::new(format!("man/{name}"), bytes.clone())));
    let completions = contents.completions.iter();
    items.extend(completions.map(|(_, name, bytes)| Item::new(format!("completions/{name}"), bytes.clone())));
    let units = contents.units.iter();
    items.extend(units.map(|(name, bytes)| Item::new(format!("systemd/{name}"), bytes.clone())));
    items
}
