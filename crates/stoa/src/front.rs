//! The front: what hyper hands in goes to a page of ours or to the protocol, and comes out logged.

mod listings;
mod pages;
mod request_id;
mod sent;
mod slow_span;

pub(crate) use listings::Listings;
pub(crate) use pages::{Home, Pages};
pub(crate) use sent::Sent;

use crate::{
    config::address::BasePath,
    drain::Drain,
    listen::{Peer, Pulse},
    telemetry::AccessLog,
};
use download_protocol::{Answered, Body, DownloadService};
use futures::FutureExt;
use http::{HeaderName, HeaderValue, Response, StatusCode, Version, header, request::Parts};
use proxy_core::policy::Caller;
use slow_span::SlowSpan;
use std::{panic::AssertUnwindSafe, sync::Arc};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything that answers. Shared by all connections.
pub(crate) struct Front {
    /// The prefix below which everything is served.
    pub(crate) base_path: BasePath,
    /// The protocol.
    pub(crate) downloads: DownloadService,
    /// Our own pages.
    pub(crate) pages: Pages,
    /// Requests under way, and whether we are leaving.
    pub(crate) drain: Arc<Drain>,
    /// Where requests are logged, if they are.
    pub(crate) access_log: Option<AccessLog>,
    /// Anybody; made once, since it is the same for every request.
    pub(crate) caller: Caller,
}

/// What requests of one connection have in common.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Who is at the other end.
    pub(crate) peer: Peer,
    /// Its sign of life.
    pub(crate) pulse: Arc<Pulse>,
    /// What is spoken.
    pub(crate) version: Version,
}

impl Front {
    /// Answers one request.
    pub(crate) async fn respond(&self, request: Parts, connection: &Connection) -> Response<Sent> {
        let waiting = connection.pulse.wait();
        let under_way = self.drain.enter();
        let mut entry = self
            .access_log
            .as_ref()
            .map(|log| log.begin(&request, connection.peer));
        let id = request_id::of(&request.headers);
        let answer = AssertUnwindSafe(self.route(&request)).catch_unwind();
        let answer = SlowSpan::new(answer, &id).await;
        let mut response = answer.unwrap_or_else(|_panic| internal_error());
        let cache = response
            .extensions_mut()
            .remove::<Answered>()
            .and_then(|answered| answered.cache);
        if connection.version < Version::HTTP_2 && self.drain.has_begun() {
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(entry) = &mut entry {
            entry.answered(response.status(), cache, id.clone());
        }
        response.headers_mut().insert(REQUEST_ID, id);
        drop(waiting);
        response.map(|body| Sent::new(body, entry, under_way))
    }

    async fn route(&self, request: &Parts) -> Response<Body> {
        let path = request.uri.path();
        let below = path
            .strip_prefix(self.base_path.as_str())
            .filter(|rest| rest.is_empty() || rest.starts_with('/'));
        // Load balancers look for health where they always do.
        let asked = match (below, path) {
            (Some(""), _) => "/",
            (Some(rest), _) => rest,
            (None, "/healthz" | "/readyz") => path,
            (None, _) => return self.pages.elsewhere(&request.method, &self.base_path),
        };
        match self.pages.answer(asked, request).await {
            Some(response) => response,
            None => self.downloads.respond(request, asked, self.caller.clone()).await,
        }
    }
}

/// A task of ours panicked; the panic itself is in the log.
fn internal_error() -> Response<Body> {
    let mut response = Response::new(Body::from(
        "an internal error; the server's log says more\n".to_owned(),
    ));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}
