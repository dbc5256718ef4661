//! Asking for `go-import` pages, and remembering what they said.

use super::{Access, PageLifetimes, import::GoImport, page::go_imports};
use crate::status::settles_nothing;
use futures::StreamExt as _;
use http_client::{Client, Destination, Error, Response, Trust};
use moka::{Expiry, future::Cache};
use proxy_core::upstream::{FetchContext, UpstreamError};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The most that is read of a page. Tags stand in its head; the largest heads seen are some tens of kilobytes.
const LONGEST_PAGE: usize = 1 << 20;
/// How long a TLS handshake and answer may take where http is allowed in its place, as in the go command.
const IMPATIENCE: Duration = Duration::from_secs(5);
/// How many bytes of tags are remembered in all.
const REMEMBERED: u64 = 16 << 20;

/// The pages asked for so far. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    client: Client,
    known: Cache<(String, Access), Arc<Page>>,
}

/// What a page said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// The address that answered, after redirects.
    pub(super) address: String,
    /// Its tags, in the order in which they are looked at.
    pub(super) imports: Vec<GoImport>,
    /// What stood in the way of finding one, if something did.
    settled: Option<String>,
}

impl Page {
    /// Why there are no tags, if there are none because of more than that nobody put one there.
    pub(super) fn without_tags(&self) -> Option<String> {
        self.settled.clone().filter(|_| self.imports.is_empty())
    }
}

impl Pages {
    pub(super) fn new(client: Client, lifetimes: PageLifetimes) -> Self {
        let weigh = |(path, _): &(String, Access), page: &Arc<Page>| {
            let tags = page
                .imports
                .iter()
                .map(|tag| 100 + tag.prefix.len() + tag.repository.len() + tag.subfolder.len());
            u32::try_from(200 + path.len() + tags.sum::<usize>()).unwrap_or(u32::MAX)
        };
        let known = Cache::builder()
            .max_capacity(REMEMBERED)
            .weigher(weigh)
            .expire_after(lifetimes)
            .build();
        Self { client, known }
    }

    /// The page of an import path. Whoever asks for one that is on its way waits for it.
    pub(super) async fn get(
        &self,
        path: &str,
        access: Access,
        context: &FetchContext,
    ) -> Result<Arc<Page>, UpstreamError> {
        let asked = async { self.ask(path, access, context).await.map(Arc::new) };
        let page = self.known.try_get_with((path.to_owned(), access), asked).await;
        page.map_err(|error: Arc<UpstreamError>| UpstreamError::clone(&error))
    }

    async fn ask(&self, path: &str, access: Access, context: &FetchContext) -> Result<Page, UpstreamError> {
        let name = |error: Error| named(path, error);
        let page = |scheme: &str| address_of(path, scheme, access.trust());
        if !access.insecure {
            return read(
                path,
                self.client.send(page("https")?, context).await.map_err(name)?,
            )
            .await;
        }
        let patient = self.client.send(page("https")?.with_unverified_tls(), context);
        match tokio::time::timeout(IMPATIENCE, patient).await {
            Ok(Ok(answer)) => read(path, answer).await,
            _ => {
                read(
                    path,
                    self.client.send(page("http")?, context).await.map_err(name)?,
                )
                .await
            }
        }
    }
}

/// The address of a path's page.
fn address_of(path: &str, scheme: &str, trust: Trust) -> Result<Destination, UpstreamError> {
    let (host, rest) = path.split_once('/').unwrap_or((path, ""));
    if !host.contains('.') {
        // Only the prefix of a tag can be such a path.
        let reason = format!("unrecognized import path \"{path}\": import path does not begin with hostname");
        return Err(UpstreamError::not_found(reason));
    }
    Destination::learned(&format!("{scheme}://{host}/{rest}?go-get=1"), trust)
        .map_err(|error| UpstreamError::not_found(format!("unrecognized import path \"{path}\": {error}")))
}

/// Reads an answer. Its status matters only if no tag is found.
async fn read(path: &str, answer: Response) -> Result<Page, UpstreamError> {
    let (status, retry_after) = (answer.status(), answer.retry_after());
    let mut shown = answer.url().clone();
    let _ = (shown.set_username(""), shown.set_password(None));
    let address = shown.to_string();
    let mut body = Vec::new();
    let mut chunks = answer.into_stream();
    let mut broken = None;
    while body.len() < LONGEST_PAGE
        && let Some(chunk) = chunks.next().await
    {
        match chunk {
            Ok(chunk) => body.extend_from_slice(&chunk),
            Err(error) => {
                broken = Some(error);
                break;
            }
        }
    }
    body.truncate(LONGEST_PAGE);
    let read = go_imports(&body);
    if let Ok(imports) = &read
        && !imports.is_empty()
    {
        return Ok(Page {
            address,
            imports: imports.clone(),
            settled: None,
        });
    }
    if let Some(error) = broken {
        return Err(named(path, error));
    }
    if settles_nothing(status.as_u16()) {
        let reason = format!("unrecognized import path \"{path}\": reading {address}: {status}").into();
        return Err(UpstreamError::Unavailable { reason, retry_after });
    }
    let settled = match read {
        _ if status.as_u16() != 200 => Some(format!("reading {address}: {status}")),
        Err(why) => Some(format!("parsing {path}: {why}")),
        Ok(_) => None,
    };
    Ok(Page {
        address,
        imports: Vec::new(),
        settled,
    })
}

/// Trouble on the way to a page, with the path it was for.
fn named(path: &str, error: Error) -> UpstreamError {
    let say =
        |reason: Arc<str>| -> Arc<str> { format!("unrecognized import path \"{path}\": {reason}").into() };
    match UpstreamError::from(error) {
        UpstreamError::Unavailable { reason, retry_after } => UpstreamError::Unavailable {
            reason: say(reason),
            retry_after,
        },
        UpstreamError::TimedOut { reason } => UpstreamError::TimedOut { reason: say(reason) },
        UpstreamError::Malformed { reason } => UpstreamError::Malformed { reason: say(reason) },
        other => other,
    }
}

impl Expiry<(String, Access), Arc<Page>> for PageLifetimes {
    fn expire_after_create(&self, _: &(String, Access), page: &Arc<Page>, _: Instant) -> Option<Duration> {
        Some(if page.imports.is_empty() {
            self.absent
        } else {
            self.found
        })
    }
}
