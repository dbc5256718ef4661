//! One answer of a fake upstream, as its action wants it.

use super::{Action, Served};
use crate::server::{Body, full, text};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{Request, Response, header, response::Builder};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use std::{
    hash::{DefaultHasher, Hasher as _},
    io,
    io::Write as _,
    time::Duration,
};

/// How much is sent at a time.
const PIECE: usize = 64 << 10;

/// How long a break waits, so that what was sent before it is really on the wire.
const BEFORE_BREAK: Duration = Duration::from_millis(30);

/// 401, for whoever did not say the right password.
pub(super) fn challenge() -> Response<Body> {
    let mut response = text(401, "who are you?");
    response.headers_mut().insert(
        "www-authenticate",
        "Basic realm=\"fake\"".parse().expect("a valid header"),
    );
    response
}

/// Answers a request for this file.
pub(super) async fn reply(
    action: Action,
    file: Option<Served>,
    request: &Request<Incoming>,
) -> Response<Body> {
    if let Some(gate) = &action.gate {
        gate.pass().await;
    }
    if let Some(delay) = action.delay {
        tokio::time::sleep(delay).await;
    }
    let (content_type, bytes) = match (&action.body, file) {
        (Some(bytes), file) => (file.map(|file| file.content_type), bytes.clone()),
        (None, Some(file)) => (Some(file.content_type), file.bytes),
        (None, None) => return text(404, "not found: the fake upstream has no such file"),
    };
    let mut head = Response::builder();
    for (name, value) in &action.headers {
        head = head.header(name, value);
    }
    if let Some(content_type) =
        content_type.filter(|_| !action.headers.iter().any(|(name, _)| name == "content-type"))
    {
        head = head.header("content-type", content_type);
    }
    if let Some(status) = action.status {
        return head
            .status(status)
            .body(full(bytes))
            .expect("status and headers are valid");
    }
    if action.gzip && accepts_gzip(request) {
        return compressed(head, &bytes);
    }
    let tag = format!("\"{:x}\"", fingerprint(&bytes));
    head = head.header("etag", &tag).header("accept-ranges", "bytes");
    let range = requested_range(request, &bytes, &tag).filter(|_| !action.ignore_range);
    let start = match range {
        None => 0,
        Some(Err(())) => {
            return head
                .status(416)
                .body(full(""))
                .expect("status and headers are valid");
        }
        Some(Ok((first, last))) => {
            head = head
                .status(206)
                .header("content-range", format!("bytes {first}-{last}/{}", bytes.len()));
            return finish(head, &action, request, bytes.slice(first..=last), first);
        }
    };
    finish(head, &action, request, bytes, start)
}

/// The answer's body, cut off or gone silent if so wanted; `start` is where in the file it begins.
fn finish(
    mut head: Builder,
    action: &Action,
    request: &Request<Incoming>,
    bytes: Bytes,
    start: usize,
) -> Response<Body> {
    let length = action.length.unwrap_or(bytes.len() as u64);
    if !action.without_length {
        head = head.header("content-length", length);
    }
    if request.method() == http::Method::HEAD {
        return head.body(full("")).expect("status and headers are valid");
    }
    let limit = action
        .break_at
        .or(action.stall_at)
        .map(|at| usize::try_from(at).unwrap_or(usize::MAX));
    let sent = limit.map_or(bytes.len(), |at| at.saturating_sub(start).min(bytes.len()));
    let ending = match (sent < bytes.len(), action.stall_at) {
        (true, Some(_)) => Some(Ending::Silence),
        (true, None) => Some(Ending::Break),
        (false, _) => (length > bytes.len() as u64).then_some(Ending::Break),
    };
    let pieces = stream::unfold(bytes.slice(..sent), |mut rest| async move {
        let piece = rest.split_to(PIECE.min(rest.len()));
        (!piece.is_empty()).then_some((Ok(Frame::data(piece)), rest))
    });
    let end = stream::iter(ending).then(|ending| async move {
        match ending {
            Ending::Silence => std::future::pending().await,
            Ending::Break => {
                tokio::time::sleep(BEFORE_BREAK).await;
                Err(io::Error::other("broken off on purpose"))
            }
        }
    });
    head.body(StreamBody::new(pieces.chain(end)).boxed_unsync())
        .expect("status and headers are valid")
}

/// How a body ends that does not end well.
enum Ending {
    /// The connection is cut.
    Break,
    /// Nothing comes any more.
    Silence,
}

fn accepts_gzip(request: &Request<Incoming>) -> bool {
    let accepted = request
        .headers()
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("gzip"))
}

fn compressed(head: Builder, bytes: &[u8]) -> Response<Body> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes every byte");
    let body = encoder.finish().expect("memory takes the trailer");
    head.header("content-encoding", "gzip")
        .body(full(body))
        .expect("status and headers are valid")
}

/// The range asked for, first and last byte: `None` if none holds (or `If-Range` names another file), an error if
/// it lies outside the file.
fn requested_range(
    request: &Request<Incoming>,
    bytes: &[u8],
    tag: &str,
) -> Option<Result<(usize, usize), ()>> {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_RANGE).is_some_and(|wanted| wanted != tag) {
        return None;
    }
    let (first, last) = text(header::RANGE)?.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    let last = if last.is_empty() {
        usize::MAX
    } else {
        last.parse().ok()?
    };
    let last = last.min(bytes.len().checked_sub(1)?);
    Some(if first <= last { Ok((first, last)) } else { Err(()) })
}

/// Tells files apart, for entity tags.
fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}
