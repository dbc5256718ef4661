//! A mirror with a store that holds what a test puts into it, in any form, and an origin that says what it is told to.

use async_trait::async_trait;
use bytes::Bytes;
use download_protocol::{Body, DownloadService, ProxyUpstream};
use futures::{StreamExt, stream};
use http::{Request, Response};
use http_body_util::BodyExt;
use http_client::{Client, Settings};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use proxy_core::{
    checksums::{ChecksumRelay, NoDatabase},
    file::{Body as FileBody, Kind, ModuleFile},
    info::Info,
    lease::LocalLeases,
    mirror::{Lifetimes, Mirror, MirrorParts},
    module::{ModulePath, Query, Version},
    policy::Caller,
    spool::Spool,
    store::{Content, ContentBytes, Inserted, MemoryStore, ModuleStore, Part, StoreError, Validator},
    upstream::{
        FetchContext, Fetched, Upstream, UpstreamError, Wanted,
        chain::{Chain, Link, Separator},
    },
    verify::Verified,
};
use std::{collections::HashMap, convert::Infallible, io::Write, sync::Arc};
use tokio::net::TcpListener;

/// The name this mirror bears in `Via`.
pub(crate) const OWN_ID: &str = "stoa-under-test";

/// Who holds what a test puts into it; read-only for everybody else.
#[derive(Debug, Default)]
pub(crate) struct Shelf(HashMap<String, (Bytes, Form)>);

/// In which form the store hands a file out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    Memory,
    File,
    Stream,
    /// A stream that breaks off after half of what was asked for.
    Broken,
    /// Cannot be opened.
    Down,
    /// Found to be damaged.
    Damaged,
}

impl Shelf {
    /// Puts a file on the shelf, by its path in the GOPROXY tree.
    pub(crate) fn with(mut self, path: &str, bytes: impl Into<Bytes>, form: Form) -> Self {
        self.0.insert(path.to_owned(), (bytes.into(), form));
        self
    }
}

#[async_trait]
impl ModuleStore for Shelf {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        let Some((whole, form)) = self.0.get(&file.tree_path()) else {
            return Ok(None);
        };
        let validator = Validator(FileBody::from_bytes(whole.clone()).sha256().to_string().into());
        let content = Content::from_memory(whole, Some(validator), part);
        let Content { ref range, .. } = content;
        let part = whole.slice(range.start as usize..range.end as usize);
        let bytes = match form {
            Form::Memory => return Ok(Some(content)),
            Form::File => {
                let mut file = tempfile::tempfile().unwrap();
                file.write_all(whole).unwrap();
                ContentBytes::File(file)
            }
            Form::Stream => {
                let chunks: Vec<_> = part
                    .chunks(1000)
                    .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
                    .collect();
                ContentBytes::Stream(stream::iter(chunks).boxed())
            }
            Form::Broken => {
                let half = part.slice(..part.len() / 2);
                let broken = Err(StoreError::unavailable("the connection was reset"));
                ContentBytes::Stream(stream::iter([Ok(half), broken]).boxed())
            }
            Form::Down => return Err(StoreError::unavailable("no answer")),
            Form::Damaged => {
                let reason = "its sum is another than the one recorded".into();
                return Err(StoreError::Corrupt {
                    file: file.clone(),
                    reason,
                });
            }
        };
        Ok(Some(Content { bytes, ..content }))
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        let folder = format!("{}/@v/", path.escaped());
        let versions = self
            .0
            .keys()
            .filter_map(|key| key.strip_prefix(&folder)?.strip_suffix(".info"));
        Ok(versions
            .map(|version| Version::unescape(version).unwrap())
            .collect())
    }

    async fn insert(&self, _file: Verified) -> Result<Inserted, StoreError> {
        Err(StoreError::unavailable("this shelf is read-only"))
    }
}

/// An origin that has versions to tell of, and an error for every file.
#[derive(Debug)]
pub(crate) struct Origin {
    /// What it says to whoever asks for a file or a query it does not know.
    pub(crate) error: UpstreamError,
    /// Its versions; the last is what each query means.
    pub(crate) versions: Vec<&'static str>,
}

#[async_trait]
impl Upstream for Origin {
    async fn resolve(&self, _: &ModulePath, _: &Query, _: &FetchContext) -> Result<Info, UpstreamError> {
        let last = self.versions.last().ok_or_else(|| self.error.clone())?;
        let json = format!(r#"{{"Version":"{last}","Time":"2026-11-23T00:00:00Z"}}"#);
        Ok(Info::parse(json.as_bytes()).unwrap())
    }
    async fn versions(&self, _: &ModulePath, _: &FetchContext) -> Result<Vec<Version>, UpstreamError> {
        if self.versions.is_empty() {
            return Err(self.error.clone());
        }
        Ok(self
            .versions
            .iter()
            .map(|version| Version::parse(version).unwrap())
            .collect())
    }
    async fn fetch(&self, _: &Wanted, _: &FetchContext) -> Result<Fetched, UpstreamError> {
        Err(self.error.clone())
    }
}

impl Origin {
    /// One that knows nothing.
    pub(crate) fn says(error: UpstreamError) -> Self {
        Self {
            error,
            versions: Vec::new(),
        }
    }
}

/// A service and how to ask it.
#[derive(Clone, Debug)]
pub(crate) struct House {
    pub(crate) service: DownloadService,
    _spool: Arc<tempfile::TempDir>,
}

impl House {
    /// A service over this shelf and this origin, relaying these databases.
    pub(crate) fn build(shelf: Shelf, origin: Origin, relays: Vec<Arc<dyn ChecksumRelay>>) -> Self {
        Self::assemble(
            OWN_ID,
            Arc::new(shelf),
            Arc::new(origin),
            relays,
            Lifetimes::default(),
        )
    }

    /// A service over this shelf whose origin knows nothing.
    pub(crate) fn over(shelf: Shelf) -> Self {
        Self::build(
            shelf,
            Origin::says(UpstreamError::not_found("no such version")),
            Vec::new(),
        )
    }

    /// A service that keeps in memory what it fetches from the proxy at this address.
    pub(crate) fn fetching(own_id: &str, address: &str, lifetimes: Lifetimes) -> Self {
        let settings = Settings {
            own_id: own_id.into(),
            ..Settings::default()
        };
        let upstream = ProxyUpstream::configured(Client::new(&settings).unwrap(), address).unwrap();
        Self::assemble(
            own_id,
            Arc::new(MemoryStore::new()),
            Arc::new(upstream),
            Vec::new(),
            lifetimes,
        )
    }

    fn assemble(
        own_id: &str,
        store: Arc<dyn ModuleStore>,
        upstream: Arc<dyn Upstream>,
        relays: Vec<Arc<dyn ChecksumRelay>>,
        lifetimes: Lifetimes,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let link = Link {
            upstream: Some(upstream),
            separator: Separator::OnNotFound,
        };
        let mirror = Mirror::new(MirrorParts {
            store,
            records: Arc::new(MemoryStore::new()),
            chain: Chain {
                links: vec![link],
                ..Chain::default()
            },
            leases: Arc::new(LocalLeases::default()),
            checksums: Arc::new(NoDatabase),
            spool: Spool::open(folder.path()).unwrap(),
            lifetimes,
            feed: None,
        });
        Self {
            service: DownloadService::new(mirror, relays, own_id),
            _spool: Arc::new(folder),
        }
    }

    /// Answers on this socket until the runtime ends.
    pub(crate) fn listen(self, listener: TcpListener) {
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let house = self.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let house = house.clone();
                    async move {
                        let (request, _) = request.into_parts();
                        let path = request.uri.path();
                        let response = house.service.respond(&request, path, Caller::anonymous()).await;
                        Ok::<_, Infallible>(response)
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
    }

    /// Asks; `headers` are `name: value` lines.
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[&str]) -> Response<Body> {
        let mut request = Request::builder().method(method).uri("/elsewhere");
        for header in headers {
            let (name, value) = header.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        let (request, ()) = request.body(()).unwrap().into_parts();
        self.service.respond(&request, path, Caller::anonymous()).await
    }

    /// GETs, and reads the answer as text.
    pub(crate) async fn get(&self, path: &str) -> (Response<()>, String) {
        read(self.ask("GET", path, &[]).await).await
    }
}

/// Reads an answer to its end, as text.
pub(crate) async fn read(response: Response<Body>) -> (Response<()>, String) {
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (
        Response::from_parts(head, ()),
        String::from_utf8(bytes.to_vec()).unwrap(),
    )
}

/// A header as text; empty where there is none.
pub(crate) fn header<'a, B>(response: &'a Response<B>, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// The paths of a version's files on the shelf.
pub(crate) fn paths(version: &str) -> [String; 3] {
    Kind::ALL.map(|kind| format!("example.test/m/@v/{version}.{kind}"))
}
