//! The service: one request in, one answer out.

use crate::{
    body::Body,
    conditions::Conditions,
    meters::Meters,
    request::{BadRequest, Request, RequestKind},
    response,
    status::{Alarm, Failure, Keep, chain},
    via,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response, header, request::Parts};
use proxy_core::{
    checksums::{ChecksumError, ChecksumRelay, Relayed},
    file::{Kind, ModuleFile},
    mirror::{Cache, Mirror, Served},
    module::{ModulePath, ModuleVersion, Query},
    policy::Caller,
    store::{Part, SignedLinks},
};
use std::{error::Error, sync::Arc, time::Duration};

/// A client that sets this wants only what is kept; the index of the Go project's package site does.
pub const DISABLE_MODULE_FETCH: HeaderName = HeaderName::from_static("disable-module-fetch");

/// Answers GOPROXY requests out of a mirror. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DownloadService {
    mirror: Mirror,
    /// Longest names first, so that `sums.test/db` is found before `sums.test`.
    relays: Arc<[Arc<dyn ChecksumRelay>]>,
    /// What this mirror calls itself in `Via`.
    own_id: Arc<str>,
    redirects: Option<Redirects>,
    meters: Arc<Meters>,
}

/// Large zips are answered with a link to where the store itself serves them.
#[derive(Clone, Debug)]
pub struct Redirects {
    /// Signs the links.
    pub links: Arc<dyn SignedLinks>,
    /// Answers of more bytes than this are elsewhere.
    pub over: u64,
}

/// How long a link is good: for a client to begin, which takes a moment; a download that has begun goes on.
const LINK_LIFETIME: Duration = Duration::from_secs(600);

/// What a response is of, in its extensions: for the access log and whoever else counts, so that nobody has to read
/// the URL again.
#[derive(Clone, Debug)]
pub struct Answered {
    /// What was asked for; `None` if it was no request of the protocol.
    pub request: Option<Request>,
    /// The version that a query was found to mean.
    pub found: Option<ModuleVersion>,
    /// Where the answer came from; `None` for errors, and where no cache was involved.
    pub cache: Option<Cache>,
}

/// An answer that is what was asked for.
struct Success {
    response: Response<Body>,
    found: Option<ModuleVersion>,
    cache: Option<Cache>,
}

impl DownloadService {
    /// Serves `mirror`, and `/sumdb/…` of these databases. `own_id` is what this mirror calls itself in the `Via` of
    /// its own requests to upstreams: a request that bears it has come round in a circle.
    pub fn new(mirror: Mirror, mut relays: Vec<Arc<dyn ChecksumRelay>>, own_id: impl Into<Arc<str>>) -> Self {
        relays.sort_by_key(|relay| std::cmp::Reverse(relay.name().len()));
        Self {
            mirror,
            relays: relays.into(),
            own_id: own_id.into(),
            redirects: None,
            meters: Arc::new(Meters::new()),
        }
    }

    /// The names of the checksum databases that are served below `/sumdb/`.
    pub fn relayed(&self) -> impl Iterator<Item = &str> {
        self.relays.iter().map(|relay| relay.name())
    }

    /// Answers large zips with links.
    #[must_use]
    pub fn redirecting(mut self, redirects: Redirects) -> Self {
        self.redirects = Some(redirects);
        self
    }

    /// Answers one request. `path` is the URL's, still percent-encoded, from behind the base path on; the request's
    /// headers add to what is known of the caller. [`Answered`] is among the response's extensions.
    pub async fn respond(&self, request: &Parts, path: &str, caller: Caller) -> Response<Body> {
        let mut in_flight = self.meters.begin();
        let (asked, answer) = match self.admit(request, path, caller) {
            Ok((asked, caller)) => {
                let answer = self.answer(&asked, request, &caller).await;
                (Some(asked), answer)
            }
            Err(failure) => (None, Err(failure)),
        };
        let Success {
            mut response,
            found,
            cache,
        } = answer.unwrap_or_else(|failure| Success {
            response: response::failure(&failure),
            found: None,
            cache: None,
        });
        if request.method == Method::HEAD {
            *response.body_mut() = Body::empty(); // Content-Length still says what GET would send
        }
        let kind = asked.as_ref().map_or(RequestKind::Malformed, Request::kind);
        in_flight.answered(kind, cache, response.status());
        response.extensions_mut().insert(Answered {
            request: asked,
            found,
            cache,
        });
        response.map(|body| body.measured(in_flight))
    }

    /// What is asked, and by whom; or a refusal before anything else is done.
    fn admit(&self, request: &Parts, path: &str, mut caller: Caller) -> Result<(Request, Caller), Failure> {
        if request.headers.contains_key(header::VIA) {
            caller.via = via::received_by(&request.headers);
            if caller
                .via
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&self.own_id))
            {
                return Err(Failure::came_back(&self.own_id));
            }
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return Err(Failure::method(request.method.as_str()));
        }
        if is_true(request.headers.get(DISABLE_MODULE_FETCH)) {
            caller.may_fetch = false;
        }
        let asked = Request::parse(path).map_err(|malformed| Failure::from(&malformed))?;
        Ok((asked, caller))
    }

    async fn answer(&self, asked: &Request, request: &Parts, caller: &Caller) -> Result<Success, Failure> {
        match asked {
            Request::File(file) => self.file(file, request, caller).await,
            Request::List(path) => {
                let served = self
                    .mirror
                    .versions(path, caller)
                    .await
                    .map_err(|error| failed(&error))?;
                let response =
                    response::changing(RequestKind::List, served.answer.text().clone(), served.cache);
                Ok(Success {
                    response,
                    found: None,
                    cache: Some(served.cache),
                })
            }
            Request::Latest(path) => self.query(path, &Query::Latest, caller).await,
            Request::Query(path, query) => self.query(path, query, caller).await,
            Request::Checksums(rest) => self.checksums(rest, caller).await,
        }
    }

    async fn file(&self, file: &ModuleFile, request: &Parts, caller: &Caller) -> Result<Success, Failure> {
        let open = async |part| {
            self.mirror
                .file(file, part, caller)
                .await
                .map_err(|error| failed(&error))
        };
        let conditions = Conditions::read(&request.method, &request.headers);
        let redirects = self.redirects.as_ref();
        let redirects = redirects.filter(|_| file.kind == Kind::Zip && request.method == Method::GET);
        let first_part = match redirects {
            // Where the answer may be a link, no byte of it is asked for yet.
            Some(_) => Part::Nothing,
            None => conditions.first_part(),
        };
        let Served {
            answer: mut content,
            cache,
        } = open(first_part).await?;
        let response = if conditions.not_modified(content.validator.as_ref()) {
            response::not_modified(content.validator.as_ref(), cache)
        } else {
            // Only now is it known which bytes these are, and so which part of them is wanted.
            let part = conditions.part(content.validator.as_ref());
            let link = match redirects {
                Some(redirects) => redirects.link(file, part, content.size).await,
                None => None,
            };
            if let Some(link) = link {
                response::elsewhere(link, cache)
            } else {
                if part != first_part {
                    content = open(part).await?.answer;
                }
                response::file(file.kind, content, part, cache)
            }
        };
        Ok(Success {
            response,
            found: None,
            cache: Some(cache),
        })
    }

    async fn query(&self, path: &ModulePath, query: &Query, caller: &Caller) -> Result<Success, Failure> {
        let served = self
            .mirror
            .query(path, query, caller)
            .await
            .map_err(|error| failed(&error))?;
        let (found, bytes) = served.answer;
        let response = response::changing(RequestKind::Query, bytes, served.cache);
        Ok(Success {
            response,
            found: Some(found),
            cache: Some(served.cache),
        })
    }

    /// `<name>/<endpoint>` of the databases that are relayed. `supported` tells the go command that it may ask here;
    /// it asks the database itself if it may not.
    async fn checksums(&self, rest: &str, caller: &Caller) -> Result<Success, Failure> {
        let of = |relay: &Arc<dyn ChecksumRelay>| {
            let endpoint = rest.strip_prefix(relay.name())?.strip_prefix('/')?;
            Some((Arc::clone(relay), endpoint))
        };
        let (relay, endpoint) = self
            .relays
            .iter()
            .find_map(of)
            .ok_or_else(Failure::no_such_database)?;
        let success = |bytes, keep, stale| {
            let response = response::checksums(endpoint, bytes, keep, stale);
            Success {
                response,
                found: None,
                cache: stale.then_some(Cache::Stale),
            }
        };
        if endpoint == "supported" {
            return Ok(success(Bytes::new(), Keep::Minute, false));
        }
        let known = endpoint == "latest" || endpoint.starts_with("lookup/") || endpoint.starts_with("tile/");
        if !known {
            return Err(Failure::from(&BadRequest::Endpoint));
        }
        let read = if caller.may_fetch {
            relay.read(endpoint).await
        } else {
            match relay.read_kept(endpoint).await {
                Err(ChecksumError::Unavailable { .. }) => return Err(Failure::not_kept(relay.name())),
                read => read,
            }
        };
        match read.map_err(|error| failed(&error))? {
            Some(Relayed {
                bytes,
                immutable,
                stale,
            }) => Ok(success(
                bytes,
                if immutable { Keep::Forever } else { Keep::Minute },
                stale,
            )),
            None => Err(Failure::not_in_database(relay.name())),
        }
    }
}

impl Redirects {
    /// Where this part of a file is, if so much of it is better had from there. Whatever goes wrong, it is here too.
    async fn link(&self, file: &ModuleFile, part: Part, size: u64) -> Option<HeaderValue> {
        let range = part.of(size);
        if range.end.saturating_sub(range.start) <= self.over {
            return None;
        }
        match self.links.link(file, LINK_LIFETIME).await {
            Ok(link) => link.and_then(|link| HeaderValue::try_from(link).ok()),
            Err(error) => {
                tracing::warn!(%file, error = chain(&error), "a link could not be signed; the file is sent from here");
                None
            }
        }
    }
}

/// What the client is told of an error; the log gets it with everything below it.
fn failed<E: Error>(error: &E) -> Failure
where
    for<'a> Failure: From<&'a E>,
{
    let failure = Failure::from(error);
    let status = failure.status.as_u16();
    match failure.alarm {
        Alarm::None => {}
        Alarm::Notice => tracing::warn!(status, error = chain(error), "a request failed"),
        Alarm::Call => tracing::error!(status, error = chain(error), "a request failed"),
    }
    failure
}

/// Go's `strconv.ParseBool`, by which other mirrors read this header.
fn is_true(value: Option<&HeaderValue>) -> bool {
    let Some(value) = value else { return false };
    matches!(value.as_bytes(), b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True")
}
