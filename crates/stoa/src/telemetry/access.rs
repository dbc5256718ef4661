//! The access log: one line for each request, written when its answer has gone or its client has.
//!
//! It does not go through the ordinary log, whose general machinery would cost more than the request. The query of
//! a URL is left out, and so are all headers: they may hold secrets.

use super::writer::LogWriter;
use crate::{config::Telemetry, listen::Peer};
use http::{HeaderValue, Method, StatusCode, Uri, request::Parts};
use jiff::Timestamp;
use proxy_core::mirror::Cache;
use serde::Serialize;
use std::{io::Write, time::Instant};
use tracing::Level;

/// The name of the log's part that requests are, in `telemetry.log_level`.
const TARGET: &str = "access";

/// Where requests are logged. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct AccessLog {
    writer: LogWriter,
    json: bool,
}

/// One request, as far as it is known; one line when it is finished.
#[derive(Debug)]
pub(crate) struct Entry {
    log: AccessLog,
    method: Method,
    uri: Uri,
    peer: Peer,
    begun: Instant,
    status: StatusCode,
    cache: Option<Cache>,
    id: HeaderValue,
    bytes: u64,
}

/// The line, in the order in which it is read.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    target: &'static str,
    method: &'a str,
    path: &'a str,
    status: u16,
    bytes: u64,
    /// Whether all of the answer went out.
    complete: bool,
    duration_ms: f64,
    cache: &'static str,
    request_id: &'a str,
    remote: String,
}

impl AccessLog {
    /// Logs requests to this writer, if the configuration wants it.
    pub(crate) fn new(telemetry: &Telemetry, writer: &LogWriter) -> Option<Self> {
        let wanted = telemetry.access_log && telemetry.level.would_enable(TARGET, &Level::INFO);
        wanted.then(|| Self {
            writer: writer.clone(),
            json: telemetry.json,
        })
    }

    /// A request has come.
    pub(crate) fn begin(&self, request: &Parts, peer: Peer) -> Entry {
        Entry {
            log: self.clone(),
            method: request.method.clone(),
            uri: request.uri.clone(),
            peer,
            begun: Instant::now(),
            status: StatusCode::OK,
            cache: None,
            id: HeaderValue::from_static("-"),
            bytes: 0,
        }
    }
}

impl Entry {
    /// The head of its answer is known.
    pub(crate) fn answered(&mut self, status: StatusCode, cache: Option<Cache>, id: HeaderValue) {
        (self.status, self.cache, self.id) = (status, cache, id);
    }

    /// So many more bytes of its answer went out.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// The answer has gone, or the client has.
    pub(crate) fn finish(&self, complete: bool) {
        let line = Line {
            timestamp: format!("{:.6}", Timestamp::now()),
            level: "INFO",
            target: TARGET,
            method: self.method.as_str(),
            path: self.uri.path(),
            status: self.status.as_u16(),
            bytes: self.bytes,
            complete,
            duration_ms: (self.begun.elapsed().as_secs_f64() * 1e6).round() / 1e3,
            cache: match self.cache {
                Some(Cache::Hit) => "hit",
                Some(Cache::Miss) => "miss",
                Some(Cache::Stale) => "stale",
                None => "-",
            },
            request_id: self.id.to_str().unwrap_or("-"),
            remote: self.peer.to_string(),
        };
        let mut text = Vec::with_capacity(256);
        // Writing to memory cannot fail, and texts and numbers are always JSON.
        let _ = if self.log.json {
            serde_json::to_writer(&mut text, &line).map_err(Into::into)
        } else {
            line.write(&mut text)
        };
        text.push(b'\n');
        self.log.writer.line(text);
    }
}

impl Line<'_> {
    fn write(&self, text: &mut Vec<u8>) -> std::io::Result<()> {
        let Self {
            timestamp,
            level,
            target,
            method,
            path,
            status,
            bytes,
            duration_ms,
            cache,
            request_id,
            ..
        } = self;
        write!(
            text,
            "{timestamp}  {level} {target}: method={method} path={path} status={status} bytes={bytes} \
             duration_ms={duration_ms} cache={cache} request_id={request_id} remote={}",
            self.remote
        )?;
        if self.complete {
            Ok(())
        } else {
            text.write_all(b" incomplete")
        }
    }
}
