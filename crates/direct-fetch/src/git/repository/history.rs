//! The past of a repository: its commits without their trees, brought when a rule asks what came before one.

use super::{Repository, is_commit, open};
use crate::git::{
    cache::{self, Cache},
    transport::{FetchError, RemoteError, Want},
};
use gix::ObjectId;
use proxy_core::upstream::UpstreamError;
use std::sync::atomic::Ordering;

impl Repository<'_> {
    /// Every commit that can be reached from these, each once.
    pub(super) fn walk(
        &self,
        tips: &[ObjectId],
    ) -> Result<impl Iterator<Item = Result<ObjectId, UpstreamError>> + '_, UpstreamError> {
        let history = self.history()?;
        // A tag can be put on what is no commit; nothing can be reached from there.
        let tips: Vec<_> = tips
            .iter()
            .copied()
            .filter(|tip| is_commit(&history, *tip))
            .collect();
        let commits = history
            .rev_walk(tips)
            .all()
            .map_err(|error| self.broken(&error))?;
        let ids: Vec<_> = commits.map(|commit| commit.map(|commit| commit.id)).collect();
        Ok(ids.into_iter().map(|id| {
            if self.session.interrupt().load(Ordering::Relaxed) {
                self.session.check()?;
            }
            id.map_err(|error| self.broken(&error))
        }))
    }

    /// A reader of all commits below the refs as they are now.
    pub(super) fn history(&self) -> Result<gix::Repository, UpstreamError> {
        if let Some(history) = &*self.history.borrow() {
            return Ok(history.clone());
        }
        let refs = self.refs()?;
        let path = self.cache.history();
        let kind = refs.object_hash().unwrap_or(gix::hash::Kind::Sha1);
        Cache::make(&path, kind, &self.remote.url)?;
        let missing = |history: &gix::Repository| {
            // A tag on a tree is asked for once, and may be left out as trees are.
            let mut tips = refs.tips();
            tips.extend(refs.tag_objects.keys());
            tips.retain(|tip| !history.has_object(tip));
            if !tips.is_empty() {
                let left_out = cache::left_out(&path);
                tips.retain(|tip| !left_out.contains(tip));
            }
            tips
        };
        let mut history = open(&path)?;
        if !missing(&history).is_empty() {
            let _writing = self.cache.write(self.session)?;
            self.session.check()?;
            if !missing(&open(&path)?).is_empty() {
                self.transport
                    .fetch(&self.remote, &Want::History, &path, self.session)
                    .map_err(FetchError::into_upstream)?;
            }
            history = open(&path)?;
            let mut left_out = missing(&history);
            if !left_out.is_empty() {
                // What moved meanwhile was not asked for, so it was not left out: it is asked for when it is back.
                let now = self.transport.list(&self.remote, self.session);
                let now = now.map_err(RemoteError::into_upstream)?;
                left_out.retain(|tip| now.names(*tip));
                cache::leave_out(&path, &left_out).map_err(cache::disk)?;
            }
        }
        *self.history.borrow_mut() = Some(history.clone());
        Ok(history)
    }

    /// Fetches what comes before a commit to which no branch or tag leads: `HEAD` may stand there, and a branch may have
    /// left it since the refs were listed. That it did not come with the history does not say that nothing is before it.
    pub(super) fn bring_below(&self, commit: ObjectId) -> Result<(), UpstreamError> {
        let path = self.cache.history();
        let _writing = self.cache.write(self.session)?;
        self.session.check()?;
        if !open(&path)?.has_object(commit) {
            let want = Want::Below(commit);
            self.transport
                .fetch(&self.remote, &want, &path, self.session)
                .map_err(FetchError::into_upstream)?;
        }
        let history = open(&path)?;
        if !history.has_object(commit) {
            return Err(UpstreamError::malformed(format!(
                "{} did not send what the commit {commit} descends from",
                self.remote.url
            )));
        }
        *self.history.borrow_mut() = Some(history);
        Ok(())
    }
}
