//! Walking the chain: which upstream is asked next, and for how long.
//!
//! A whole attempt, transfer included, falls through. The budget of silence is one for the whole walk: where a later
//! upstream may be asked after any failure, each gets its share of what is left, so that one that hangs does not
//! use up the time of the one behind it.

use super::{
    FetchContext, Upstream, UpstreamError,
    chain::{Chain, Link, Separator},
};
use crate::module::{ModulePath, Version};
use std::{borrow::Cow, future::Future, sync::Arc, time::Duration};
use tokio::time::Instant;

impl Chain {
    /// Tries one upstream after the other, the stores before the origins, until an attempt succeeds or its failure ends
    /// the search.
    ///
    /// After "not found" the next one is always asked, after other failures only behind `|` (Go modules reference,
    /// "GOPROXY protocol"); a failure of our own spool ends the search. Trouble outranks absence: what a mirror in
    /// trouble might have had is not settled by another that has nothing.
    pub async fn walk<T, F, A>(
        &self,
        path: &ModulePath,
        context: &FetchContext,
        silence: Duration,
        attempt: F,
    ) -> Result<T, UpstreamError>
    where
        F: Fn(Arc<dyn Upstream>) -> A,
        A: Future<Output = Result<T, UpstreamError>>,
    {
        let stores = self.also.iter().map(|store| Link {
            upstream: Some(Arc::clone(store)),
            separator: Separator::OnAnyFailure,
        });
        let links: Vec<Link> = stores.chain(self.links_for(path).iter().cloned()).collect();
        try_in_turn(&links, path, context, silence, attempt).await
    }

    /// The same among the origins alone: only they can say what is new.
    pub async fn walk_origins<T, F, A>(
        &self,
        path: &ModulePath,
        context: &FetchContext,
        silence: Duration,
        attempt: F,
    ) -> Result<T, UpstreamError>
    where
        F: Fn(Arc<dyn Upstream>) -> A,
        A: Future<Output = Result<T, UpstreamError>>,
    {
        try_in_turn(&self.links_for(path), path, context, silence, attempt).await
    }

    /// The versions that the stores before the origins have; and the trouble of one that could not be asked, which may
    /// have more.
    pub async fn versions_in_stores(
        &self,
        path: &ModulePath,
        context: &FetchContext,
    ) -> (Vec<Version>, Option<UpstreamError>) {
        let (mut found, mut trouble) = (Vec::new(), None);
        for store in &self.also {
            match store.versions(path, context).await {
                Ok(versions) => found.extend(versions),
                Err(UpstreamError::NotFound { .. }) => {}
                Err(error) => {
                    tracing::debug!(module = %path, %error, "a store before the origins failed");
                    trouble = Some(error);
                }
            }
        }
        (found, trouble)
    }

    /// Private modules are asked of version control only; their names go nowhere else.
    fn links_for(&self, path: &ModulePath) -> Cow<'_, [Link]> {
        if self.private.matches(path.as_str()) {
            Cow::Owned(vec![Link {
                upstream: self.direct.clone(),
                separator: Separator::OnNotFound,
            }])
        } else {
            Cow::Borrowed(&self.links)
        }
    }
}

/// Tries these upstreams one after the other.
async fn try_in_turn<T, F, A>(
    links: &[Link],
    path: &ModulePath,
    context: &FetchContext,
    silence: Duration,
    attempt: F,
) -> Result<T, UpstreamError>
where
    F: Fn(Arc<dyn Upstream>) -> A,
    A: Future<Output = Result<T, UpstreamError>>,
{
    let (mut trouble, mut absence) = (None, None);
    for (position, link) in links.iter().enumerate() {
        let Some(upstream) = &link.upstream else {
            absence = Some(UpstreamError::not_found(format!(
                "{path} is not kept here, and the upstream list says that it is not to be fetched (off)"
            )));
            break;
        };
        let share = silence.saturating_sub(context.silent_for()) / chances(&links[position..]);
        let failure = tokio::select! {
            result = attempt(Arc::clone(upstream)) => match result {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            },
            () = silence_from_now(context, share) => UpstreamError::timed_out(format!(
                "no origin sent a byte for {} seconds", share.as_secs_f32().ceil()
            )),
        };
        match failure {
            UpstreamError::NotFound { .. } => absence = Some(failure),
            UpstreamError::Spool(_) => return Err(failure),
            _ => {
                tracing::debug!(module = %path, error = %failure, "an upstream failed");
                trouble = Some(failure);
                if link.separator == Separator::OnNotFound {
                    break;
                }
            }
        }
    }
    Err(trouble
        .or(absence)
        .unwrap_or_else(|| UpstreamError::not_found("no upstream is configured")))
}

/// How many upstreams, the first of these included, may be asked one after the other because each is in trouble.
fn chances(links: &[Link]) -> u32 {
    let mut chances = 1;
    for pair in links.windows(2) {
        if pair[0].separator == Separator::OnNotFound || pair[1].upstream.is_none() {
            break;
        }
        chances += 1;
    }
    chances
}

/// Ends once nothing has been heard for `limit`, counted from now at the earliest.
async fn silence_from_now(context: &FetchContext, limit: Duration) {
    let started = Instant::now();
    loop {
        let silent = context.silent_for().min(started.elapsed());
        if silent >= limit {
            return;
        }
        tokio::time::sleep(limit - silent).await;
    }
}

#[cfg(test)]
mod tests;
