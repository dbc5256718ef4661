//! What to fetch, as people write it down: versions, `go.sum`, `go.mod`, lists.

use proxy_core::{
    file::Kind,
    module::{ModulePath, ModuleVersion, Named, Query, Version},
};
use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{self, Read},
    path::Path,
};

/// The files of one version that are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// The module.
    pub(super) path: ModulePath,
    /// The version, or what leads to one.
    pub(super) named: Named,
    /// The files, in the order in which they are asked for: a zip brings what it needs along.
    pub(super) kinds: Vec<Kind>,
}

/// All that a build may ask for of a version.
const ALL: [Kind; 3] = [Kind::Zip, Kind::Mod, Kind::Info];

/// Reads one argument. Errors are phrases.
pub(super) fn of(argument: &str) -> Result<Vec<Wish>, String> {
    let unreadable = |error: io::Error| error.to_string();
    if argument == "-" {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map_err(unreadable)?;
        return list(&text);
    }
    let file = Path::new(argument);
    match file.file_name().and_then(|name| name.to_str()) {
        Some("go.sum") => go_sum(&fs::read_to_string(file).map_err(unreadable)?),
        Some("go.mod") => go_mod(&fs::read_to_string(file).map_err(unreadable)?),
        _ if file.is_file() => list(&fs::read_to_string(file).map_err(unreadable)?),
        _ if argument.contains('@') => Ok(vec![version(argument)?]),
        _ => Err("it is neither a file nor module@version".into()),
    }
}

/// `path@version`, or `path version` as lists have it.
fn version(text: &str) -> Result<Wish, String> {
    let (path, version) = text
        .split_once('@')
        .or_else(|| text.split_once(char::is_whitespace))
        .ok_or_else(|| format!("{text:?} is not module@version"))?;
    wish(path, version.trim(), ALL.to_vec())
}

fn wish(path: &str, version: &str, kinds: Vec<Kind>) -> Result<Wish, String> {
    let path = ModulePath::parse(path).map_err(|error| error.to_string())?;
    let exact = Version::parse(version)
        .ok()
        .and_then(|version| ModuleVersion::new(path.clone(), version).ok());
    let named = match exact {
        Some(module) => Named::Version(module),
        None => Named::Query(Query::parse(version).map_err(|error| error.to_string())?),
    };
    Ok(Wish { path, named, kinds })
}

/// One version a line; empty lines and comments are passed over.
fn list(text: &str) -> Result<Vec<Wish>, String> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    numbered(lines, |line| version(line).map(Some))
}

/// `path version h1:…` says that the zip was used, `path version/go.mod h1:…` the `go.mod`.
fn go_sum(text: &str) -> Result<Vec<Wish>, String> {
    let mut wanted: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let mut fields = line.split_whitespace();
        match (fields.next(), fields.next(), fields.next()) {
            (None, ..) => {}
            (Some(path), Some(version), Some(_)) => {
                let (version, zip) = match version.strip_suffix("/go.mod") {
                    Some(version) => (version, false),
                    None => (version, true),
                };
                *wanted.entry((path, version)).or_default() |= zip;
            }
            _ => return Err(format!("line {} is none of a go.sum", number + 1)),
        }
    }
    let wishes = wanted
        .into_iter()
        .map(|((path, version), zip)| wish(path, version, if zip { ALL.to_vec() } else { vec![Kind::Mod] }));
    wishes.collect()
}

/// The versions that a `go.mod` requires, as the `go` command writes them: one a line, in a block or alone.
fn go_mod(text: &str) -> Result<Vec<Wish>, String> {
    let mut in_block = false;
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default().trim());
    numbered(lines, |line| {
        let required = if in_block {
            in_block = line != ")";
            in_block.then_some(line)
        } else if line
            .strip_prefix("require")
            .is_some_and(|rest| rest.trim() == "(")
        {
            in_block = true;
            None
        } else {
            line.strip_prefix("require ").map(str::trim)
        };
        let Some(required) = required else { return Ok(None) };
        let mut fields = required
            .split_whitespace()
            .map(|field| field.trim_matches(['"', '`']));
        match (fields.next(), fields.next()) {
            (Some(path), Some(version)) => wish(path, version, ALL.to_vec()).map(Some),
            _ => Err(format!("{required:?} is no requirement")),
        }
    })
}

fn numbered<'a>(
    lines: impl Iterator<Item = &'a str>,
    mut read: impl FnMut(&'a str) -> Result<Option<Wish>, String>,
) -> Result<Vec<Wish>, String> {
    let mut wishes = Vec::new();
    for (number, line) in lines.enumerate() {
        if !line.is_empty() {
            wishes.extend(read(line).map_err(|wrong| format!("line {}: {wrong}", number + 1))?);
        }
    }
    Ok(wishes)
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.named {
            Named::Version(module) => write!(f, "{module}"),
            Named::Query(query) => write!(f, "{}@{}", self.path, query.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wishes: Result<Vec<Wish>, String>) -> Vec<(String, usize)> {
        wishes
            .unwrap()
            .iter()
            .map(|wish| (wish.to_string(), wish.kinds.len()))
            .collect()
    }

    fn expected(wishes: &[(&str, usize)]) -> Vec<(String, usize)> {
        wishes
            .iter()
            .map(|(name, kinds)| ((*name).to_owned(), *kinds))
            .collect()
    }

    #[test]
    fn a_go_sum_wants_the_zips_it_has_sums_of() {
        let text = "example.com/m v1.0.0 h1:AAA=\nexample.com/m v1.0.0/go.mod h1:BBB=\n\n\
                    example.com/n/v2 v2.0.1/go.mod h1:CCC=\n";
        assert_eq!(
            read(go_sum(text)),
            expected(&[("example.com/m@v1.0.0", 3), ("example.com/n/v2@v2.0.1", 1)])
        );
        assert!(go_sum("example.com/m v1.0.0\n").unwrap_err().contains("line 1"));
    }

    #[test]
    fn a_go_mod_wants_what_it_requires() {
        let text = "module example.com/us\n\ngo 1.24\n\nrequire example.com/a v1.0.0 // indirect\n\nrequire (\n\t\
                    example.com/b v1.2.0\n\n\t// a comment\n\t\"example.com/c\" v0.0.1 // indirect\n)\n\n\
                    replace example.com/b => ../b\n\nexclude example.com/x v1.0.0\n\nretract (\n\tv1.0.0\n)\n";
        let wanted = [
            ("example.com/a@v1.0.0", 3),
            ("example.com/b@v1.2.0", 3),
            ("example.com/c@v0.0.1", 3),
        ];
        assert_eq!(read(go_mod(text)), expected(&wanted));
        assert!(go_mod("require example.com/a\n").unwrap_err().contains("line 1"));
    }

    #[test]
    fn a_list_wants_a_version_a_line() {
        let text = "# ours\nexample.com/a@v1.0.0\n\nexample.com/b v1.2.0  # with a blank\nexample.com/c@latest\n\
                    example.com/d@main\n";
        let wanted = [
            ("example.com/a@v1.0.0", 3),
            ("example.com/b@v1.2.0", 3),
            ("example.com/c@latest", 3),
            ("example.com/d@main", 3),
        ];
        assert_eq!(read(list(text)), expected(&wanted));
        assert_eq!(
            list("example.com/c@latest").unwrap()[0].named,
            Named::Query(Query::Latest)
        );
        for text in ["nothing", "Example.com/a@v1.0.0", "example.com/a@a/b"] {
            assert!(list(text).unwrap_err().starts_with("line 1: "), "{text}");
        }
    }
}
