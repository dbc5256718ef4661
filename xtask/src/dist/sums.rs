//! `SHA256SUMS`, as `sha256sum --check` reads it.

use crate::Failure;
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, fs, path::Path};

/// What the file is called.
pub(super) const NAME: &str = "SHA256SUMS";

/// Writes the sums of all files of a folder, in the order of their names.
pub(super) fn write(folder: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut names: Vec<String> = fs::read_dir(folder)
        .map_err(failed)?
        .flatten()
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != NAME)
        .collect();
    names.sort();
    let mut lines = String::new();
    for name in names {
        let bytes = fs::read(folder.join(&name)).map_err(failed)?;
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{}  {name}", sha256(&bytes));
    }
    fs::write(folder.join(NAME), lines).map_err(failed)
}

/// The sum of some bytes, in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::sha256;

    #[test]
    fn the_sum_of_nothing_is_known() {
        assert_eq!(
            sha256(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
