//! Queries: what a client may ask for besides a canonical version.
//!
//! Go lets a query travel to a proxy only if it could be one element of a file path: `main`, `v1`, `0123abc` and
//! `a,b(c) d` can be asked for, `feature/slash`, `a:b` and `branché` cannot (Go's `module.EscapeVersion`).

use super::{
    ModulePath, ModuleVersion, Version,
    escape::{escape, unescape},
    excerpt,
    path::elements::check_version_element,
    semver,
};
use std::{fmt, sync::Arc};

/// The longest query, in bytes, escaped or not.
pub const MAX_QUERY: usize = 255;

/// A question that only an origin can answer, and differently each day.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// The endpoint `@latest`.
    Latest,
    /// A branch, tag, commit, prefix (`v1`) or any version that is not canonical for its path.
    Revision(Arc<str>),
}

/// Why a text is no query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed version query {query:?}: {reason}")]
pub struct InvalidQuery {
    /// The text as it came, shortened if it is very long.
    pub query: String,
    /// The rule it breaks, as a phrase.
    pub reason: String,
}

/// What the name before `.info` means: a version that is one already, or a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A canonical version that fits the path.
    Version(ModuleVersion),
    /// Anything else that may be asked.
    Query(Query),
}

impl Named {
    /// Reads the escaped name before `.info`; `latest`, `upgrade` and `patch` are refused, as Go refuses them.
    ///
    /// A canonical version that does not fit the path is a query: asked for `v2.0.0`, an origin without a `go.mod` may
    /// answer `v2.0.0+incompatible`.
    pub fn unescape(path: &ModulePath, escaped: &str) -> Result<Self, InvalidQuery> {
        let invalid = |reason| InvalidQuery {
            query: excerpt(escaped),
            reason,
        };
        if escaped.len() > MAX_QUERY {
            return Err(invalid(too_long()));
        }
        let text = unescape(escaped).map_err(|error| invalid(error.to_string()))?;
        if semver::is_canonical(&text) {
            let version = Version::parse(&text).map_err(|error| invalid(error.reason))?;
            return Ok(match ModuleVersion::new(path.clone(), version) {
                Ok(module) => Self::Version(module),
                Err(_) => Self::Query(Query::Revision(text.into())),
            });
        }
        check(&text).map_err(invalid)?;
        match &*text {
            "latest" | "upgrade" | "patch" => Err(invalid(
                "it names no revision; only a go command knows what it means".into(),
            )),
            _ => Ok(Self::Query(Query::Revision(text.into()))),
        }
    }
}

impl Query {
    /// Takes a query as it would be typed after `@`.
    ///
    /// `upgrade` and `patch` are refused: they compare with what the client has, which nobody else knows.
    pub fn parse(query: &str) -> Result<Self, InvalidQuery> {
        let invalid = |reason| InvalidQuery {
            query: excerpt(query),
            reason,
        };
        check(query).map_err(invalid)?;
        match query {
            "latest" => Ok(Self::Latest),
            "upgrade" | "patch" => Err(invalid("only a go command knows what it means".into())),
            _ => Ok(Self::Revision(query.into())),
        }
    }

    /// The text to ask an upstream for; `latest` for [`Query::Latest`].
    pub fn as_str(&self) -> &str {
        match self {
            Self::Latest => "latest",
            Self::Revision(revision) => revision,
        }
    }

    /// The text as URLs and file names write it.
    pub fn escaped(&self) -> String {
        escape(self.as_str())
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn check(query: &str) -> Result<(), String> {
    if query.len() > MAX_QUERY {
        return Err(too_long());
    }
    check_version_element(query)?;
    match query
        .chars()
        .find(|&character| character == '!' || !character.is_ascii())
    {
        Some(character) => Err(format!("it holds the character {character:?}")),
        None => Ok(()),
    }
}

fn too_long() -> String {
    format!("it is longer than {MAX_QUERY} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(path: &str, escaped: &str) -> Result<Named, InvalidQuery> {
        Named::unescape(&ModulePath::parse(path).unwrap(), escaped)
    }

    #[test]
    fn canonical_versions_that_fit_are_versions() {
        for (path, escaped, version) in [
            ("example.test/m", "v1.2.3", "v1.2.3"),
            ("example.test/m", "v1.2.3-!r!c.1", "v1.2.3-RC.1"),
            ("example.test/m", "v2.0.0+incompatible", "v2.0.0+incompatible"),
            ("example.test/m/v2", "v2.0.0", "v2.0.0"),
            ("gopkg.in/m.v3", "v3.0.1", "v3.0.1"),
        ] {
            assert_eq!(
                named(path, escaped),
                Ok(Named::Version(ModuleVersion::parse(path, version).unwrap()))
            );
        }
    }

    #[test]
    fn whatever_else_go_can_ask_for_is_a_query() {
        for (path, escaped, query) in [
            ("example.test/m", "main", "main"),
            ("example.test/m", "!h!e!a!d", "HEAD"),
            ("example.test/m", "v1", "v1"),
            ("example.test/m", "v1.2.3+meta", "v1.2.3+meta"),
            ("example.test/m", "v2.0.0", "v2.0.0"),
            ("example.test/m/v2", "v1.0.0", "v1.0.0"),
            ("example.test/m", "a,b(c) d", "a,b(c) d"),
            ("example.test/m", "-x", "-x"),
            ("example.test/m", "0123456789ab", "0123456789ab"),
        ] {
            assert_eq!(
                named(path, escaped),
                Ok(Named::Query(Query::Revision(query.into()))),
                "{escaped}"
            );
            assert_eq!(Query::parse(query).unwrap().escaped(), escaped);
        }
    }

    #[test]
    fn what_go_never_asks_a_proxy_for_is_refused() {
        for escaped in [
            "", "latest", "upgrade", "patch", "we!rd!", "we!1rd", "HEAD", "a:b", "a;b", "a'b", "con",
            "com1.x", "x.", ".", "..", "a/b", "a\\b", "a\0b", "é", "main\n",
        ] {
            assert!(named("example.test/m", escaped).is_err(), "{escaped:?}");
        }
        assert!(named("example.test/m", &"x".repeat(MAX_QUERY)).is_ok());
        assert!(named("example.test/m", &"x".repeat(MAX_QUERY + 1)).is_err());
        assert!(named("example.test/m", &format!("v1.0.0-{}", "x".repeat(MAX_QUERY - 7))).is_err());
    }

    #[test]
    fn typed_queries() {
        assert_eq!(Query::parse("latest"), Ok(Query::Latest));
        assert_eq!(Query::parse("main").unwrap().to_string(), "main");
        for text in ["upgrade", "patch", "we!rd", "é", "feature/slash", ""] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }
}
