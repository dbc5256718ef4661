//! A git host over HTTP: `git http-backend` behind a server that counts and may ask for a password.

use super::Repository;
use crate::{
    certificates::TestAuthority,
    server::{Body, Server, full, text},
};
use base64::Engine as _;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

/// A host of git repositories on loopback. It serves as long as it lives.
#[derive(Debug)]
pub struct GitHost {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    root: TempDir,
    credentials: Mutex<Option<String>>,
    requests: Mutex<Vec<GitRequest>>,
    old: AtomicBool,
    strict: AtomicBool,
}

/// One request that arrived.
#[derive(Clone, Debug)]
pub struct GitRequest {
    /// The method.
    pub method: String,
    /// The path and query.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// How many bytes were answered.
    pub answered: usize,
}

impl GitHost {
    /// A host without repositories, over plain HTTP.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// The same over TLS, with a certificate of this authority.
    pub fn start_tls(authority: &Arc<TestAuthority>) -> Self {
        Self::start_with(Some(authority.server_configuration()))
    }

    fn start_with(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let root = TempDir::with_prefix("stoa-git-").expect("a folder can be made");
        let state = Arc::new(State {
            root,
            credentials: Mutex::default(),
            requests: Mutex::default(),
            old: AtomicBool::default(),
            strict: AtomicBool::default(),
        });
        let answering = Arc::clone(&state);
        let server = Server::start(
            tls,
            Arc::new(move |request| {
                let state = Arc::clone(&answering);
                Box::pin(async move { state.answer(request).await })
            }),
        );
        Self { server, state }
    }

    /// Makes a repository of this name, such as `team/greet.git`.
    pub fn repository(&self, name: &str) -> Repository {
        Repository::create(&self.state.root.path().join(name))
    }

    /// The host's address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Whether it has a certificate.
    pub fn is_secure(&self) -> bool {
        self.url().starts_with("https://")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.port().address()
    }

    /// The address of one repository, without credentials.
    pub fn repository_url(&self, name: &str) -> String {
        format!("{}/{name}", self.url())
    }

    /// The folder of all repositories, for `insteadOf` rules with `file://`.
    pub fn folder(&self) -> PathBuf {
        self.state.root.path().to_owned()
    }

    /// Answers 401 to whoever does not send these by basic authentication.
    pub fn require(&self, user: &str, password: &str) {
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        *self.state.credentials.lock().expect("no holder panics") = Some(format!("Basic {encoded}"));
    }

    /// Asks nobody who they are from now on.
    pub fn let_in_everybody(&self) {
        *self.state.credentials.lock().expect("no holder panics") = None;
    }

    /// Speaks the oldest protocol from now on, whatever is asked for: the one in which a host decides what may be wanted.
    pub fn speak_the_oldest_protocol(&self) {
        self.state.old.store(true, Ordering::Relaxed);
    }

    /// Gives nothing from now on but what a ref names itself, as some hosts do.
    pub fn give_only_what_refs_name(&self) {
        self.state.strict.store(true, Ordering::Relaxed);
    }

    /// Refuses connections, and cuts those there are.
    pub fn unplug(&self) {
        self.server.unplug();
    }

    /// Listens again, on the same port.
    pub fn plug(&self) {
        self.server.plug();
    }

    /// Every request so far, in the order of their answers.
    pub fn requests(&self) -> Vec<GitRequest> {
        self.state.requests.lock().expect("no holder panics").clone()
    }

    /// How many bytes it has answered in all.
    pub fn bytes(&self) -> usize {
        self.state
            .requests
            .lock()
            .expect("no holder panics")
            .iter()
            .map(|request| request.answered)
            .sum()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.state.requests.lock().expect("no holder panics").clear();
    }
}

impl State {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (method, target) = (request.method().to_string(), request.uri().to_string());
        let headers = request.headers().clone();
        let demanded = self.credentials.lock().expect("no holder panics").clone();
        let sent = headers.get("authorization").and_then(|value| value.to_str().ok());
        let (response, answered) = if demanded.is_some() && demanded.as_deref() != sent {
            let mut response = text(401, "who are you?");
            response
                .headers_mut()
                .insert("www-authenticate", "Basic realm=\"git\"".parse().expect("valid"));
            (response, 0)
        } else {
            self.backend(request)
                .await
                .unwrap_or_else(|error| (text(500, error.to_string()), 0))
        };
        let mut requests = self.requests.lock().expect("no holder panics");
        requests.push(GitRequest {
            method,
            target,
            headers,
            answered,
        });
        response
    }

    /// An object that is wanted and that no ref names, if such wishes are refused.
    fn unnamed(&self, path: &str, question: &[u8]) -> Option<String> {
        let repository = path.strip_suffix("/git-upload-pack")?.trim_start_matches('/');
        if !self.strict.load(Ordering::Relaxed) {
            return None;
        }
        let repository = Repository {
            folder: self.root.path().join(repository),
        };
        let named = repository.git(["for-each-ref", "--format=%(objectname)"]);
        let question = String::from_utf8_lossy(question);
        let wants = question.split("want ").skip(1).filter_map(|rest| rest.get(..40));
        let mut unnamed = wants.filter(|want| named.lines().all(|name| name != *want));
        unnamed.next().map(str::to_owned)
    }

    /// Lets `git http-backend` answer, by the rules of CGI; gives the size of its body too.
    async fn backend(&self, request: Request<Incoming>) -> io::Result<(Response<Body>, usize)> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        if let Some(unnamed) = self.unnamed(parts.uri.path(), &body) {
            return refuse(&unnamed);
        }
        let header = |name: &str| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("")
                .to_owned()
        };
        let mut command = tokio::process::Command::from(super::command());
        command
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", self.root.path())
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env(
                "PATH_INFO",
                percent_decode_str(parts.uri.path()).decode_utf8_lossy().as_ref(),
            )
            .env("QUERY_STRING", parts.uri.query().unwrap_or(""))
            .env("REQUEST_METHOD", parts.method.as_str())
            .env("CONTENT_TYPE", header("content-type"))
            .env("CONTENT_LENGTH", body.len().to_string())
            .env(
                "GIT_PROTOCOL",
                if self.old.load(Ordering::Relaxed) {
                    String::new()
                } else {
                    header("git-protocol")
                },
            )
            .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().ok_or_else(|| io::Error::other("no way in"))?;
        let (written, output) = tokio::join!(
            async move { stdin.write_all(&body).await },
            child.wait_with_output(),
        );
        // It may answer without reading all it was sent.
        let _ = written;
        respond(&output?.stdout)
    }
}

/// Git's own answer to a wish that is not granted.
fn refuse(unnamed: &str) -> io::Result<(Response<Body>, usize)> {
    let said = format!("ERR upload-pack: not our ref {unnamed}");
    let line = format!("{:04x}{said}", said.len() + 4);
    let size = line.len();
    let response = Response::builder().header("content-type", "application/x-git-upload-pack-result");
    Ok((response.body(full(line)).map_err(io::Error::other)?, size))
}

/// An answer from what a CGI program printed: headers, an empty line, the body.
fn respond(output: &[u8]) -> io::Result<(Response<Body>, usize)> {
    let end = output.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.ok_or_else(|| io::Error::other("git http-backend answered nothing"))?;
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&output[..end]).split("\r\n") {
        match line.split_once(": ") {
            Some(("Status", status)) => response = response.status(status.split(' ').next().unwrap_or("500")),
            Some((name, value)) => response = response.header(name, value),
            None => {}
        }
    }
    let body = output[end + 4..].to_vec();
    let size = body.len();
    Ok((response.body(full(body)).map_err(io::Error::other)?, size))
}
