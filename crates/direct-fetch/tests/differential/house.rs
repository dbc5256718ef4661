//! One made-up domain with its repositories, asked by `go` and by us.

use super::{DELIBERATE, DELIBERATE_LISTS, DELIBERATE_REFUSALS};
use direct_fetch::{
    credentials::Shown,
    git::{Git, GitSettings, Place, Source, TransportChoice},
};
use futures::{StreamExt as _, stream};
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
use std::{collections::HashMap, fs, io::Read as _, sync::Arc, time::Duration};
use tempfile::TempDir;
use testkit::{
    certificates::TestAuthority,
    git::{FakeDomain, GitHost, Repository},
    go::GoCommand,
};

/// How many questions go into one command: its arguments may not be too long.
const MOST_QUESTIONS: usize = 400;

pub(crate) struct House {
    domain: FakeDomain,
    host: GitHost,
    go: GoCommand,
    /// By the git command, and by the built-in transport: both make the same.
    transports: [Git; 2],
    folder: TempDir,
    /// Each import path prefix with its repository and subfolder, longest first.
    roots: Vec<(String, String, String)>,
    questions: Vec<Question>,
    lists: Vec<String>,
    /// The rows of the checklist that what is set up now is a case of.
    rows: &'static str,
}

/// A module path and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Question {
    path: String,
    query: String,
    rows: &'static str,
}

/// How much was compared.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Compared {
    /// Questions put to both.
    pub(crate) questions: usize,
    /// Of these, those that both answered with a version.
    pub(crate) versions: usize,
}

/// What one side makes of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
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
            silence: Duration::from_secs(120),
            duration: Duration::from_secs(600),
            growth: 1 << 30,
            unfolded: 64 << 30,
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
            questions: Vec::new(),
            lists: Vec::new(),
            rows: "",
        })
    }

    /// What follows is a case of these rows of the checklist; a difference is told with them.
    pub(crate) fn rows(&mut self, rows: &'static str) {
        self.rows = rows;
    }

    /// A repository for everything below an import path.
    pub(crate) fn repository(&mut self, prefix: &str) -> Repository {
        self.repository_in(prefix, "")
    }

    /// Makes another import path lead to a repository that there is.
    pub(crate) fn also(&mut self, prefix: &str, of: &str) {
        let url = self.host.repository_url(&of.replace('/', "-"));
        self.domain.import(prefix, "git", &url);
        self.roots.push((prefix.to_owned(), url, String::new()));
        self.roots
            .sort_by_key(|(prefix, ..)| std::cmp::Reverse(prefix.len()));
    }

    /// The same by another way to write the address of its repository.
    pub(crate) fn also_written(&mut self, prefix: &str, of: &str, write: impl FnOnce(&str) -> String) {
        let url = write(&self.host.repository_url(&of.replace('/', "-")));
        self.domain.import(prefix, "git", &url);
        self.roots.push((prefix.to_owned(), url, String::new()));
        self.roots
            .sort_by_key(|(prefix, ..)| std::cmp::Reverse(prefix.len()));
    }

    /// One whose objects are named by SHA-256, `None` where git is too old.
    pub(crate) fn repository_of_sha256(&mut self, prefix: &str) -> Option<Repository> {
        let folder = self.host.folder().join(prefix.replace('/', "-"));
        let made = std::process::Command::new("git")
            .args(["init", "--quiet", "--bare", "--object-format=sha256"])
            .arg(folder)
            .status();
        made.unwrap().success().then(|| self.repository(prefix))
    }

    /// One with a subfolder in its go-import tag.
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

    /// Will compare what both make of each query of a module, and their lists.
    pub(crate) fn compare(&mut self, path: &str, queries: &[&str]) {
        for query in queries {
            self.compare_query(path, query);
        }
        self.lists.push(path.to_owned());
    }

    /// Will compare what both make of one query.
    pub(crate) fn compare_query(&mut self, path: &str, query: &str) {
        let question = Question {
            path: path.to_owned(),
            query: query.to_owned(),
            rows: self.rows,
        };
        let asked = |other: &Question| (&other.path, &other.query) == (&question.path, &question.query);
        if !self.questions.iter().any(asked) {
            self.questions.push(question);
        }
    }

    /// Puts every question to both, and fails with every difference.
    pub(crate) async fn agrees(self) -> Compared {
        let (compared, differences) = self.differences().await;
        assert!(compared.questions > 0);
        assert!(
            differences.is_empty(),
            "{} of {}:\n{}",
            differences.len(),
            compared.questions,
            differences.join("\n")
        );
        compared
    }

    /// Puts every question to both, and gives how many there were and every difference.
    pub(crate) async fn differences(&self) -> (Compared, Vec<String>) {
        let mut compared = Compared::default();
        let mut differences = self.different_lists().await;
        compared.questions += self.lists.len();
        let (deliberate, questions): (Vec<_>, Vec<_>) =
            self.questions.iter().cloned().partition(Question::is_deliberate);
        for question in &deliberate {
            for git in &self.transports {
                let ours = self.made_by_us(git, question).await;
                assert!(ours.is_ok(), "{question:?} is ours to serve: {ours:?}");
            }
        }
        for questions in questions.chunks(MOST_QUESTIONS) {
            let theirs = self.all_made_by_go(questions);
            let ours = stream::iter(questions)
                .map(|question| async move {
                    let [command, built_in] = &self.transports;
                    let made = futures::join!(
                        self.made_by_us(command, question),
                        self.made_by_us(built_in, question)
                    );
                    [made.0, made.1]
                })
                .buffered(4)
                .collect::<Vec<_>>()
                .await;
            for ((question, mut theirs), ours) in questions.iter().zip(theirs).zip(&ours) {
                compared.questions += 1;
                let agree = |theirs: &Result<Made, String>| {
                    ours.iter().all(|ours| match (ours, theirs) {
                        (Ok(ours), Ok(theirs)) => ours == theirs,
                        // Whatever go refuses of a repository that was reached is settled.
                        (Err(UpstreamError::NotFound { .. }), Err(_)) => true,
                        (Err(UpstreamError::Unsupported { reason }), Ok(_)) => is_deliberate_refusal(reason),
                        (Ok(_), Err(theirs)) => question.query == "latest" && is_deliberate_for_lists(theirs),
                        _ => false,
                    })
                };
                // What go answers may depend on what it has cloned before; we answer as a fresh clone does.
                if !agree(&theirs) {
                    self.go.forget_modules();
                    theirs = self.made_by_go(question);
                }
                if !agree(&theirs) {
                    let Question { path, query, rows } = question;
                    let [command, built_in] = ours;
                    differences.push(format!(
                        "{path}@{query} ({rows})\n  command:  {command:?}\n  built in: {built_in:?}\n  go:       {theirs:?}"
                    ));
                } else if theirs.is_ok() {
                    compared.versions += 1;
                }
            }
        }
        (compared, differences)
    }

    async fn different_lists(&self) -> Vec<String> {
        if self.lists.is_empty() {
            return Vec::new();
        }
        let mut arguments = vec!["list", "-m", "-e", "-versions", "-retracted", "-json"];
        arguments.extend(self.lists.iter().map(String::as_str));
        let listed = self.go.run(self.folder.path(), arguments);
        let mut theirs = HashMap::new();
        for answer in serde_json::Deserializer::from_str(&listed.stdout).into_iter::<serde_json::Value>() {
            let answer = answer.unwrap();
            let versions: Vec<_> = answer["Versions"]
                .as_array()
                .into_iter()
                .flatten()
                .cloned()
                .collect();
            let versions = versions
                .iter()
                .map(|version| version.as_str().unwrap().to_owned());
            let error = answer["Error"]["Err"].as_str().map(str::to_owned);
            theirs.insert(
                answer["Path"].as_str().unwrap().to_owned(),
                error.map_or_else(|| Ok(versions.collect::<Vec<_>>()), Err),
            );
        }
        let mut differences = Vec::new();
        for path in &self.lists {
            let theirs = theirs
                .get(path)
                .unwrap_or_else(|| panic!("no list of {path}: {listed}"));
            for git in &self.transports {
                let ours = git.versions(&self.source(path), &FetchContext::default()).await;
                let ours = ours.map(|ours| ours.iter().map(ToString::to_string).collect::<Vec<_>>());
                let agree = match (&ours, theirs) {
                    (Ok(ours), Ok(theirs)) => ours == theirs,
                    (Err(UpstreamError::NotFound { .. }), Err(_)) => true,
                    (Ok(_), Err(theirs)) => is_deliberate_for_lists(theirs),
                    _ => false,
                };
                if !agree {
                    differences.push(format!(
                        "versions of {path}\n  ours: {ours:?}\n  go:   {theirs:?}"
                    ));
                }
            }
        }
        differences
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
            shown: Shown::Own,
        }
    }

    async fn made_by_us(&self, git: &Git, question: &Question) -> Result<Made, UpstreamError> {
        let Question { path, query, .. } = question;
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
                    Query::Revision(query.as_str().into())
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

    /// Puts many questions in one command, which saves most of the time: a repository is then cloned once.
    fn all_made_by_go(&self, questions: &[Question]) -> Vec<Result<Made, String>> {
        let arguments = questions
            .iter()
            .map(|Question { path, query, .. }| format!("{path}@{query}"));
        let ran = self.go.run(
            self.folder.path(),
            ["mod", "download", "-json"]
                .map(str::to_owned)
                .into_iter()
                .chain(arguments),
        );
        let answers = serde_json::Deserializer::from_str(&ran.stdout)
            .into_iter()
            .map(Result::unwrap);
        let answers: Vec<_> = answers.map(made).collect();
        if answers.len() == questions.len() {
            return answers;
        }
        // One of them ended the command.
        questions
            .iter()
            .map(|question| self.made_by_go(question))
            .collect()
    }

    fn made_by_go(&self, Question { path, query, .. }: &Question) -> Result<Made, String> {
        let ran = self.go.run(
            self.folder.path(),
            ["mod", "download", "-json", &format!("{path}@{query}")],
        );
        made(serde_json::from_str(&ran.stdout).map_err(|_| ran.stderr.clone())?)
    }
}

impl Question {
    fn is_deliberate(&self) -> bool {
        DELIBERATE
            .iter()
            .any(|(path, query, _)| (*path, *query) == (self.path.as_str(), self.query.as_str()))
    }
}

fn is_deliberate_refusal(reason: &str) -> bool {
    DELIBERATE_REFUSALS
        .iter()
        .any(|(words, _)| reason.contains(words))
}

fn is_deliberate_for_lists(refusal: &str) -> bool {
    DELIBERATE_LISTS.iter().any(|(words, _)| refusal.contains(words))
}

/// Reads an answer of `go mod download -json`.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what an iterator of answers gives"
)]
fn made(answer: serde_json::Value) -> Result<Made, String> {
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
