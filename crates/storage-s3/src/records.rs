//! Records in the bucket: an object each, replaced only by who knows its state.

use crate::{
    BucketStore, Cloud,
    objects::{Objects, Put, State, to_its_end},
};
use async_trait::async_trait;
use bytes::Bytes;
use proxy_core::{
    records::{Record, RecordKey, RecordStore, Revision, Written},
    store::StoreError,
};
use std::sync::Arc;

/// Far above any record, and little enough to be in memory.
const LARGEST: u64 = 64 << 20;

const CONTENT_TYPE: &str = "application/octet-stream";

#[async_trait]
impl RecordStore for BucketStore {
    async fn read(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let path = self.objects.path(&key.tree_path())?;
        let Some((bytes, state)) = self.objects.read(&path, LARGEST).await? else {
            return Ok(None);
        };
        let revision = self.objects.revision(&state)?;
        Ok(Some(Record { bytes, revision }))
    }

    async fn write(
        &self,
        key: &RecordKey,
        bytes: Bytes,
        expected: Option<&Revision>,
    ) -> Result<Written, StoreError> {
        let (objects, path) = (Arc::clone(&self.objects), self.objects.path(&key.tree_path())?);
        if expected.is_some_and(|revision| !objects.could_be(revision)) {
            return Ok(Written::Changed);
        }
        let expected = expected.map(|revision| objects.state(revision));
        to_its_end(async move {
            let put = match &expected {
                None => objects.create(&path, bytes.into(), CONTENT_TYPE).await?,
                Some(state) => {
                    objects
                        .put(&path, bytes.into(), CONTENT_TYPE, Some(state))
                        .await?
                }
            };
            match put {
                Put::Done(state) => Ok(Written::Done(objects.revision(&state)?)),
                Put::Changed(_) => Ok(Written::Changed),
            }
        })
        .await
    }

    async fn remove(&self, key: &RecordKey) -> Result<(), StoreError> {
        let (objects, path) = (Arc::clone(&self.objects), self.objects.path(&key.tree_path())?);
        to_its_end(async move { objects.remove(&path).await }).await
    }
}

impl Objects {
    /// The generation where the server counts them, else the entity tag.
    fn revision(&self, state: &State) -> Result<Revision, StoreError> {
        let mark = match self.url.cloud {
            Cloud::Gcs => &state.generation,
            Cloud::S3 | Cloud::Azure => &state.tag,
        };
        let mark = mark.clone().ok_or_else(|| {
            StoreError::unavailable("the bucket's server does not say which state of a record it has")
        })?;
        Ok(Revision(mark))
    }

    /// Whether any record could be at this revision. Google would read 0 as "where none is", and refuse what is no
    /// number.
    fn could_be(&self, revision: &Revision) -> bool {
        self.url.cloud != Cloud::Gcs || revision.0.parse::<u64>().is_ok_and(|generation| generation > 0)
    }

    fn state(&self, revision: &Revision) -> State {
        let mark = Some(revision.0.clone());
        match self.url.cloud {
            Cloud::Gcs => State {
                tag: None,
                generation: mark,
            },
            Cloud::S3 | Cloud::Azure => State {
                tag: mark,
                generation: None,
            },
        }
    }
}
