//! The kinds of version control a repository may have.

use std::fmt;

/// What a repository is reached by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vcs {
    /// Git.
    Git,
    /// Mercurial.
    Mercurial,
    /// Subversion.
    Subversion,
    /// Fossil.
    Fossil,
    /// Bazaar, which newer go commands no longer know.
    Bazaar,
    /// Not version control at all: another module proxy, as a `mod` tag names it.
    Proxy,
}

impl Vcs {
    /// Reads the second field of a `go-import` tag.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "git" => Self::Git,
            "hg" => Self::Mercurial,
            "svn" => Self::Subversion,
            "fossil" => Self::Fossil,
            "bzr" => Self::Bazaar,
            "mod" => Self::Proxy,
            _ => return None,
        })
    }

    /// The name in a `go-import` tag and in GOVCS; also the program's, where there is one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Mercurial => "hg",
            Self::Subversion => "svn",
            Self::Fossil => "fossil",
            Self::Bazaar => "bzr",
            Self::Proxy => "mod",
        }
    }

    /// The schemes to try for a repository that is named without one, in order. Those that encrypt nothing are tried only
    /// where that is allowed, and `git://` never: nobody could tell who answers.
    pub(super) fn schemes(self, insecure: bool) -> &'static [&'static str] {
        match (self, insecure) {
            (Self::Git, false) => &["https", "git+ssh", "ssh"],
            (Self::Git, true) => &["https", "http", "git+ssh", "ssh"],
            (Self::Mercurial, false) => &["https", "ssh"],
            (Self::Mercurial, true) => &["https", "http", "ssh"],
            (Self::Subversion, false) => &["https", "svn+ssh"],
            (Self::Subversion, true) => &["https", "http", "svn", "svn+ssh"],
            (Self::Fossil | Self::Bazaar | Self::Proxy, false) => &["https"],
            (Self::Fossil | Self::Bazaar | Self::Proxy, true) => &["https", "http"],
        }
    }
}

impl fmt::Display for Vcs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
