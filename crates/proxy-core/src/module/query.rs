//! Queries: what a client may ask for besides a canonical version.

use super::{ModulePath, ModuleVersion};
use std::sync::Arc;

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
    pub fn unescape(_path: &ModulePath, _escaped: &str) -> Result<Self, InvalidQuery> {
        todo!()
    }
}

impl Query {
    /// Takes a query as it would be typed after `@`.
    pub fn parse(_query: &str) -> Result<Self, InvalidQuery> {
        todo!()
    }

    /// The text to ask an upstream for; `latest` for [`Query::Latest`].
    pub fn as_str(&self) -> &str {
        match self {
            Self::Latest => "latest",
            Self::Revision(revision) => revision,
        }
    }
}
