//! Mercurial, Subversion, Fossil and Bazaar, by the real `go` command and their own programs: the same module that `go`
//! alone makes.
//!
//! Bazaar's own successor, Breezy, is what systems have under its name; a branch needs no server of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use direct_fetch::{
    Environment, GoCommand, GoSettings, Limits,
    credentials::RepositoryCredentials,
    direct::{Direct, DirectParts, OpenProxy},
    discovery::{Discovery, DiscoverySettings, PageLifetimes, VcsRules},
    git::{Git, GitSettings, TransportChoice},
};
use http_client::{Client, Settings, Trust};
use proxy_core::{
    file::{Body, Kind},
    info::Info,
    module::{ModulePath, ModuleVersion, Patterns, Query},
    spool::Spool,
    sums::H1,
    upstream::{FetchContext, Incoming, Upstream, UpstreamError, Wanted},
    zip,
};
use std::{
    collections::HashMap,
    ffi::OsString,
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::{certificates::TestAuthority, git::FakeDomain, go, port::Port, skip_or_fail};

/// A made-up domain, and a folder for repositories and all that is written.
struct Place {
    folder: TempDir,
    domain: FakeDomain,
}

/// What the configuration says, and which programs there are.
struct Says<'a> {
    private: &'a str,
    vcs: &'a str,
    path: OsString,
}

/// A server of repositories; it ends when it is dropped.
struct Served {
    process: Child,
    port: Port,
}

#[derive(Debug)]
struct NoProxies;

impl OpenProxy for NoProxies {
    fn open(&self, _: &str, _: Trust) -> Result<Arc<dyn Upstream>, String> {
        Err("there are no proxies here".to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended before; then there is nothing to kill, and waiting only collects it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Served {
    /// Starts a server on a port of its own, and waits until it listens.
    fn start(command: impl FnOnce(&Port) -> Command) -> Self {
        let port = Port::reserve();
        let mut command = command(&port);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut served = Self {
            process: command.spawn().unwrap(),
            port,
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(served.port.address()).is_err() {
            assert!(served.process.try_wait().unwrap().is_none(), "the server ended");
            assert!(Instant::now() < deadline, "the server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        served
    }
}

impl Place {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            domain: FakeDomain::start(&TestAuthority::new()),
        }
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, content).unwrap();
        file
    }

    /// Runs a program of a version control system, without anybody's settings.
    fn run(&self, folder: &str, program: &str, arguments: &[&str]) {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.folder.path().join(folder))
            .env("HOME", self.folder.path())
            .env("HGRCPATH", "")
            .env("HGUSER", "Stoa Test <test@example.test>")
            .env("BRZ_EMAIL", "Stoa Test <test@example.test>");
        let output = command.output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {complaint}");
    }

    /// A Mercurial repository with two tagged versions and a commit more, served over http.
    fn mercurial(&self, path: &str) -> Served {
        self.file("hg/go.mod", &format!("module {path}\n\ngo 1.20\n"));
        self.file("hg/a.go", "package a\n");
        self.run("hg", "hg", &["init"]);
        self.run("hg", "hg", &["addremove", "--quiet"]);
        self.run("hg", "hg", &["commit", "-m", "one", "-d", "1600000000 0"]);
        self.run("hg", "hg", &["tag", "v1.0.0", "-d", "1600000100 0"]);
        self.file("hg/a.go", "package a\n\n// More.\n");
        self.run("hg", "hg", &["commit", "-m", "two", "-d", "1600000200 0"]);
        self.run("hg", "hg", &["tag", "v1.1.0", "-d", "1600000300 0"]);
        self.file("hg/a.go", "package a\n\n// Even more.\n");
        self.run("hg", "hg", &["commit", "-m", "three", "-d", "1600000400 0"]);
        let served = Served::start(|port| {
            let mut command = Command::new("hg");
            let number = port.number().to_string();
            command.args(["serve", "-a", "127.0.0.1", "-p", &number]);
            command
                .current_dir(self.folder.path().join("hg"))
                .env("HGRCPATH", "");
            command
        });
        let url = format!("http://{}/", served.port.address());
        self.domain.import(path, "hg", &url);
        served
    }

    /// A Subversion repository without tags, served by its own protocol.
    fn subversion(&self, path: &str) -> Served {
        self.file("import/trunk/go.mod", &format!("module {path}\n\ngo 1.20\n"));
        self.file("import/trunk/a.go", "package a\n");
        fs::create_dir_all(self.folder.path().join("import/tags")).unwrap();
        self.run(".", "svnadmin", &["create", "svn"]);
        let url = format!("file://{}/svn", self.folder.path().display());
        self.run(".", "svn", &["import", "--quiet", "-m", "one", "import", &url]);
        let served = Served::start(|port| {
            let mut command = Command::new("svnserve");
            let number = port.number().to_string();
            command.args([
                "--daemon",
                "--foreground",
                "--listen-host",
                "127.0.0.1",
                "--listen-port",
                &number,
            ]);
            command.arg("--root").arg(self.folder.path());
            command
        });
        let url = format!("svn://{}/svn/trunk", served.port.address());
        self.domain.import(path, "svn", &url);
        served
    }

    /// A Fossil repository, served over http.
    fn fossil(&self, path: &str) -> Served {
        let at = |second: u32| format!("2020-09-13T12:26:4{second}");
        self.file("fossil/go.mod", &format!("module {path}\n\ngo 1.20\n"));
        self.file("fossil/a.go", "package a\n");
        let init = ["init", "--date-override", &at(0), "--admin-user", "tester"];
        self.run(".", "fossil", &[&init[..], &["r.fossil"]].concat());
        self.run(
            "fossil",
            "fossil",
            &["open", "--force", "--user", "tester", "../r.fossil"],
        );
        self.run("fossil", "fossil", &["add", "--user", "tester", "go.mod", "a.go"]);
        let commit = |message: &str, date: &str, tag: &str| {
            let arguments = ["commit", "-m", message, "--date-override", date, "--tag", tag];
            let who = ["--user", "tester", "--no-warnings"];
            self.run("fossil", "fossil", &[&arguments[..], &who].concat());
        };
        commit("one", &at(1), "v1.0.0");
        self.file("fossil/a.go", "package a\n\n// More.\n");
        commit("two", &at(2), "later");
        let served = Served::start(|port| {
            let mut command = Command::new("fossil");
            let number = port.number().to_string();
            command.args(["server", "--localhost", "--port", &number, "r.fossil"]);
            command
                .current_dir(self.folder.path())
                .env("HOME", self.folder.path());
            command
        });
        let url = format!("http://{}/", served.port.address());
        self.domain.import(path, "fossil", &url);
        served
    }

    /// A Bazaar branch, served as files over http.
    fn bazaar(&self, path: &str) -> Served {
        self.file("bzr/go.mod", &format!("module {path}\n\ngo 1.20\n"));
        self.file("bzr/a.go", "package a\n");
        self.run("bzr", "bzr", &["init", "--quiet"]);
        self.run("bzr", "bzr", &["add", "--quiet"]);
        let commit = |message: &str, date: &str| {
            self.run(
                "bzr",
                "bzr",
                &["commit", "--quiet", "-m", message, "--commit-time", date],
            );
        };
        commit("one", "2020-09-13 12:26:40 +0000");
        self.run("bzr", "bzr", &["tag", "--quiet", "v1.0.0"]);
        self.file("bzr/a.go", "package a\n\n// More.\n");
        commit("two", "2020-09-13 12:26:41 +0000");
        let served = Served::start(|port| {
            let mut command = Command::new("python3");
            let number = port.number().to_string();
            command.args(["-m", "http.server", "--bind", "127.0.0.1", &number]);
            command.current_dir(self.folder.path());
            command
        });
        let url = format!("http://{}/bzr", served.port.address());
        self.domain.import(path, "bzr", &url);
        served
    }

    fn direct(&self, says: &Says<'_>) -> Direct {
        let variables = self.domain.environment();
        let environment: HashMap<_, _> = variables.iter().cloned().collect();
        let settings = Settings::from_lookup(|name| environment.get(name).cloned()).unwrap();
        let client = Client::new(&settings).unwrap();
        let spool = Spool::open(&self.folder.path().join("spool")).unwrap();
        let discovery = Discovery::new(DiscoverySettings {
            client: client.clone(),
            private: Patterns::parse(says.private).unwrap(),
            insecure: Patterns::parse("example.test").unwrap(),
            vcs: VcsRules::parse(says.vcs).unwrap(),
            lifetimes: PageLifetimes::default(),
        });
        let git = GitSettings {
            cache: self.folder.path().join("cache"),
            cache_limit: 1 << 30,
            program: "no-git-here".into(),
            environment: Vec::new(),
            silence: Duration::from_secs(60),
            duration: Duration::from_secs(120),
            growth: 1 << 30,
            unfolded: 1 << 30,
            transport: TransportChoice::Auto,
        };
        let machine = [
            ("PATH".into(), says.path.clone()),
            ("HOME".into(), self.folder.path().into()),
        ];
        let domain = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        let go = GoCommand::open(GoSettings {
            program: "go".into(),
            cache: self.folder.path().join("cache"),
            environment: Environment::select(machine.into_iter().chain(domain)),
            private: says.private.into(),
            insecure: "example.test".into(),
            vcs: says.vcs.into(),
            spool: spool.clone(),
            limits: Limits {
                // The programs are written in Python, and the machine may be busy.
                silence: Duration::from_secs(120),
                ..Limits::default()
            },
        });
        Direct::new(DirectParts {
            discovery,
            git: Git::open(git, client, spool).unwrap(),
            go: go.unwrap(),
            credentials: RepositoryCredentials::default(),
            proxies: Arc::new(NoProxies),
        })
    }

    /// A `go` that fetches directly too: the oracle.
    fn oracle(&self) -> go::GoCommand {
        let mut go = go::GoCommand::find().unwrap().proxy("direct");
        for (name, value) in self.domain.environment() {
            go = go.set(name, value);
        }
        // hg and svn are as deaf to the upper-case name as curl is.
        go.set("GOPRIVATE", "example.test")
            .set("GOINSECURE", "example.test")
            .set("no_proxy", "127.0.0.1")
            .set("HGRCPATH", "")
            .set("FOSSIL_USER", "tester")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests hand their own search path on to what they start"
)]
fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

fn is_here(program: &str) -> bool {
    std::env::split_paths(&search_path()).any(|folder| folder.join(program).is_file())
}

fn private() -> Says<'static> {
    Says {
        private: "example.test",
        vcs: "",
        path: search_path(),
    }
}

fn body(incoming: Option<Incoming>) -> Body {
    match incoming {
        Some(Incoming::Whole(body)) => body,
        other => panic!("not whole: {other:?}"),
    }
}

fn read(body: &Body) -> Vec<u8> {
    body.read_to_bytes().unwrap().to_vec()
}

/// Compares what both make of each query, and gives the versions that came of them.
async fn compare(place: &Place, direct: &Direct, module: &str, queries: &[&str]) -> Vec<String> {
    let (path, oracle) = (ModulePath::parse(module).unwrap(), place.oracle());
    let mut made = Vec::new();
    for query in queries {
        let theirs = oracle.succeed(
            oracle.home(),
            ["mod", "download", "-json", &format!("{module}@{query}")],
        );
        let theirs: serde_json::Value = serde_json::from_str(&theirs).unwrap();
        let field = |name: &str| theirs[name].as_str().unwrap().to_owned();
        let asked = match *query {
            "latest" => Query::Latest,
            other => Query::Revision(other.into()),
        };
        let context = FetchContext::default();
        let info = direct.resolve(&path, &asked, &context).await.unwrap();
        assert_eq!(info.version.as_str(), field("Version"), "{module}@{query}");
        let wanted = Wanted {
            module: ModuleVersion::new(path.clone(), info.version.clone()).unwrap(),
            kinds: Kind::ALL.to_vec(),
            pinned: Some(info),
        };
        let fetched = direct.fetch(&wanted, &context).await.unwrap();
        let (info, go_mod, zip) = (body(fetched.info), body(fetched.go_mod), body(fetched.zip));
        let sum = zip::check(&wanted.module, &zip).unwrap().h1;
        assert_eq!(sum, field("Sum").parse::<H1>().unwrap(), "{module}@{query}");
        assert_eq!(
            H1::of_go_mod(&read(&go_mod)),
            field("GoModSum").parse::<H1>().unwrap()
        );
        let theirs = Info::parse(&fs::read(field("Info")).unwrap()).unwrap();
        assert_eq!(Info::parse(&read(&info)).unwrap().to_json(), theirs.to_json());
        made.push(field("Version"));
    }
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn mercurial_is_fetched_by_the_go_command_for_private_modules() {
    if !is_here("hg") || go::GoCommand::find().is_none() {
        skip_or_fail!("there is no hg or no go here")
    }
    let place = Place::new();
    let served = place.mercurial("example.test/hg");
    let direct = place.direct(&private());
    let made = compare(&place, &direct, "example.test/hg", &["v1.0.0", "latest", "tip"]).await;
    assert_eq!(made[..2], ["v1.0.0", "v1.1.0"]);
    assert!(made[2].starts_with("v1.1.1-0.20200913123320-"), "{made:?}");
    let path = ModulePath::parse("example.test/hg").unwrap();
    let listed = direct.versions(&path, &FetchContext::default()).await.unwrap();
    assert_eq!(listed.len(), 2);
    let absent = direct
        .resolve(&path, &Query::Revision("v1.9.9".into()), &FetchContext::default())
        .await;
    assert!(
        matches!(absent, Err(UpstreamError::NotFound { .. })),
        "{absent:?}"
    );
    // What is not reached is trouble, not absence.
    drop(served);
    let away = place.direct(&Says {
        vcs: "example.test:hg",
        ..private()
    });
    fs::remove_dir_all(place.folder.path().join("cache/go")).unwrap();
    let trouble = away
        .resolve(&path, &Query::Revision("v1.0.0".into()), &FetchContext::default())
        .await;
    assert!(
        matches!(trouble, Err(UpstreamError::Unavailable { .. })),
        "{trouble:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn subversion_is_fetched_by_the_go_command_for_private_modules() {
    if !is_here("svn") || !is_here("svnserve") || go::GoCommand::find().is_none() {
        skip_or_fail!("there is no svn or no go here")
    }
    let place = Place::new();
    let served = place.subversion("example.test/svn");
    let direct = place.direct(&private());
    let made = compare(&place, &direct, "example.test/svn", &["latest"]).await;
    assert!(made[0].ends_with("-000000000001"), "{made:?}");
    let path = ModulePath::parse("example.test/svn").unwrap();
    let listed = direct.versions(&path, &FetchContext::default()).await.unwrap();
    assert!(listed.is_empty(), "{listed:?}");
    // go itself says so too of a host that is not there, and that there is no such revision.
    drop(served);
    let trouble = direct.versions(&path, &FetchContext::default()).await;
    assert!(
        matches!(trouble, Err(UpstreamError::Unavailable { .. })),
        "{trouble:?}"
    );
    let trouble = direct
        .resolve(&path, &Query::Latest, &FetchContext::default())
        .await;
    assert!(
        matches!(trouble, Err(UpstreamError::Unavailable { .. })),
        "{trouble:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fossil_is_fetched_by_the_go_command_for_private_modules() {
    if !is_here("fossil") || go::GoCommand::find().is_none() {
        skip_or_fail!("there is no fossil or no go here")
    }
    let place = Place::new();
    let served = place.fossil("example.test/fossil");
    let direct = place.direct(&private());
    let made = compare(
        &place,
        &direct,
        "example.test/fossil",
        &["latest", "trunk", "later"],
    )
    .await;
    assert!(made[0].starts_with("v0.0.0-20200913122642-"), "{made:?}");
    let path = ModulePath::parse("example.test/fossil").unwrap();
    // go does not know the tags of such a repository.
    let listed = direct.versions(&path, &FetchContext::default()).await.unwrap();
    assert!(listed.is_empty(), "{listed:?}");
    drop(served);
    fs::remove_dir_all(place.folder.path().join("cache/go")).unwrap();
    let trouble = direct
        .resolve(&path, &Query::Latest, &FetchContext::default())
        .await;
    assert!(
        matches!(trouble, Err(UpstreamError::Unavailable { .. })),
        "{trouble:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bazaar_is_fetched_by_the_go_command_for_private_modules() {
    if !is_here("bzr") || !is_here("python3") || go::GoCommand::find().is_none() {
        skip_or_fail!("there is no bzr, no python3 or no go here")
    }
    let place = Place::new();
    let served = place.bazaar("example.test/bzr");
    let direct = place.direct(&private());
    let made = compare(&place, &direct, "example.test/bzr", &["v1.0.0", "latest"]).await;
    assert_eq!(made, ["v1.0.0", "v1.0.0"]);
    let path = ModulePath::parse("example.test/bzr").unwrap();
    let listed = direct.versions(&path, &FetchContext::default()).await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    drop(served);
    fs::remove_dir_all(place.folder.path().join("cache/go")).unwrap();
    let trouble = direct
        .resolve(&path, &Query::Latest, &FetchContext::default())
        .await;
    assert!(
        matches!(trouble, Err(UpstreamError::Unavailable { .. })),
        "{trouble:?}"
    );
}

/// Which version control may be used is settled by rules, and so is what they refuse; a program that is not there is trouble.
#[tokio::test(flavor = "multi_thread")]
async fn rules_are_absence_and_missing_programs_trouble() {
    if go::GoCommand::find().is_none() {
        skip_or_fail!("there is no go here")
    }
    let place = Place::new();
    for vcs in ["hg", "svn", "fossil", "bzr"] {
        let path = format!("example.test/{vcs}");
        place.domain.import(&path, vcs, "https://127.0.0.1:9/r");
    }
    let asked = |says: Says<'static>, vcs: &str| {
        let (direct, path) = (place.direct(&says), format!("example.test/{vcs}"));
        async move {
            let path = ModulePath::parse(&path).unwrap();
            direct
                .versions(&path, &FetchContext::default())
                .await
                .unwrap_err()
        }
    };
    for (vcs, rules) in [
        ("hg", "private:git"),
        ("svn", "example.test/svn:off"),
        ("fossil", "private:git"),
    ] {
        let refused = asked(
            Says {
                vcs: rules,
                ..private()
            },
            vcs,
        )
        .await;
        let said = refused.to_string();
        assert!(
            matches!(refused, UpstreamError::NotFound { .. }) && said.contains("GOVCS disallows using"),
            "{vcs}: {said}"
        );
    }
    // A folder with go alone.
    let only_go = place.folder.path().join("only-go");
    fs::create_dir(&only_go).unwrap();
    let go = std::env::split_paths(&search_path())
        .map(|folder| folder.join("go"))
        .find(|go| go.is_file())
        .unwrap();
    std::os::unix::fs::symlink(go, only_go.join("go")).unwrap();
    for vcs in ["hg", "svn", "fossil"] {
        let path = Path::new(&only_go).into();
        match asked(Says { path, ..private() }, vcs).await {
            UpstreamError::Unsupported { reason } => {
                assert!(reason.contains(&format!("{vcs} is not installed")), "{reason}");
            }
            other => panic!("{vcs}: {other:?}"),
        }
    }
}
