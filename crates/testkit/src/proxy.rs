//! A GOPROXY on loopback that serves modules, counts what it is asked, and misbehaves on command.

mod action;
mod files;
mod reply;

pub use action::Action;

use crate::{
    certificates::TestAuthority,
    module::Module,
    server::{Body, Server},
};
use base64::Engine as _;
use bytes::Bytes;
use files::Files;
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// A GOPROXY made for a test. It listens as long as it lives; clones are the same proxy.
#[derive(Clone, Debug)]
pub struct FakeUpstream(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    files: Mutex<Files>,
    rules: Mutex<Vec<Rule>>,
    credentials: Mutex<Option<String>>,
    requests: watch::Sender<Vec<Seen>>,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path, percent-decoded once.
    pub path: String,
    /// The path and query as sent.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
}

/// What to do with requests for some paths.
#[derive(Debug)]
struct Rule {
    pattern: String,
    action: Action,
    /// How many more times it holds; `None`: always.
    left: Option<u32>,
}

impl FakeUpstream {
    /// Serves these modules over plain HTTP.
    pub fn serving(modules: impl IntoIterator<Item = Module>) -> Self {
        Self::start(modules, None)
    }

    /// Serves these modules over TLS, with a certificate of this authority.
    pub fn serving_tls(modules: impl IntoIterator<Item = Module>, authority: &Arc<TestAuthority>) -> Self {
        Self::start(modules, Some(authority.server_configuration()))
    }

    fn start(modules: impl IntoIterator<Item = Module>, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let state = Arc::new(State {
            files: Mutex::new(modules.into_iter().collect()),
            rules: Mutex::default(),
            credentials: Mutex::default(),
            requests: watch::Sender::new(Vec::new()),
        });
        let answering = Arc::clone(&state);
        let server = Server::start(
            tls,
            Arc::new(move |request| {
                let state = Arc::clone(&answering);
                Box::pin(async move { state.answer(request).await })
            }),
        );
        Self(Arc::new(Shared { server, state }))
    }

    /// Its address, without a slash at the end: what goes into a GOPROXY list.
    pub fn url(&self) -> String {
        self.0.server.url()
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.0.server.port().number()
    }

    /// Serves another module, or other bytes for one it has.
    pub fn add(&self, module: Module) {
        self.0.state.files.lock().expect("no holder panics").add(module);
    }

    /// Serves a version it has under a query too, such as a branch name: `@v/<query>.info`.
    pub fn name(&self, path: &str, query: &str, version: &str) {
        self.0
            .state
            .files
            .lock()
            .expect("no holder panics")
            .name(path, query, version);
    }

    /// Treats requests whose path matches so, from now on. `*` in a pattern stands for anything, slashes too.
    /// Of several rules that match, the one made last holds.
    pub fn when(&self, pattern: &str, action: Action) {
        self.rule(pattern, action, None);
    }

    /// The same for the next few requests only.
    pub fn when_times(&self, pattern: &str, times: u32, action: Action) {
        self.rule(pattern, action, Some(times));
    }

    fn rule(&self, pattern: &str, action: Action, left: Option<u32>) {
        let rule = Rule {
            pattern: pattern.to_owned(),
            action,
            left,
        };
        self.0.state.rules.lock().expect("no holder panics").push(rule);
    }

    /// Forgets all rules: behaves again.
    pub fn behave(&self) {
        self.0.state.rules.lock().expect("no holder panics").clear();
    }

    /// Answers 401 to whoever does not send these by basic authentication.
    pub fn require(&self, user: &str, password: &str) {
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        *self.0.state.credentials.lock().expect("no holder panics") = Some(format!("Basic {encoded}"));
    }

    /// Refuses connections, and cuts those there are.
    pub fn unplug(&self) {
        self.0.server.unplug();
    }

    /// Listens again, on the same port.
    pub fn plug(&self) {
        self.0.server.plug();
    }

    /// Every request so far, in order of arrival.
    pub fn requests(&self) -> Vec<Seen> {
        self.0.state.requests.borrow().clone()
    }

    /// The paths asked for so far, in order of arrival.
    pub fn paths(&self) -> Vec<String> {
        self.0
            .state
            .requests
            .borrow()
            .iter()
            .map(|seen| seen.path.clone())
            .collect()
    }

    /// How often paths matching a pattern were asked for.
    pub fn count(&self, pattern: &str) -> usize {
        count(&self.0.state.requests.borrow(), pattern)
    }

    /// Waits until paths matching a pattern were asked for this often in all.
    pub async fn wait_for(&self, pattern: &str, times: usize) {
        let mut requests = self.0.state.requests.subscribe();
        // The sender lives in `self`, so waiting ends only by what is waited for.
        let _ = requests.wait_for(|seen| count(seen, pattern) >= times).await;
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.0.state.requests.send_modify(Vec::clear);
    }
}

impl State {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let path = percent_decode_str(request.uri().path())
            .decode_utf8_lossy()
            .into_owned();
        let seen = Seen {
            method: request.method().to_string(),
            path: path.clone(),
            target: request.uri().to_string(),
            headers: request.headers().clone(),
        };
        self.requests.send_modify(|requests| requests.push(seen));
        let authorization = request
            .headers()
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        let demanded = self.credentials.lock().expect("no holder panics").clone();
        if demanded.is_some() && demanded.as_deref() != authorization {
            return reply::challenge();
        }
        let file = self.files.lock().expect("no holder panics").get(&path);
        let action = self.action(&path).unwrap_or_default();
        reply::reply(action, file, &request).await
    }

    /// The action of the last rule that matches, used up by one.
    fn action(&self, path: &str) -> Option<Action> {
        let mut rules = self.rules.lock().expect("no holder panics");
        let rule = rules
            .iter_mut()
            .rev()
            .find(|rule| rule.left != Some(0) && matches(&rule.pattern, path))?;
        if let Some(left) = &mut rule.left {
            *left -= 1;
        }
        Some(rule.action.clone())
    }
}

/// A file to serve.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    content_type: &'static str,
    bytes: Bytes,
}

fn count(requests: &[Seen], pattern: &str) -> usize {
    requests
        .iter()
        .filter(|seen| matches(pattern, &seen.path))
        .count()
}

/// Whether a path matches a pattern in which `*` stands for anything.
fn matches(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((before, after)) => path.strip_prefix(before).is_some_and(|rest| {
            let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.into_iter().any(|at| matches(after, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests;
