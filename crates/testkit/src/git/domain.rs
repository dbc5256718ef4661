//! A made-up domain: import paths in it lead to repositories of the test, and no resolver is asked.

use super::GitHost;
use crate::{
    certificates::TestAuthority,
    forward_proxy::{ForwardProxy, Passed},
    server::{Body, Server, full, text},
};
use http::{Request, Response};
use hyper::body::Incoming;
use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;

/// Answers `https://HOST/PATH?go-get=1` for hosts that do not exist, behind a forward proxy.
///
/// Whoever fetches needs [`environment`](Self::environment): the proxy's address and the authority to trust.
/// Repositories on loopback are reached directly, as loopback always is.
#[derive(Debug)]
pub struct FakeDomain {
    proxy: ForwardProxy,
    secure: Server,
    plain: Server,
    state: Arc<State>,
    folder: TempDir,
}

#[derive(Debug, Default)]
struct State {
    imports: Mutex<Vec<Import>>,
    pages: Mutex<Vec<(String, u16, String)>>,
    redirects: Mutex<Vec<(String, String)>>,
    asked: Mutex<Vec<String>>,
    hosts: Mutex<HashSet<String>>,
}

#[derive(Clone, Debug)]
struct Import {
    prefix: String,
    vcs: String,
    repository: String,
}

impl FakeDomain {
    /// A domain without modules, whose pages are signed by this authority.
    pub fn start(authority: &Arc<TestAuthority>) -> Self {
        let state = Arc::new(State::default());
        let serve = |tls| {
            let answering = Arc::clone(&state);
            Server::start(
                tls,
                Arc::new(move |request: Request<Incoming>| {
                    let response = answering.answer(&request);
                    Box::pin(async move { response })
                }),
            )
        };
        let (secure, plain) = (serve(Some(authority.server_configuration())), serve(None));
        let folder = TempDir::with_prefix("stoa-domain-").expect("a folder can be made");
        authority
            .write_pem(&folder.path().join("ca.pem"))
            .expect("a file can be written");
        Self {
            proxy: ForwardProxy::start(),
            secure,
            plain,
            state,
            folder,
        }
    }

    /// Makes every import path below this prefix come from a repository.
    pub fn import(&self, prefix: &str, vcs: &str, repository: &str) {
        let import = Import {
            prefix: prefix.to_owned(),
            vcs: vcs.to_owned(),
            repository: repository.to_owned(),
        };
        self.state.imports.lock().expect("no holder panics").push(import);
        self.route(prefix);
    }

    /// Makes a made-up host lead to a git host, over TLS if it has a certificate.
    pub fn serve(&self, name: &str, host: &GitHost) {
        self.proxy
            .route(name, if host.is_secure() { 443 } else { 80 }, host.address());
    }

    /// Answers another page and status for exactly this import path.
    pub fn page(&self, path: &str, status: u16, body: &str) {
        self.state
            .pages
            .lock()
            .expect("no holder panics")
            .push((path.to_owned(), status, body.to_owned()));
        self.route(path);
    }

    /// Redirects exactly this import path.
    pub fn redirect(&self, path: &str, location: &str) {
        self.state
            .redirects
            .lock()
            .expect("no holder panics")
            .push((path.to_owned(), location.to_owned()));
        self.route(path);
    }

    fn route(&self, path: &str) {
        let host = path.split('/').next().unwrap_or(path);
        if self
            .state
            .hosts
            .lock()
            .expect("no holder panics")
            .insert(host.to_owned())
        {
            self.proxy.route(host, 443, self.secure.port().address());
            self.proxy.route(host, 80, self.plain.port().address());
        }
    }

    /// The forward proxy's address.
    pub fn proxy_url(&self) -> String {
        self.proxy.url()
    }

    /// The file with the authority to trust.
    pub fn authority_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// What the environment of whoever fetches needs.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let authority = self.authority_file().to_string_lossy().into_owned();
        vec![
            ("HTTP_PROXY", self.proxy_url()),
            ("HTTPS_PROXY", self.proxy_url()),
            ("NO_PROXY", "127.0.0.1,localhost".to_owned()),
            ("SSL_CERT_FILE", authority.clone()),
            ("GIT_SSL_CAINFO", authority),
        ]
    }

    /// The import paths asked for so far, in order.
    pub fn asked(&self) -> Vec<String> {
        self.state.asked.lock().expect("no holder panics").clone()
    }

    /// What passed the forward proxy so far.
    pub fn passed(&self) -> Vec<Passed> {
        self.proxy.passed()
    }
}

impl State {
    fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        let host = request
            .headers()
            .get("host")
            .and_then(|host| host.to_str().ok())
            .unwrap_or("");
        let path = format!(
            "{}{}",
            host.split(':').next().unwrap_or(host),
            request.uri().path()
        );
        self.asked.lock().expect("no holder panics").push(path.clone());
        let pages = self.pages.lock().expect("no holder panics");
        if let Some((_, status, body)) = pages.iter().find(|(page, _, _)| *page == path) {
            return html(*status, body);
        }
        let redirects = self.redirects.lock().expect("no holder panics");
        if let Some((_, location)) = redirects.iter().find(|(page, _)| *page == path) {
            let mut response = text(302, "over there");
            let location = location.parse().expect("a location is a header's value");
            response.headers_mut().insert("location", location);
            return response;
        }
        let imports = self.imports.lock().expect("no holder panics");
        let below = |prefix: &str| {
            path.strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match imports.iter().find(|import| below(&import.prefix)) {
            Some(Import {
                prefix,
                vcs,
                repository,
            }) => html(
                200,
                &format!(
                    "<html><head><meta name=\"go-import\" content=\"{prefix} {vcs} {repository}\"></head></html>\n"
                ),
            ),
            None => text(404, "no such page"),
        }
    }
}

fn html(status: u16, body: &str) -> Response<Body> {
    let response = Response::builder()
        .status(status)
        .header("content-type", "text/html; charset=utf-8");
    response
        .body(full(body.to_owned()))
        .expect("status and headers are valid")
}
