//! How a repository's refs and objects get here.
//!
//! [`command::GitCommand`] runs `git`. A transport writes packs into a bare repository and one reader reads them, so
//! what a module is made of does not depend on how its objects came.

pub(super) mod command;

use super::{refs::Refs, session::Session};
use gix::ObjectId;
use proxy_core::upstream::UpstreamError;
use std::{fmt, path::Path};

/// Brings refs and objects. Blocks.
pub(super) trait Transport: fmt::Debug + Send + Sync {
    /// The repository's refs, from one listing.
    fn list(&self, remote: &Remote, session: &Session) -> Result<Refs, UpstreamError>;
    /// Brings objects into the bare repository at `into`.
    fn fetch(
        &self,
        remote: &Remote,
        want: &Want<'_>,
        into: &Path,
        session: &Session,
    ) -> Result<(), FetchError>;
}

/// A repository somewhere else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Remote {
    /// Its address, without credentials.
    pub(super) url: String,
}

/// What to bring.
#[derive(Clone, Copy, Debug)]
pub(super) enum Want<'a> {
    /// These commits with their trees, and nothing before them.
    Commits(&'a [ObjectId]),
    /// The commit of one ref with its tree, where the host does not give commits by their hash.
    Ref(&'a str),
    /// All commits below branches and tags; their trees only if the host cannot leave them out.
    History,
}

/// Why objects did not come.
#[derive(Debug)]
pub(super) enum FetchError {
    /// The host gives only what a ref names.
    NotOffered(UpstreamError),
    /// Anything else.
    Failed(UpstreamError),
}

impl FetchError {
    pub(super) fn into_upstream(self) -> UpstreamError {
        match self {
            Self::NotOffered(error) | Self::Failed(error) => error,
        }
    }
}
