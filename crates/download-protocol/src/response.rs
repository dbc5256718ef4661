//! Answers: from what the mirror gave to status, headers and body.
//!
//! The go command reads none of these headers but `Content-Type` of an error; they are for the caches, download
//! managers and other mirrors between it and us.

use crate::{
    body::Body,
    request::RequestKind,
    status::{Failure, Keep},
};
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{
        ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap,
        LOCATION, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
    },
};
use proxy_core::{
    file::Kind,
    mirror::Cache,
    store::{Content, Part, Validator},
};

/// Where an answer came from (RFC 9211).
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

const TEXT: &str = "text/plain; charset=utf-8";

/// One file of a version, or the part of it that was opened.
pub(crate) fn file(kind: Kind, content: Content, part: Part, cache: Cache) -> Response<Body> {
    let size = content.size;
    let content_range = match part {
        Part::Whole | Part::Nothing => None,
        _ if content.range.is_empty() => return past_the_end(size),
        _ => Some(format!(
            "bytes {}-{}/{size}",
            content.range.start,
            content.range.end - 1
        )),
    };
    let etag = content.validator.as_ref().and_then(etag);
    let body = Body::from_content(content);
    let length = if part == Part::Nothing { size } else { body.len() };

    let mut response = answer(kind.facts().content_type, Keep::Forever, length, body);
    let headers = response.headers_mut();
    headers.insert(CACHE_STATUS, cache_status(cache));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(etag) = etag {
        headers.insert(ETAG, etag);
    }
    if let Some(content_range) = content_range {
        insert(&mut response, CONTENT_RANGE, content_range);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

/// The file is at another address, for a while: nobody may remember that.
pub(crate) fn elsewhere(link: HeaderValue, cache: Cache) -> Response<Body> {
    let mut response = whole(
        TEXT,
        Keep::Not,
        Bytes::from_static(b"this zip is at another address\n"),
    );
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(LOCATION, link);
    headers.insert(CACHE_STATUS, cache_status(cache));
    response
}

/// A part was asked for that the file does not have.
fn past_the_end(size: u64) -> Response<Body> {
    let mut response = failure(&Failure::past_the_end(size));
    insert(&mut response, CONTENT_RANGE, format!("bytes */{size}"));
    response
}

/// The client has these bytes already.
pub(crate) fn not_modified(validator: Option<&Validator>, cache: Cache) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, Keep::Forever.header());
    headers.insert(CACHE_STATUS, cache_status(cache));
    if let Some(etag) = validator.and_then(etag) {
        headers.insert(ETAG, etag);
    }
    response
}

/// A list, `@latest` or what a query means: true for now.
pub(crate) fn changing(kind: RequestKind, bytes: Bytes, cache: Cache) -> Response<Body> {
    let content_type = if kind == RequestKind::List {
        TEXT
    } else {
        Kind::Info.facts().content_type
    };
    let mut response = whole(content_type, Keep::Minute, bytes);
    response.headers_mut().insert(CACHE_STATUS, cache_status(cache));
    response
}

/// What a checksum database says.
pub(crate) fn checksums(endpoint: &str, bytes: Bytes, keep: Keep, stale: bool) -> Response<Body> {
    let binary = endpoint.starts_with("tile/");
    let mut response = whole(
        if binary { "application/octet-stream" } else { TEXT },
        keep,
        bytes,
    );
    if stale {
        response
            .headers_mut()
            .insert(CACHE_STATUS, cache_status(Cache::Stale));
    }
    response
}

/// A sentence instead of what was asked for.
pub fn failure(failure: &Failure) -> Response<Body> {
    let mut response = whole(TEXT, failure.keep, format!("{}\n", failure.sentence).into());
    *response.status_mut() = failure.status;
    if let Some(pause) = failure.retry_after {
        response
            .headers_mut()
            .insert(RETRY_AFTER, pause.as_secs().max(1).into());
    }
    if failure.status == StatusCode::METHOD_NOT_ALLOWED {
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

fn whole(content_type: &'static str, keep: Keep, bytes: Bytes) -> Response<Body> {
    let body = Body::from(bytes);
    answer(content_type, keep, body.len(), body)
}

/// `length` is what GET sends, whatever the body holds.
fn answer(content_type: &'static str, keep: Keep, length: u64, body: Body) -> Response<Body> {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_LENGTH, length.into());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, keep.header());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    response
}

/// `hit` means that no origin was asked for this answer, and `fwd` that one was. A stale hit is one too; how old it is
/// nobody counts, so it is said in the detail.
fn cache_status(cache: Cache) -> HeaderValue {
    HeaderValue::from_static(match cache {
        Cache::Hit => "stoa; hit",
        Cache::Miss => "stoa; fwd=miss; stored",
        Cache::Stale => "stoa; hit; detail=stale",
    })
}

/// The validator in quotes. One that cannot stand in a header is left out: it only saves work.
fn etag(validator: &Validator) -> Option<HeaderValue> {
    let text = &*validator.0;
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"') {
        return None;
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    quoted.push_str(text);
    quoted.push('"');
    HeaderValue::try_from(quoted).ok()
}

/// Adds a header made of numbers and ASCII words.
fn insert(response: &mut Response<Body>, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}
