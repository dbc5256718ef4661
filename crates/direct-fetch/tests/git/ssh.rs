//! Repositories over ssh, from a real `sshd`: keys, agents, and hosts that are not who they were.

use super::house::{bytes, commit, environment, fetch, open, settings, source};
use direct_fetch::{
    credentials::RepositoryCredentials,
    discovery::RepositoryAddress,
    git::{Git, Source, TransportChoice},
};
use proxy_core::upstream::{FetchContext, UpstreamError};
use std::{fs, path::Path};
use tempfile::TempDir;
use testkit::{skip_or_fail, ssh::SshHost};

/// By default `git` is run for ssh, and it may be told to be run for everything.
const RUN_GIT: [TransportChoice; 2] = [TransportChoice::Auto, TransportChoice::Command];

/// An ssh host with one repository, and a folder for all that is written.
struct Place {
    host: SshHost,
    folder: TempDir,
}

impl Place {
    /// `None` where there is no git or no `sshd`.
    fn build() -> Option<Self> {
        testkit::git::is_here().then_some(())?;
        let place = Self {
            host: SshHost::start()?,
            folder: TempDir::new().unwrap(),
        };
        let repository = place.host.repository("r");
        let one = repository.commit("main", &commit(1));
        repository.tag("v1.0.0", &one);
        repository.commit("main", &commit(2).after(&one));
        Some(place)
    }

    /// A reader with a cache of its own and this in its environment.
    fn read(&self, transport: TransportChoice, variables: &[(&str, &Path)]) -> Git {
        let folder = self
            .folder
            .path()
            .join(format!("cache-{}", fs::read_dir(&self.folder).unwrap().count()));
        let mut settings = settings(&folder, transport);
        settings.environment = environment();
        for (name, value) in variables {
            settings.environment.push(((*name).into(), (*value).into()));
        }
        open(settings)
    }

    /// The module of a repository, with what a credentials file says of its host.
    fn source(&self, name: &str, says: &str) -> Source {
        let file = self.folder.path().join("credentials.toml");
        fs::write(&file, format!("[[host]]\nprefix = \"127.0.0.1\"\n{says}\n")).unwrap();
        let credentials = RepositoryCredentials::open(&file, std::sync::Arc::new(|_| None)).unwrap();
        let url = self.host.repository_url(name);
        let address = RepositoryAddress::parse(&url, false).unwrap();
        Source {
            shown: credentials.for_repository(&address).unwrap().into(),
            ..source(&url)
        }
    }

    fn says_key(&self, key: &Path) -> String {
        format!("ssh_key = \"{}\"", key.display())
    }

    /// Says that these lines are the known hosts.
    fn says_known_hosts(&self, lines: &str) -> String {
        let file = self.folder.path().join("known hosts");
        fs::write(&file, lines).unwrap();
        format!("known_hosts = \"{}\"", file.display())
    }

    /// Says that the host and its key are the right ones.
    fn says_all(&self) -> String {
        let known = self.says_known_hosts(&self.host.known_hosts_line());
        format!("{}\n{known}", self.says_key(&self.host.key()))
    }
}

macro_rules! place {
    () => {
        match Place::build() {
            Some(place) => place,
            None => skip_or_fail!("there is no git or no sshd here"),
        }
    };
}

fn trouble<T: std::fmt::Debug>(answer: Result<T, UpstreamError>) -> String {
    match answer {
        Err(UpstreamError::Unavailable { reason, .. }) => reason.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_opens_a_repository_and_another_does_not() {
    let place = place!();
    for transport in RUN_GIT {
        let git = place.read(transport, &[]);
        let source = place.source("r", &place.says_all());
        let versions = git.versions(&source, &FetchContext::default()).await.unwrap();
        assert_eq!(versions.len(), 1, "{transport:?}");
        let mut fetched = fetch(&git, &source, "v1.0.0").await.unwrap();
        let go_mod = String::from_utf8(bytes(fetched.go_mod.take())).unwrap();
        assert!(go_mod.ends_with("// 1\n"), "{transport:?}: {go_mod}");
        // Its history comes over ssh as well, without trees.
        let main = super::house::resolve(&git, &source, "main").await.unwrap();
        assert!(main.version.as_str().starts_with("v1.0.1-0."), "{main:?}");

        let known = place.says_known_hosts(&place.host.known_hosts_line());
        let wrong_keys = [
            place.says_key(&place.folder.path().join("no-such-key")),
            // Nobody is asked for a passphrase, and nothing hangs.
            place.says_key(&place.host.locked_key()),
        ];
        for key in wrong_keys {
            let refused = place.source("r", &format!("{key}\n{known}"));
            let git = place.read(transport, &[]);
            let said = trouble(git.versions(&refused, &FetchContext::default()).await);
            assert!(
                said.contains("Permission denied") && said.contains("by the git command"),
                "{said}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_opens_a_repository() {
    let place = place!();
    let Some(agent) = place.host.agent() else {
        skip_or_fail!("there is no ssh-agent here")
    };
    let source = place.source("r", &place.says_known_hosts(&place.host.known_hosts_line()));
    let git = place.read(TransportChoice::Auto, &[("SSH_AUTH_SOCK", agent.socket())]);
    fetch(&git, &source, "v1.0.0").await.unwrap();
    let without = place.read(TransportChoice::Auto, &[]);
    let said = trouble(fetch(&without, &source, "v1.0.0").await);
    assert!(said.contains("Permission denied"), "{said}");
}

/// The line that the sentence shows is the one that makes it work.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_host_key_is_refused_with_the_line_to_add() {
    let place = place!();
    let key = place.says_key(&place.host.key());
    let line = place.host.known_hosts_line();
    let nobody_known = place.says_known_hosts("");
    for says in [format!("{key}\n{nobody_known}"), key] {
        let git = place.read(TransportChoice::Auto, &[]);
        let said = trouble(
            git.versions(&place.source("r", &says), &FetchContext::default())
                .await,
        );
        assert!(
            said.contains(&format!("add this line to known_hosts: {line}")),
            "{said}"
        );
        // The go command shows no longer text than this.
        assert!(said.len() < 600, "{said}");
    }
    // The account's own list is asked where no table says anything of ssh.
    let git = place.read(TransportChoice::Auto, &[]);
    let bare = source(&place.host.repository_url("r"));
    let said = trouble(git.versions(&bare, &FetchContext::default()).await);
    assert!(said.contains(&line), "{said}");

    let git = place.read(TransportChoice::Auto, &[]);
    let source = place.source("r", &place.says_all());
    fetch(&git, &source, "v1.0.0").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_host_key_is_refused_and_no_line_is_shown() {
    let place = place!();
    let source = place.source("r", &place.says_all());
    let git = place.read(TransportChoice::Auto, &[]);
    git.versions(&source, &FetchContext::default()).await.unwrap();
    place.host.change_host_key();
    let said = trouble(git.versions(&source, &FetchContext::default()).await);
    assert!(said.contains("is not the one that known_hosts holds"), "{said}");
    assert!(!said.contains("ssh-ed25519"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn absence_over_ssh_is_absence_and_the_built_in_transport_says_what_it_needs() {
    let place = place!();
    let absent = place.source("none", &place.says_all());
    let git = place.read(TransportChoice::Auto, &[]);
    let answer = git.versions(&absent, &FetchContext::default()).await;
    assert!(
        matches!(answer, Err(UpstreamError::NotFound { .. })),
        "{answer:?}"
    );

    let source = place.source("r", &place.says_all());
    let git = place.read(TransportChoice::BuiltIn, &[]);
    match git.versions(&source, &FetchContext::default()).await {
        Err(UpstreamError::Unsupported { reason }) => {
            assert!(reason.contains("direct.git"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    let mut without_git = settings(&place.folder.path().join("without"), TransportChoice::Auto);
    without_git.program = "no-git-here".into();
    match open(without_git)
        .versions(&source, &FetchContext::default())
        .await
    {
        Err(UpstreamError::Unsupported { reason }) => {
            assert!(reason.contains("git command, which is not installed"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}
