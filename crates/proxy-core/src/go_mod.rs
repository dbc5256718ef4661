//! `go.mod` files: the module line, the go line, retractions.
//!
//! Two readers, because the go command has two. [`module_path()`] looks for the module line and nothing else, and takes
//! files that are otherwise broken: it decides which module a folder of a repository is. [`GoMod::parse`] reads the
//! whole file as Go reads those of dependencies (`modfile.ParseLax`): directives it does not know and those that
//! count only in the main module are skipped. Whether that reader fails decides which of a module's vendored files its
//! zip holds, and so the module's sum; it is as lenient and as strict as Go's, and not more.

mod directives;
mod lexer;
mod quoted;

use crate::module::{ModulePath, semver};
use std::borrow::Cow;

/// What a `go.mod` says, as far as it matters to those who depend on the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoMod {
    /// The path in the `module` line, if there is one. It need not be valid, nor the path the file is served for.
    pub module: Option<String>,
    /// The version in the `go` line, if there is one: `1.24`, `1.24rc1`, `1.24.3`.
    pub go: Option<String>,
    /// The versions that must not be chosen any more.
    pub retractions: Vec<Retraction>,
}

/// The versions from `low` to `high`, both included; a retracted single version is both.
///
/// As the file has them: they may be shorthand (`v1.5`), or no versions at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retraction {
    /// The lowest.
    pub low: String,
    /// The highest.
    pub high: String,
}

/// Why a text is no `go.mod`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed go.mod, line {line}: {reason}")]
pub struct InvalidGoMod {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, as a phrase.
    pub reason: String,
}

impl GoMod {
    /// Reads a `go.mod` as Go reads those of dependencies.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidGoMod> {
        directives::read(&text_of(bytes))
    }

    /// Whether the `go` line asks for this language version or a later one; `1.24rc1` is one of 1.24.
    ///
    /// Language versions are told apart so from 1.21 on; do not ask about earlier ones.
    pub fn go_version_at_least(&self, major: u32, minor: u32) -> bool {
        self.go
            .as_deref()
            .and_then(directives::language_version)
            .is_some_and(|(its_major, its_minor)| {
                (its_major, its_minor) >= (u64::from(major), u64::from(minor))
            })
    }

    /// Whether it retracts a version.
    pub fn retracts(&self, version: &str) -> bool {
        self.retractions.iter().any(|retraction| {
            semver::compare(&retraction.low, version).is_le()
                && semver::compare(version, &retraction.high).is_le()
        })
    }
}

/// The path in the first line that looks like a module line, whatever else the file holds (Go's `modfile.ModulePath`).
///
/// It need not be a valid module path: `module (` gives `(`.
pub fn module_path(bytes: &[u8]) -> Option<String> {
    let text = text_of(bytes);
    let path = text.split('\n').find_map(|line| {
        let statement = line
            .split_once("//")
            .map_or(line, |(statement, _)| statement)
            .trim();
        let path = statement.strip_prefix("module")?;
        path.starts_with(char::is_whitespace).then(|| path.trim_start())
    })?;
    let path = match path.starts_with(['"', '`']) {
        true => quoted::unquote(path)?,
        false => path.to_owned(),
    };
    (!path.is_empty()).then_some(path)
}

/// The `go.mod` of a module that has none. A valid module path never needs quoting in it.
pub fn synthesized(path: &ModulePath) -> Vec<u8> {
    format!("module {path}\n").into_bytes()
}

/// The text to read: where it is not UTF-8, Go's readers see the replacement character too.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[cfg(test)]
mod tests;
