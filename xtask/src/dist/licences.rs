//! The licences of everything that is built in, with the texts that each package brings.

use super::packages::{Package, compiler};
use crate::{Failure, tree::root};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// How deep below a package's folder a text may lie: sources in other languages bring their own.
const DEPTH: usize = 3;

const RULE: &str = "================================================================================";

/// One text: who is under which licence, then each text once, with those who bring it.
pub(super) fn text(packages: &[Package]) -> Result<String, Failure> {
    let mut page = String::from(
        "Stoa is made of the packages below, each under the licence beside it. Their texts follow; a text that several\n\
         packages bring stands here once.\n\n",
    );
    // Writing to a string cannot fail.
    let _ = writeln!(page, "rust standard library {}: MIT OR Apache-2.0", compiler()?);
    let apache = fs::read_to_string(root().join("LICENSE-APACHE"));
    let apache = tidied(&apache.map_err(|error| format!("LICENSE-APACHE: {error}"))?);
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages.iter().filter(|package| !package.ours) {
        let name = format!("{} {}", package.name, package.version);
        let _ = writeln!(page, "{name}: {}", package.licence);
        let found = found(package)?;
        if found.is_empty() {
            // It may be used under the one whose text is the same for everybody.
            if !package.licence.contains("Apache-2.0") {
                return Err(format!(
                    "{name} brings no text of its licence, {}",
                    package.licence
                ));
            }
            let _ = writeln!(page, "    (used under Apache-2.0; the package brings no text)");
            texts.entry(apache.clone()).or_default().push(name.clone());
        }
        for text in found {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    texts
        .entry(apache)
        .or_default()
        .insert(0, "stoa and the rust standard library".to_owned());
    for (text, names) in by_name(texts) {
        let _ = write!(page, "\n{RULE}\n{}\n\n{text}\n", names.join(", "));
    }
    Ok(page)
}

/// In the order of who brings them first.
fn by_name(texts: BTreeMap<String, Vec<String>>) -> Vec<(String, Vec<String>)> {
    let mut texts: Vec<_> = texts.into_iter().collect();
    texts.sort_by(|(_, one), (_, other)| one.cmp(other));
    texts
}

/// The texts that a package brings.
fn found(package: &Package) -> Result<Vec<String>, Failure> {
    let mut paths = Vec::new();
    collect(&package.folder, DEPTH, &mut paths).map_err(|error| format!("{}: {error}", package.name))?;
    paths.sort();
    let mut texts: Vec<String> = Vec::new();
    for path in paths {
        let text = tidied(&String::from_utf8_lossy(
            &fs::read(&path).map_err(|error| format!("{}: {error}", package.name))?,
        ));
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    Ok(texts)
}

fn collect(folder: &Path, depth: usize, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let kind = entry.file_type()?;
        if kind.is_dir() && depth > 0 {
            collect(&entry.path(), depth - 1, into)?;
        } else if kind.is_file() && is_licence(&entry.file_name().to_string_lossy()) {
            into.push(entry.path());
        }
    }
    Ok(())
}

/// Whether a file of this name holds a licence or what must be told with it.
fn is_licence(name: &str) -> bool {
    let upper = name.to_uppercase();
    let begins = [
        "LICENSE",
        "LICENCE",
        "COPYING",
        "COPYRIGHT",
        "NOTICE",
        "UNLICENSE",
    ];
    let is_code = [".RS", ".GO", ".C", ".H", ".PY", ".TOML", ".JSON"];
    begins.iter().any(|beginning| upper.starts_with(beginning))
        && !is_code.iter().any(|end| upper.ends_with(end))
}

/// The same text whatever the ends of its lines.
fn tidied(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::is_licence;

    #[test]
    fn texts_are_known_by_their_names() {
        for name in [
            "LICENSE",
            "license-mit",
            "LICENCE.md",
            "COPYING.txt",
            "NOTICE",
            "UNLICENSE",
        ] {
            assert!(is_licence(name), "{name}");
        }
        for name in ["lib.rs", "license.rs", "README.md", "notices.json"] {
            assert!(!is_licence(name), "{name}");
        }
    }
}
