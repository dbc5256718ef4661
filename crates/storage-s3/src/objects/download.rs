//! Downloads that break off and are taken up again, from the same state of the object alone.

use super::unreadable;
use bytes::Bytes;
use futures::{StreamExt, stream};
use object_store::{GetOptions, GetRange, GetResult, ObjectStore, path::Path};
use proxy_core::{store::StoreError, upstream::Chunks};
use std::{ops::Range, sync::Arc};

/// How often a download that broke off is taken up again without a byte of progress.
const RESUMES: u32 = 3;

/// A download that can be taken up again.
pub(super) struct Download {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    tag: Option<String>,
    rest: Range<u64>,
    chunks: stream::BoxStream<'static, object_store::Result<Bytes>>,
    left: u32,
}

impl Download {
    /// Of an object that was opened just now.
    pub(super) fn new(objects: Arc<dyn ObjectStore>, path: Path, found: GetResult) -> Self {
        Self {
            objects,
            path,
            tag: found.meta.e_tag.clone(),
            rest: found.range.clone(),
            chunks: found.into_stream(),
            left: RESUMES,
        }
    }

    /// Its bytes.
    pub(super) fn into_chunks(self) -> Chunks<StoreError> {
        stream::try_unfold(self, |mut download| async move {
            let next = download.next().await?;
            Ok(next.map(|bytes| (bytes, download)))
        })
        .boxed()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        loop {
            let failed = match self.chunks.next().await {
                Some(Ok(bytes)) => {
                    self.rest.start += bytes.len() as u64;
                    self.left = RESUMES;
                    return Ok(Some(bytes));
                }
                None if self.rest.is_empty() => return Ok(None),
                None => None,
                Some(Err(error)) => Some(error),
            };
            let cut = || match failed {
                Some(error) => unreadable(error),
                None => StoreError::unavailable("a kept file ended early"),
            };
            if self.left == 0 || self.tag.is_none() || self.rest.is_empty() {
                return Err(cut());
            }
            self.left -= 1;
            let options = GetOptions {
                if_match: self.tag.clone(),
                range: Some(GetRange::Bounded(self.rest.clone())),
                ..GetOptions::default()
            };
            match self.objects.get_opts(&self.path, options).await {
                Ok(found) if found.meta.e_tag == self.tag => self.chunks = found.into_stream(),
                _ => return Err(cut()),
            }
        }
    }
}
