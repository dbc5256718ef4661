//! Objects: the few requests that everything here is made of, and what their errors mean.
//!
//! Every write is conditional, and carries a word of its own among the object's metadata: its *mark*. When the answer to
//! a write is lost, or the client library has asked a second time because the first answer was, the object is read back,
//! and the mark says whose write it was. So a write that happened is never taken for one that found the name taken.

mod download;
mod names;

use crate::{BucketUrl, Cloud};
use bytes::Bytes;
use download::Download;
use futures::TryStreamExt;
use names::short_enough;
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
    PutOptions, PutPayload, UpdateVersion,
    aws::AmazonS3,
    azure::MicrosoftAzure,
    client::HttpClient,
    gcp::GoogleCloudStorage,
    list::{PaginatedListOptions, PaginatedListStore},
    path::Path,
};
use proxy_core::{store::StoreError, upstream::Chunks};
use std::{borrow::Cow, fmt, future::Future, sync::Arc, time::Duration};
use tokio::sync::OnceCell;

/// What the mark is called among an object's metadata. Azure allows only what could be a variable's name.
const MARK: &str = "stoamark";

/// How often a write is tried where the server says that the name is taken and nothing is there: two writes that meet
/// in S3 may both be refused, and an object that was there may just have been removed.
const ATTEMPTS: u32 = 5;

/// Before such a write is tried again; it doubles.
const PAUSE: Duration = Duration::from_millis(50);

/// A bucket, and the part of it that is ours.
pub(crate) struct Objects {
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) pages: Arc<dyn PaginatedListStore>,
    /// For the one request that the client library does not have: see `quarantine`.
    pub(crate) client: HttpClient,
    pub(crate) server: Server,
    pub(crate) url: BucketUrl,
    /// Whether the server lists in the order of bytes, once that is known.
    pub(crate) by_bytes: OnceCell<bool>,
    /// Whether nothing may be written, not even to find that out.
    pub(crate) only_read: bool,
}

/// Who serves the bucket, for what each does in its own way.
pub(crate) enum Server {
    /// S3, with credentials.
    S3(AmazonS3),
    /// S3 without: nothing can be signed.
    Unsigned,
    /// Google.
    Gcs {
        /// Its client.
        gcs: GoogleCloudStorage,
        /// Its address.
        base: String,
        /// Whether it asks for no credentials.
        unsigned: bool,
    },
    /// Azure.
    Azure(MicrosoftAzure),
}

/// One state of one object, as its server tells states apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The entity tag, with its quotes.
    pub(crate) tag: Option<String>,
    /// The generation, where the server counts them.
    pub(crate) generation: Option<String>,
}

/// What a conditional write found.
pub(crate) enum Put {
    /// The object is written.
    Done(State),
    /// The object is in another state than expected: this one, if any.
    Changed(Option<GetResult>),
}

impl Objects {
    /// An object's full name. `Path::from` would encode what is no letter of it a second time.
    pub(crate) fn path(&self, name: &str) -> Result<Path, StoreError> {
        let name = &*short_enough(name);
        let full = match &*self.url.prefix {
            "" => Cow::Borrowed(name),
            prefix => Cow::Owned(format!("{prefix}/{name}")),
        };
        Path::parse(full)
            .map_err(|error| StoreError::unavailable_because("a file has a name no object can have", error))
    }

    /// An object's name in our part of the bucket.
    pub(crate) fn name<'a>(&self, full: &'a Path) -> Option<&'a str> {
        match &*self.url.prefix {
            "" => Some(full.as_ref()),
            prefix => full.as_ref().strip_prefix(prefix)?.strip_prefix('/'),
        }
    }

    /// Opens an object, or a part of it.
    pub(crate) async fn get(
        &self,
        path: &Path,
        range: Option<GetRange>,
    ) -> object_store::Result<Option<GetResult>> {
        let options = GetOptions {
            range,
            ..GetOptions::default()
        };
        absent_is_none(self.objects.get_opts(path, options).await)
    }

    /// Looks at an object.
    pub(crate) async fn head(&self, path: &Path) -> Result<Option<ObjectMeta>, StoreError> {
        absent_is_none(self.objects.head(path).await).map_err(unreadable)
    }

    /// Reads an object of ours whole; a damaged one could be of any size, so there is a limit.
    pub(crate) async fn read(&self, path: &Path, limit: u64) -> Result<Option<(Bytes, State)>, StoreError> {
        let Some(found) = self.get(path, None).await.map_err(unreadable)? else {
            return Ok(None);
        };
        if found.meta.size > limit {
            return Err(StoreError::unavailable("an object that should be small is not"));
        }
        let state = State::of(&found.meta);
        let bytes = found.bytes().await.map_err(unreadable)?;
        Ok(Some((bytes, state)))
    }

    /// Puts an object where none is.
    pub(crate) async fn create(
        &self,
        path: &Path,
        payload: PutPayload,
        content_type: &'static str,
    ) -> Result<Put, StoreError> {
        let mut pause = PAUSE;
        for _ in 0..ATTEMPTS {
            match self.put(path, payload.clone(), content_type, None).await? {
                // It was taken a moment ago, and nothing is there: whoever had it removed it, or was refused as well.
                Put::Changed(None) => tokio::time::sleep(pause).await,
                settled => return Ok(settled),
            }
            pause *= 2;
        }
        Err(StoreError::unavailable(
            "an object can neither be written nor found",
        ))
    }

    /// Puts an object where none is (`None`), or where one is in just this state.
    pub(crate) async fn put(
        &self,
        path: &Path,
        payload: PutPayload,
        content_type: &'static str,
        expected: Option<&State>,
    ) -> Result<Put, StoreError> {
        let mark = format!("{:032x}", rand::random::<u128>());
        let mode = match expected {
            None => PutMode::Create,
            Some(state) => PutMode::Update(self.version(state)),
        };
        let mut options = PutOptions::from(mode);
        options.attributes = Attributes::from_iter([
            (Attribute::ContentType, content_type.to_owned()),
            (Attribute::Metadata(MARK.into()), mark.clone()),
        ]);
        let failed = match self.objects.put_opts(path, payload, options).await {
            Ok(done) => {
                return Ok(Put::Done(State {
                    tag: done.e_tag,
                    generation: done.version,
                }));
            }
            Err(failed) => failed,
        };
        let refused = match &failed {
            object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. } => true,
            // Servers answer so when there is nothing to replace, but also when there is no bucket at all.
            object_store::Error::NotFound { .. } => expected.is_some(),
            _ => false,
        };
        if !refused && settled(&failed) {
            return Err(unwritable(failed));
        }
        let found = self.get(path, None).await.map_err(unreadable)?;
        match found {
            Some(found) if is_marked(&found, &mark) => Ok(Put::Done(State::of(&found.meta))),
            found if refused => Ok(Put::Changed(found)),
            // Nobody knows what became of a write without an answer while what was there before is there still.
            Some(found) if expected.is_none() => Ok(Put::Changed(Some(found))),
            _ => Err(unwritable(failed)),
        }
    }

    /// Removes an object, whatever state it is in; none is fine.
    pub(crate) async fn remove(&self, path: &Path) -> Result<(), StoreError> {
        match absent_is_none(self.objects.delete(path).await) {
            Ok(_) => Ok(()),
            Err(error) => Err(StoreError::unavailable_because(
                "an object could not be removed",
                error,
            )),
        }
    }

    /// All objects below a folder, page by page.
    pub(crate) async fn below(&self, folder: &Path) -> Result<Vec<ObjectMeta>, StoreError> {
        self.objects
            .list(Some(folder))
            .try_collect()
            .await
            .map_err(unlisted)
    }

    /// One page of the objects whose names lie behind `after`, in the server's order; and whether there may be more.
    pub(crate) async fn page(&self, after: &str, most: usize) -> Result<(Vec<ObjectMeta>, bool), StoreError> {
        self.page_in("", after, most).await
    }

    /// The same in one folder, whose name ends in a slash.
    ///
    /// Not every server can begin in the middle. What it lists from before is left out here, page after page.
    pub(crate) async fn page_in(
        &self,
        folder: &str,
        after: &str,
        most: usize,
    ) -> Result<(Vec<ObjectMeta>, bool), StoreError> {
        let ours = match &*self.url.prefix {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let (within, after) = (format!("{ours}{folder}"), format!("{ours}{after}"));
        let within = (!within.is_empty()).then_some(&*within);
        let mut page_token = None;
        loop {
            let options = PaginatedListOptions {
                offset: Some(after.clone()),
                max_keys: Some(most),
                page_token,
                ..PaginatedListOptions::default()
            };
            let page = self
                .pages
                .list_paginated(within, options)
                .await
                .map_err(unlisted)?;
            let mut objects = page.result.objects;
            objects.retain(|object| object.location.as_ref() > after.as_str());
            page_token = page.page_token;
            if !objects.is_empty() || page_token.is_none() {
                return Ok((objects, page_token.is_some()));
            }
        }
    }

    /// The full name of a folder (which may end in a slash), or of all that is ours; `None` for all there is.
    pub(crate) fn folder(&self, name: &str) -> Result<Option<Path>, StoreError> {
        let path = self.path(name)?;
        Ok((!path.as_ref().is_empty()).then_some(path))
    }

    /// What an update must expect.
    fn version(&self, state: &State) -> UpdateVersion {
        match self.url.cloud {
            Cloud::Gcs => UpdateVersion {
                e_tag: None,
                version: state.generation.clone(),
            },
            Cloud::S3 | Cloud::Azure => UpdateVersion {
                e_tag: state.tag.clone(),
                version: None,
            },
        }
    }

    /// The bytes of an opened object. Where they break off they are taken up again, from the same state alone.
    pub(crate) fn stream(&self, path: Path, found: GetResult) -> Chunks<StoreError> {
        Download::new(Arc::clone(&self.objects), path, found).into_chunks()
    }
}

impl State {
    pub(crate) fn of(meta: &ObjectMeta) -> Self {
        Self {
            tag: meta.e_tag.clone(),
            generation: meta.version.clone(),
        }
    }
}

/// Lets work go on to its end if nobody waits for it any more: half a write is worse than one that nobody asks about.
pub(crate) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::spawn(work).await {
        Ok(answer) => answer,
        Err(stopped) => Err(StoreError::unavailable_because(
            "a request to the bucket was stopped",
            stopped,
        )),
    }
}

fn is_marked(found: &GetResult, mark: &str) -> bool {
    let marked = found.attributes.get(&Attribute::Metadata(MARK.into()));
    marked.is_some_and(|found| **found == *mark)
}

/// Whether an error says that nothing was done; else it may have been.
fn settled(error: &object_store::Error) -> bool {
    !matches!(
        error,
        object_store::Error::Generic { .. } | object_store::Error::JoinError { .. }
    )
}

fn absent_is_none<T>(found: object_store::Result<T>) -> object_store::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn unreadable(error: object_store::Error) -> StoreError {
    trouble("an object could not be read", error)
}

pub(crate) fn unlisted(error: object_store::Error) -> StoreError {
    trouble("the bucket could not be listed", error)
}

fn unwritable(error: object_store::Error) -> StoreError {
    trouble("an object could not be written", error)
}

fn trouble(what: &str, error: object_store::Error) -> StoreError {
    let why = match &error {
        object_store::Error::PermissionDenied { .. } => ", since the bucket's server does not permit it",
        object_store::Error::Unauthenticated { .. } => {
            ", since the bucket's server does not know the credentials"
        }
        object_store::Error::NotFound { .. } => ", since there is no such bucket",
        _ => "",
    };
    StoreError::unavailable_because(format!("{what}{why}"), error)
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client's own would tell credentials.
        f.debug_tuple("Objects").field(&self.url.to_string()).finish()
    }
}
