//! Modules written as text, and the three files a proxy serves of each.
//!
//! A module is a text archive whose comment says which version it is:
//!
//! ```text
//! module example.test/greet v1.0.0
//! time 2021-03-04T05:06:07Z
//! -- go.mod --
//! module example.test/greet
//! -- greet.go --
//! package greet
//! ```

mod fixtures;
mod zip;

pub use fixtures::fixtures;
pub use zip::{ZipWriting, incompressible, zip_of};

use crate::archive::Archive;
use bytes::Bytes;

/// Above this many bytes, zips are stored and not compressed.
const HEAVY: usize = 4 << 20;

/// One version of one module.
#[derive(Clone, Debug)]
pub struct Module {
    /// The module path, as written in `go.mod`.
    pub path: String,
    /// The version.
    pub version: String,
    /// The commit time, RFC 3339 in UTC.
    pub time: String,
    /// The files below the module's root; `go.mod` among them, if it has one.
    pub files: Vec<(String, Bytes)>,
    /// What `.info` says of its origin, as JSON.
    pub origin: Option<String>,
}

impl Module {
    /// A module with a `go.mod` and one package whose `Version` constant is the version.
    pub fn new(path: &str, version: &str) -> Self {
        let package = package_name(path);
        let empty = Self {
            path: path.to_owned(),
            version: version.to_owned(),
            time: "2021-03-04T05:06:07Z".to_owned(),
            files: Vec::new(),
            origin: None,
        };
        empty.file("go.mod", format!("module {path}\n\ngo 1.21\n")).file(
            &format!("{package}.go"),
            format!("// Package {package} is a fixture.\npackage {package}\n\n// Version is its own.\nconst Version = \"{version}\"\n"),
        )
    }

    /// Reads a text archive. Panics if its comment does not say which module version it is: a fixture is code.
    pub fn parse(text: &str) -> Self {
        let archive = Archive::parse(text);
        let line = |key: &str| {
            archive
                .comment
                .lines()
                .find_map(|line| line.strip_prefix(key).map(str::trim))
        };
        let name = line("module ").expect("a module archive opens with `module PATH VERSION`");
        let (path, version) = name
            .split_once(' ')
            .expect("the module line holds a path and a version");
        Self {
            path: path.to_owned(),
            version: version.trim().to_owned(),
            time: line("time ").unwrap_or("2021-03-04T05:06:07Z").to_owned(),
            files: archive
                .files
                .into_iter()
                .map(|(name, content)| (name, Bytes::from(content)))
                .collect(),
            origin: line("origin ").map(str::to_owned),
        }
    }

    /// With this file added, or replaced.
    #[must_use]
    pub fn file(mut self, name: &str, content: impl Into<Bytes>) -> Self {
        self.files.retain(|(held, _)| held != name);
        self.files.push((name.to_owned(), content.into()));
        self
    }

    /// Without this file.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.files.retain(|(held, _)| held != name);
        self
    }

    /// With a `require` line in its `go.mod`.
    #[must_use]
    pub fn requiring(self, path: &str, version: &str) -> Self {
        let go_mod = format!(
            "{}\nrequire {path} {version}\n",
            String::from_utf8_lossy(&self.go_mod())
        );
        self.file("go.mod", go_mod)
    }

    /// With this commit time (RFC 3339).
    #[must_use]
    pub fn at(mut self, time: &str) -> Self {
        time.clone_into(&mut self.time);
        self
    }

    /// With this `Origin` in its `.info`, as JSON.
    #[must_use]
    pub fn from_origin(mut self, json: &str) -> Self {
        self.origin = Some(json.to_owned());
        self
    }

    /// With this many megabytes of bytes that do not compress, the same for the same seed.
    #[must_use]
    pub fn weighing(self, megabytes: usize, seed: u64) -> Self {
        self.file("ballast.bin", incompressible(megabytes << 20, seed))
    }

    /// The `.info`, as the go command writes it.
    pub fn info(&self) -> Bytes {
        let origin = self
            .origin
            .as_ref()
            .map(|json| format!(",\"Origin\":{json}"))
            .unwrap_or_default();
        Bytes::from(format!(
            "{{\"Version\":\"{}\",\"Time\":\"{}\"{origin}}}",
            self.version, self.time
        ))
    }

    /// The `.mod`: the file, or the line Go makes up for a module without one.
    pub fn go_mod(&self) -> Bytes {
        let file = self.files.iter().find(|(name, _)| name == "go.mod");
        file.map_or_else(
            || Bytes::from(format!("module {}\n", self.path)),
            |(_, content)| content.clone(),
        )
    }

    /// The `.zip`, the same bytes each time: compressed, unless it is so heavy that compressing takes long.
    pub fn zip(&self) -> Bytes {
        let weight: usize = self.files.iter().map(|(_, content)| content.len()).sum();
        self.zip_written(if weight > HEAVY {
            ZipWriting::Stored
        } else {
            ZipWriting::Deflated
        })
    }

    /// The `.zip` with its entries stored uncompressed: other bytes with the same `h1:` sum, and quick to make.
    pub fn zip_stored(&self) -> Bytes {
        self.zip_written(ZipWriting::Stored)
    }

    fn zip_written(&self, writing: ZipWriting) -> Bytes {
        let prefix = format!("{}@{}/", self.path, self.version);
        zip_of(
            self.files
                .iter()
                .map(|(name, content)| (format!("{prefix}{name}"), content.clone())),
            writing,
        )
    }

    /// Where a proxy serves one of its files: `/<escaped path>/@v/<escaped version>.<extension>`.
    pub fn url_path(&self, extension: &str) -> String {
        format!(
            "/{}/@v/{}.{extension}",
            escaped(&self.path),
            escaped(&self.version)
        )
    }
}

/// Go's escape of a module path or version: each upper-case letter as `!` and its lower case.
pub fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(letter.to_ascii_lowercase());
    }
    escaped
}

/// A Go package name for the root of this module path.
fn package_name(path: &str) -> String {
    let is_major = |element: &str| {
        element
            .strip_prefix('v')
            .is_some_and(|digits| digits.parse::<u32>().is_ok())
    };
    let last = path
        .rsplit('/')
        .find(|element| !is_major(element))
        .unwrap_or(path);
    last.to_lowercase()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Module, escaped};

    #[test]
    fn an_archive_reads_as_a_module() {
        let module = Module::parse(
            "module example.test/Up v1.0.0\ntime 2020-01-02T03:04:05Z\n-- go.mod --\nmodule example.test/Up\n",
        );
        assert_eq!(module.go_mod(), "module example.test/Up\n");
        assert_eq!(
            module.info(),
            r#"{"Version":"v1.0.0","Time":"2020-01-02T03:04:05Z"}"#
        );
        assert_eq!(module.url_path("zip"), "/example.test/!up/@v/v1.0.0.zip");
    }

    #[test]
    fn a_module_without_go_mod_has_one_made_up() {
        assert_eq!(
            Module::new("example.test/a", "v1.0.0").without("go.mod").go_mod(),
            "module example.test/a\n"
        );
    }

    #[test]
    fn escaping_marks_upper_case() {
        assert_eq!(escaped("github.com/Azure/sdk"), "github.com/!azure/sdk");
    }

    #[test]
    fn a_zip_is_the_same_each_time() {
        let module = Module::new("example.test/a/v2", "v2.0.0");
        assert_eq!(module.zip(), module.zip());
        assert_ne!(module.zip(), module.zip_stored());
    }
}
