//! Git repositories, natively: the same module that `go` would make, without the Go toolchain.
//!
//! One listing of the refs answers most questions; objects come only when a rule asks for them, each repository's into
//! one cache, so that a second version costs what it does not share with the first. The rules are pure and have a file
//! each: `refs`, `revision` (what was asked for → a commit), `naming` (a commit → its version), `folder` (where
//! in it the module lies), `versions` (the list), `export` (the zip) with `attributes` and `checkout` (its bytes).
//! What they ask of a repository is `objects::Objects`; `repository` answers it out of a `cache` that a `transport` fills.

pub mod attributes;
mod cache;
mod checkout;
mod export;
mod folder;
mod listings;
mod naming;
mod objects;
mod origins;
pub mod place;
pub mod refs;
mod repository;
pub mod revision;
mod session;
mod transport;
mod versions;

pub use place::Place;

use crate::{credentials::Shown, discovery::RepositoryAddress, go_command::process_group::Bounds};
use bytes::Bytes;
use cache::Caches;
use export::shelf::{self, Shelves};
use gix::ObjectId;
use http_client::{Client, Trust};
use origins::{Gentle, Origins};
use proxy_core::{
    file::{Body, Kind},
    go_mod,
    info::{Info, Origin},
    module::{Query, Version},
    spool::Spool,
    upstream::{FetchContext, Fetched, Incoming, UpstreamError, Wanted},
};
use repository::Repository;
use revision::Wish;
use session::Session;
use std::{ffi::OsString, io, path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use transport::{Remote, Transport, builtin::BuiltIn, command::GitCommand, unfold::Limits};

/// What reading git repositories needs to know.
#[derive(Clone, Debug)]
pub struct GitSettings {
    /// The folder of the repository caches.
    pub cache: PathBuf,
    /// How many bytes all of them may have.
    pub cache_limit: u64,
    /// The `git` command.
    pub program: OsString,
    /// All variables of its environment.
    pub environment: Vec<(OsString, OsString)>,
    /// No byte for so long ends a fetch.
    pub silence: Duration,
    /// The longest a fetch may take.
    pub duration: Duration,
    /// The most a fetch may bring, in bytes.
    pub growth: u64,
    /// The most that what the built-in transport brings may unfold to, in bytes.
    pub unfolded: u64,
    /// Which transport brings objects.
    pub transport: TransportChoice,
}

/// Which transport brings objects (`direct.git`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransportChoice {
    /// The built-in one for http and https, the `git` command for the rest.
    #[default]
    Auto,
    /// The built-in one alone: no program is ever run.
    BuiltIn,
    /// The `git` command alone.
    Command,
}

/// Git repositories as a source of modules. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Git {
    caches: Caches,
    built_in: Arc<BuiltIn>,
    command: Arc<GitCommand>,
    choice: TransportChoice,
    origins: Origins,
    client: Client,
    spool: Spool,
    shelves: Shelves,
    /// Questions answered at once, each on a thread that may only be waiting for a host.
    asking: Arc<Semaphore>,
    /// Zips made at once: that is work for the processor, and hits need it too.
    making: Arc<Semaphore>,
}

/// How many questions are answered at once: far below the runtime's blocking threads, which belong to hits.
const MOST_QUESTIONS: usize = 128;
/// How long a question waits for its turn while nothing moves.
const WAIT: Duration = Duration::from_secs(20);

/// A repository, and the place of a module in it.
#[derive(Clone, Debug)]
pub struct Source {
    /// The repository's address as it was written, without credentials.
    pub url: String,
    /// The module in it.
    pub place: Place,
    /// How far the address is trusted.
    pub trust: Trust,
    /// Whether its certificate is not looked at (GOINSECURE).
    pub unverified_tls: bool,
    /// What is shown to its host, and to no other.
    pub shown: Shown,
}

impl Git {
    /// Opens the caches, and sweeps them.
    pub fn open(settings: GitSettings, client: Client, spool: Spool) -> io::Result<Self> {
        let caches = Caches::open(&settings.cache, settings.cache_limit)?;
        caches.sweep()?;
        let bounds = Bounds {
            silence: settings.silence,
            duration: settings.duration,
            growth: settings.growth,
        };
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Ok(Self {
            built_in: Arc::new(BuiltIn {
                client: client.clone(),
                scratch: caches.scratch(),
                limit: settings.growth,
                limits: Limits {
                    duration: settings.duration,
                    unfolded: settings.unfolded,
                },
            }),
            command: Arc::new(GitCommand {
                client: client.clone(),
                program: settings.program,
                environment: settings.environment,
                bounds,
            }),
            choice: settings.transport,
            origins: Origins::default(),
            client,
            caches,
            spool,
            shelves: Shelves::default(),
            asking: Arc::new(Semaphore::new(MOST_QUESTIONS)),
            making: Arc::new(Semaphore::new(threads)),
        })
    }

    /// Whether the repository can be reached: one listing of refs.
    pub async fn reach(&self, source: &Source, context: &FetchContext) -> Result<(), UpstreamError> {
        self.work(source, context, |repository, _, _| repository.refs().map(drop))
            .await
    }

    /// The versions of a module: one listing of refs, and objects only to decide about `+incompatible`.
    pub async fn versions(
        &self,
        source: &Source,
        context: &FetchContext,
    ) -> Result<Vec<Version>, UpstreamError> {
        self.work(source, context, |repository, source, _| {
            versions::list(repository, &source.place, repository.refs()?)
        })
        .await
    }

    /// The version a query means now.
    pub async fn resolve(
        &self,
        source: &Source,
        query: &Query,
        context: &FetchContext,
    ) -> Result<Info, UpstreamError> {
        let query = query.clone();
        self.work(source, context, move |repository, source, _| {
            let refs = repository.refs()?;
            let prefix = match &query {
                Query::Revision(asked) if versions::is_prefix(asked) => Some(&**asked),
                _ => None,
            };
            let mut wish = Wish::query(&source.place, &query);
            let mut head = None;
            if query == Query::Latest || prefix.is_some() {
                match versions::highest(repository, &source.place, refs, prefix)? {
                    Some(version) => wish = Wish::version(&source.place, &version),
                    None if prefix.is_none() => head = Some("HEAD".to_owned()),
                    None => {
                        return Err(UpstreamError::not_found(format!(
                            "no matching versions for query \"{}\"",
                            query.as_str()
                        )));
                    }
                }
            }
            let (commit, reference) = repository.find(&wish)?;
            let named = naming::name(repository, &source.place, refs, &wish, commit)?;
            if head.is_some() && versions::takes_back(repository, &source.place, refs, &named)? {
                return Err(UpstreamError::not_found(
                    "no matching versions for query \"latest\": all of them are retracted",
                ));
            }
            Ok(info(source, &named, commit, head.or(reference)))
        })
        .await
    }

    /// The wanted files of one version, all of one commit; always its `.info` as well, which names that commit.
    pub async fn fetch(
        &self,
        source: &Source,
        wanted: &Wanted,
        context: &FetchContext,
    ) -> Result<Fetched, UpstreamError> {
        let (wanted, git) = (wanted.clone(), self.clone());
        self.work(source, context, move |repository, source, session| {
            git.make(repository, source, &wanted, session)
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        source: &Source,
        context: &FetchContext,
        work: impl FnOnce(&Repository<'_>, &Source, &Session) -> Result<T, UpstreamError> + Send + 'static,
    ) -> Result<T, UpstreamError> {
        // Whoever made the source has looked at its address; nothing that git could take for a program gets further. However
        // it is written, it is one repository.
        let address = RepositoryAddress::parse(&source.url, true)
            .map_err(|why| UpstreamError::not_found(format!("invalid repository address: {why}")))?;
        let url = address.to_string();
        let origin = self.origins.of(&url);
        let transport = Gentle::new(self.transport(&address)?, Arc::clone(&origin));
        let (caches, source, client) = (self.caches.clone(), source.clone(), self.client.clone());
        let turn = async {
            // Of this host first: whoever waits for one that hangs takes no turn from the others.
            let of_host = origin.question().await?;
            Some((of_host, Arc::clone(&self.asking).acquire_owned().await.ok()?))
        };
        let asking = tokio::select! {
            biased; // A turn that is free is taken, however long others were asked before.
            turn = turn => turn,
            () = context.silence(WAIT) => None,
        };
        let Some(asking) = asking else {
            return Err(UpstreamError::unavailable(
                "too many questions are being put to git hosts; ask again",
            ));
        };
        Session::run(context, move |session| {
            let _asking = asking;
            let remote = Remote {
                url,
                trust: source.trust,
                unverified_tls: source.unverified_tls,
                shown: source.shown.clone(),
            };
            let repository = Repository::open(remote, &caches, &transport, &client, session)?;
            let worked = work(&repository, &source, session);
            drop(repository);
            caches.sweep_now_and_then();
            worked
        })
        .await
    }

    fn transport(&self, address: &RepositoryAddress) -> Result<Arc<dyn Transport>, UpstreamError> {
        let http = address.is_http();
        match (self.choice, http) {
            (TransportChoice::Command, _) | (TransportChoice::Auto, false) => {
                Ok(Arc::clone(&self.command) as _)
            }
            (TransportChoice::Auto | TransportChoice::BuiltIn, true) => Ok(Arc::clone(&self.built_in) as _),
            (TransportChoice::BuiltIn, false) => Err(UpstreamError::Unsupported {
                reason: format!(
                    "{address} is not http: it needs the git command, and direct.git says builtin"
                )
                .into(),
            }),
        }
    }

    fn make(
        &self,
        repository: &Repository<'_>,
        source: &Source,
        wanted: &Wanted,
        session: &Session,
    ) -> Result<Fetched, UpstreamError> {
        let (module, place) = (&wanted.module, &source.place);
        let (info, commit, folder) = match wanted.pinned.as_ref().and_then(pin) {
            Some(commit) => {
                let folder = folder::find(repository, place, commit)
                    .map_err(|error| moved(repository, source, wanted, commit, error))?;
                (None, commit, folder)
            }
            None => {
                let wish = Wish::version(place, module.version());
                let (commit, reference) = repository.find(&wish)?;
                let named = naming::name(repository, place, repository.refs()?, &wish, commit)?;
                if named.version != *module.version() {
                    let reason = format!("{module}: its commit is version {}", named.version);
                    return Err(UpstreamError::not_found(reason));
                }
                let info = info(source, &named, commit, reference);
                (Some(info), commit, named.folder)
            }
        };
        let whole = |bytes: Bytes| Some(Incoming::Whole(Body::from_bytes(bytes)));
        let go_mod = wanted.kinds.contains(&Kind::Mod).then(|| match &folder.go_mod {
            Some(go_mod) => go_mod.clone(),
            None => go_mod::synthesized(module.path()).into(),
        });
        let zip = match wanted.kinds.contains(&Kind::Zip) {
            true => {
                let objects = repository.with(commit)?;
                let _making = session.wait(self.making.acquire());
                let shelf = self.shelves.open(&self.spool);
                let zip = export::zip(&objects, module, commit, &folder, &self.spool, &shelf, session)?;
                session.keep_for(shelf::KEPT, shelf);
                Some(Incoming::Whole(zip))
            }
            false => None,
        };
        Ok(Fetched {
            info: info.and_then(|info| whole(info.to_json().into())),
            go_mod: go_mod.and_then(whole),
            zip,
            from: format!("{} at {commit}", source.url),
        })
    }
}

/// The commit that the stored `.info` names.
fn pin(info: &Info) -> Option<ObjectId> {
    ObjectId::from_hex(info.origin.as_ref()?.hash.as_deref()?.as_bytes()).ok()
}

/// Says that a version moved, if the commit it was made from cannot be had and its name leads to another one now.
fn moved(
    repository: &Repository<'_>,
    source: &Source,
    wanted: &Wanted,
    pinned: ObjectId,
    error: UpstreamError,
) -> UpstreamError {
    let wish = Wish::version(&source.place, wanted.module.version());
    match repository.find(&wish) {
        Ok((found, _)) if found != pinned => UpstreamError::Moved {
            module: wanted.module.clone(),
            pinned: pinned.to_string().into(),
            found: found.to_string().into(),
        },
        _ => error,
    }
}

fn info(source: &Source, named: &naming::Named, commit: ObjectId, reference: Option<String>) -> Info {
    let subdir = Some(source.place.code_folder.clone()).filter(|folder| !folder.is_empty());
    Info {
        version: named.version.clone(),
        time: named.time,
        origin: Some(Origin {
            vcs: "git".to_owned(),
            url: source.url.clone(),
            subdir,
            hash: Some(commit.to_string()),
            // What names a commit does not hang on a ref.
            reference: reference.filter(|_| !named.version.is_pseudo()),
        }),
    }
}
