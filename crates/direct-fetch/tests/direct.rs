//! `direct` as a whole: the repository is found, and fetched by whoever can.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

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
    skip_or_fail,
};

/// A made-up domain, a git host with a certificate, and a `go` that only writes down what it is asked.
struct Place {
    folder: TempDir,
    domain: FakeDomain,
    host: GitHost,
    proxies: Arc<Proxies>,
}

/// What the configuration says.
#[derive(Clone, Copy)]
struct Says {
    private: &'static str,
    vcs: &'static str,
    credentials: &'static str,
}

const PRIVATE: Says = Says {
    private: "example.test,code.test",
    vcs: "",
    credentials: "",
};
const PUBLIC: Says = Says {
    private: "",
    ..PRIVATE
};

/// Remembers which proxies were opened; each knows nothing.
#[derive(Debug, Default)]
struct Proxies(Mutex<Vec<String>>);

#[derive(Debug)]
struct Nothing;

impl OpenProxy for Proxies {
    fn open(&self, address: &str, _trust: Trust) -> Result<Arc<dyn Upstream>, String> {
        self.0.lock().unwrap().push(address.to_owned());
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
    fn new() -> Option<Self> {
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

    fn repository(&self, prefix: &str) -> Repository {
        let name = prefix.replace('/', "-");
        self.domain
            .import(prefix, "git", &self.host.repository_url(&name));
        self.host.repository(&name)
    }

    fn direct(&self, says: Says) -> Direct {
        let environment: HashMap<_, _> = self.domain.environment().into_iter().collect();
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
            program: "no-git-here".into(),
            environment: Vec::new(),
            silence: Duration::from_secs(30),
            duration: Duration::from_secs(600),
            growth: 1 << 30,
            unfolded: 64 << 30,
            transport: TransportChoice::Auto,
        };
        let go = GoCommand::open(GoSettings {
            program: self.writing_go(),
            cache: self.folder.path().join("cache"),
            environment: Environment::select([("PATH".into(), self.programs())]),
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
            go: go.unwrap(),
            credentials,
            proxies: Arc::clone(&self.proxies) as Arc<dyn OpenProxy>,
        })
    }

    /// A search path on which Mercurial is found, whether it is installed or not: nobody runs it.
    fn programs(&self) -> std::ffi::OsString {
        let folder = self.folder.path().join("bin");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("hg"), "").unwrap();
        std::env::join_paths([folder, "/usr/bin".into(), "/bin".into()]).unwrap()
    }

    /// A program in place of `go`.
    fn writing_go(&self) -> std::path::PathBuf {
        let program = self.folder.path().join("go");
        let script = format!(
            "#!/bin/sh\necho \"$@\" >> '{}'\necho 'go: module m: unknown revision' >&2\nexit 1\n",
            self.asked_go().display()
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    fn asked_go(&self) -> std::path::PathBuf {
        self.folder.path().join("asked")
    }
}

macro_rules! place {
    () => {
        match Place::new() {
            Some(place) => place,
            None => skip_or_fail!("there is no git http-backend here"),
        }
    };
}

fn release(repository: &Repository, module: &str, version: &str, time: u64) -> String {
    let commit = repository.commit(
        "main",
        &Commit::at(time).module(&Module::new(module, version), ""),
    );
    repository.tag(version, &commit);
    commit
}

fn wanted(module: &str, version: &str, pinned: Option<Info>) -> Wanted {
    let path = ModulePath::parse(module).unwrap();
    let module = ModuleVersion::new(path, Version::parse(version).unwrap()).unwrap();
    Wanted {
        module,
        kinds: Kind::ALL.to_vec(),
        pinned,
    }
}

async fn fetch(direct: &Direct, module: &str, version: &str) -> Result<Fetched, UpstreamError> {
    direct
        .fetch(&wanted(module, version, None), &FetchContext::default())
        .await
}

async fn versions(direct: &Direct, module: &str) -> Result<Vec<String>, UpstreamError> {
    let versions = direct
        .versions(&ModulePath::parse(module).unwrap(), &FetchContext::default())
        .await?;
    Ok(versions.iter().map(ToString::to_string).collect())
}

fn info(fetched: &Fetched) -> Info {
    match &fetched.info {
        Some(Incoming::Whole(body)) => Info::parse(&body.read_to_bytes().unwrap()).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn git_is_fetched_with_neither_go_nor_git() {
    let place = place!();
    let commit = release(
        &place.repository("example.test/greet"),
        "example.test/greet",
        "v1.0.0",
        1_600_000_000,
    );
    let direct = place.direct(PRIVATE);
    assert_eq!(versions(&direct, "example.test/greet").await.unwrap(), ["v1.0.0"]);
    let latest = direct
        .resolve(
            &ModulePath::parse("example.test/greet").unwrap(),
            &Query::Latest,
            &FetchContext::default(),
        )
        .await
        .unwrap();
    assert_eq!(latest.origin.unwrap().hash, Some(commit));
    let fetched = fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap();
    assert!(fetched.go_mod.is_some() && fetched.zip.is_some());
    assert!(!place.asked_go().exists());
}

#[tokio::test]
async fn refusals_name_what_was_asked() {
    let place = place!();
    release(
        &place.repository("example.test/greet"),
        "example.test/greet",
        "v1.0.0",
        1_600_000_000,
    );
    let direct = place.direct(PRIVATE);
    match fetch(&direct, "example.test/greet", "v1.9.9").await {
        Err(UpstreamError::NotFound { reason }) => {
            assert!(
                reason.starts_with("example.test/greet@v1.9.9: ") && reason.contains("unknown revision"),
                "{reason}"
            );
        }
        other => panic!("{other:?}"),
    }
    place.host.unplug();
    let trouble = fetch(&direct, "example.test/greet", "v1.9.9").await;
    assert!(
        matches!(trouble, Err(UpstreamError::Unavailable { .. })),
        "{trouble:?}"
    );
}

#[tokio::test]
async fn a_public_module_does_not_lead_into_the_private_network() {
    let place = place!();
    release(
        &place.repository("example.test/greet"),
        "example.test/greet",
        "v1.0.0",
        1_600_000_000,
    );
    place
        .domain
        .import("example.test/svn", "svn", "https://127.0.0.1/r");
    let direct = place.direct(Says {
        vcs: "public:git|svn",
        ..PUBLIC
    });
    for module in ["example.test/greet", "example.test/svn"] {
        let refused = fetch(&direct, module, "v1.0.0").await;
        assert!(
            matches!(&refused, Err(UpstreamError::Unavailable { .. })),
            "{refused:?}"
        );
    }
    assert!(place.host.requests().is_empty() && !place.asked_go().exists());
}

#[tokio::test]
async fn other_version_control_runs_its_program_only_where_somebody_said_so() {
    let place = place!();
    for vcs in ["hg", "svn"] {
        place
            .domain
            .import(&format!("example.test/{vcs}"), vcs, "https://vcs.test/r");
    }
    let refused = |result: Result<Fetched, UpstreamError>| match result {
        Err(UpstreamError::NotFound { reason }) => reason.to_string(),
        other => panic!("{other:?}"),
    };
    let direct = place.direct(PUBLIC);
    let hg = refused(fetch(&direct, "example.test/hg", "v1.0.0").await);
    assert!(
        hg.contains("hg repositories are fetched only for private modules"),
        "{hg}"
    );
    let svn = refused(fetch(&direct, "example.test/svn", "v1.0.0").await);
    assert!(svn.contains("GOVCS disallows using svn"), "{svn}");
    assert!(!place.asked_go().exists());

    // Nobody resolves vcs.test here, so a guard that is asked says that it cannot tell; an address says enough.
    place
        .domain
        .import("example.test/near", "hg", "https://127.0.0.1/r");
    let direct = place.direct(PRIVATE);
    refused(fetch(&direct, "example.test/near", "v1.0.0").await);
    let asked = fs::read_to_string(place.asked_go()).unwrap();
    assert_eq!(asked, "mod download -json -- example.test/near@v1.0.0\n");
}

#[tokio::test]
async fn a_mod_tag_leads_to_a_proxy() {
    let place = place!();
    place
        .domain
        .import("example.test/m", "mod", "https://proxy.test/go");
    let answer = fetch(&place.direct(PUBLIC), "example.test/m", "v1.0.0").await;
    assert!(matches!(answer, Err(UpstreamError::NotFound { reason }) if &*reason == "the proxy has nothing"));
    assert_eq!(*place.proxies.0.lock().unwrap(), ["https://proxy.test/go"]);
}

#[tokio::test]
async fn a_path_that_names_its_repository_is_tried_over_https_first() {
    let place = place!();
    let repository = place.host.repository("team/greet");
    release(&repository, "code.test/team/greet.git", "v1.0.0", 1_600_000_000);
    let direct = place.direct(PRIVATE);
    let fetched = fetch(&direct, "code.test/team/greet.git", "v1.0.0")
        .await
        .unwrap();
    assert_eq!(info(&fetched).origin.unwrap().url, "https://code.test/team/greet");
    // The address is remembered: no second listing to find out.
    place.host.forget();
    versions(&direct, "code.test/team/greet.git").await.unwrap();
    let listings = place
        .host
        .requests()
        .iter()
        .filter(|request| request.target.contains("info/refs"))
        .count();
    assert_eq!(listings, 1);
    for says in [PRIVATE, PUBLIC] {
        let absent = versions(&place.direct(says), "code.test/team/none.git").await;
        match (says.private, absent) {
            ("", Err(UpstreamError::NotFound { .. })) => {}
            // The git command would be needed to ask over ssh, and there is none.
            (_, Err(UpstreamError::Unsupported { .. })) => {}
            (private, other) => panic!("private {private:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_private_repository_opens_to_its_token() {
    let place = place!();
    let commit = release(
        &place.host.repository("team/greet"),
        "example.test/greet",
        "v1.0.0",
        1_600_000_000,
    );
    place
        .domain
        .import("example.test/greet", "git", "https://code.test/team/greet");
    place.host.require("stoa", "canary");
    let refused = fetch(&place.direct(PRIVATE), "example.test/greet", "v1.0.0").await;
    assert!(
        matches!(refused, Err(UpstreamError::Unavailable { .. })),
        "{refused:?}"
    );
    let table = |prefix| match prefix {
        "other" => "[[host]]\nprefix = \"code.test/other\"\nusername = \"stoa\"\ntoken = \"canary\"\n",
        _ => "[[host]]\nprefix = \"code.test/team\"\nusername = \"stoa\"\ntoken = \"canary\"\n",
    };
    let other = place.direct(Says {
        credentials: table("other"),
        ..PRIVATE
    });
    assert!(fetch(&other, "example.test/greet", "v1.0.0").await.is_err());
    assert!(
        place
            .host
            .requests()
            .iter()
            .all(|request| !request.headers.contains_key("authorization"))
    );
    let direct = place.direct(Says {
        credentials: table("team"),
        ..PRIVATE
    });
    let fetched = fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap();
    assert_eq!(info(&fetched).origin.unwrap().hash, Some(commit));
    assert!(!format!("{fetched:?} {direct:?}").contains("canary"));
}

/// Anybody's page can name a repository that only this server may read.
#[tokio::test]
async fn a_strangers_module_does_not_borrow_our_token() {
    let place = place!();
    let repository = place.host.repository("team/greet");
    release(&repository, "stranger.test/greet", "v1.0.0", 1_600_000_000);
    let names = |prefix, url| place.domain.import(prefix, "git", url);
    names("stranger.test/greet", "https://code.test/team/greet");
    names("stranger.test/keys", "ssh://git@code.test/team/greet");
    place.host.require("stoa", "canary");
    let public = Says {
        credentials: "[[host]]\nprefix = \"code.test\"\nusername = \"stoa\"\ntoken = \"canary\"\n",
        ..PUBLIC
    };
    let direct = place.direct(public);
    for module in ["stranger.test/greet", "stranger.test/keys"] {
        let refused = [
            versions(&direct, module).await.map(drop),
            fetch(&direct, module, "v1.0.0").await.map(drop),
        ];
        for refused in refused {
            match refused {
                Err(UpstreamError::Unavailable { reason, .. } | UpstreamError::Unsupported { reason }) => {
                    assert!(reason.contains("of upstream.private"), "{reason}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(!place.host.requests().is_empty());
    let shown = |place: &Place| {
        let requests = place.host.requests();
        requests
            .iter()
            .any(|request| request.headers.contains_key("authorization"))
    };
    assert!(!shown(&place));

    // The same repository is had by a module of its own host, and by one that is called private.
    let own = "code.test/team/greet.git";
    assert_eq!(versions(&direct, own).await.unwrap(), ["v1.0.0"]);
    assert!(shown(&place));
    let private = place.direct(Says {
        private: "stranger.test",
        ..public
    });
    fetch(&private, "stranger.test/greet", "v1.0.0").await.unwrap();
    // What came so is not for those to whom the host would have shown nothing.
    assert!(fetch(&direct, "stranger.test/greet", "v1.0.0").await.is_err());
}

#[tokio::test]
async fn a_401_is_not_found_only_if_the_page_says_so() {
    let place = place!();
    for (name, page) in [("absent", 404), ("shy", 401)] {
        place.domain.import(
            &format!("example.test/{name}"),
            "git",
            &format!("https://web.test/{name}"),
        );
        place
            .domain
            .page(&format!("web.test/{name}/info/refs"), 401, "who are you?");
        place.domain.page(&format!("web.test/{name}"), page, "");
    }
    let direct = place.direct(PUBLIC);
    let absent = versions(&direct, "example.test/absent").await;
    assert!(
        matches!(absent, Err(UpstreamError::NotFound { .. })),
        "{absent:?}"
    );
    let shy = versions(&direct, "example.test/shy").await;
    assert!(matches!(shy, Err(UpstreamError::Unavailable { .. })), "{shy:?}");
}

#[tokio::test]
async fn the_pinned_commit_is_served_even_when_its_tag_moved() {
    let place = place!();
    let repository = place.repository("example.test/greet");
    let first = release(&repository, "example.test/greet", "v1.0.0", 1_600_000_000);
    let direct = place.direct(PRIVATE);
    let pin = info(&fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap());
    let second = release(&repository, "example.test/greet", "v1.0.0", 1_600_000_999);
    assert_ne!(first, second);
    let context = FetchContext::default();
    let pinned = wanted("example.test/greet", "v1.0.0", Some(pin));
    let fetched = direct.fetch(&pinned, &context).await.unwrap();
    assert!(fetched.from.ends_with(&first), "{}", fetched.from);
    // Where nobody has that commit any more, both are named.
    repository.git(["reflog", "expire", "--expire=now", "--all"]);
    repository.git(["gc", "--quiet", "--prune=now"]);
    fs::remove_dir_all(place.folder.path().join("cache/git")).unwrap();
    match place.direct(PRIVATE).fetch(&pinned, &context).await {
        Err(UpstreamError::Moved { pinned, found, .. }) => {
            assert_eq!(
                (pinned.as_ref(), found.as_ref()),
                (first.as_str(), second.as_str())
            );
        }
        other => panic!("{other:?}"),
    }
}
