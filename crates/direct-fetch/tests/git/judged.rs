//! Where the `git` command connects to: to the addresses that were judged, whatever a name leads to a moment later.

use super::{
    house::{House, commit, environment, fetch, open_with, settings, source},
    statuses::{Host, status},
};
use direct_fetch::{
    credentials::RepositoryCredentials,
    discovery::RepositoryAddress,
    git::{Git, Source, TransportChoice},
};
use http_client::{Names, Trust};
use proxy_core::upstream::{FetchContext, UpstreamError};
use std::{collections::HashMap, fs, io, net::IpAddr, path::Path, sync::Arc};
use testkit::{skip_or_fail, ssh::SshHost};

/// Names that are where a test says they are, and that this machine's own resolver may know otherwise.
#[derive(Debug)]
struct Told(HashMap<&'static str, IpAddr>);

#[async_trait::async_trait]
impl Names for Told {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let address = self.0.get(host).copied();
        address
            .map(|address| vec![address])
            .ok_or_else(|| io::Error::other("no such name"))
    }
}

/// A name that this machine knows to be itself.
const HERE: &str = "localhost";
/// Where nobody listens.
const NOBODY: &str = "127.0.0.9";
/// A name that only the test knows.
const TOLD: &str = "told.test";

/// A reader that runs `git` for everything, to which these names lead there.
fn told(folder: &Path, names: &[(&'static str, &str)]) -> Git {
    let names = names
        .iter()
        .map(|(name, address)| (*name, address.parse().unwrap()));
    let names = Arc::new(Told(names.collect()));
    let count = fs::read_dir(folder).unwrap().count();
    let mut settings = settings(&folder.join(format!("cache-{count}")), TransportChoice::Command);
    settings.environment = environment();
    open_with(settings, |client| client.names = names)
}

async fn trouble(git: &Git, source: &Source) -> String {
    match git.versions(source, &FetchContext::default()).await {
        Err(UpstreamError::Unavailable { reason, .. }) => reason.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_it_connects_where_the_guard_looked_and_nowhere_else() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    let repository = house.host.repository("r");
    repository.tag("v1.0.0", &repository.commit("main", &commit(1)));
    let at = |name: &str| {
        let url = house.host.repository_url("r");
        source(&url.replacen("127.0.0.1", name, 1))
    };
    let folder = house.folder.path();

    let git = told(folder, &[(TOLD, "127.0.0.1")]);
    fetch(&git, &at(TOLD), "v1.0.0").await.unwrap();
    house.host.forget();

    // What the machine's own resolver says, which git would ask, counts for nothing.
    let said = trouble(&told(folder, &[(HERE, NOBODY)]), &at(HERE)).await;
    assert!(said.contains("Failed to connect"), "{said}");
    let said = trouble(&told(folder, &[]), &at(HERE)).await;
    assert!(said.contains("not known here"), "{said}");
    let mut public = at(TOLD);
    public.trust = Trust::Learned;
    let said = trouble(&told(folder, &[(TOLD, "127.0.0.1")]), &public).await;
    assert!(said.contains("must be public"), "{said}");
    assert!(house.host.requests().is_empty(), "{:?}", house.host.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_followed_after_it_was_judged() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    let repository = house.host.repository("r");
    repository.tag("v1.0.0", &repository.commit("main", &commit(1)));
    let folder = house.folder.path();
    let redirecting = |to: &str| {
        let to = to.to_owned();
        Host::answering(move |head| {
            let path = head.split(' ').nth(1).unwrap_or_default();
            let tail = path.strip_prefix("/r").unwrap_or_default();
            status(302, &format!("Location: {to}{tail}\r\n"))
        })
    };
    let url = house.host.repository_url("r");
    let moved = redirecting(&url);
    let git = told(folder, &[]);
    fetch(&git, &source(&moved.url()), "v1.0.0").await.unwrap();

    house.host.forget();
    let elsewhere = redirecting(&url.replacen("127.0.0.1", HERE, 1));
    let git = told(folder, &[(HERE, NOBODY)]);
    trouble(&git, &source(&elsewhere.url())).await;
    assert!(house.host.requests().is_empty(), "{:?}", house.host.requests());
    let never = redirecting("http://169.254.169.254/r");
    let said = trouble(&told(folder, &[]), &source(&never.url())).await;
    assert!(said.contains("must be public"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_ssh_it_connects_where_the_guard_looked_and_knows_the_host_by_its_name() {
    if !testkit::git::is_here() {
        skip_or_fail!("there is no git here")
    }
    let Some(host) = SshHost::start() else {
        skip_or_fail!("there is no sshd here")
    };
    let repository = host.repository("r");
    repository.tag("v1.0.0", &repository.commit("main", &commit(1)));
    let folder = tempfile::tempdir().unwrap();
    let line_of = |name: &str| host.known_hosts_line().replacen("127.0.0.1", name, 1);
    let at = |name: &str, known: &str| {
        let url = host.repository_url("r").replacen("127.0.0.1", name, 1);
        let known_hosts = folder.path().join("known-hosts");
        fs::write(&known_hosts, known).unwrap();
        let file = folder.path().join("credentials.toml");
        let table = format!(
            "[[host]]\nprefix = \"{name}\"\nssh_key = \"{}\"\nknown_hosts = \"{}\"\n",
            host.key().display(),
            known_hosts.display()
        );
        fs::write(&file, table).unwrap();
        let credentials = RepositoryCredentials::open(&file, Arc::new(|_| None)).unwrap();
        let address = RepositoryAddress::parse(&url, false).unwrap();
        Source {
            shown: credentials.for_repository(&address).unwrap().into(),
            ..source(&url)
        }
    };

    let git = told(folder.path(), &[(TOLD, "127.0.0.1")]);
    fetch(&git, &at(TOLD, &line_of(TOLD)), "v1.0.0").await.unwrap();
    // Another's line is no use, though its key is the same; the one that is missing has the name.
    let git = told(folder.path(), &[(TOLD, "127.0.0.1")]);
    let said = trouble(&git, &at(TOLD, &line_of("127.0.0.1"))).await;
    let line = line_of(TOLD);
    assert!(
        said.contains(&format!("add this line to known_hosts: {line}")),
        "{said}"
    );

    // All would be well where the machine's own resolver leads to.
    let known = line_of(HERE);
    let said = trouble(&told(folder.path(), &[(HERE, NOBODY)]), &at(HERE, &known)).await;
    assert!(said.contains(NOBODY), "{said}");
    let said = trouble(&told(folder.path(), &[]), &at(HERE, &known)).await;
    assert!(said.contains("not known here"), "{said}");
    fetch(
        &told(folder.path(), &[(HERE, "127.0.0.1")]),
        &at(HERE, &known),
        "v1.0.0",
    )
    .await
    .unwrap();
}
