//! A repository as the rules see it: refs, and objects that come when they are asked for.

mod history;

use super::{
    cache::{self, Cache, Caches, lock},
    listings::{Arrival, Way},
    objects::Objects,
    refs::{self, Refs},
    revision::{Found, Wish},
    session::Session,
    transport::{FetchError, Remote, RemoteError, Transport, Want},
};
use crate::{credentials::WITHHELD, page};
use bytes::Bytes;
use gix::{ObjectId, objs::tree::EntryKind};
use http_client::Client;
use proxy_core::{Timestamp, upstream::UpstreamError};
use std::{
    cell::{OnceCell, RefCell},
    collections::HashSet,
    path::Path,
    sync::Arc,
};

/// A repository within one session. Blocks.
pub(super) struct Repository<'a> {
    session: &'a Session,
    transport: &'a dyn Transport,
    client: &'a Client,
    remote: Remote,
    cache: Arc<Cache>,
    arrival: Arrival,
    refs: OnceCell<Arc<Refs>>,
    objects: RefCell<Option<gix::Repository>>,
    history: RefCell<Option<gix::Repository>>,
    /// A commit, and all that can be reached from it.
    ancestors: RefCell<Option<(ObjectId, HashSet<ObjectId>)>>,
}

impl<'a> Repository<'a> {
    pub(super) fn open(
        remote: Remote,
        caches: &Caches,
        transport: &'a dyn Transport,
        client: &'a Client,
        session: &'a Session,
    ) -> Result<Self, UpstreamError> {
        let cache = caches.of(&remote, transport.name())?;
        Ok(Self {
            session,
            transport,
            client,
            remote,
            arrival: cache.listings.arrive(),
            cache,
            refs: OnceCell::new(),
            objects: RefCell::default(),
            history: RefCell::default(),
            ancestors: RefCell::default(),
        })
    }

    /// The refs as they were at the start of the session or later: listed once in it, and for all who wait for it.
    pub(super) fn refs(&self) -> Result<&Refs, UpstreamError> {
        if let Some(refs) = self.refs.get() {
            return Ok(refs);
        }
        let way = Way {
            trust: self.remote.trust,
            unverified_tls: self.remote.unverified_tls,
            with_access: self.remote.shown.table().is_some(),
        };
        let listed = self.cache.listings.share(self.arrival, way, || {
            let ours = |error| (error, false);
            self.session.check().map_err(ours)?;
            // What failed because nobody waits for it says nothing of the host.
            let failed = |error| (error, self.session.check().is_ok());
            let listed = self.transport.list(&self.remote, self.session);
            let listed = listed.map_err(|error| failed(self.absent_after_all(error)))?;
            if listed == Refs::default() {
                self.check_host().map_err(failed)?;
            }
            Ok(listed)
        })?;
        Ok(self.refs.get_or_init(|| listed))
    }

    /// An empty repository is rare, and a page that lets nobody in is not: the git command takes some for a host that
    /// has nothing, and nothing is what we would say of every version then.
    fn check_host(&self) -> Result<(), UpstreamError> {
        let listing = self.remote.listing();
        let asked = listing.and_then(|listing| {
            self.session
                .wait(page::lists_refs(self.client, listing, self.session.context()))
        });
        match asked {
            Some(false) => Err(UpstreamError::malformed(format!(
                "{} does not answer as a git host does",
                self.remote.url
            ))),
            _ => self.session.check(),
        }
    }

    /// A host that wants credentials has nothing there, if the repository's page says so.
    fn absent_after_all(&self, error: RemoteError) -> UpstreamError {
        let page = match &error {
            RemoteError::Unauthorized(_) => self.remote.page(),
            RemoteError::Withheld(_) | RemoteError::Failed(_) => None,
        };
        let asked = page.and_then(|page| {
            self.session
                .wait(page::is_absent(self.client, page, self.session.context()))
        });
        match error {
            RemoteError::Unauthorized(error) if asked == Some(true) => UpstreamError::not_found(format!(
                "{error} (and its page says that there is no such repository)"
            )),
            RemoteError::Withheld(error) => UpstreamError::unavailable(format!("{error}; {WITHHELD}")),
            // A helper of git might have known something.
            RemoteError::Unauthorized(error) if self.remote.shown.is_nothing() => {
                UpstreamError::unavailable(format!("{error}; {WITHHELD}"))
            }
            error => error.into_upstream(),
        }
    }

    /// The commit a wish means, and the ref that named it.
    pub(super) fn find(&self, wish: &Wish) -> Result<(ObjectId, Option<String>), UpstreamError> {
        let refuse = |reason: &str| Err(UpstreamError::not_found(format!("{reason} {}", wish.revision)));
        match wish.find(self.refs()?) {
            Found::At(commit, name) => Ok((commit, name)),
            Found::Ambiguous => refuse("ambiguous revision"),
            Found::Nothing if wish.revision == "HEAD" => Err(UpstreamError::not_found("no commits")),
            Found::Nothing => refuse("unknown revision"),
            Found::PerhapsBelow(start) => {
                let mut found = None;
                for commit in self.walk(&self.refs()?.tips())? {
                    let commit = commit?;
                    if commit.to_hex().to_string().starts_with(&start) && found.replace(commit).is_some() {
                        return refuse("ambiguous revision");
                    }
                }
                match found.or(self.refs()?.below_tags(&self.history()?, &start)) {
                    Some(commit) => Ok((commit, None)),
                    None => refuse("unknown revision"),
                }
            }
        }
    }

    /// A reader of the objects, with this commit and its tree among them.
    pub(super) fn with(&self, commit: ObjectId) -> Result<gix::Repository, UpstreamError> {
        if let Some(objects) = &*self.objects.borrow()
            && objects.has_object(commit)
        {
            return Ok(objects.clone());
        }
        let path = self.cache.objects();
        Cache::make(&path, commit.kind(), &self.remote.url)?;
        let objects = match self.here(commit)? {
            Some(objects) => objects,
            None => {
                self.bring(commit, &path)?;
                self.here(commit)?.ok_or_else(|| {
                    UpstreamError::malformed(format!("{} did not send the commit {commit}", self.remote.url))
                })?
            }
        };
        *self.objects.borrow_mut() = Some(objects.clone());
        Ok(objects)
    }

    /// A reader of the objects of a commit that was brought before.
    fn here(&self, commit: ObjectId) -> Result<Option<gix::Repository>, UpstreamError> {
        for path in [self.cache.objects(), self.cache.whole()] {
            if path.join("HEAD").exists() {
                let objects = open(&path)?;
                if objects.object_hash() == commit.kind() && objects.has_object(commit) {
                    return Ok(Some(objects));
                }
            }
        }
        Ok(None)
    }

    /// Fetches a commit, together with all that others wait for by the time it is our turn.
    fn bring(&self, commit: ObjectId, into: &Path) -> Result<(), UpstreamError> {
        lock(&self.cache.wanted).insert(commit);
        let _writing = self.cache.write(self.session)?;
        self.session.check()?;
        if self.here(commit)?.is_some() {
            return Ok(());
        }
        let mut wanted: Vec<_> = std::mem::take(&mut *lock(&self.cache.wanted))
            .into_iter()
            .collect();
        wanted.retain(|other| other.kind() == commit.kind());
        if wanted.len() > 1
            && self
                .transport
                .fetch(&self.remote, &Want::Commits(&wanted), into, self.session)
                .is_ok()
        {
            return Ok(());
        }
        match self
            .transport
            .fetch(&self.remote, &Want::Commits(&[commit]), into, self.session)
        {
            Ok(()) => Ok(()),
            Err(FetchError::NotOffered(_)) => self.bring_by_name(commit, into),
            Err(FetchError::Failed(error)) => Err(error),
        }
    }

    /// For hosts that give only what a ref names: fetches by a name the commit has, or everything if it has none.
    fn bring_by_name(&self, commit: ObjectId, into: &Path) -> Result<(), UpstreamError> {
        if let Some((name, _)) = self
            .refs()?
            .all()
            .find(|(name, id)| *id == commit && refs::is_whole(name))
        {
            let named = self
                .transport
                .fetch(&self.remote, &Want::Ref(&name), into, self.session);
            match named {
                Ok(()) => return Ok(()),
                Err(FetchError::Failed(error)) => return Err(error),
                // It cannot leave out what came before.
                Err(FetchError::NotOffered(_)) => {}
            }
        }
        let whole = self.cache.whole();
        Cache::make(&whole, commit.kind(), &self.remote.url)?;
        self.transport
            .fetch(&self.remote, &Want::Whole, &whole, self.session)
            .map_err(FetchError::into_upstream)?;
        if open(&whole)?.has_object(commit) {
            return Ok(());
        }
        Err(UpstreamError::unavailable(format!(
            "{} does not give the commit {commit}: none of its branches and tags leads there",
            self.remote.url
        )))
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> UpstreamError {
        UpstreamError::malformed(format!(
            "the objects of {} cannot be read: {error}",
            self.remote.url
        ))
    }

    /// What a tree has under a name.
    fn entry(
        &self,
        tree: &gix::Tree<'_>,
        name: &str,
    ) -> Result<Option<(EntryKind, ObjectId)>, UpstreamError> {
        for entry in tree.iter() {
            let entry = entry.map_err(|error| self.broken(&error))?;
            if entry.filename() == name {
                return Ok(Some((entry.mode().kind(), entry.id().detach())));
            }
        }
        Ok(None)
    }
}

impl Objects for Repository<'_> {
    fn commit_time(&self, commit: ObjectId) -> Result<Timestamp, UpstreamError> {
        let objects = self.with(commit)?;
        let object = objects.find_object(commit).map_err(|error| self.broken(&error))?;
        let commit = object
            .try_into_commit()
            .map_err(|_| UpstreamError::not_found(format!("{commit} is no commit")))?;
        let time = commit.time().map_err(|error| self.broken(&error))?;
        Timestamp::from_second(time.seconds).map_err(|error| self.broken(&error))
    }

    fn file(&self, commit: ObjectId, path: &str) -> Result<Option<Bytes>, UpstreamError> {
        let objects = self.with(commit)?;
        let object = objects.find_object(commit).map_err(|error| self.broken(&error))?;
        let Ok(tree) = object.peel_to_tree() else {
            return Ok(None);
        };
        // Name by name, and only from tree to tree: what a submodule holds is not here, and is no trouble.
        let (folders, name) = match path.rsplit_once('/') {
            Some((folders, name)) => (folders.split('/').collect(), name),
            None => (Vec::new(), path),
        };
        let mut tree = tree;
        for folder in folders {
            match self.entry(&tree, folder)? {
                Some((EntryKind::Tree, id)) => {
                    let found = objects.find_object(id).map_err(|error| self.broken(&error))?;
                    tree = found.try_into_tree().map_err(|error| self.broken(&error))?;
                }
                _ => return Ok(None),
            }
        }
        match self.entry(&tree, name)? {
            Some((kind, id)) if !matches!(kind, EntryKind::Tree | EntryKind::Commit) => {
                let blob = objects.find_object(id).map_err(|error| self.broken(&error))?;
                Ok(Some(Bytes::from(blob.detach().data)))
            }
            _ => Ok(None),
        }
    }

    fn is_ancestor(&self, ancestor: ObjectId, of: ObjectId) -> Result<bool, UpstreamError> {
        if ancestor == of {
            return Ok(true);
        }
        if let Some((commit, ancestors)) = &*self.ancestors.borrow()
            && *commit == of
        {
            return Ok(ancestors.contains(&ancestor));
        }
        if !self.history()?.has_object(of) {
            self.bring_below(of)?;
        }
        let ancestors: HashSet<_> = self.walk(&[of])?.collect::<Result<_, _>>()?;
        let found = ancestors.contains(&ancestor);
        *self.ancestors.borrow_mut() = Some((of, ancestors));
        Ok(found)
    }
}

fn open(path: &Path) -> Result<gix::Repository, UpstreamError> {
    let mut repository = gix::open_opts(path, cache::options()).map_err(|error| {
        UpstreamError::unavailable(format!("the cache of a repository cannot be opened: {error}"))
    })?;
    // Deltas share their bases: without a little memory each would be worked out from the start.
    repository.object_cache_size(16 << 20);
    Ok(repository)
}

fn is_commit(repository: &gix::Repository, id: ObjectId) -> bool {
    repository
        .find_header(id)
        .is_ok_and(|header| header.kind() == gix::objs::Kind::Commit)
}
