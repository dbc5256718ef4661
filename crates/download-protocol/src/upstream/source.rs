//! Where an upstream's files are: behind HTTP, or in a folder.

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt};
use http_client::{Client, Destination, InvalidDestination, Trust, Url};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proxy_core::upstream::{Chunks, FetchContext, UpstreamError};
use std::{fmt, io, path::PathBuf};
use tokio_util::io::ReaderStream;

/// What the go command leaves as it is in a path; `!` is escaped by it, and so by us.
const LITERAL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// Read at a time from a folder: few enough trips to the blocking threads.
const PIECE: usize = 256 << 10;

/// Where an upstream's files are. Prints without credentials.
#[derive(Debug)]
pub(super) enum Source {
    Http { client: Client, base: Destination },
    Folder(PathBuf),
}

/// Why a text names no proxy; says nothing of the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// Not to be asked over HTTP.
    #[error(transparent)]
    Http(#[from] InvalidDestination),
    /// A `file` address with more than a path in it, or without an absolute one.
    #[error("a file address is file:// and an absolute path, and nothing else")]
    File,
}

impl Source {
    pub(super) fn configured(client: Client, address: &str) -> Result<Self, InvalidAddress> {
        match Url::parse(address) {
            Ok(url) if url.scheme() == "file" => {
                let bare = !url.has_host() && url.query().is_none() && url.fragment().is_none();
                let folder = url
                    .to_file_path()
                    .ok()
                    .filter(|_| bare)
                    .ok_or(InvalidAddress::File)?;
                Ok(Self::Folder(folder))
            }
            _ => Ok(Self::Http {
                client,
                base: Destination::configured(address)?,
            }),
        }
    }

    pub(super) fn learned(client: Client, address: &str, trust: Trust) -> Result<Self, InvalidAddress> {
        Ok(Self::Http {
            client,
            base: Destination::learned(address, trust)?,
        })
    }

    pub(super) fn anonymously(self) -> Self {
        match self {
            Self::Http { client, base } => Self::Http {
                client,
                base: base.anonymously(),
            },
            folder @ Self::Folder(_) => folder,
        }
    }

    /// How sentences call it; a folder's path is nobody's business but the operator's.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Http { base, .. } => base.host(),
            Self::Folder(_) => "the proxy folder".to_owned(),
        }
    }

    /// A file of at most `limit` bytes, whole.
    pub(super) async fn document(
        &self,
        path: &str,
        limit: u64,
        context: &FetchContext,
    ) -> Result<Bytes, UpstreamError> {
        match self {
            Self::Http { client, base } => Ok(client.get_bytes(below(base, path), limit, context).await?),
            Self::Folder(_) => {
                let (size, mut chunks) = self.stream(path, context).await?;
                if size.is_some_and(|size| size > limit) {
                    return Err(UpstreamError::malformed(format!(
                        "{path} is longer than {limit} bytes"
                    )));
                }
                let mut whole = BytesMut::new();
                while let Some(chunk) = chunks.try_next().await? {
                    whole.extend_from_slice(&chunk);
                }
                Ok(whole.freeze())
            }
        }
    }

    /// A file's size, if it is known, and its bytes as they come.
    pub(super) async fn stream(
        &self,
        path: &str,
        context: &FetchContext,
    ) -> Result<(Option<u64>, Chunks<UpstreamError>), UpstreamError> {
        match self {
            Self::Http { client, base } => {
                let response = client.send(below(base, path), context).await?.success().await?;
                Ok((
                    response.size(),
                    response.into_stream().map_err(UpstreamError::from).boxed(),
                ))
            }
            Self::Folder(folder) => {
                let unreadable = {
                    let path = path.to_owned();
                    move |error| unreadable(&path, &error)
                };
                let opened = async {
                    let file = tokio::fs::File::open(folder.join(path)).await?;
                    let facts = file.metadata().await?;
                    if facts.is_file() {
                        Ok((file, facts.len()))
                    } else {
                        Err(io::ErrorKind::NotFound.into())
                    }
                };
                let (file, size) = opened.await.map_err(&unreadable)?;
                context.note_activity();
                let context = context.clone();
                let chunks = ReaderStream::with_capacity(file, PIECE)
                    .map_err(unreadable)
                    .inspect_ok(move |_| context.note_activity());
                Ok((Some(size), chunks.boxed()))
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { base, .. } => write!(f, "{base}"),
            Self::Folder(folder) => write!(f, "file://{}", folder.display()),
        }
    }
}

fn below(base: &Destination, path: &str) -> Destination {
    base.below(&utf8_percent_encode(path, LITERAL).to_string())
}

fn unreadable(path: &str, error: &io::Error) -> UpstreamError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            UpstreamError::not_found(format!("not found: the proxy folder has no {path}"))
        }
        _ => UpstreamError::unavailable(format!("the proxy folder does not give {path}: {}", error.kind())),
    }
}
