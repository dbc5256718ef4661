//! What the programs may do, and when they end.

use crate::place::{executable, fetch, files_below, releases, resolve, search_path};
use direct_fetch::{Environment, GoCommand, GoSettings, Limits, credentials::RepositoryCredentials};
use proxy_core::{spool::Spool, upstream::UpstreamError};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use testkit::{certificates::TestAuthority, git::GitHost};

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
        settings.private = "example.test".into();
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
    // Nothing of it is for a module that nobody called private.
    let credentials = RepositoryCredentials::open(&file, std::sync::Arc::new(|_| None)).unwrap();
    let public = GoSettings {
        private: String::new(),
        ..settings()
    };
    let public = GoCommand::open(public).unwrap().with_credentials(credentials);
    assert!(fetch(&public, "example.test/greet", "v1.0.0").await.is_err());
    assert!(
        host.requests()
            .iter()
            .all(|request| !request.headers.contains_key("authorization")),
        "not private"
    );
    let fetched = fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap();
    assert!(!format!("{fetched:?} {direct:?}").contains("canary"));
    let left = files_below(&place.folder.path().join("cache"));
    let canary = |file: &String| match fs::read(file) {
        Ok(bytes) => bytes.windows(6).any(|window| window == b"canary"),
        // A run takes its own folder away when it leaves, which nobody waits for.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => panic!("{file}: {error}"),
    };
    assert!(left.iter().any(|file| file.contains("/cache/vcs/")), "{left:?}");
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
