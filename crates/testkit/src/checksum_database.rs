//! A checksum database on loopback: signs what it holds, counts what it is asked, and lies on command.
//!
//! The tree is hashed as RFC 6962 defines it, from the records, each time; nothing is shared with the code it tests.

mod ledger;
mod signer;

pub use ledger::Ledger;
pub(crate) use ledger::record_of;
pub use signer::Signer;

use crate::{
    module::Module,
    server::{Body, Server, full},
};
use http::{HeaderMap, Response};
use percent_encoding::percent_decode_str;
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// A database made for a test. It listens as long as it lives; clones are the same database.
///
/// It answers at its own address, and below any `…/sumdb/<name>/` as another mirror would that relays it.
#[derive(Clone, Debug)]
pub struct ChecksumDatabase(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    server: Server,
    state: Arc<State>,
}

struct State {
    signer: Signer,
    ledger: Mutex<Ledger>,
    lie: Mutex<Option<Lie>>,
    requests: Mutex<Vec<Asked>>,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The path, percent-decoded once.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
}

/// An answer: a status and a body.
pub type Reply = (u16, Vec<u8>);

type Lie = Arc<dyn Fn(&str, Reply) -> Reply + Send + Sync>;

impl ChecksumDatabase {
    /// A database of this name without records.
    pub fn new(name: &str) -> Self {
        let state = Arc::new(State {
            signer: Signer::new(name, 42),
            ledger: Mutex::default(),
            lie: Mutex::default(),
            requests: Mutex::default(),
        });
        let answering = Arc::clone(&state);
        let server = Server::start(
            None,
            Arc::new(move |request| {
                let path = percent_decode_str(request.uri().path())
                    .decode_utf8_lossy()
                    .into_owned();
                let answer = answering.answer(Asked {
                    path,
                    headers: request.headers().clone(),
                });
                Box::pin(async move { answer })
            }),
        );
        Self(Arc::new(Shared { server, state }))
    }

    /// A database of this name that knows these modules.
    pub fn knowing<'a>(name: &str, modules: impl IntoIterator<Item = &'a Module>) -> Self {
        let database = Self::new(name);
        modules.into_iter().for_each(|module| database.add(module));
        database
    }

    /// Records a module, as the last one.
    pub fn add(&self, module: &Module) {
        self.ledger(|ledger| ledger.push(record_of(module)));
    }

    /// Does something to its records.
    pub fn ledger<T>(&self, act: impl FnOnce(&mut Ledger) -> T) -> T {
        act(&mut self.0.state.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on answers what this makes of each honest answer; it sees the path from `lookup/`, `tile/` or `latest` on.
    pub fn lie(&self, lie: impl Fn(&str, Reply) -> Reply + Send + Sync + 'static) {
        *self.0.state.lie.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(lie));
    }

    /// Is honest again.
    pub fn behave(&self) {
        *self.0.state.lie.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Who signs its heads.
    pub fn signer(&self) -> &Signer {
        &self.0.state.signer
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.0.server.url()
    }

    /// What GOSUMDB says so that this database is asked at its address.
    pub fn setting(&self) -> String {
        format!("{} {}", self.signer().key(), self.url())
    }

    /// Refuses connections, and cuts those there are.
    pub fn unplug(&self) {
        self.0.server.unplug();
    }

    /// Listens again, on the same port.
    pub fn plug(&self) {
        self.0.server.plug();
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Asked> {
        self.0
            .state
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many requests so far had this in their path.
    pub fn count(&self, part: &str) -> usize {
        self.requests()
            .iter()
            .filter(|asked| asked.path.contains(part))
            .count()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.0
            .state
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

impl State {
    fn answer(&self, asked: Asked) -> Response<Body> {
        let relayed = format!("/sumdb/{}/", self.signer.name());
        let path = match asked.path.split_once(&relayed) {
            Some((_, path)) => path.to_owned(),
            None => asked.path.trim_start_matches('/').to_owned(),
        };
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(asked);
        let honest = self
            .ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .answer(&self.signer, &path);
        let lie = self.lie.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (status, body) = match lie {
            Some(lie) => lie(&path, honest),
            None => honest,
        };
        Response::builder()
            .status(status)
            .header("content-type", "text/plain; charset=utf-8")
            .body(full(body))
            .expect("status and headers are valid")
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}
