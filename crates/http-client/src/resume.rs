//! Transfers that break off and go on.
//!
//! A body that ends too early is asked for again from the first byte that is missing (`Range` with `If-Range`, RFC
//! 9110, section 14), so that a 400 MB toolchain does not start anew because a connection died at 399. What comes must
//! belong to the same file: the validator (a strong `ETag`, or a `Last-Modified` that can be relied on) and the
//! size must be those of the first answer. A server that knows no ranges, or gave no validator, is asked for
//! the whole file again: what is known already is skipped, and must be what it was.

use crate::{
    client::Client, destination::authority, error::Error, exchange::Answer, meters, request::Request,
    response::announced_size, transport::cause,
};
use bytes::{Buf, Bytes};
use futures::stream::{BoxStream, StreamExt, try_unfold};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use proxy_core::upstream::FetchContext;
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};

/// How often in a row a transfer may break off without a byte gained.
const FRUITLESS: u32 = 3;
/// How often in all.
const BREAKS: u32 = 100;
/// The contradiction that no validator explains away.
const CHANGED: &str = "the file changed while it was sent";

/// What the first answer says of the whole file.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    size: Option<u64>,
    etag: Option<HeaderValue>,
    modified: Option<HeaderValue>,
    encoding: Option<HeaderValue>,
    /// What `If-Range` may hold.
    validator: Option<HeaderValue>,
}

/// A body on its way, with all that is needed to ask for the rest of it.
pub(crate) struct Received {
    client: Client,
    request: Request,
    context: FetchContext,
    whole: Whole,
    resumable: bool,
    /// How many bytes were handed on.
    length: u64,
    /// Their sum, by which a file that is sent again from its start is known to be the same.
    sum: Sha256,
    /// What is left to skip of such a file.
    replay: Option<Replay>,
    breaks: u32,
    fruitless: u32,
}

struct Replay {
    left: u64,
    sum: Sha256,
}

impl Whole {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let etag = headers.get(header::ETAG).cloned();
        let modified = headers.get(header::LAST_MODIFIED).cloned();
        let strong = etag.clone().filter(|etag| etag.as_bytes().starts_with(b"\""));
        // A date is as good only if the file had not changed for a while when it was sent, and never beside a weak
        // ETag, which says that the file may differ (RFC 9110, sections 8.8.2.2 and 13.1.5).
        let dated = modified.clone().filter(|_| etag.is_none() && was_quiet(headers));
        let encoding = headers.get(header::CONTENT_ENCODING).cloned();
        Self {
            size: announced_size(headers),
            validator: strong.or(dated),
            etag,
            modified,
            encoding,
        }
    }

    /// What contradicts this in a later answer, if anything does.
    fn contradiction(&self, later: &Self) -> Option<&'static str> {
        let differ = |one: &Option<HeaderValue>, other: &Option<HeaderValue>| {
            one.is_some() && other.is_some() && one != other
        };
        if differ(&self.etag, &later.etag) || (self.etag.is_none() && differ(&self.modified, &later.modified))
        {
            Some(CHANGED)
        } else if self.encoding != later.encoding {
            Some("its encoding changed while it was sent")
        } else if self.size.is_some() && later.size.is_some() && self.size != later.size {
            Some("its size changed while it was sent")
        } else {
            None
        }
    }
}

impl Received {
    pub(crate) fn new(
        client: Client,
        request: Request,
        context: FetchContext,
        whole: Whole,
        resumable: bool,
    ) -> Self {
        Self {
            client,
            request,
            context,
            whole,
            resumable,
            length: 0,
            sum: Sha256::new(),
            replay: None,
            breaks: 0,
            fruitless: 0,
        }
    }

    /// The bytes, whole or ending with an error.
    pub(crate) fn stream(self, first: Answer) -> BoxStream<'static, Result<Bytes, Error>> {
        try_unfold((self, first), |(mut received, mut answer)| async move {
            let chunk = received.next(&mut answer).await?;
            Ok(chunk.map(|chunk| (chunk, (received, answer))))
        })
        .boxed()
    }

    async fn next(&mut self, answer: &mut Answer) -> Result<Option<Bytes>, Error> {
        let limit = self.client.inner().timeouts.idle;
        loop {
            let chunk = tokio::time::timeout(limit, answer.response.chunk())
                .await
                .map_err(|_| Error::Silent {
                    host: host(answer),
                    limit,
                })?;
            match chunk {
                Ok(Some(chunk)) => {
                    self.context.note_activity();
                    if let Some(chunk) = self.take(chunk, answer)? {
                        return Ok(Some(chunk));
                    }
                }
                Ok(None) if self.is_whole() => return Ok(None),
                Ok(None) => *answer = self.resume(answer, "the connection ended").await?,
                Err(error) => {
                    *answer = self.resume(answer, &cause(&error.without_url())).await?;
                }
            }
        }
    }

    /// Counts a chunk, and drops of it what was handed on before.
    fn take(&mut self, mut chunk: Bytes, answer: &Answer) -> Result<Option<Bytes>, Error> {
        if let Some(replay) = &mut self.replay {
            let known = usize::try_from(replay.left)
                .unwrap_or(usize::MAX)
                .min(chunk.len());
            replay.sum.update(&chunk[..known]);
            replay.left -= known as u64;
            chunk.advance(known);
            if replay.left > 0 {
                return Ok(None);
            }
            let again = self.replay.take().map(|replay| replay.sum.finalize());
            if again != Some(self.sum.clone().finalize()) {
                return Err(Error::malformed(&host(answer), CHANGED));
            }
        }
        if chunk.is_empty() {
            return Ok(None);
        }
        self.length += chunk.len() as u64;
        if self.whole.size.is_some_and(|size| self.length > size) {
            return Err(Error::malformed(&host(answer), "it is longer than it said"));
        }
        if self.resumable {
            self.sum.update(&chunk);
        }
        self.fruitless = 0;
        Ok(Some(chunk))
    }

    fn is_whole(&self) -> bool {
        self.replay.is_none() && self.whole.size.is_none_or(|size| size == self.length)
    }

    /// Asks for what is missing.
    async fn resume(&mut self, broken: &Answer, cause: &str) -> Result<Answer, Error> {
        let length = self.length;
        let broken_off = |reason: String| Error::BrokenOff {
            host: host(broken),
            reason: reason.into(),
        };
        self.breaks += 1;
        self.fruitless += 1;
        if !self.resumable || self.fruitless > FRUITLESS || self.breaks > BREAKS {
            return Err(broken_off(format!("after {length} bytes: {cause}")));
        }
        tracing::debug!(host = %host(broken), length, cause, "asking for the rest");
        meters::resumed();
        // At once after a transfer that got somewhere, then ever later.
        tokio::time::sleep(Duration::from_millis(100) * (self.fruitless - 1).pow(2)).await;
        let mut request = self.request.clone();
        if let (Some(validator), 1..) = (&self.whole.validator, length) {
            request = request
                .header(
                    header::RANGE,
                    HeaderValue::try_from(format!("bytes={length}-")).expect("digits"),
                )
                .header(header::IF_RANGE, validator.clone());
        }
        let answer = self.client.inner().answer(&request, &self.context).await?;
        self.accept(&answer)?;
        Ok(answer)
    }

    /// Whether the answer to the question for the rest goes on where the broken one ended.
    fn accept(&mut self, answer: &Answer) -> Result<(), Error> {
        let host = host(answer);
        let headers = answer.response.headers();
        let mut later = Whole::of(headers);
        self.replay = None;
        match answer.response.status() {
            StatusCode::PARTIAL_CONTENT => {
                let range = headers.get(header::CONTENT_RANGE).and_then(content_range);
                later.size = match range {
                    Some((start, size)) if start == self.length => size,
                    _ => {
                        return Err(Error::malformed(
                            &host,
                            "it sent another part of the file than was asked for",
                        ));
                    }
                };
            }
            StatusCode::OK if self.length > 0 => {
                self.replay = Some(Replay {
                    left: self.length,
                    sum: Sha256::new(),
                });
            }
            StatusCode::OK => {}
            status => {
                let reason = format!(
                    "after {} bytes, and answered {status} when asked for the rest",
                    self.length
                );
                return Err(Error::BrokenOff {
                    host,
                    reason: reason.into(),
                });
            }
        }
        if let Some(contradiction) = self.whole.contradiction(&later) {
            return Err(Error::malformed(&host, contradiction));
        }
        self.whole.size = self.whole.size.or(later.size);
        Ok(())
    }
}

fn host(answer: &Answer) -> Arc<str> {
    authority(&answer.hop.url).into()
}

/// Whether the file had not changed for a second when it was sent, so that its date alone tells it from any later one.
fn was_quiet(headers: &HeaderMap) -> bool {
    let date = |name| httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok();
    match (date(header::LAST_MODIFIED), date(header::DATE)) {
        (Some(modified), Some(sent)) => modified + Duration::from_secs(1) <= sent,
        _ => false,
    }
}

/// Where a part begins, and the size of the whole if it is known: `bytes 5-9/10`, `bytes 5-9/*`.
fn content_range(value: &HeaderValue) -> Option<(u64, Option<u64>)> {
    let (range, size) = value
        .to_str()
        .ok()?
        .strip_prefix("bytes ")?
        .trim()
        .split_once('/')?;
    let size = if size == "*" {
        None
    } else {
        Some(size.parse().ok()?)
    };
    let (start, end) = range.split_once('-')?;
    let (start, end): (u64, u64) = (start.parse().ok()?, end.parse().ok()?);
    (start <= end && size.is_none_or(|size| end < size)).then_some((start, size))
}
