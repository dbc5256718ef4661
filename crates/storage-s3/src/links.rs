//! Signed links: addresses that serve one file from the bucket itself, for a while.

use crate::{
    BucketStore,
    objects::{Objects, Server},
};
use async_trait::async_trait;
use http::Method;
use object_store::{path::Path, signer::Signer};
use proxy_core::{
    file::ModuleFile,
    store::{SignedLinks, StoreError},
};
use std::time::Duration;
use url::Url;

#[async_trait]
impl SignedLinks for BucketStore {
    async fn link(&self, file: &ModuleFile, lifetime: Duration) -> Result<Option<String>, StoreError> {
        let path = self.objects.path(&self.name_of(file))?;
        if self.objects.head(&path).await?.is_none() {
            return Ok(None);
        }
        let signed = self.objects.sign(Method::GET, &path, lifetime).await;
        let signed =
            signed.map_err(|error| StoreError::unavailable_because("a link could not be signed", error))?;
        Ok(signed.map(Into::into))
    }
}

impl Objects {
    /// Signs an address; `None` where there is nothing to sign with.
    async fn sign(
        &self,
        method: Method,
        path: &Path,
        lifetime: Duration,
    ) -> object_store::Result<Option<Url>> {
        match &self.server {
            Server::S3(s3) => s3.signed_url(method, path, lifetime).await.map(Some),
            Server::Azure(azure) => match azure.signed_url(method, path, lifetime).await {
                // A shared access signature cannot make another.
                Err(object_store::Error::NotSupported { .. }) => Ok(None),
                signed => signed.map(Some),
            },
            Server::Gcs { gcs, unsigned, .. } => {
                let key = gcs.signing_credentials().get_credential().await;
                match key {
                    Ok(key) if !unsigned && !key.email.is_empty() => {
                        gcs.signed_url(method, path, lifetime).await.map(Some)
                    }
                    _ => Ok(None),
                }
            }
            Server::Unsigned => Ok(None),
        }
    }

    /// Whether links can be signed at all, found out by signing one that nobody gets.
    pub(crate) async fn signs(&self, path: &Path) -> bool {
        match self.sign(Method::GET, path, Duration::from_secs(1)).await {
            Ok(signed) => signed.is_some(),
            Err(error) => {
                tracing::debug!(%error, "links to this bucket cannot be signed");
                false
            }
        }
    }
}
