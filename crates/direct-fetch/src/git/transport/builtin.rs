//! The built-in transport: git's protocol over https without any program.
//!
//! No partial clones: where history matters, a whole clone comes.

use super::{FetchError, Remote, RemoteError, Transport, Want, http::Bridge};
use crate::git::{
    cache::{self, Cache},
    refs::Refs,
    session::Session,
};
use gix::{
    ObjectId,
    progress::Discard,
    protocol::handshake::Ref,
    remote::{
        Direction,
        fetch::{Shallow, Tags},
        ref_map,
    },
};
use gix_transport::{Protocol, client::blocking_io::http::Transport as Smart};
use http_client::Client;
use proxy_core::upstream::UpstreamError;
use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
};

/// Speaks git's protocol itself.
#[derive(Debug)]
pub(in crate::git) struct BuiltIn {
    /// The way out.
    pub(in crate::git) client: Client,
    /// An empty repository: the library lists refs from within one.
    pub(in crate::git) scratch: PathBuf,
    /// The most one answer may have, in bytes.
    pub(in crate::git) limit: u64,
}

impl Transport for BuiltIn {
    fn list(&self, remote: &Remote, session: &Session) -> Result<Refs, RemoteError> {
        Cache::make(&self.scratch, gix::hash::Kind::Sha1, "").map_err(RemoteError::Failed)?;
        let specs = ["HEAD", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"].map(str::to_owned);
        self.connected(remote, &self.scratch, &specs, session, |connection| {
            let (map, _) = connection.ref_map(Discard, ref_map::Options::default())?;
            let mut listing = Vec::new();
            for listed in &map.remote_refs {
                let (name, id) = match listed {
                    Ref::Peeled {
                        full_ref_name,
                        object,
                        ..
                    }
                    | Ref::Direct {
                        full_ref_name,
                        object,
                    }
                    | Ref::Symbolic {
                        full_ref_name,
                        object,
                        ..
                    } => (full_ref_name, *object),
                    Ref::Unborn { .. } => continue,
                };
                listing.push((name.to_string(), id));
            }
            Ok(Refs::from_listing(
                listing.iter().map(|(name, id)| (name.as_str(), *id)),
            ))
        })
    }

    fn fetch(
        &self,
        remote: &Remote,
        want: &Want<'_>,
        into: &Path,
        session: &Session,
    ) -> Result<(), FetchError> {
        let kept = |id: &ObjectId| format!("+{id}:refs/kept/{id}");
        let (specs, shallow) = match want {
            Want::Commits(commits) => (
                commits.iter().map(kept).collect(),
                Shallow::DepthAtRemote(NonZeroU32::MIN),
            ),
            Want::Ref(name) => (
                vec![format!("+{name}:refs/kept/{name}")],
                Shallow::DepthAtRemote(NonZeroU32::MIN),
            ),
            Want::History => (
                vec![
                    "+refs/heads/*:refs/heads/*".to_owned(),
                    "+refs/tags/*:refs/tags/*".to_owned(),
                ],
                Shallow::NoChange,
            ),
        };
        let fetched = self.connected(remote, into, &specs, session, |connection| {
            let prepared = connection.prepare_fetch(Discard, ref_map::Options::default())?;
            prepared
                .with_write_packed_refs_only(true)
                .with_shallow(shallow)
                .receive(Discard, session.interrupt())
        });
        match (fetched.map_err(RemoteError::into_upstream), want) {
            (Ok(_), _) => Ok(()),
            (Err(error @ UpstreamError::Malformed { .. }), Want::Commits(_)) => {
                Err(FetchError::NotOffered(error))
            }
            (Err(error), _) => Err(FetchError::Failed(error)),
        }
    }
}

impl BuiltIn {
    fn connected<T>(
        &self,
        remote: &Remote,
        repository: &Path,
        specs: &[String],
        session: &Session,
        work: impl FnOnce(gix::remote::Connection<'_, '_, '_, Smart<Bridge>>) -> gix::Result<T>,
    ) -> Result<T, RemoteError> {
        let bridge = Bridge::new(self.client.clone(), remote.clone(), session.clone(), self.limit);
        let failure = bridge.failure();
        let connect = || -> gix::Result<T> {
            let repository = gix::open_opts(repository, cache::options())?;
            let url = gix::url::parse(remote.url.as_str())?;
            let transport = Smart::new_http(bridge, url.clone(), Protocol::V2, false);
            let remote = repository
                .remote_at_without_url_rewrite(url)?
                .with_fetch_tags(Tags::None)
                .with_refspecs(specs.iter().map(String::as_str), Direction::Fetch)?;
            work(remote.to_connection_with_transport(transport))
        };
        connect().map_err(|error| {
            failure.take().unwrap_or_else(|| {
                RemoteError::Failed(UpstreamError::malformed(format!(
                    "{}: the built-in git transport failed: {error}",
                    remote.url
                )))
            })
        })
    }
}
