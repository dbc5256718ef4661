//! The built-in transport: git's protocol over https without any program.
//!
//! A commit is asked for by its hash, with its tree and nothing before it; a history without its trees, where the host
//! can leave them out (a partial clone). What is here already is named, so that it does not come again.

use super::{
    FetchError, Remote, RemoteError, Transport, Want,
    http::{Bridge, Failure},
    unfold::{self, Limits, Watch},
};
use crate::git::{
    cache::{self, Cache},
    refs::{self, Refs},
    session::Session,
};
use gix::{
    ObjectId,
    error::ErrorExt,
    progress::Discard,
    protocol::{
        self, Handshake,
        fetch::{Arguments, Context, Negotiate, Options, Response, Shallow, Tags, negotiate, refmap},
        handshake::Ref,
    },
    refspec::parse::Operation,
    remote::{self, Direction, ref_map},
};
use gix_transport::{Protocol, Service, client::blocking_io::http::Transport as Smart};
use http_client::Client;
use proxy_core::upstream::UpstreamError;
use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
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
    /// How far a fetch may go.
    pub(in crate::git) limits: Limits,
}

/// How we call ourselves.
const AGENT: &str = "git/stoa";
/// How many commits the host is told that we have.
const MOST_HAVES: usize = 1000;
/// What a host that can leaves out of a history.
const WITHOUT_TREES: &str = "tree:0";
/// All refs that anything can be found below.
const HISTORY: [&str; 2] = ["refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"];

impl Transport for BuiltIn {
    fn name(&self) -> &'static str {
        "the built-in git transport"
    }

    fn list(&self, remote: &Remote, session: &Session) -> Result<Refs, RemoteError> {
        Cache::make(&self.scratch, gix::hash::Kind::Sha1, "").map_err(RemoteError::Failed)?;
        let specs = ["HEAD", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
        let (transport, failure) = self.connect(remote, session).map_err(RemoteError::Failed)?;
        let list = || -> gix::Result<Refs> {
            let repository = gix::open_opts(&self.scratch, cache::options())?;
            let from = repository
                .remote_at_without_url_rewrite(gix::url::parse(remote.url.as_str())?)?
                .with_fetch_tags(remote::fetch::Tags::None)
                .with_refspecs(specs, Direction::Fetch)?;
            let connection = from.to_connection_with_transport(transport);
            let (map, _) = connection.ref_map(Discard, ref_map::Options::default())?;
            let named = map.remote_refs.iter().flat_map(as_listed).collect::<Vec<_>>();
            Ok(Refs::from_listing(
                named.iter().map(|(name, id)| (name.as_str(), *id)),
            ))
        };
        list().map_err(|error| self.failed(remote, &failure, &error))
    }

    fn fetch(
        &self,
        remote: &Remote,
        want: &Want<'_>,
        into: &Path,
        session: &Session,
    ) -> Result<(), FetchError> {
        let (transport, failure) = self.connect(remote, session).map_err(FetchError::Failed)?;
        let watch = Arc::new(Watch::new(self.limits));
        let fetched = watch.over(session, || fetch(transport, want, into, &watch));
        let Err(error) = fetched else { return Ok(()) };
        if let Some(reached) = watch.reached(&remote.url) {
            return Err(FetchError::Failed(reached));
        }
        Err(
            match (self.failed(remote, &failure, &error).into_upstream(), want) {
                (
                    error @ UpstreamError::Malformed { .. },
                    Want::Commits(_) | Want::Ref(_) | Want::Below(_),
                ) => FetchError::NotOffered(error),
                (error, _) => FetchError::Failed(error),
            },
        )
    }
}

impl BuiltIn {
    fn connect(&self, remote: &Remote, session: &Session) -> Result<(Smart<Bridge>, Failure), UpstreamError> {
        let url = gix::url::parse(remote.url.as_str())
            .map_err(|_| UpstreamError::malformed(format!("{} is no address of a repository", remote.url)))?;
        let bridge = Bridge::new(self.client.clone(), remote.clone(), session.clone(), self.limit);
        let failure = bridge.failure();
        Ok((Smart::new_http(bridge, url, Protocol::V2, false), failure))
    }

    /// What happened on the wire, or else what the library made of it.
    fn failed(&self, remote: &Remote, failure: &Failure, error: &gix::Error) -> RemoteError {
        failure.take(remote, &self.client).unwrap_or_else(|| {
            RemoteError::Failed(UpstreamError::malformed(format!(
                "{}: what it sent is not what a git host sends: {error}",
                remote.url
            )))
        })
    }
}

/// The lines of a listing that a ref has: an annotated tag has two.
fn as_listed(listed: &Ref) -> Vec<(String, ObjectId)> {
    match listed {
        Ref::Peeled {
            full_ref_name,
            tag,
            object,
        } => vec![
            (refs::name(full_ref_name).into_owned(), *tag),
            (format!("{}^{{}}", refs::name(full_ref_name)), *object),
        ],
        other => named(other).into_iter().collect(),
    }
}

/// A ref with what it names in the end.
fn named(listed: &Ref) -> Option<(String, ObjectId)> {
    match listed {
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
        } => Some((refs::name(full_ref_name).into_owned(), *object)),
        Ref::Unborn { .. } => None,
    }
}

fn fetch(mut transport: Smart<Bridge>, want: &Want<'_>, into: &Path, watch: &Arc<Watch>) -> gix::Result<()> {
    let repository = gix::open_opts(into, cache::options())?;
    let nobody = |_| Ok(None);
    let mut handshake = protocol::handshake(
        &mut transport,
        Service::UploadPack,
        nobody,
        Vec::new(),
        &mut Discard,
    )?;
    let mut haves = cache::kept(into);
    // What was lost since would never come again.
    haves.retain(|id| repository.has_object(id));
    let mut asking = Asking {
        wants: Vec::new(),
        haves,
        without_trees: matches!(want, Want::History | Want::Below(_)),
    };
    match want {
        Want::Commits(commits) => asking.wants.extend_from_slice(commits),
        Want::Below(commit) => asking.wants.push(*commit),
        Want::Ref(name) => asking.wants = listed(&[*name], &mut handshake, &mut transport)?,
        Want::History | Want::Whole => {
            let tips = listed(&HISTORY, &mut handshake, &mut transport)?;
            let (common, mut missing): (Vec<_>, Vec<_>) =
                tips.into_iter().partition(|tip| repository.has_object(tip));
            if asking.without_trees {
                let left_out = cache::left_out(into);
                missing.retain(|tip| !left_out.contains(tip));
            }
            asking.wants = missing;
            asking.name_as_common(common);
        }
    }
    let shallow = match want {
        Want::Commits(_) | Want::Ref(_) => Shallow::DepthAtRemote(NonZeroU32::MIN),
        Want::Below(_) | Want::History | Want::Whole => Shallow::NoChange,
    };
    let options = Options {
        shallow_file: repository.shallow_file()?,
        shallow: &shallow,
        tags: Tags::None,
        reject_shallow_remote: false,
    };
    let context = Context {
        handshake: &mut handshake,
        transport: &mut transport,
        user_agent: agent(),
        trace_packetlines: false,
    };
    protocol::fetch(
        &mut asking,
        |pack, _, _| unfold::write(pack, &repository, watch).map(|()| true),
        Discard,
        watch.stop(),
        context,
        options,
    )?;
    cache::keep(into, &asking.wants).map_err(ErrorExt::raise)?;
    Ok(())
}

/// The objects that refs of these names have on the host now, tags as they are.
fn listed(
    names: &[&str],
    handshake: &mut Handshake,
    transport: &mut Smart<Bridge>,
) -> gix::Result<Vec<ObjectId>> {
    let mut fetch_refspecs = Vec::new();
    for name in names {
        let spec = gix::refspec::parse((*name).into(), Operation::Fetch)?;
        fetch_refspecs.push(spec.to_owned());
    }
    let context = refmap::init::Context {
        fetch_refspecs,
        extra_refspecs: Vec::new(),
    };
    let map = handshake
        .prepare_lsrefs_or_extract_refmap(agent(), true, context)?
        .fetch_blocking(Discard, transport, false)?;
    let ids = map.mappings.iter().filter_map(|mapping| mapping.remote.as_id());
    let mut ids: Vec<_> = ids.map(ToOwned::to_owned).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn agent() -> (&'static str, Option<String>) {
    ("agent", Some(AGENT.to_owned()))
}

/// What is asked of a host, in one round: whatever it does not know of what we have, it sends again.
struct Asking {
    wants: Vec<ObjectId>,
    haves: Vec<ObjectId>,
    without_trees: bool,
}

impl Asking {
    /// Has these named first: the host has them, and so have we.
    fn name_as_common(&mut self, mut common: Vec<ObjectId>) {
        common.append(&mut self.haves);
        self.haves = common;
    }
}

impl Negotiate for Asking {
    fn mark_complete_and_common_ref(&mut self) -> gix::Result<negotiate::Action> {
        Ok(negotiate::Action::MustNegotiate {
            remote_ref_target_known: Vec::new(),
        })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _known: &[bool]) -> bool {
        for want in &self.wants {
            arguments.want(want);
        }
        // After what is wanted: the first of those lines says that this one will come.
        if self.without_trees && arguments.can_use_filter() {
            arguments.filter(WITHOUT_TREES);
        }
        !self.wants.is_empty()
    }

    fn one_round(
        &mut self,
        _state: &mut negotiate::one_round::State,
        arguments: &mut Arguments,
        _previous: Option<&Response>,
    ) -> gix::Result<(negotiate::Round, bool)> {
        self.haves.truncate(MOST_HAVES);
        for have in &self.haves {
            arguments.have(have);
        }
        let round = negotiate::Round {
            haves_sent: self.haves.len(),
            in_vain: 0,
            haves_to_send: self.haves.len(),
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}
