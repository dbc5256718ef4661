//! Our own pages: health, version, metrics, what is kept, and [`Home`] for whoever comes with a browser.

mod client_address;
mod home;
mod scrub;

pub(crate) use home::Home;

use super::Listings;
use crate::{build_info::BuildInfo, config::address::BasePath, drain::Drain, telemetry::Metrics};
use bytes::Bytes;
use download_protocol::Body;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use proxy_core::{mirror::Mirror, scrub::Status};
use std::{sync::Arc, time::Duration};

pub(super) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// What Prometheus asks for (its text format, version 0.0.4).
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// A store that takes longer than this to say that it is there is not ready for anybody.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// Answers everything that is not the protocol.
pub(crate) struct Pages {
    /// Asked whether the store answers.
    pub(crate) mirror: Mirror,
    /// Asked whether we are leaving.
    pub(crate) drain: Arc<Drain>,
    /// Lists what is kept.
    pub(crate) listings: Listings,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// How far the scrub is, if there is one.
    pub(crate) scrub: Option<Status>,
    /// The first page.
    pub(crate) home: Home,
}

impl Pages {
    /// The page of this path, or nothing if it is none of ours.
    pub(crate) async fn answer(&self, path: &str, request: &Parts) -> Option<Response<Body>> {
        if !Self::serves(path) {
            return None;
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return Some(not_allowed());
        }
        let response = match path {
            "/healthz" => page(StatusCode::OK, TEXT, "ok\n"),
            "/readyz" => self.ready().await,
            "/version" => page(StatusCode::OK, JSON, BuildInfo::this().json() + "\n"),
            "/metrics" => page(StatusCode::OK, METRICS, self.metrics.render()),
            "/catalog" => self.listings.catalog(request.uri.query()).await,
            "/index" => self.listings.index(request.uri.query()).await,
            "/scrub" => page(StatusCode::OK, JSON, scrub::json(self.scrub.as_ref()) + "\n"),
            "/robots.txt" => page(StatusCode::OK, TEXT, "User-agent: *\nDisallow: /\n"),
            _ => self
                .home
                .answer(request, Self::serves, &scrub::sentence(self.scrub.as_ref())),
        };
        Some(if request.method == Method::HEAD {
            without_body(response)
        } else {
            response
        })
    }

    /// Whether a page answers at this path.
    fn serves(path: &str) -> bool {
        matches!(
            path,
            "/" | "/healthz"
                | "/readyz"
                | "/version"
                | "/metrics"
                | "/robots.txt"
                | "/catalog"
                | "/index"
                | "/scrub"
        )
    }

    /// The answer to whoever asks outside of the base path.
    pub(crate) fn elsewhere(&self, method: &Method, base_path: &BasePath) -> Response<Body> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return not_allowed();
        }
        let sentence = format!(
            "nothing is served here; this mirror's address ends in {}\n",
            base_path.as_str()
        );
        let response = page(StatusCode::NOT_FOUND, TEXT, sentence);
        if *method == Method::HEAD {
            without_body(response)
        } else {
            response
        }
    }

    /// Ready is who is not leaving and whose store answers. Whether an upstream does is no matter: what is kept is
    /// served without it.
    async fn ready(&self) -> Response<Body> {
        const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
        if self.drain.has_begun() {
            return page(UNAVAILABLE, TEXT, "shutting down\n");
        }
        match tokio::time::timeout(STORE_PATIENCE, self.mirror.ready()).await {
            Ok(Ok(())) => page(StatusCode::OK, TEXT, "ready\n"),
            Ok(Err(error)) => {
                tracing::warn!(%error, "not ready");
                page(UNAVAILABLE, TEXT, format!("{error}\n"))
            }
            Err(_) => {
                tracing::warn!("not ready: the store does not answer");
                page(UNAVAILABLE, TEXT, "the store does not answer\n")
            }
        }
    }
}

pub(super) fn page(status: StatusCode, content_type: HeaderValue, text: impl Into<Bytes>) -> Response<Body> {
    let body = Body::from(text.into());
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_LENGTH, body.len().into());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response.map(|_| body)
}

fn not_allowed() -> Response<Body> {
    let mut response = page(
        StatusCode::METHOD_NOT_ALLOWED,
        TEXT,
        "only GET and HEAD are answered here\n",
    );
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// The same head; its length still says what GET would send.
fn without_body(response: Response<Body>) -> Response<Body> {
    response.map(|_| Body::empty())
}
