//! How a repository's refs and objects get here.
//!
//! Two transports, one job: [`builtin::BuiltIn`] speaks the protocol itself, for https; [`command::GitCommand`] runs
//! `git`, for every scheme it knows. Both write packs into the same kind of bare repository and one reader reads them,
//! so what a module is made of does not depend on how its objects came.

pub(super) mod builtin;
pub(super) mod command;
mod host_key;
mod http;
mod pinned;
mod stranger;
pub(super) mod unfold;

use super::{refs::Refs, session::Session};
use crate::credentials::{RepositoryAccess, Shown};
use gix::ObjectId;
use http_client::{Client, Destination, Trust};
use proxy_core::upstream::UpstreamError;
use std::{fmt, path::Path};
use url::Url;

/// Brings refs and objects. Blocks.
pub(super) trait Transport: fmt::Debug + Send + Sync {
    /// What it is called where people read of trouble with it.
    fn name(&self) -> &'static str;
    /// The repository's refs, from one listing.
    fn list(&self, remote: &Remote, session: &Session) -> Result<Refs, RemoteError>;
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
#[derive(Clone, Debug)]
pub(super) struct Remote {
    /// Its address, without credentials.
    pub(super) url: String,
    /// How far the address is trusted.
    pub(super) trust: Trust,
    /// Whether its certificate is not looked at.
    pub(super) unverified_tls: bool,
    /// What is shown to its host, and to no other.
    pub(super) shown: Shown,
}

impl Remote {
    /// Its page for people, where it has one: the same address in a browser.
    pub(super) fn page(&self) -> Option<Destination> {
        self.destination(&self.url)
    }

    /// Where it lists its refs, if it is reached over HTTP.
    pub(super) fn listing(&self) -> Option<Destination> {
        let url = self.url.trim_end_matches('/');
        self.destination(&format!("{url}/info/refs?service=git-upload-pack"))
    }

    /// Whether the host of an address is shown nothing. A repository may be somewhere else than where it was named: a
    /// stranger's host that sends us to ours is a stranger's module still.
    fn shows_nothing_at(&self, at: &Url) -> bool {
        let is_its_own = || {
            let own = Url::parse(&self.url).ok();
            own.is_some_and(|own| own.host_str() == at.host_str())
        };
        self.shown.is_nothing() || (self.trust == Trust::Learned && !is_its_own())
    }

    /// What it means that the host of an address refused: nothing, if it might have shown more to a friend.
    fn refused(&self, at: Option<&Url>, error: RemoteError, client: &Client) -> RemoteError {
        let is_withheld = |at: &Url| match self.shown {
            Shown::Nothing { withheld } => withheld,
            Shown::Own | Shown::Table(_) => self.shows_nothing_at(at) && client.knows(at),
        };
        match error {
            RemoteError::Unauthorized(error)
            | RemoteError::Failed(error @ UpstreamError::NotFound { .. })
                if at.is_some_and(is_withheld) =>
            {
                RemoteError::Withheld(error)
            }
            error => error,
        }
    }

    /// A destination asked in the way in which this repository is.
    fn as_asked(&self, mut destination: Destination) -> Destination {
        if self.shows_nothing_at(destination.url()) {
            destination = destination.anonymously();
        }
        if self.unverified_tls {
            destination = destination.with_unverified_tls();
        }
        destination
    }

    fn destination(&self, url: &str) -> Option<Destination> {
        let mut page = Destination::learned(url, self.trust).ok()?;
        if let Some(credentials) = self.shown.table().and_then(RepositoryAccess::for_http) {
            page = page.with_credentials(credentials);
        }
        Some(self.as_asked(page))
    }
}

/// What to bring.
#[derive(Clone, Copy, Debug)]
pub(super) enum Want<'a> {
    /// These commits with their trees, and nothing before them.
    Commits(&'a [ObjectId]),
    /// The commit of one ref with its tree, where the host does not give commits by their hash.
    Ref(&'a str),
    /// This commit and all before it, though perhaps no branch or tag leads there; their trees as with [`Want::History`].
    Below(ObjectId),
    /// All commits below branches and tags; their trees only if the host cannot leave them out.
    History,
    /// All commits below branches and tags with their trees: the last resort where a host gives no commit by its hash.
    Whole,
}

/// Why a host did not give what was asked.
#[derive(Debug)]
pub(super) enum RemoteError {
    /// The host wants credentials, or others; some say so of what does not exist.
    Unauthorized(UpstreamError),
    /// The same of a host that was shown nothing though there is something to show, or it says that nothing is there.
    Withheld(UpstreamError),
    /// Anything else.
    Failed(UpstreamError),
}

impl RemoteError {
    pub(super) fn into_upstream(self) -> UpstreamError {
        match self {
            Self::Unauthorized(error) | Self::Withheld(error) | Self::Failed(error) => error,
        }
    }
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
