//! An answer: its head at once, its body when it is read.

use crate::{
    answer,
    client::Client,
    destination::authority,
    error::Error,
    exchange::Answer,
    gzip,
    request::Request,
    resume::{Received, Whole},
};
use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use http::{HeaderMap, StatusCode, header};
use proxy_core::upstream::FetchContext;
use std::{sync::Arc, time::Duration};
use url::Url;

/// The most that is read of the text of a refusal, and for how long.
const REFUSAL: (u64, Duration) = (8 << 10, Duration::from_secs(5));

/// An answer: its head at once, its body when it is read.
#[derive(Debug)]
pub struct Response {
    client: Client,
    request: Request,
    context: FetchContext,
    answer: Answer,
    host: Arc<str>,
}

impl Response {
    pub(crate) fn new(client: Client, request: Request, context: FetchContext, answer: Answer) -> Self {
        let host = authority(&answer.hop.url).into();
        Self {
            client,
            request,
            context,
            answer,
            host,
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.answer.response.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.answer.response.headers()
    }

    /// The address that answered, after all redirects; without credentials, but its query may hold a signature.
    pub fn url(&self) -> &Url {
        &self.answer.hop.url
    }

    /// The size announced for the body, in bytes; `None` if it comes compressed.
    pub fn size(&self) -> Option<u64> {
        self.encoding()
            .ok()
            .filter(|encoding| *encoding == Encoding::Identity)?;
        announced_size(self.headers())
    }

    /// How long the origin asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        answer::retry_after(self.headers())
    }

    /// The answer if its status is 200, the only success there is in the GOPROXY protocol; else what the origin said.
    pub async fn success(self) -> Result<Self, Error> {
        if self.status() == StatusCode::OK {
            return Ok(self);
        }
        let (status, retry_after, host) = (self.status(), self.retry_after(), Arc::clone(&self.host));
        let headers = self.headers().clone();
        let credentials = self.answer.hop.credentials.clone();
        let (most, patience) = REFUSAL;
        // Why the text of a refusal did not come is of no interest.
        let text = tokio::time::timeout(patience, self.beginning(most))
            .await
            .unwrap_or_default();
        let reason = answer::reason(&headers, &text)
            .filter(|reason| !credentials.is_some_and(|sent| sent.are_in(reason)))
            .map(Into::into);
        Err(Error::Status {
            host,
            status,
            reason,
            retry_after,
        })
    }

    /// The whole body, if it has at most `limit` bytes.
    pub async fn bytes(self, limit: u64) -> Result<Bytes, Error> {
        let too_long = Error::malformed(&self.host, format!("it is longer than {limit} bytes"));
        if self.size().is_some_and(|size| size > limit) {
            return Err(too_long);
        }
        let mut whole = BytesMut::new();
        let mut chunks = self.into_stream();
        while let Some(chunk) = chunks.try_next().await? {
            if (whole.len() + chunk.len()) as u64 > limit {
                return Err(too_long);
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    /// The body as it comes. What breaks off is asked for again from where it broke off, so that the stream either ends
    /// whole or with an error; it ends with an error too once nothing has come for as long as the settings allow.
    pub fn into_stream(self) -> BoxStream<'static, Result<Bytes, Error>> {
        let encoding = match self.encoding() {
            Ok(encoding) => encoding,
            Err(error) => return futures::stream::iter([Err(error)]).boxed(),
        };
        let host = Arc::clone(&self.host);
        let whole = Whole::of(self.headers());
        let resumable = self.request.may_repeat() && self.status() == StatusCode::OK;
        let received = Received::new(self.client, self.request, self.context, whole, resumable);
        let bytes = received.stream(self.answer);
        match encoding {
            Encoding::Identity => bytes,
            Encoding::Gzip => gzip::decode(bytes, host),
        }
    }

    /// As much of the body as comes, up to a limit.
    async fn beginning(self, limit: u64) -> Vec<u8> {
        let mut beginning = Vec::new();
        let mut chunks = self.into_stream();
        while let Ok(Some(chunk)) = chunks.try_next().await {
            beginning.extend_from_slice(&chunk);
            if beginning.len() as u64 >= limit {
                break;
            }
        }
        beginning
    }

    fn encoding(&self) -> Result<Encoding, Error> {
        let encoding = self
            .headers()
            .get(header::CONTENT_ENCODING)
            .map(|encoding| encoding.as_bytes().to_ascii_lowercase());
        match encoding.as_deref() {
            None | Some(b"" | b"identity") => Ok(Encoding::Identity),
            Some(b"gzip" | b"x-gzip") => Ok(Encoding::Gzip),
            Some(_) => Err(Error::malformed(
                &self.host,
                "it is encoded in a way that was not asked for",
            )),
        }
    }
}

/// How the bytes on the wire stand for those of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
}

/// `Content-Length`.
pub(crate) fn announced_size(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}
