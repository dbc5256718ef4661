//! Requests: from the path of a URL to what is asked, once, at the door.
//!
//! Two encodings are stacked in a GOPROXY path. The client percent-encodes it as it would any URL (the go command
//! writes `!` as `%21`), and inside that the module protocol writes each upper-case letter as `!` and its lower
//! case, so that paths which differ in case differ on every file system. Both are undone here, each exactly once
//! and strictly: a second decoding, or a lenient one, would let two texts name one file, or one text two.
//! Everything behind this module sees [`ModulePath`], [`ModuleFile`] and [`Query`] only.
//!
//! A module path cannot hold `@`, so the first `/@` ends it (Go modules reference, "GOPROXY protocol").

use percent_encoding::percent_decode_str;
use proxy_core::{
    file::{Kind, ModuleFile},
    module::{InvalidPath, InvalidQuery, ModulePath, Query, query::Named},
};
use std::{borrow::Cow, fmt};

/// The longest path read, in bytes as they came: far above any module there is, and far below what could hurt.
pub const MAX_LENGTH: usize = 4096;

/// What a GOPROXY request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `<path>/@v/list`: the versions of a module.
    List(ModulePath),
    /// `<path>/@latest`: the version to use where the list holds none.
    Latest(ModulePath),
    /// `<path>/@v/<version>.{info,mod,zip}`: one file of one canonical version.
    File(ModuleFile),
    /// `<path>/@v/<anything else>.info`: what a branch, a commit or a short version means now.
    Query(ModulePath, Query),
    /// `sumdb/<name>/…`: a checksum database; what stands behind `sumdb/`, decoded.
    ///
    /// A database's name may hold slashes, so only who knows the names can tell where it ends.
    Checksums(String),
}

/// The kinds of request, as the log and the metrics name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// `@v/list`.
    List,
    /// `@latest`.
    Latest,
    /// The `.info` of a canonical version.
    Info,
    /// A `.mod`.
    Mod,
    /// A `.zip`.
    Zip,
    /// The `.info` of a name that only an origin can resolve.
    Query,
    /// A checksum database.
    Checksums,
    /// Not the protocol.
    Malformed,
}

/// Why a path is no GOPROXY request. Always answered as "not found": a client that asks other proxies as well
/// goes on to them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// Longer than anything real.
    #[error("the request path is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// Not one decoding of one text.
    #[error("the request path is not properly percent-encoded UTF-8")]
    Encoding,
    /// No endpoint of the protocol.
    #[error(
        "this is no request of the GOPROXY protocol: expected <module>/@v/list, <module>/@v/<version>.info, .mod or .zip, or <module>/@latest"
    )]
    Endpoint,
    /// What stands before `/@` is no escaped module path.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// What stands before `.info` cannot be asked for.
    #[error(transparent)]
    Query(#[from] InvalidQuery),
    /// A `.mod` or `.zip` of something that is no canonical version of that module.
    #[error(
        "unrecognized version {name:?} of {path}: a .{kind} needs a canonical version that fits the module path"
    )]
    NotCanonical {
        /// The module.
        path: ModulePath,
        /// The name as it came.
        name: String,
        /// Which file was asked for.
        kind: Kind,
    },
}

impl Request {
    /// Reads a path as a URL has it, still percent-encoded, from behind the base path on; with or without the
    /// leading slash.
    pub fn parse(path: &str) -> Result<Self, BadRequest> {
        if path.len() > MAX_LENGTH {
            return Err(BadRequest::TooLong);
        }
        let decoded = decode(path.strip_prefix('/').unwrap_or(path))?;
        if let Some(rest) = decoded.strip_prefix("sumdb/") {
            return checksums(rest);
        }
        let (module, rest) = decoded.split_once("/@").ok_or(BadRequest::Endpoint)?;
        match rest {
            "latest" => Ok(Self::Latest(ModulePath::unescape(module)?)),
            "v/list" => Ok(Self::List(ModulePath::unescape(module)?)),
            _ => {
                let file = rest.strip_prefix("v/").ok_or(BadRequest::Endpoint)?;
                let (name, extension) = file.rsplit_once('.').ok_or(BadRequest::Endpoint)?;
                let kind = kind_of(extension).ok_or(BadRequest::Endpoint)?;
                version_file(ModulePath::unescape(module)?, name, kind)
            }
        }
    }

    /// The kind of request.
    pub fn kind(&self) -> RequestKind {
        match self {
            Self::List(_) => RequestKind::List,
            Self::Latest(_) => RequestKind::Latest,
            Self::File(file) => match file.kind {
                Kind::Info => RequestKind::Info,
                Kind::Mod => RequestKind::Mod,
                Kind::Zip => RequestKind::Zip,
            },
            Self::Query(..) => RequestKind::Query,
            Self::Checksums(_) => RequestKind::Checksums,
        }
    }

    /// The module asked about; a checksum database is asked about none.
    pub fn module_path(&self) -> Option<&ModulePath> {
        match self {
            Self::List(path) | Self::Latest(path) | Self::Query(path, _) => Some(path),
            Self::File(file) => Some(file.module.path()),
            Self::Checksums(_) => None,
        }
    }
}

impl RequestKind {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::List,
        Self::Latest,
        Self::Info,
        Self::Mod,
        Self::Zip,
        Self::Query,
        Self::Checksums,
        Self::Malformed,
    ];

    /// The word for it in log lines and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Latest => "latest",
            Self::Info => "info",
            Self::Mod => "mod",
            Self::Zip => "zip",
            Self::Query => "query",
            Self::Checksums => "sumdb",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Undoes the percent-encoding, once. A slash that was encoded is refused rather than made a separator: no client
/// sends one, and whatever stands in front of us may have judged the path without it.
fn decode(path: &str) -> Result<Cow<'_, str>, BadRequest> {
    for escape in path.split('%').skip(1) {
        let digits = escape.get(..2).ok_or(BadRequest::Encoding)?;
        let hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !hex || digits.eq_ignore_ascii_case("2f") {
            return Err(BadRequest::Encoding);
        }
    }
    percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| BadRequest::Encoding)
}

/// `<version>.mod` and `<version>.zip` need a version; before `.info` anything may stand that an origin resolves.
fn version_file(path: ModulePath, name: &str, kind: Kind) -> Result<Request, BadRequest> {
    match Named::unescape(&path, name) {
        Ok(Named::Version(module)) => Ok(Request::File(ModuleFile::new(module, kind))),
        Ok(Named::Query(query)) if kind == Kind::Info => Ok(Request::Query(path, query)),
        Ok(Named::Query(_)) => {
            let name = name.chars().take(100).collect();
            Err(BadRequest::NotCanonical { path, name, kind })
        }
        Err(invalid) => Err(invalid.into()),
    }
}

/// Extensions are matched exactly: `.INFO` is no endpoint.
fn kind_of(extension: &str) -> Option<Kind> {
    Kind::ALL
        .into_iter()
        .find(|kind| kind.facts().extension == extension)
}

/// Lets through what could be a database's name and one of its endpoints, and nothing that a file system, a log
/// or another server could read as something else.
fn checksums(rest: &str) -> Result<Request, BadRequest> {
    let clean = rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let plain = rest.split('/').all(|element| !matches!(element, "" | "." | ".."));
    if clean && plain && rest.contains('/') {
        Ok(Request::Checksums(rest.to_owned()))
    } else {
        Err(BadRequest::Endpoint)
    }
}

#[cfg(test)]
mod tests;
