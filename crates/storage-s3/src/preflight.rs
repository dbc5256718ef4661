//! The preflight: does once what everything here relies on, so that a bucket that cannot is refused at the start and not
//! found out when it has let a file be replaced.

use crate::{
    BucketStore, Cloud,
    objects::{Objects, Put, State},
    quarantine::Deletion,
};
use object_store::{Attributes, PutMode, PutOptions, PutPayload, UpdateVersion, path::Path};
use std::sync::Arc;

/// What this bucket can do beside keeping files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Abilities {
    /// Damaged files can be set aside: its server deletes on condition.
    pub quarantine: bool,
    /// Links to files can be signed.
    pub links: bool,
}

/// Why a bucket cannot be a store.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PreflightError {
    /// It cannot be reached, or answered nonsense.
    #[error("the bucket cannot be reached")]
    Unreachable(#[source] Arc<object_store::Error>),
    /// There is none of that name.
    #[error("there is no such bucket; it must be made first")]
    NoBucket(#[source] Arc<object_store::Error>),
    /// The credentials do not open it.
    #[error(
        "the bucket's server refuses the credentials: objects must be allowed to be read, listed, put and deleted"
    )]
    Denied(#[source] Arc<object_store::Error>),
    /// We were told not to put on condition.
    #[error(
        "AWS_CONDITIONAL_PUT is `disabled`, and a file is kept once only by putting it on condition that none is there: \
         unset it, or set it to `etag`"
    )]
    ToldNotTo,
    /// It takes what it was told not to take.
    #[error(
        "the bucket's server ignores {header}: it replaced an object that was to be put only {condition}, so no file \
         would be safe in it; turn on conditional writes there (on a server of your own, take a release that has them), \
         and let whatever stands before it pass the header on"
    )]
    Ignores {
        /// The header.
        header: &'static str,
        /// What it says.
        condition: &'static str,
    },
    /// It says that it cannot.
    #[error(
        "the bucket's server does not know {header}, and a file is kept once only by putting it on condition that none \
         is there: turn on conditional writes there, or take a release that has them"
    )]
    NotKnown {
        /// The header.
        header: &'static str,
        /// What it answered.
        #[source]
        source: Arc<object_store::Error>,
    },
    /// What was put did not come back.
    #[error("the bucket gave back other bytes than it was given")]
    OtherBytes,
}

impl BucketStore {
    /// Puts, puts again, reads, replaces and deletes one small object, and says what the bucket can do.
    pub async fn preflight(&self) -> Result<Abilities, PreflightError> {
        let name = format!(".stoa/preflight/{:032x}", rand::random::<u128>());
        let objects = &self.objects;
        let path = objects.path(&name).map_err(|_| PreflightError::OtherBytes)?;
        let judged = objects.try_out(&path).await;
        if judged.is_ok() {
            // Found out now, so that no page of the catalog has to.
            objects.lists_by_bytes().await;
        }
        if let Err(error) = objects.remove(&path).await {
            tracing::debug!(%error, "the object of the preflight could not be removed");
        }
        judged
    }
}

impl Objects {
    async fn try_out(&self, path: &Path) -> Result<Abilities, PreflightError> {
        let (absent, present) = self.headers();
        let put = async |text: &'static str, mode| {
            let mut options = PutOptions::from(mode);
            options.attributes = Attributes::new();
            self.objects
                .put_opts(path, PutPayload::from_static(text.as_bytes()), options)
                .await
        };
        let first = match put("first", PutMode::Create).await {
            Ok(first) => State {
                tag: first.e_tag,
                generation: first.version,
            },
            Err(error) => return Err(self.refused(error, absent)),
        };
        match put("second", PutMode::Create).await {
            Ok(_) => {
                return Err(PreflightError::Ignores {
                    header: absent,
                    condition: "where none is",
                });
            }
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {}
            Err(error) => return Err(self.refused(error, absent)),
        }
        self.reads(path, b"first").await?;
        let stale = UpdateVersion {
            e_tag: Some("\"00000000000000000000000000000000\"".to_owned()),
            version: Some("1".to_owned()),
        };
        match put("third", PutMode::Update(stale)).await {
            Ok(_) => {
                return Err(PreflightError::Ignores {
                    header: present,
                    condition: "over another one",
                });
            }
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {}
            Err(error) => return Err(self.refused(error, present)),
        }
        let replaced = self
            .put(
                path,
                PutPayload::from_static(b"fourth"),
                "text/plain",
                Some(&first),
            )
            .await;
        match replaced {
            Ok(Put::Done(_)) => self.reads(path, b"fourth").await?,
            Ok(Put::Changed(_)) => return Err(PreflightError::OtherBytes),
            Err(error) => return Err(PreflightError::Unreachable(Arc::new(as_object_error(error)))),
        }
        Ok(Abilities {
            quarantine: self.deletes_on_condition(path, &first).await,
            links: self.signs(path).await,
        })
    }

    /// Tries to delete the object in a state that it is not in any more.
    async fn deletes_on_condition(&self, path: &Path, stale: &State) -> bool {
        match self.delete_if(path, stale).await {
            Ok(Deletion::Changed) => true,
            Ok(Deletion::Done | Deletion::Gone | Deletion::Denied) => false,
            Err(error) => {
                tracing::debug!(%error, "objects of this bucket cannot be deleted on condition");
                false
            }
        }
    }

    async fn reads(&self, path: &Path, expected: &[u8]) -> Result<(), PreflightError> {
        match self.read(path, 1 << 10).await {
            Ok(Some((bytes, _))) if bytes == expected => Ok(()),
            Ok(_) => Err(PreflightError::OtherBytes),
            Err(error) => Err(PreflightError::Unreachable(Arc::new(as_object_error(error)))),
        }
    }

    fn headers(&self) -> (&'static str, &'static str) {
        match self.url.cloud {
            Cloud::S3 | Cloud::Azure => ("`If-None-Match: *`", "`If-Match`"),
            Cloud::Gcs => ("`x-goog-if-generation-match: 0`", "`x-goog-if-generation-match`"),
        }
    }

    fn refused(&self, error: object_store::Error, header: &'static str) -> PreflightError {
        let not_known = error.to_string().contains("501 Not Implemented");
        let source = Arc::new(error);
        match &*source {
            object_store::Error::NotImplemented { .. } => PreflightError::ToldNotTo,
            object_store::Error::NotFound { .. } => PreflightError::NoBucket(source),
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                PreflightError::Denied(source)
            }
            _ if not_known => PreflightError::NotKnown { header, source },
            _ => PreflightError::Unreachable(source),
        }
    }
}

fn as_object_error(error: proxy_core::store::StoreError) -> object_store::Error {
    object_store::Error::Generic {
        store: "the bucket",
        source: Box::new(error),
    }
}
