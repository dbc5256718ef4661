//! One made-up domain with its repositories, asked by `go` and by us.

use super::DELIBERATE;
use direct_fetch::git::{Git, GitSettings, Place, Source, TransportChoice};
use http_client::{Client, Settings, Trust};
use proxy_core::{
    file::{Body, Kind},
    info::Info,
    module::{ModulePath, ModuleVersion, Query, Version},
    spool::Spool,
    sums::H1,
    upstream::{FetchContext, Incoming, UpstreamError, Wanted},
    zip,
};
use std::{fs, io::Read as _, sync::Arc, time::Duration};
use tempfile::TempDir;
use testkit::{
    certificates::TestAuthority,
    git::{FakeDomain, GitHost, Repository},
    go::GoCommand,
};

pub(crate) struct House {
    domain: FakeDomain,
    host: GitHost,
    go: GoCommand,
    /// By the git command, and by the built-in transport: both make the same.
    transports: [Git; 2],
    folder: TempDir,
    /// Each import path prefix with its repository and subfolder, longest first.
    roots: Vec<(String, String, String)>,
    differences: Vec<String>,
    compared: usize,
}

/// What one side makes of a version.
#[derive(Debug, PartialEq, Eq)]
struct Made {
    info: String,
    go_mod: H1,
    zip: H1,
}

impl House {
    /// `None` where `go` or git is missing.
    pub(crate) fn build() -> Option<Self> {
        testkit::git::is_here().then_some(())?;
        let authority = Arc::new(TestAuthority::new());
        let (domain, host, folder) = (
            FakeDomain::start(&authority),
            GitHost::start(),
            TempDir::new().unwrap(),
        );
        let mut go = GoCommand::find()?.proxy("direct").set("GIT_CONFIG_COUNT", "1");
        go = go
            .set("GIT_CONFIG_KEY_0", "core.attributesFile")
            .set("GIT_CONFIG_VALUE_0", "/dev/null");
        for (name, value) in domain.environment() {
            go = go.set(name, value);
        }
        let environment = go
            .environment()
            .iter()
            .filter(|(name, _)| name != "GOPROXY")
            .cloned()
            .collect();
        let settings = GitSettings {
            cache: folder.path().join("cache"),
            cache_limit: 1 << 30,
            program: "git".into(),
            environment,
            silence: Duration::from_secs(30),
            duration: Duration::from_secs(60),
            growth: 1 << 30,
            transport: TransportChoice::Command,
        };
        let spool = Spool::open(&folder.path().join("spool")).unwrap();
        let client = Client::new(&Settings::from_lookup(|_| None).unwrap()).unwrap();
        let built_in = GitSettings {
            cache: folder.path().join("built-in"),
            transport: TransportChoice::BuiltIn,
            ..settings.clone()
        };
        let transports =
            [settings, built_in].map(|settings| Git::open(settings, client.clone(), spool.clone()).unwrap());
        Some(Self {
            domain,
            host,
            go,
            transports,
            folder,
            roots: Vec::new(),
            differences: Vec::new(),
            compared: 0,
        })
    }

    /// A repository for everything below an import path.
    pub(crate) fn repository(&mut self, prefix: &str) -> Repository {
        self.repository_in(prefix, "")
    }

    /// The same, with a subfolder in its go-import tag.
    pub(crate) fn repository_in(&mut self, prefix: &str, subfolder: &str) -> Repository {
        let name = prefix.replace('/', "-");
        let repository = self.host.repository(&name);
        let url = self.host.repository_url(&name);
        let field = if subfolder.is_empty() {
            url.clone()
        } else {
            format!("{url} {subfolder}")
        };
        self.domain.import(prefix, "git", &field);
        self.roots.push((prefix.to_owned(), url, subfolder.to_owned()));
        self.roots
            .sort_by_key(|(prefix, ..)| std::cmp::Reverse(prefix.len()));
        repository
    }

    /// Compares what both make of each query of a module, and their lists.
    pub(crate) async fn compare(&mut self, path: &str, queries: &[&str]) {
        for query in queries {
            self.compare_query(path, query).await;
        }
        self.compare_lists(path).await;
    }

    pub(crate) async fn compare_query(&mut self, path: &str, query: &str) {
        self.compared += 1;
        if DELIBERATE
            .iter()
            .any(|(module, asked, _)| (*module, *asked) == (path, query))
        {
            for git in &self.transports {
                let ours = self.made_by_us(git, path, query).await;
                assert!(ours.is_ok(), "{path}@{query} is ours to serve");
            }
            return;
        }
        let theirs = self.made_by_go(path, query);
        for (git, transport) in self.transports.iter().zip(["command", "built in"]) {
            let ours = self.made_by_us(git, path, query).await;
            let agree = match (&ours, &theirs) {
                (Ok(ours), Ok(theirs)) => ours == theirs,
                // Whatever go refuses of a repository that was reached is settled.
                (Err(UpstreamError::NotFound { .. }), Err(_)) => true,
                _ => false,
            };
            if !agree {
                let difference =
                    format!("{path}@{query} ({transport})\n  ours:   {ours:?}\n  theirs: {theirs:?}");
                self.differences.push(difference);
            }
        }
    }

    async fn compare_lists(&mut self, path: &str) {
        let listed = self.go.run(
            self.folder.path(),
            ["list", "-m", "-versions", &format!("{path}@latest")],
        );
        if !listed.success {
            return; // Without a latest version go lists nothing.
        }
        self.compared += 1;
        let theirs: Vec<_> = listed
            .stdout
            .split_whitespace()
            .skip(1)
            .map(str::to_owned)
            .collect();
        let ours = self.transports[1]
            .versions(&self.source(path), &FetchContext::default())
            .await;
        // What the newest version takes back go leaves out of what it shows, not out of what it lists.
        let ours: Vec<_> = ours.unwrap().iter().map(ToString::to_string).collect();
        let missing: Vec<_> = theirs.iter().filter(|version| !ours.contains(version)).collect();
        let more = ours.iter().filter(|version| !theirs.contains(version)).count();
        if !missing.is_empty() || (more > 0 && !path.contains("retract")) {
            self.differences.push(format!(
                "versions of {path}\n  ours:   {ours:?}\n  theirs: {theirs:?}"
            ));
        }
    }

    /// Fails with every difference there was.
    pub(crate) fn agrees(self) {
        assert!(self.compared > 0);
        assert!(
            self.differences.is_empty(),
            "{} of {}:\n{}",
            self.differences.len(),
            self.compared,
            self.differences.join("\n")
        );
    }

    fn source(&self, path: &str) -> Source {
        let (root, url, subfolder) = self
            .roots
            .iter()
            .find(|(prefix, ..)| path == prefix || path.starts_with(&format!("{prefix}/")))
            .unwrap();
        let place = Place::new(ModulePath::parse(path).unwrap(), root, subfolder).unwrap();
        Source {
            url: url.clone(),
            place,
            trust: Trust::LearnedPrivate,
            unverified_tls: false,
            access: None,
        }
    }

    async fn made_by_us(&self, git: &Git, path: &str, query: &str) -> Result<Made, UpstreamError> {
        let (source, context) = (self.source(path), FetchContext::default());
        let version = Version::parse(query)
            .ok()
            .and_then(|version| ModuleVersion::new(source.place.path.clone(), version).ok());
        // A canonical version is fetched as it is; anything else is resolved first, as the mirror does.
        let (module, pinned) = match version {
            Some(module) => (module, None),
            None => {
                let query = if query == "latest" {
                    Query::Latest
                } else {
                    Query::Revision(query.into())
                };
                let info = git.resolve(&source, &query, &context).await?;
                let module = ModuleVersion::new(source.place.path.clone(), info.version.clone());
                (
                    module.map_err(|error| UpstreamError::malformed(error.to_string()))?,
                    Some(info),
                )
            }
        };
        let wanted = Wanted {
            module: module.clone(),
            kinds: Kind::ALL.to_vec(),
            pinned: pinned.clone(),
        };
        let fetched = git.fetch(&source, &wanted, &context).await?;
        let info = match pinned {
            Some(info) => info,
            None => Info::parse(&read(fetched.info)).unwrap(),
        };
        let zip = body(fetched.zip);
        let zip = tokio::task::spawn_blocking(move || zip::check(&module, &zip).unwrap().h1)
            .await
            .unwrap();
        Ok(Made {
            info: String::from_utf8(info.to_json()).unwrap(),
            go_mod: H1::of_go_mod(&read(fetched.go_mod)),
            zip,
        })
    }

    fn made_by_go(&self, path: &str, query: &str) -> Result<Made, String> {
        // What go answers depends on what it has cloned before; we answer as a fresh clone does.
        self.go.forget_modules();
        let ran = self.go.run(
            self.folder.path(),
            ["mod", "download", "-json", &format!("{path}@{query}")],
        );
        let answer: serde_json::Value = serde_json::from_str(&ran.stdout).map_err(|_| ran.stderr.clone())?;
        let field = |name: &str| answer[name].as_str().map(str::to_owned);
        if let Some(error) = field("Error") {
            return Err(error);
        }
        Ok(Made {
            info: fs::read_to_string(field("Info").unwrap()).unwrap(),
            go_mod: field("GoModSum").unwrap().parse().unwrap(),
            zip: field("Sum").unwrap().parse().unwrap(),
        })
    }
}

fn body(incoming: Option<Incoming>) -> Body {
    match incoming {
        Some(Incoming::Whole(body)) => body,
        other => panic!("not whole: {other:?}"),
    }
}

fn read(incoming: Option<Incoming>) -> Vec<u8> {
    let mut bytes = Vec::new();
    body(incoming).open().read_to_end(&mut bytes).unwrap();
    bytes
}
