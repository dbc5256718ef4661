//! Google's XML API, as far as `object_store` speaks it, before a server that knows only the JSON API.
//!
//! Conditions are judged by the server itself (its `ifGenerationMatch` is sound where several race), and bytes are
//! streamed both ways. Only a deletion on condition is looked at here first, since the server does not know it.

use crate::{
    exchange::exchange,
    server::{Body, Server, full, text},
};
use bytes::Bytes;
use futures::{StreamExt as _, future::BoxFuture, stream};
use http::{HeaderMap, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value, json};
use std::{collections::HashMap, io, sync::Arc};

/// Parts of the body that carries an object's description and its bytes.
const BOUNDARY: &str = "stoa-facade-boundary";

/// How often a download looks again where the object was replaced between description and bytes.
const ATTEMPTS: u32 = 10;

/// A façade; it ends when it is dropped.
#[derive(Debug)]
pub(super) struct Facade(Server);

impl Facade {
    /// Stands before the server at this address.
    pub(super) fn before(server: &str) -> Self {
        let behind = Arc::new(Behind(server.parse().expect("a server has an address")));
        Self(Server::start(
            None,
            Arc::new(move |request| -> BoxFuture<'static, Response<Body>> {
                let behind = Arc::clone(&behind);
                Box::pin(async move {
                    let answer = behind.answer(request).await;
                    answer.unwrap_or_else(|error| text(500, format!("the facade failed: {error}")))
                })
            }),
        ))
    }

    pub(super) fn url(&self) -> String {
        self.0.url()
    }
}

/// The server behind.
struct Behind(Uri);

/// One object's address.
struct Object {
    bucket: String,
    name: String,
}

impl Behind {
    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (parts, body) = request.into_parts();
        let path = percent_decode_str(parts.uri.path())
            .decode_utf8_lossy()
            .into_owned();
        let (bucket, name) = path
            .trim_start_matches('/')
            .split_once('/')
            .unwrap_or((path.trim_matches('/'), ""));
        let object = Object {
            bucket: bucket.to_owned(),
            name: name.to_owned(),
        };
        match parts.method {
            Method::GET if name.is_empty() => {
                self.list(&object.bucket, parts.uri.query().unwrap_or("")).await
            }
            Method::GET | Method::HEAD => self.read(&object, &parts.method, &parts.headers).await,
            Method::PUT if parts.headers.contains_key("x-goog-copy-source") => {
                self.copy(&object, &parts.headers).await
            }
            Method::PUT => self.put(&object, &parts.headers, body).await,
            Method::DELETE => self.delete(&object, &parts.headers).await,
            _ => Ok(text(405, "the facade knows no such request")),
        }
    }

    /// Bytes and description go up together; only so does the server look at the condition.
    async fn put(&self, object: &Object, headers: &HeaderMap, body: Incoming) -> io::Result<Response<Body>> {
        let metadata: Map<String, Value> = headers
            .iter()
            .filter_map(|(name, value)| {
                let name = name.as_str().strip_prefix("x-goog-meta-")?;
                Some((name.to_owned(), value.to_str().ok()?.into()))
            })
            .collect();
        let content_type = text_of(headers, "content-type").unwrap_or("application/octet-stream");
        let description = json!({ "name": object.name, "contentType": content_type, "metadata": metadata });
        let before = format!(
            "--{BOUNDARY}\r\nContent-Type: application/json\r\n\r\n{description}\r\n--{BOUNDARY}\r\n\
             Content-Type: {content_type}\r\n\r\n"
        );
        let after = format!("\r\n--{BOUNDARY}--\r\n");
        let size: usize = text_of(headers, "content-length")
            .and_then(|size| size.parse().ok())
            .unwrap_or(0);
        let mut target = format!("/upload/storage/v1/b/{}/o?uploadType=multipart", object.bucket);
        if let Some(generation) = text_of(headers, "x-goog-if-generation-match") {
            target.push_str(&format!("&ifGenerationMatch={generation}"));
        }
        let request = Request::post(target)
            .header("content-type", format!("multipart/related; boundary={BOUNDARY}"))
            .header("content-length", before.len() + size + after.len())
            .body(between(before, body, after))
            .map_err(io::Error::other)?;
        let (status, answer) = self.json(request).await?;
        match status {
            200 => described(&answer).body(full("")).map_err(io::Error::other),
            _ => Ok(error(status)),
        }
    }

    async fn copy(&self, to: &Object, headers: &HeaderMap) -> io::Result<Response<Body>> {
        let source = text_of(headers, "x-goog-copy-source").unwrap_or_default();
        let source = percent_decode_str(source).decode_utf8_lossy();
        let (bucket, name) = source.trim_start_matches('/').split_once('/').unwrap_or_default();
        let target = format!(
            "/storage/v1/b/{bucket}/o/{}/rewriteTo/b/{}/o/{}",
            encoded(name),
            to.bucket,
            encoded(&to.name)
        );
        let request = Request::post(target)
            .header("content-type", "application/json")
            .body(full("{}"));
        let (status, _) = self.json(request.map_err(io::Error::other)?).await?;
        Ok(if status == 200 {
            text(200, "")
        } else {
            error(status)
        })
    }

    async fn delete(&self, object: &Object, headers: &HeaderMap) -> io::Result<Response<Body>> {
        if let Some(generation) = text_of(headers, "x-goog-if-generation-match") {
            match self.describe(object).await? {
                None => return Ok(error(404)),
                Some(known) if known["generation"].as_str() != Some(generation) => return Ok(error(412)),
                Some(_) => {}
            }
        }
        let request = Request::delete(object.target())
            .body(full(""))
            .map_err(io::Error::other)?;
        match exchange(&self.0, request).await?.status().as_u16() {
            200 | 204 => Ok(text(204, "")),
            status => Ok(error(status)),
        }
    }

    async fn read(
        &self,
        object: &Object,
        method: &Method,
        headers: &HeaderMap,
    ) -> io::Result<Response<Body>> {
        for _ in 0..ATTEMPTS {
            let Some(known) = self.describe(object).await? else {
                return Ok(error(404));
            };
            let tag = quoted(&known);
            if text_of(headers, "if-match").is_some_and(|wanted| wanted != tag) {
                return Ok(error(412));
            }
            if text_of(headers, "if-none-match").is_some_and(|held| held == tag) {
                return described(&known)
                    .status(304)
                    .body(full(""))
                    .map_err(io::Error::other);
            }
            let size: u64 = known["size"]
                .as_str()
                .and_then(|size| size.parse().ok())
                .unwrap_or(0);
            let mut answer = described(&known).header(header::ACCEPT_RANGES, "bytes");
            if *method == Method::HEAD {
                return answer
                    .header(header::CONTENT_LENGTH, size)
                    .body(full(""))
                    .map_err(io::Error::other);
            }
            let generation = known["generation"].as_str().unwrap_or_default();
            let mut request = Request::get(format!("{}?alt=media&generation={generation}", object.target()));
            let mut length = size;
            if let Some(range) = text_of(headers, "range") {
                let Some((first, last)) = span(range, size) else {
                    let past = Response::builder()
                        .status(416)
                        .header(header::CONTENT_RANGE, format!("bytes */{size}"));
                    return past.body(full("")).map_err(io::Error::other);
                };
                length = last + 1 - first;
                request = request.header(header::RANGE, format!("bytes={first}-{last}"));
                answer = answer
                    .status(206)
                    .header(header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}"));
            }
            let media = exchange(&self.0, request.body(full("")).map_err(io::Error::other)?).await?;
            if media.status().is_success() {
                return answer
                    .header(header::CONTENT_LENGTH, length)
                    .body(media.into_body())
                    .map_err(io::Error::other);
            }
        }
        Ok(text(503, "the object was replaced time and again"))
    }

    async fn list(&self, bucket: &str, query: &str) -> io::Result<Response<Body>> {
        let asked: HashMap<String, String> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), decoded(value)))
            .collect();
        let mut target = format!(
            "/storage/v1/b/{bucket}/o?maxResults={}",
            asked.get("max-keys").map_or("1000", String::as_str)
        );
        for (theirs, ours) in [
            ("prefix", "prefix"),
            ("delimiter", "delimiter"),
            ("start-after", "startOffset"),
            ("continuation-token", "pageToken"),
        ] {
            if let Some(value) = asked.get(theirs) {
                target.push_str(&format!("&{ours}={}", encoded(value)));
            }
        }
        let request = Request::get(target).body(full("")).map_err(io::Error::other)?;
        let (status, answer) = self.json(request).await?;
        if status != 200 {
            return Ok(error(status));
        }
        let mut xml = String::from("<ListBucketResult>");
        for item in answer["items"].as_array().into_iter().flatten() {
            let text = |key: &str| escaped(item[key].as_str().unwrap_or_default());
            // Where theirs begins with the name itself, ours begins behind it.
            if asked.get("start-after").map(String::as_str) == item["name"].as_str() {
                continue;
            }
            xml.push_str(&format!(
                "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size></Contents>",
                text("name"),
                text("updated"),
                escaped(&quoted(item)),
                text("size")
            ));
        }
        for prefix in answer["prefixes"].as_array().into_iter().flatten() {
            let prefix = escaped(prefix.as_str().unwrap_or_default());
            xml.push_str(&format!(
                "<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>"
            ));
        }
        if let Some(token) = answer["nextPageToken"].as_str() {
            xml.push_str(&format!(
                "<NextContinuationToken>{}</NextContinuationToken>",
                escaped(token)
            ));
        }
        xml.push_str("</ListBucketResult>");
        let answer = Response::builder().header("content-type", "application/xml");
        answer.body(full(xml)).map_err(io::Error::other)
    }

    async fn describe(&self, object: &Object) -> io::Result<Option<Value>> {
        let request = Request::get(object.target())
            .body(full(""))
            .map_err(io::Error::other)?;
        match self.json(request).await? {
            (200, described) => Ok(Some(described)),
            (404, _) => Ok(None),
            (status, _) => Err(io::Error::other(format!("the server answered {status}"))),
        }
    }

    async fn json(&self, request: Request<Body>) -> io::Result<(u16, Value)> {
        let answer = exchange(&self.0, request).await?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await?.to_bytes();
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }
}

impl Object {
    fn target(&self) -> String {
        format!("/storage/v1/b/{}/o/{}", self.bucket, encoded(&self.name))
    }
}

/// An answer that says what is known of an object.
fn described(known: &Value) -> http::response::Builder {
    let mut answer = Response::builder()
        .header(header::ETAG, quoted(known))
        .header(
            "x-goog-generation",
            known["generation"].as_str().unwrap_or_default(),
        )
        .header(
            header::CONTENT_TYPE,
            known["contentType"]
                .as_str()
                .unwrap_or("application/octet-stream"),
        );
    if let Some(Ok(updated)) = known["updated"].as_str().map(str::parse::<Timestamp>) {
        answer = answer.header(
            header::LAST_MODIFIED,
            updated.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        );
    }
    for (name, value) in known["metadata"].as_object().into_iter().flatten() {
        answer = answer.header(format!("x-goog-meta-{name}"), value.as_str().unwrap_or_default());
    }
    answer
}

fn error(status: u16) -> Response<Body> {
    text(status, format!("<Error><Code>{status}</Code></Error>"))
}

fn quoted(known: &Value) -> String {
    format!(
        "\"{}\"",
        known["etag"].as_str().unwrap_or_default().trim_matches('"')
    )
}

/// The first and the last byte a `Range` means; `None` if it lies past the end.
fn span(range: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = match (first, last) {
        ("", count) => (size.saturating_sub(count.parse().ok()?), size.checked_sub(1)?),
        (first, "") => (first.parse().ok()?, size.checked_sub(1)?),
        (first, last) => (
            first.parse().ok()?,
            last.parse::<u64>().ok()?.min(size.checked_sub(1)?),
        ),
    };
    (first <= last).then_some((first, last))
}

/// A body with something before and something behind it.
fn between(before: String, body: Incoming, after: String) -> Body {
    let piece = |text: String| stream::once(async move { Ok(Frame::data(Bytes::from(text))) });
    let inside = stream::unfold(body, |mut body| async move {
        let frame = body.frame().await?;
        Some((frame.map_err(io::Error::other), body))
    });
    StreamBody::new(piece(before).chain(inside).chain(piece(after))).boxed_unsync()
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
