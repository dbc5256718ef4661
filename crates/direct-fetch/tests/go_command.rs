//! `direct` by the real `go` and git, against hosts on loopback.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use direct_fetch::{Environment, GoCommand, GoSettings, Limits, credentials::RepositoryCredentials};
use proxy_core::{
    file::{Body, Kind},
    info::Info,
    module::{ModulePath, ModuleVersion, Query, Version},
    spool::Spool,
    upstream::{FetchContext, Fetched, Incoming, Upstream, UpstreamError, Wanted},
};
use std::{
    collections::HashMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use testkit::{
    certificates::TestAuthority,
    git::{Commit, FakeDomain, GitHost, Repository},
    module::Module,
    skip_or_fail,
};

/// A git host under a made-up domain, and a `direct` that reaches it.
struct Place {
    folder: TempDir,
    domain: FakeDomain,
    host: GitHost,
}

impl Place {
    fn new() -> Option<Self> {
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
    fn repository(&self, prefix: &str) -> Repository {
        let name = prefix.replace('/', "-");
        let repository = self.host.repository(&name);
        self.domain
            .import(prefix, "git", &self.host.repository_url(&name));
        repository
    }

    fn settings(&self) -> GoSettings {
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

    fn direct(&self) -> GoCommand {
        GoCommand::open(self.settings()).unwrap()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests hand their own search path on to what they start"
)]
fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap()
}

fn path(text: &str) -> ModulePath {
    ModulePath::parse(text).unwrap()
}

fn query(text: &str) -> Query {
    if text == "latest" {
        Query::Latest
    } else {
        Query::Revision(text.into())
    }
}

fn wanted(module: &str, version: &str, kinds: &[Kind], pinned: Option<Info>) -> Wanted {
    let module = ModuleVersion::new(path(module), Version::parse(version).unwrap()).unwrap();
    Wanted {
        module,
        kinds: kinds.to_vec(),
        pinned,
    }
}

async fn fetch(direct: &GoCommand, module: &str, version: &str) -> Result<Fetched, UpstreamError> {
    direct
        .fetch(
            &wanted(module, version, &Kind::ALL, None),
            &FetchContext::default(),
        )
        .await
}

async fn resolve(direct: &GoCommand, module: &str, text: &str) -> Result<Info, UpstreamError> {
    direct
        .resolve(&path(module), &query(text), &FetchContext::default())
        .await
}

async fn versions(direct: &GoCommand, module: &str) -> Result<Vec<String>, UpstreamError> {
    let versions = direct.versions(&path(module), &FetchContext::default()).await?;
    Ok(versions.iter().map(ToString::to_string).collect())
}

fn whole(file: Option<Incoming>) -> Body {
    match file {
        Some(Incoming::Whole(body)) => body,
        other => panic!("no finished file: {other:?}"),
    }
}

fn text(file: Option<Incoming>) -> String {
    String::from_utf8(whole(file).read_to_bytes().unwrap().to_vec()).unwrap()
}

/// Two tagged versions and one commit more on `main`; gives the three hashes.
fn releases(repository: &Repository, module: &str) -> [String; 3] {
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
        match Place::new() {
            Some(place) => place,
            None => skip_or_fail!("there is no go command or no git http-backend here"),
        }
    };
}

#[tokio::test]
async fn a_version_comes_with_all_its_files_and_leaves_only_its_clone() {
    let place = place!();
    let [first, ..] = releases(&place.repository("example.test/greet"), "example.test/greet");
    let direct = place.direct();
    let fetched = fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap();
    let info = text(fetched.info);
    let origin = place.host.repository_url("example.test-greet");
    assert_eq!(
        info,
        format!(
            r#"{{"Version":"v1.0.0","Time":"2020-09-13T12:26:40Z","Origin":{{"VCS":"git","URL":"{origin}","Hash":"{first}","Ref":"refs/tags/v1.0.0"}}}}"#
        )
    );
    assert_eq!(text(fetched.go_mod), "module example.test/greet\n\ngo 1.21\n");
    assert_eq!(&whole(fetched.zip).read_to_bytes().unwrap()[..2], b"PK");
    assert_eq!(fetched.from, format!("{origin} at {first}"));

    let left = files_below(&place.folder.path().join("cache/go"));
    assert!(
        left.iter().any(|file| file.contains("cache/vcs")),
        "the clone stays: {left:?}"
    );
    let zips: Vec<_> = left
        .iter()
        .filter(|file| file.contains(".zip") || file.ends_with("greet.go"))
        .collect();
    assert!(zips.is_empty(), "neither zip nor unpacked tree stays: {zips:?}");
    assert!(
        !place.folder.path().join("home/.config").exists(),
        "nothing is written into the home folder"
    );
}

fn files_below(folder: &Path) -> Vec<String> {
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

#[tokio::test]
async fn a_cache_folder_may_be_named_from_the_working_folder() {
    let place = place!();
    releases(&place.repository("example.test/greet"), "example.test/greet");
    let here = std::env::current_dir().unwrap();
    let up = here.components().skip(1).map(|_| "..").collect::<PathBuf>();
    let cache = up
        .join(place.folder.path().strip_prefix("/").unwrap())
        .join("relative");
    assert!(cache.is_relative());
    let direct = GoCommand::open(GoSettings {
        cache,
        ..place.settings()
    })
    .unwrap();
    fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap();
}

#[tokio::test]
async fn a_second_version_and_the_zip_after_the_mod_use_the_same_clone() {
    let place = place!();
    releases(&place.repository("example.test/greet"), "example.test/greet");
    let direct = place.direct();
    let only_mod = wanted("example.test/greet", "v1.1.0", &[Kind::Mod], None);
    let fetched = direct.fetch(&only_mod, &FetchContext::default()).await.unwrap();
    assert!(fetched.zip.is_none(), "no zip is made for a .mod");
    let info = Info::parse(text(fetched.info).as_bytes()).unwrap();
    place.host.unplug();
    let zip = wanted("example.test/greet", "v1.1.0", &[Kind::Zip], Some(info));
    let fetched = direct.fetch(&zip, &FetchContext::default()).await.unwrap();
    assert!(whole(fetched.zip).size() > 0, "the clone had it already");
}

#[tokio::test]
async fn a_damaged_clone_heals_with_the_next_question() {
    let place = place!();
    releases(&place.repository("example.test/greet"), "example.test/greet");
    let direct = place.direct();
    fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap();
    let objects = files_below(&place.folder.path().join("cache/go"));
    let objects: Vec<_> = objects
        .iter()
        .filter(|file| file.contains("cache/vcs") && file.contains("/objects/"))
        .collect();
    assert!(!objects.is_empty());
    for object in objects {
        executable(Path::new(object));
        fs::write(object, "damaged").unwrap();
    }
    // The .info that go remembers names a commit that it can no longer read.
    let damaged = fetch(&direct, "example.test/greet", "v1.0.0").await;
    assert!(
        matches!(damaged, Err(UpstreamError::Unavailable { .. })),
        "{damaged:?}"
    );
    let healed = async {
        while fetch(&direct, "example.test/greet", "v1.0.0").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), healed)
        .await
        .unwrap();
}

#[tokio::test]
async fn queries_lists_and_latest() {
    let place = place!();
    let repository = place.repository("example.test/greet");
    let [first, second, third] = releases(&repository, "example.test/greet");
    let direct = place.direct();
    let module = "example.test/greet";
    let branch = resolve(&direct, module, "main").await.unwrap();
    assert_eq!(
        branch.version.as_str(),
        format!("v1.1.1-0.20200913123000-{}", &third[..12])
    );
    assert_eq!(branch.origin.unwrap().hash, Some(third));
    assert_eq!(
        resolve(&direct, module, "latest").await.unwrap().version.as_str(),
        "v1.1.0"
    );
    assert_eq!(
        resolve(&direct, module, "v1.0").await.unwrap().version.as_str(),
        "v1.0.0"
    );
    assert_eq!(
        resolve(&direct, module, &first[..12])
            .await
            .unwrap()
            .version
            .as_str(),
        "v1.0.0"
    );
    assert_eq!(
        resolve(&direct, module, &second).await.unwrap().version.as_str(),
        "v1.1.0"
    );
    assert_eq!(versions(&direct, module).await.unwrap(), ["v1.0.0", "v1.1.0"]);
    let empty = place.repository("example.test/untagged");
    empty.commit(
        "main",
        &Commit::at(1_600_000_000).module(&Module::new("example.test/untagged", "x"), ""),
    );
    assert_eq!(versions(&direct, "example.test/untagged").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn what_a_reached_origin_settles_is_not_found_in_gos_own_words() {
    let place = place!();
    releases(&place.repository("example.test/greet"), "example.test/greet");
    place
        .domain
        .import("example.test/gone", "git", &place.host.repository_url("gone"));
    place
        .domain
        .page("example.test/bare", 200, "<html><head></head></html>");
    place.domain.page("example.test/none", 404, "no");
    place
        .domain
        .import("example.test/svn", "svn", "https://svn.test/x");
    let direct = place.direct();
    for (module, version, said) in [
        ("example.test/greet", "v1.9.9", "unknown revision v1.9.9"),
        ("example.test/greet/v2", "v2.0.0", "unknown revision"),
        (
            "example.test/greet",
            "v0.0.0-20200101000000-0123456789ab",
            "unknown revision",
        ),
        ("example.test/gone", "v1.0.0", "not found"),
        ("example.test/bare", "v1.0.0", "no go-import meta tags"),
        ("example.test/none", "v1.0.0", "404 Not Found"),
        ("example.test/svn", "v1.0.0", "GOVCS disallows using svn"),
        ("github.com/o", "v1.0.0", "invalid github.com import path"),
    ] {
        for kinds in [&Kind::ALL[..], &[Kind::Mod]] {
            let wanted = wanted(module, version, kinds, None);
            match direct.fetch(&wanted, &FetchContext::default()).await {
                Err(UpstreamError::NotFound { reason }) => {
                    assert!(reason.contains(said) && reason.contains(module), "{reason}");
                    assert!(
                        !reason.contains(place.folder.path().to_str().unwrap()),
                        "{reason}"
                    );
                }
                other => panic!("{module}@{version}: {other:?}"),
            }
        }
    }
    assert!(matches!(
        resolve(&direct, "example.test/greet", "nobranch").await,
        Err(UpstreamError::NotFound { .. })
    ));
    assert!(matches!(
        versions(&direct, "example.test/gone").await,
        Err(UpstreamError::NotFound { .. })
    ));
}

#[tokio::test]
async fn what_was_not_reached_is_never_not_found() {
    let place = place!();
    releases(&place.repository("example.test/greet"), "example.test/greet");
    place.repository("example.test/locked");
    for (path, status) in [
        ("example.test/broken", 500),
        ("example.test/shut", 403),
        ("example.test/many", 429),
    ] {
        place.domain.page(path, status, "no");
    }
    let direct = place.direct();
    let unavailable = |result: Result<Fetched, UpstreamError>, what: &str| match result {
        Err(UpstreamError::Unavailable { reason, .. }) => reason,
        other => panic!("{what}: {other:?}"),
    };
    for module in [
        "example.test/broken",
        "example.test/shut",
        "example.test/many",
        "nowhere.test/m",
        "nowhere.test/m.git",
    ] {
        unavailable(fetch(&direct, module, "v1.0.0").await, module);
    }
    place.host.unplug();
    let said = unavailable(fetch(&direct, "example.test/greet", "v1.0.0").await, "unplugged");
    assert!(said.contains("onnect"), "{said}");
    let list = versions(&direct, "example.test/greet").await;
    assert!(matches!(list, Err(UpstreamError::Unavailable { .. })), "{list:?}");
    let query = resolve(&direct, "example.test/greet", "main").await;
    assert!(
        matches!(query, Err(UpstreamError::Unavailable { .. })),
        "{query:?}"
    );
    place.host.plug();
    assert!(
        fetch(&direct, "example.test/greet", "v1.0.0").await.is_ok(),
        "trouble passes"
    );
}

#[tokio::test]
async fn a_401_is_not_found_only_if_the_page_of_the_repository_says_so() {
    let place = place!();
    for (name, page) in [("absent", 404), ("private", 200), ("shy", 401)] {
        place.domain.import(
            &format!("example.test/{name}"),
            "git",
            &format!("https://code.test/{name}"),
        );
        place
            .domain
            .page(&format!("code.test/{name}/info/refs"), 401, "who are you?");
        place.domain.page(&format!("code.test/{name}"), page, "");
    }
    let environment: HashMap<_, _> = place.domain.environment().into_iter().collect();
    let settings = http_client::Settings::from_lookup(|name| environment.get(name).cloned()).unwrap();
    let direct = place
        .direct()
        .asking_pages(http_client::Client::new(&settings).unwrap());
    let absent = fetch(&direct, "example.test/absent", "v1.0.0").await;
    assert!(
        matches!(absent, Err(UpstreamError::NotFound { .. })),
        "{absent:?}"
    );
    let again = versions(&direct, "example.test/absent").await;
    assert!(
        matches!(again, Err(UpstreamError::NotFound { .. })),
        "where go names no address: {again:?}"
    );
    for name in ["private", "shy"] {
        let trouble = fetch(&direct, &format!("example.test/{name}"), "v1.0.0").await;
        assert!(
            matches!(trouble, Err(UpstreamError::Unavailable { .. })),
            "{name}: {trouble:?}"
        );
    }
    let unasked = fetch(&place.direct(), "example.test/absent", "v1.0.0").await;
    assert!(
        matches!(unasked, Err(UpstreamError::Unavailable { .. })),
        "{unasked:?}"
    );
}

#[tokio::test]
async fn a_private_repository_is_fetched_with_its_token_and_nobody_else_sees_it() {
    let place = place!();
    let authority = TestAuthority::new();
    let host = GitHost::start_tls(&authority);
    let repository = host.repository("team/greet");
    releases(&repository, "example.test/greet");
    host.require("stoa", "canary");
    place
        .domain
        .import("example.test/greet", "git", &host.repository_url("team/greet"));
    // git must trust both authorities: that of the host alone is enough, since go asks for the page.
    let roots = place.folder.path().join("git.pem");
    authority.write_pem(&roots).unwrap();
    let settings = || {
        let mut settings = place.settings();
        let domain = place
            .domain
            .environment()
            .into_iter()
            .filter(|(name, _)| *name != "GIT_SSL_CAINFO");
        let domain = domain.map(|(name, value)| (name.into(), value.into()));
        let own = [
            ("PATH".into(), search_path()),
            ("GIT_SSL_CAINFO".into(), roots.clone().into()),
        ];
        settings.environment = Environment::select(domain.chain(own));
        settings
    };
    let refused = fetch(
        &GoCommand::open(settings()).unwrap(),
        "example.test/greet",
        "v1.0.0",
    )
    .await;
    assert!(
        matches!(refused, Err(UpstreamError::Unavailable { .. })),
        "{refused:?}"
    );

    let file = place.folder.path().join("credentials.toml");
    let prefix = host.url().trim_start_matches("https://").to_owned();
    let table =
        |prefix: &str| format!("[[host]]\nprefix = \"{prefix}\"\nusername = \"stoa\"\ntoken = \"canary\"\n");
    fs::write(&file, table(&format!("{prefix}/other"))).unwrap();
    let credentials = RepositoryCredentials::open(&file, std::sync::Arc::new(|_| None)).unwrap();
    let direct = GoCommand::open(settings()).unwrap().with_credentials(credentials);
    let refused = fetch(&direct, "example.test/greet", "v1.0.0").await;
    assert!(
        matches!(&refused, Err(error) if !error.to_string().contains("canary")),
        "{refused:?}"
    );
    assert!(
        host.requests()
            .iter()
            .all(|request| !request.headers.contains_key("authorization")),
        "not its prefix"
    );

    // The file is read again, without a restart.
    fs::write(&file, table(&format!("{prefix}/team"))).unwrap();
    let fetched = fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap();
    assert!(!format!("{fetched:?} {direct:?}").contains("canary"));
    let left = files_below(&place.folder.path().join("cache"));
    let canary = |file: &String| {
        fs::read(file)
            .unwrap()
            .windows(6)
            .any(|window| window == b"canary")
    };
    assert!(!left.iter().any(canary), "no clone remembers the token");
}

#[tokio::test]
async fn a_dead_host_is_given_up_after_silence() {
    let place = place!();
    // It accepts connections (the backlog does) and never answers.
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    place.domain.import(
        "example.test/dead",
        "git",
        &format!("http://{}/dead", dead.local_addr().unwrap()),
    );
    let limits = Limits {
        silence: Duration::from_secs(2),
        ..Limits::default()
    };
    let direct = GoCommand::open(GoSettings {
        limits,
        ..place.settings()
    })
    .unwrap();
    match fetch(&direct, "example.test/dead", "v1.0.0").await {
        Err(UpstreamError::TimedOut { reason }) => {
            assert!(reason.contains("nothing moved for 2 s"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn go_and_git_end_when_nobody_waits_any_more() {
    let place = place!();
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = dead.local_addr().unwrap();
    place
        .domain
        .import("example.test/dead", "git", &format!("http://{address}/dead"));
    let direct = place.direct();
    {
        let mut fetching = std::pin::pin!(fetch(&direct, "example.test/dead", "v1.0.0"));
        // git has connected, and waits for an answer that never comes.
        tokio::select! {
            accepted = dead.accept() => drop(accepted.map(std::mem::forget)),
            fetched = &mut fetching => panic!("{fetched:?}"),
        }
        assert!(!processes_in(place.folder.path()).is_empty(), "go and git run");
    }
    let ended = async {
        while !processes_in(place.folder.path()).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
    assert!(
        ended.is_ok(),
        "these remain: {:?}",
        processes_in(place.folder.path())
    );
}

/// The processes that work below a folder.
#[cfg(target_os = "linux")]
fn processes_in(folder: &Path) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let works_there =
        |process: &PathBuf| fs::read_link(process.join("cwd")).is_ok_and(|works| works.starts_with(folder));
    processes.filter(works_there).collect()
}

#[tokio::test]
async fn a_tag_that_moved_is_told_with_both_commits() {
    let place = place!();
    let repository = place.repository("example.test/greet");
    let [first, second, _] = releases(&repository, "example.test/greet");
    let fetched = fetch(&place.direct(), "example.test/greet", "v1.0.0")
        .await
        .unwrap();
    let info = Info::parse(text(fetched.info).as_bytes()).unwrap();
    repository.tag("v1.0.0", &second);
    let pinned = wanted("example.test/greet", "v1.0.0", &[Kind::Zip], Some(info));

    // The clone still has the pinned commit.
    let context = FetchContext::default();
    assert!(place.direct().fetch(&pinned, &context).await.is_ok());

    // A mirror without that clone finds the other commit, and must not mix the two.
    let cache = place.folder.path().join("other");
    let other = GoCommand::open(GoSettings {
        cache,
        ..place.settings()
    })
    .unwrap();
    match other.fetch(&pinned, &context).await {
        Err(UpstreamError::Moved { pinned, found, .. }) => {
            assert_eq!(
                (pinned.as_ref(), found.as_ref()),
                (first.as_str(), second.as_str())
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_clone_that_is_behind_does_not_make_a_moved_version() {
    let place = place!();
    let repository = place.repository("example.test/greet");
    let [_, second, _] = releases(&repository, "example.test/greet");
    let direct = place.direct();
    fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap();
    repository.tag("v1.0.0", &second);
    // Another mirror stored the version after the tag had moved; its `.info` pins the second commit.
    let cache = place.folder.path().join("other");
    let other = GoCommand::open(GoSettings {
        cache,
        ..place.settings()
    })
    .unwrap();
    let fetched = fetch(&other, "example.test/greet", "v1.0.0").await.unwrap();
    let info = Info::parse(text(fetched.info).as_bytes()).unwrap();
    let pinned = wanted("example.test/greet", "v1.0.0", &[Kind::Zip], Some(info));
    let fetched = direct.fetch(&pinned, &FetchContext::default()).await.unwrap();
    assert!(text(fetched.info).contains(&second));
}

#[tokio::test]
async fn without_a_go_command_the_sentence_says_what_to_install() {
    let Some(place) = Place::new() else {
        skip_or_fail!("there is no go command here")
    };
    let settings = GoSettings {
        program: "no-go-here".into(),
        ..place.settings()
    };
    match fetch(&GoCommand::open(settings).unwrap(), "example.test/m", "v1.0.0").await {
        Err(UpstreamError::Unsupported { reason }) => assert!(reason.contains("install Go"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_git_the_sentence_names_it() {
    let place = place!();
    releases(&place.repository("example.test/greet"), "example.test/greet");
    let go = which("go");
    let empty = place.folder.path().join("bin");
    fs::create_dir(&empty).unwrap();
    let environment = [("PATH".into(), empty.into())];
    let domain = place
        .domain
        .environment()
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()));
    let environment = Environment::select(environment.into_iter().chain(domain));
    let settings = GoSettings {
        program: go,
        environment,
        ..place.settings()
    };
    let direct = GoCommand::open(settings).unwrap();
    for module in ["example.test/greet", "example.test/greet.git"] {
        match fetch(&direct, module, "v1.0.0").await {
            Err(UpstreamError::Unsupported { reason }) => {
                assert!(reason.contains("git is not installed"), "{reason}");
            }
            other => panic!("{module}: {other:?}"),
        }
    }
}

fn which(program: &str) -> PathBuf {
    let found = std::env::split_paths(&search_path())
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    found.unwrap()
}

#[tokio::test]
async fn a_module_for_a_newer_go_gives_its_mod_and_says_what_its_zip_needs() {
    let place = place!();
    let repository = place.repository("example.test/new");
    let commit = Commit::at(1_600_000_000).file("go.mod", "module example.test/new\n\ngo 1.999\n");
    repository.tag("v1.0.0", &repository.commit("main", &commit));
    let direct = place.direct();
    let only_mod = wanted("example.test/new", "v1.0.0", &[Kind::Mod], None);
    let fetched = direct.fetch(&only_mod, &FetchContext::default()).await.unwrap();
    assert!(text(fetched.go_mod).ends_with("go 1.999\n"));
    match fetch(&direct, "example.test/new", "v1.0.0").await {
        Err(UpstreamError::Unsupported { reason }) => {
            assert!(reason.contains("requires go >= 1.999"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn names_that_could_be_flags_start_no_process() {
    let folder = TempDir::new().unwrap();
    let marker = folder.path().join("ran");
    let program = folder.path().join("go");
    fs::write(
        &program,
        format!("#!/bin/sh\necho ran > '{}'\n", marker.display()),
    )
    .unwrap();
    executable(&program);
    let settings = GoSettings {
        program,
        cache: folder.path().join("cache"),
        environment: Environment::select([("PATH".into(), search_path())]),
        private: String::new(),
        insecure: String::new(),
        vcs: String::new(),
        spool: Spool::open(&folder.path().join("spool")).unwrap(),
        limits: Limits::default(),
    };
    let direct = GoCommand::open(settings).unwrap();
    for name in [
        "--upload-pack=x",
        "-oProxyCommand=x",
        "ext::sh",
        "a b",
        "main~1",
        "..",
        "upgrade",
    ] {
        let answer = resolve(&direct, "example.test/m", name).await;
        assert!(
            matches!(answer, Err(UpstreamError::NotFound { .. })),
            "{name}: {answer:?}"
        );
    }
    assert!(!marker.exists());
    // The trap works: an ordinary name does start the program.
    assert!(resolve(&direct, "example.test/m", "main").await.is_err());
    assert!(marker.exists());
}

fn executable(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_go_mod_above_the_cache_and_the_users_settings_change_nothing() {
    let place = place!();
    releases(&place.repository("example.test/greet"), "example.test/greet");
    fs::write(place.folder.path().join("go.mod"), "this is no go.mod\n").unwrap();
    fs::create_dir_all(place.folder.path().join("home/.config/git")).unwrap();
    fs::write(
        place.folder.path().join("home/.config/git/attributes"),
        "*.go eol=crlf\n",
    )
    .unwrap();
    fs::write(
        place.folder.path().join("home/.gitconfig"),
        "[core]\n\tautocrlf = true\n",
    )
    .unwrap();
    let plain = fetch(&place.direct(), "example.test/greet", "v1.0.0")
        .await
        .unwrap();
    let zip = whole(plain.zip).read_to_bytes().unwrap();
    fs::remove_dir_all(place.folder.path().join("home")).unwrap();
    let cache = place.folder.path().join("other");
    let other = GoCommand::open(GoSettings {
        cache,
        ..place.settings()
    })
    .unwrap();
    let again = fetch(&other, "example.test/greet", "v1.0.0").await.unwrap();
    assert_eq!(whole(again.zip).read_to_bytes().unwrap(), zip);
}
