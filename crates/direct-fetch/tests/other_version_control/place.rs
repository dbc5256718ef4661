//! A place with repositories of each kind, their servers, and both sides that fetch from them.

use direct_fetch::{
    Environment, GoCommand, GoSettings, Limits,
    credentials::RepositoryCredentials,
    direct::{Direct, DirectParts, OpenProxy},
    discovery::{Discovery, DiscoverySettings, PageLifetimes, VcsRules},
    git::{Git, GitSettings, TransportChoice},
};
use http_client::{Client, Settings, Trust};
use proxy_core::{module::Patterns, spool::Spool, upstream::Upstream};
use std::{
    collections::HashMap,
    ffi::OsString,
    fs,
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::{certificates::TestAuthority, git::FakeDomain, go, port::Port};

/// A made-up domain, and a folder for repositories and all that is written.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) domain: FakeDomain,
}

/// What the configuration says, and which programs there are.
pub(crate) struct Says<'a> {
    pub(crate) private: &'a str,
    pub(crate) vcs: &'a str,
    pub(crate) path: OsString,
}

/// A server of repositories; it ends when it is dropped.
pub(crate) struct Served {
    process: Child,
    port: Port,
}

#[derive(Debug)]
struct NoProxies;

impl OpenProxy for NoProxies {
    fn open(&self, _: &str, _: Trust, _: bool) -> Result<Arc<dyn Upstream>, String> {
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
    pub(crate) fn new() -> Self {
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
    pub(crate) fn mercurial(&self, path: &str) -> Served {
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
    pub(crate) fn subversion(&self, path: &str) -> Served {
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
    pub(crate) fn fossil(&self, path: &str) -> Served {
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
    pub(crate) fn bazaar(&self, path: &str) -> Served {
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

    pub(crate) fn direct(&self, says: &Says<'_>) -> Direct {
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
    pub(crate) fn oracle(&self) -> go::GoCommand {
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
pub(crate) fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

pub(crate) fn is_here(program: &str) -> bool {
    std::env::split_paths(&search_path()).any(|folder| folder.join(program).is_file())
}

pub(crate) fn private() -> Says<'static> {
    Says {
        private: "example.test",
        vcs: "",
        path: search_path(),
    }
}
