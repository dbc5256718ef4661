//! A git host, and both ways to read it.

use direct_fetch::{
    credentials::Shown,
    git::{Git, GitSettings, Place, Source, TransportChoice},
};
use http_client::{Client, Settings, Trust};
use proxy_core::{
    file::{Body, Kind},
    info::Info,
    module::{ModulePath, ModuleVersion, Query},
    spool::Spool,
    upstream::{FetchContext, Fetched, Incoming, UpstreamError, Wanted},
};
use std::{ffi::OsString, io::Read as _, path::Path, time::Duration};
use tempfile::TempDir;
use testkit::git::{Commit, GitHost};

/// The import path of every module here.
pub(crate) const PATH: &str = "example.test/m";

/// A git host, and a folder for all that is written.
pub(crate) struct House {
    pub(crate) host: GitHost,
    pub(crate) folder: TempDir,
}

impl House {
    /// `None` where there is no git.
    pub(crate) fn build() -> Option<Self> {
        testkit::git::is_here().then(|| Self {
            host: GitHost::start(),
            folder: TempDir::new().unwrap(),
        })
    }

    /// A reader with a cache of its own for each transport, with other settings perhaps.
    pub(crate) fn read(&self, transport: TransportChoice, change: impl FnOnce(&mut GitSettings)) -> Git {
        let mut settings = settings(&self.folder.path().join(format!("{transport:?}")), transport);
        change(&mut settings);
        open(settings)
    }

    /// Both, with settings nobody changed.
    pub(crate) fn both(&self) -> [(TransportChoice, Git); 2] {
        BOTH.map(|transport| (transport, self.read(transport, |_| {})))
    }

    /// The module of this path in the repository of this name.
    pub(crate) fn source(&self, name: &str) -> Source {
        source(&self.host.repository_url(name))
    }
}

/// Either transport.
pub(crate) const BOTH: [TransportChoice; 2] = [TransportChoice::Command, TransportChoice::BuiltIn];

/// Settings with patience for a busy machine.
pub(crate) fn settings(cache: &Path, transport: TransportChoice) -> GitSettings {
    GitSettings {
        cache: cache.to_owned(),
        cache_limit: 1 << 30,
        program: "git".into(),
        environment: environment(),
        silence: Duration::from_secs(30),
        duration: Duration::from_secs(600),
        growth: 1 << 30,
        unfolded: 64 << 30,
        transport,
    }
}

/// Opens a reader whose client has as much patience as its git command.
pub(crate) fn open(settings: GitSettings) -> Git {
    open_with(settings, |_| {})
}

/// The same with other settings of the client.
pub(crate) fn open_with(settings: GitSettings, change: impl FnOnce(&mut Settings)) -> Git {
    let spool = Spool::open(&settings.cache.with_extension("spool")).unwrap();
    let mut client = Settings::from_lookup(|_| None).unwrap();
    client.timeouts.head = settings.silence;
    client.timeouts.idle = settings.silence;
    change(&mut client);
    Git::open(settings, Client::new(&client).unwrap(), spool).unwrap()
}

/// What a git command of ours would have around it.
#[expect(clippy::disallowed_methods, reason = "tests hand their own search path on")]
pub(crate) fn environment() -> Vec<(OsString, OsString)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let fixed = [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_TEMPLATE_DIR", ""),
    ];
    let fixed = fixed.map(|(name, value)| (name.into(), value.into()));
    fixed.into_iter().chain([("PATH".into(), path)]).collect()
}

/// The module of this path at an address.
pub(crate) fn source(url: &str) -> Source {
    Source {
        url: url.to_owned(),
        place: Place::new(ModulePath::parse(PATH).unwrap(), PATH, "").unwrap(),
        trust: Trust::LearnedPrivate,
        unverified_tls: false,
        shown: Shown::Own,
    }
}

/// All files of a version.
pub(crate) fn wanted(version: &str, pinned: Option<Info>) -> Wanted {
    Wanted {
        module: ModuleVersion::parse(PATH, version).unwrap(),
        kinds: Kind::ALL.to_vec(),
        pinned,
    }
}

/// Fetches all files of a version.
pub(crate) async fn fetch(git: &Git, source: &Source, version: &str) -> Result<Fetched, UpstreamError> {
    git.fetch(source, &wanted(version, None), &FetchContext::default())
        .await
}

/// What a query means now.
pub(crate) async fn resolve(git: &Git, source: &Source, query: &str) -> Result<Info, UpstreamError> {
    git.resolve(source, &Query::Revision(query.into()), &FetchContext::default())
        .await
}

/// The `.info` among what was fetched.
pub(crate) fn info(fetched: &mut Fetched) -> Info {
    Info::parse(&bytes(fetched.info.take())).unwrap()
}

/// The bytes of a file that was fetched.
pub(crate) fn bytes(incoming: Option<Incoming>) -> Vec<u8> {
    let mut bytes = Vec::new();
    body(incoming).open().read_to_end(&mut bytes).unwrap();
    bytes
}

fn body(incoming: Option<Incoming>) -> Body {
    match incoming {
        Some(Incoming::Whole(body)) => body,
        other => panic!("not whole: {other:?}"),
    }
}

/// A commit of the module, told from others by a number.
pub(crate) fn commit(number: u64) -> Commit {
    Commit::at(1_600_000_000 + number)
        .file("go.mod", format!("module {PATH}\n\ngo 1.20\n// {number}\n"))
        .file("a.go", format!("package a\n\n// Number {number}.\n"))
}
