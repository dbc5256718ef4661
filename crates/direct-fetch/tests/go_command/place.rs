//! A git host under a made-up domain, a `direct` that reaches it, and the words for what comes of it.

use direct_fetch::{Environment, GoCommand, GoSettings, Limits};
use proxy_core::{
    file::{Body, Kind},
    info::Info,
    module::{ModulePath, ModuleVersion, Query, Version},
    spool::Spool,
    upstream::{FetchContext, Fetched, Incoming, Upstream as _, UpstreamError, Wanted},
};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use testkit::{
    certificates::TestAuthority,
    git::{Commit, FakeDomain, GitHost, Repository},
    module::Module,
};

/// A git host under a made-up domain, and a `direct` that reaches it.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) domain: FakeDomain,
    pub(crate) host: GitHost,
}

impl Place {
    pub(crate) fn new() -> Option<Self> {
        testkit::go::GoCommand::find()?;
        testkit::git::is_here().then_some(())?;
        let authority = TestAuthority::new();
        let (domain, host) = (FakeDomain::start(&authority), GitHost::start());
        Some(Self {
            folder: TempDir::new().unwrap(),
            domain,
            host,
        })
    }

    /// A repository for everything below an import path.
    pub(crate) fn repository(&self, prefix: &str) -> Repository {
        let name = prefix.replace('/', "-");
        let repository = self.host.repository(&name);
        self.domain
            .import(prefix, "git", &self.host.repository_url(&name));
        repository
    }

    pub(crate) fn settings(&self) -> GoSettings {
        let home = self.folder.path().join("home");
        fs::create_dir_all(&home).unwrap();
        let machine = [("PATH".into(), search_path()), ("HOME".into(), home.into())];
        let domain = self
            .domain
            .environment()
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        GoSettings {
            program: "go".into(),
            cache: self.folder.path().join("cache"),
            environment: Environment::select(machine.into_iter().chain(domain)),
            private: String::new(),
            insecure: String::new(),
            vcs: String::new(),
            spool: Spool::open(&self.folder.path().join("spool")).unwrap(),
            limits: Limits::default(),
        }
    }

    pub(crate) fn direct(&self) -> GoCommand {
        GoCommand::open(self.settings()).unwrap()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests hand their own search path on to what they start"
)]
pub(crate) fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap()
}

pub(crate) fn path(text: &str) -> ModulePath {
    ModulePath::parse(text).unwrap()
}

pub(crate) fn query(text: &str) -> Query {
    if text == "latest" {
        Query::Latest
    } else {
        Query::Revision(text.into())
    }
}

pub(crate) fn wanted(module: &str, version: &str, kinds: &[Kind], pinned: Option<Info>) -> Wanted {
    let module = ModuleVersion::new(path(module), Version::parse(version).unwrap()).unwrap();
    Wanted {
        module,
        kinds: kinds.to_vec(),
        pinned,
    }
}

pub(crate) async fn fetch(direct: &GoCommand, module: &str, version: &str) -> Result<Fetched, UpstreamError> {
    direct
        .fetch(
            &wanted(module, version, &Kind::ALL, None),
            &FetchContext::default(),
        )
        .await
}

pub(crate) async fn resolve(direct: &GoCommand, module: &str, text: &str) -> Result<Info, UpstreamError> {
    direct
        .resolve(&path(module), &query(text), &FetchContext::default())
        .await
}

pub(crate) async fn versions(direct: &GoCommand, module: &str) -> Result<Vec<String>, UpstreamError> {
    let versions = direct.versions(&path(module), &FetchContext::default()).await?;
    Ok(versions.iter().map(ToString::to_string).collect())
}

pub(crate) fn whole(file: Option<Incoming>) -> Body {
    match file {
        Some(Incoming::Whole(body)) => body,
        other => panic!("no finished file: {other:?}"),
    }
}

pub(crate) fn text(file: Option<Incoming>) -> String {
    String::from_utf8(whole(file).read_to_bytes().unwrap().to_vec()).unwrap()
}

/// Two tagged versions and one commit more on `main`; gives the three hashes.
pub(crate) fn releases(repository: &Repository, module: &str) -> [String; 3] {
    let at = |time: u64, version: &str| Commit::at(time).module(&Module::new(module, version), "");
    let first = repository.commit("main", &at(1_600_000_000, "v1.0.0"));
    repository.tag("v1.0.0", &first);
    let second = repository.commit("main", &at(1_600_000_100, "v1.1.0").after(&first));
    repository.tag("v1.1.0", &second);
    let third = repository.commit("main", &at(1_600_000_200, "later").after(&second));
    [first, second, third]
}

macro_rules! place {
    () => {
        match $crate::place::Place::new() {
            Some(place) => place,
            None => testkit::skip_or_fail!("there is no go command or no git http-backend here"),
        }
    };
}

pub(crate) fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().to_string_lossy().into_owned());
            }
        }
    }
    found
}

pub(crate) fn executable(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}
