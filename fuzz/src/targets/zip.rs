//! Module zips: what is let in has one reading, and is inside every limit.
//!
//! An input is the zip of `example.test/m@v1.0.0`. What the check lets in is read again by the `zip` crate, which finds
//! its way through a zip quite differently: both must see the same names and the same bytes.

use crate::{Target, Verdict};
use proxy_core::{
    file::{Body, Sha256},
    module::{ModuleVersion, path::check_file_path},
    sums::H1,
    zip::{MAX_ZIP, check},
};
use std::io::{Cursor, Read};
use zip::{ZipArchive, result::ZipResult};

pub(crate) const ZIP: Target = Target {
    name: "zip",
    run,
    longest: 20_000,
    words: &[
        "PK\x01\x02",
        "PK\x03\x04",
        "PK\x05\x06",
        "PK\x06\x06",
        "PK\x06\x07",
        "PK\x07\x08",
        "example.test/m@v1.0.0/",
        "go.mod",
        "/",
        "..",
        "\0",
    ],
};

fn run(data: &[u8]) -> Verdict {
    let module = ModuleVersion::parse("example.test/m", "v1.0.0").expect("it is one");
    let Ok(checked) = check(&module, &Body::from_bytes(data.to_vec())) else {
        return Verdict::Refused;
    };
    // It refuses some optional fields that no sum covers and that Go's reader skips, as ours does.
    let Ok(files) = read_otherwise(data) else {
        return Verdict::Refused;
    };
    let prefix = format!("{module}/");
    for (name, _) in &files {
        let path = name.strip_prefix(&prefix).expect("each name has the prefix");
        assert_eq!(check_file_path(path), Ok(()), "{name}");
    }
    let go_mod = files.iter().find(|(name, _)| *name == format!("{prefix}go.mod"));
    assert_eq!(checked.go_mod.as_deref(), go_mod.map(|(_, content)| &content[..]));
    assert!(files.iter().map(|(_, content)| content.len() as u64).sum::<u64>() <= MAX_ZIP);
    let sums = files.iter().map(|(name, content)| (name, Sha256::of(content)));
    assert_eq!(
        H1::of_files(sums),
        Ok(checked.h1),
        "both readers saw the same names and bytes"
    );
    Verdict::Accepted
}

/// The names and contents as the `zip` crate reads them.
fn read_otherwise(data: &[u8]) -> ZipResult<Vec<(String, Vec<u8>)>> {
    let mut archive = ZipArchive::new(Cursor::new(data))?;
    let entries = archive.len();
    let mut read = |index| {
        let mut entry = archive.by_index(index)?;
        let mut content = Vec::new();
        entry.by_ref().take(MAX_ZIP + 1).read_to_end(&mut content)?;
        Ok((entry.name()?.into_owned(), content))
    };
    (0..entries).map(&mut read).collect()
}
