//! A domain with a git host, and `direct` with what the configuration says of it.

use async_trait::async_trait;
use direct_fetch::{
    Environment, GoCommand, GoSettings, Limits,
    credentials::RepositoryCredentials,
    direct::{Direct, DirectParts, OpenProxy},
    discovery::{Discovery, DiscoverySettings, PageLifetimes, VcsRules},
    git::{Git, GitSettings, TransportChoice},
};
use http_client::{Client, Settings, Trust};
use proxy_core::{
    file::Kind,
    info::Info,
    module::{ModulePath, ModuleVersion, Patterns, Query, Version},
    spool::Spool,
    upstream::{FetchContext, Fetched, Incoming, Upstream, UpstreamError, Wanted},
};
use std::{
    collections::HashMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use testkit::{
    certificates::TestAuthority,
    git::{Commit, FakeDomain, GitHost, Repository},
    module::Module,
};

/// A made-up domain, a git host with a certificate, and a `go` that only writes down what it is asked.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) domain: FakeDomain,
    pub(crate) host: GitHost,
    pub(crate) proxies: Arc<Proxies>,
}

/// What the configuration says.
#[derive(Clone, Copy)]
pub(crate) struct Says {
    pub(crate) private: &'static str,
    pub(crate) vcs: &'static str,
    pub(crate) credentials: &'static str,
    /// The netrc file of this machine.
    pub(crate) netrc: &'static str,
    /// Whether the git command fetches, rather than the built-in transport.
    pub(crate) runs_git: bool,
    /// More of this machine's environment.
    pub(crate) variables: &'static [(&'static str, &'static str)],
}

pub(crate) const PRIVATE: Says = Says {
    private: "example.test,code.test",
    vcs: "",
    credentials: "",
    netrc: "",
    runs_git: false,
    variables: &[],
};
pub(crate) const PUBLIC: Says = Says {
    private: "",
    ..PRIVATE
};

/// Remembers which proxies were opened, and whether for a stranger; each knows nothing.
#[derive(Debug, Default)]
pub(crate) struct Proxies(pub(crate) Mutex<Vec<(String, bool)>>);

#[derive(Debug)]
struct Nothing;

impl OpenProxy for Proxies {
    fn open(&self, address: &str, _trust: Trust, anonymously: bool) -> Result<Arc<dyn Upstream>, String> {
        self.0.lock().unwrap().push((address.to_owned(), anonymously));
        Ok(Arc::new(Nothing))
    }
}

#[async_trait]
impl Upstream for Nothing {
    async fn resolve(&self, _: &ModulePath, _: &Query, _: &FetchContext) -> Result<Info, UpstreamError> {
        Err(UpstreamError::not_found("the proxy has nothing"))
    }
    async fn versions(&self, _: &ModulePath, _: &FetchContext) -> Result<Vec<Version>, UpstreamError> {
        Err(UpstreamError::not_found("the proxy has nothing"))
    }
    async fn fetch(&self, _: &Wanted, _: &FetchContext) -> Result<Fetched, UpstreamError> {
        Err(UpstreamError::not_found("the proxy has nothing"))
    }
}

impl Place {
    pub(crate) fn new() -> Option<Self> {
        testkit::git::is_here().then_some(())?;
        let authority = TestAuthority::new();
        let (domain, host) = (FakeDomain::start(&authority), GitHost::start_tls(&authority));
        domain.serve("code.test", &host);
        Some(Self {
            folder: TempDir::new().unwrap(),
            domain,
            host,
            proxies: Arc::default(),
        })
    }

    pub(crate) fn repository(&self, prefix: &str) -> Repository {
        let name = prefix.replace('/', "-");
        self.domain
            .import(prefix, "git", &self.host.repository_url(&name));
        self.host.repository(&name)
    }

    pub(crate) fn direct(&self, says: Says) -> Direct {
        let home = self.folder.path().join("home");
        fs::create_dir_all(&home).unwrap();
        let netrc = home.join(".netrc");
        fs::write(&netrc, says.netrc).unwrap();
        let mut environment: HashMap<_, _> = self.domain.environment().into_iter().collect();
        environment.insert("NETRC", netrc.to_string_lossy().into_owned());
        let machine = [("PATH".into(), self.programs()), ("HOME".into(), home.into())];
        let domain = environment.iter().map(|(name, value)| (*name, value.as_str()));
        let variables = domain
            .chain(says.variables.iter().copied())
            .map(|(name, value)| (name.into(), value.into()));
        let machine = Environment::select(machine.into_iter().chain(variables));
        let settings = Settings::from_lookup(|name| environment.get(name).cloned()).unwrap();
        let client = Client::new(&settings).unwrap();
        let spool = Spool::open(&self.folder.path().join("spool")).unwrap();
        let discovery = Discovery::new(DiscoverySettings {
            client: client.clone(),
            private: Patterns::parse(says.private).unwrap(),
            insecure: Patterns::default(),
            vcs: VcsRules::parse(says.vcs).unwrap(),
            lifetimes: PageLifetimes::default(),
        });
        let git = GitSettings {
            cache: self.folder.path().join("cache"),
            cache_limit: 1 << 30,
            program: if says.runs_git { "git" } else { "no-git-here" }.into(),
            environment: machine.for_git(&self.folder.path().join("nobody")),
            silence: Duration::from_secs(30),
            duration: Duration::from_secs(600),
            growth: 1 << 30,
            unfolded: 64 << 30,
            transport: if says.runs_git {
                TransportChoice::Command
            } else {
                TransportChoice::Auto
            },
        };
        let go = GoCommand::open(GoSettings {
            program: self.writing_go(),
            cache: self.folder.path().join("cache"),
            environment: machine,
            private: says.private.into(),
            insecure: String::new(),
            vcs: says.vcs.into(),
            spool: spool.clone(),
            limits: Limits::default(),
        });
        let credentials = match says.credentials {
            "" => RepositoryCredentials::default(),
            text => {
                let file = self.folder.path().join("credentials.toml");
                fs::write(&file, text).unwrap();
                RepositoryCredentials::open(&file, Arc::new(|_| None)).unwrap()
            }
        };
        Direct::new(DirectParts {
            discovery,
            git: Git::open(git, client, spool).unwrap(),
            go: go.unwrap().with_credentials(credentials.clone()),
            credentials,
            proxies: Arc::clone(&self.proxies) as Arc<dyn OpenProxy>,
        })
    }

    /// A search path on which Mercurial is found, whether it is installed or not: nobody runs it.
    pub(crate) fn programs(&self) -> std::ffi::OsString {
        let folder = self.folder.path().join("bin");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("hg"), "").unwrap();
        std::env::join_paths([folder, "/usr/bin".into(), "/bin".into()]).unwrap()
    }

    /// A program in place of `go`.
    pub(crate) fn writing_go(&self) -> std::path::PathBuf {
        let program = self.folder.path().join("go");
        let script = format!(
            "#!/bin/sh\necho \"$@\" >> '{0}'\nenv > '{0}-environment'\nls -A \"$HOME\" >> '{0}-environment'\necho 'go: module m: unknown revision' >&2\nexit 1\n",
            self.asked_go().display()
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    pub(crate) fn asked_go(&self) -> std::path::PathBuf {
        self.folder.path().join("asked")
    }
}

pub(crate) fn release(repository: &Repository, module: &str, version: &str, time: u64) -> String {
    let commit = repository.commit(
        "main",
        &Commit::at(time).module(&Module::new(module, version), ""),
    );
    repository.tag(version, &commit);
    commit
}

pub(crate) fn wanted(module: &str, version: &str, pinned: Option<Info>) -> Wanted {
    let path = ModulePath::parse(module).unwrap();
    let module = ModuleVersion::new(path, Version::parse(version).unwrap()).unwrap();
    Wanted {
        module,
        kinds: Kind::ALL.to_vec(),
        pinned,
    }
}

pub(crate) async fn fetch(direct: &Direct, module: &str, version: &str) -> Result<Fetched, UpstreamError> {
    direct
        .fetch(&wanted(module, version, None), &FetchContext::default())
        .await
}

pub(crate) async fn versions(direct: &Direct, module: &str) -> Result<Vec<String>, UpstreamError> {
    let versions = direct
        .versions(&ModulePath::parse(module).unwrap(), &FetchContext::default())
        .await?;
    Ok(versions.iter().map(ToString::to_string).collect())
}

pub(crate) fn info(fetched: &Fetched) -> Info {
    match &fetched.info {
        Some(Incoming::Whole(body)) => Info::parse(&body.read_to_bytes().unwrap()).unwrap(),
        other => panic!("{other:?}"),
    }
}
