//! Quarantine: a damaged object is copied aside within the bucket, and then deleted, on condition that it is still the
//! one that was found damaged.
//!
//! The client library deletes without conditions only. So this one request is ours: signed by the library, sent by its
//! own HTTP client, with the header that S3 (`If-Match`, since 2024), Azure (`If-Match`) and Google
//! (`x-goog-if-generation-match`) know for it. A server that does not know it would delete what another node has just
//! healed; [`preflight`](crate::BucketStore::preflight) finds that out, and nothing is set aside there.

use crate::{
    BucketStore,
    objects::{Objects, Server, State, to_its_end, unreadable},
};
use async_trait::async_trait;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use object_store::{
    ObjectStoreExt,
    client::HttpRequestBody,
    path::Path,
    signer::{SignedUrlOptions, Signer},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proxy_core::{
    file::Kind,
    store::{Corrupt, Quarantine, StoreError},
};
use std::{error::Error, sync::Arc, time::Duration};

/// For how long the address of a deletion is good.
const SIGNED_FOR: Duration = Duration::from_secs(60);

const GENERATION: HeaderName = HeaderName::from_static("x-goog-if-generation-match");

/// How a deletion on condition ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// The object was in that state, and is gone.
    Done,
    /// There is none.
    Gone,
    /// It may not be deleted by us; nothing was done.
    Denied,
    /// It is in another state; nothing was done.
    Changed,
}

#[async_trait]
impl Quarantine for BucketStore {
    async fn set_aside(&self, file: Corrupt) -> Result<(), StoreError> {
        let objects = Arc::clone(&self.objects);
        to_its_end(async move { objects.set_aside(&file).await }).await
    }
}

impl Objects {
    async fn set_aside(&self, file: &Corrupt) -> Result<(), StoreError> {
        let path = self.path(&file.file().tree_path())?;
        let Some(found) = self.get(&path, None).await.map_err(unreadable)? else {
            return Ok(());
        };
        let (state, size) = (State::of(&found.meta), found.meta.size);
        let is_it = match file.found() {
            Some(sum) => self.sum(path.clone(), found).await? == sum,
            // All that cannot be read of an object is one that is empty.
            None => size == 0,
        };
        if !is_it {
            return Ok(());
        }
        let aside = file.tree_path();
        if self.move_aside(&path, &state, &aside).await? && file.file().kind == Kind::Zip {
            self.set_ziphash_aside(file).await?;
        }
        Ok(())
    }

    /// Moves an object that is in just this state; says whether it was.
    ///
    /// The copy has a name of its own until it is certain what was copied: another node may have set the same object
    /// aside, and yet another may have healed it, while this one was about to.
    async fn move_aside(&self, path: &Path, state: &State, aside: &str) -> Result<bool, StoreError> {
        let (aside, copy) = (
            self.path(aside)?,
            self.path(&format!("{aside}.{:08x}", rand::random::<u32>()))?,
        );
        match self.objects.copy(path, &copy).await {
            Ok(()) => {}
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(uncopied(error)),
        }
        let moved = match self.delete_if(path, state).await? {
            // The object was in that state until now, so that is what was copied. If the next copy fails, the first is
            // all there is of it, and stays.
            Deletion::Done => {
                self.objects.copy(&copy, &aside).await.map_err(uncopied)?;
                Ok(true)
            }
            Deletion::Gone | Deletion::Changed => Ok(false),
            Deletion::Denied => Err(StoreError::unavailable(
                "a damaged file could not be set aside, since the bucket's server does not permit to delete it",
            )),
        };
        self.remove(&copy).await?;
        moved
    }

    /// The sum beside a zip stays, since it refuses any other zip; but one that the zip never had is damage as well, and
    /// would refuse the right one for ever.
    async fn set_ziphash_aside(&self, damaged: &Corrupt) -> Result<(), StoreError> {
        let Some(recorded) = damaged.recorded_h1() else {
            return Ok(());
        };
        let path = self.path(&format!("{}hash", damaged.file().tree_path()))?;
        let Some((kept, state)) = self.read_ziphash(&path).await? else {
            return Ok(());
        };
        if kept.is_some_and(|kept| kept != recorded) {
            self.move_aside(&path, &state, &format!("{}.ziphash", damaged.tree_path()))
                .await?;
        }
        Ok(())
    }

    /// Deletes an object that is in just this state; if there is none, that is done too.
    pub(crate) async fn delete_if(&self, path: &Path, state: &State) -> Result<Deletion, StoreError> {
        let failed = |cause: Box<dyn Error + Send + Sync>| StoreError::Unavailable {
            reason: "an object could not be deleted on condition".to_owned(),
            source: Some(cause.into()),
        };
        let request = self.deletion(path, state).await.map_err(failed)?;
        let answer = self
            .client
            .execute(request)
            .await
            .map_err(|error| failed(error.into()))?;
        match answer.status() {
            status if status.is_success() => Ok(Deletion::Done),
            StatusCode::NOT_FOUND => Ok(Deletion::Gone),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Ok(Deletion::Denied),
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT => Ok(Deletion::Changed),
            status => Err(failed(format!("its server answered {status}").into())),
        }
    }

    async fn deletion(
        &self,
        path: &Path,
        state: &State,
    ) -> Result<Request<HttpRequestBody>, Box<dyn Error + Send + Sync>> {
        let tag = || -> Result<HeaderValue, Box<dyn Error + Send + Sync>> {
            let tag = state.tag.as_deref().ok_or("the object has no entity tag")?;
            Ok(HeaderValue::from_str(tag)?)
        };
        let (url, condition, authorization) = match &self.server {
            Server::S3(s3) => {
                let tag = tag()?;
                let signed = SignedUrlOptions::default().with_signed_header(header::IF_MATCH, tag.clone());
                let url = s3
                    .signed_url_opts(Method::DELETE, path, SIGNED_FOR, &signed)
                    .await?;
                (url.to_string(), (header::IF_MATCH, tag), None)
            }
            Server::Azure(azure) => {
                let url = azure.signed_url(Method::DELETE, path, SIGNED_FOR).await?;
                (url.to_string(), (header::IF_MATCH, tag()?), None)
            }
            Server::Gcs { gcs, base, unsigned } => {
                let generation = state
                    .generation
                    .as_deref()
                    .ok_or("the object has no generation")?;
                let path = utf8_percent_encode(path.as_ref(), NON_ALPHANUMERIC);
                let url = format!("{base}/{}/{path}", self.url.bucket_name());
                let bearer = match unsigned {
                    true => None,
                    false => Some(gcs.credentials().get_credential().await?),
                };
                let bearer =
                    bearer.map(|credential| HeaderValue::from_str(&format!("Bearer {}", credential.bearer)));
                (
                    url,
                    (GENERATION, HeaderValue::from_str(generation)?),
                    bearer.transpose()?,
                )
            }
            Server::Unsigned => return Err("requests to it are not signed".into()),
        };
        let mut request = Request::delete(url).header(condition.0, condition.1);
        if let Some(mut authorization) = authorization {
            authorization.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, authorization);
        }
        Ok(request.body(HttpRequestBody::empty())?)
    }
}

fn uncopied(error: object_store::Error) -> StoreError {
    StoreError::unavailable_because("a damaged file could not be copied aside", error)
}
