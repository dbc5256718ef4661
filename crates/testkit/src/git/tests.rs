//! The git host is believed by every test of version control, so the real go and git try it here.

use super::{Commit, FakeDomain, GitHost, is_here};
use crate::{certificates::TestAuthority, go::GoCommand, module::Module, skip_or_fail};

#[test]
fn hashes_are_the_same_everywhere() {
    if !is_here() {
        skip_or_fail!("there is no git here");
    }
    let host = GitHost::start();
    let repository = host.repository("r.git");
    let first = repository.commit("main", &Commit::at(1_600_000_000).file("a b \"c\".txt", "x\r\n"));
    assert_eq!(first, "d75c0272dee907e795e3704fdecbbbcb30c7c3f6");
    let second = repository.commit("main", &Commit::at(1_600_000_100).file("a", "y").after(&first));
    assert_eq!(repository.hash("main^"), first);
    let anew = repository.commit("main", &Commit::at(1_600_000_200).file("a", "z"));
    assert_eq!(
        repository.git(["rev-list", "--count", "main"]),
        "1",
        "{second} is no ancestor of {anew}"
    );
}

#[test]
fn go_fetches_a_made_up_domain_directly() {
    if !is_here() {
        skip_or_fail!("there is no git here");
    }
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command here")
    };
    let authority = TestAuthority::new();
    let (host, domain) = (GitHost::start(), FakeDomain::start(&authority));
    domain.import("go.example.test/greet", "git", &host.repository_url("greet.git"));
    let repository = host.repository("greet.git");
    let module = Module::new("go.example.test/greet", "v1.0.0");
    let commit = repository.commit("main", &Commit::at(1_600_000_000).module(&module, ""));
    repository.annotate("v1.0.0", &commit, 1_600_000_001);
    let go = domain
        .environment()
        .into_iter()
        .fold(go, |go, (name, value)| go.set(name, value));
    let go = go.proxy("direct");
    let said = go.succeed(
        go.home(),
        ["mod", "download", "-json", "go.example.test/greet@v1.0.0"],
    );
    assert!(said.contains(&commit), "{said}");
    assert_eq!(domain.asked(), ["go.example.test/greet"]);
    assert_eq!(domain.passed()[0].method, "CONNECT");
    assert!(host.bytes() > 0);
    assert!(
        host.requests()
            .iter()
            .any(|request| request.headers.contains_key("git-protocol"))
    );
}

#[test]
fn a_host_over_tls_demands_its_password() {
    if !is_here() {
        skip_or_fail!("there is no git here");
    }
    let authority = TestAuthority::new();
    let host = GitHost::start_tls(&authority);
    let repository = host.repository("r.git");
    repository.commit("main", &Commit::at(1_600_000_000).file("a", "x"));
    host.require("gopher", "secret");
    let pem = host.folder().join("ca.pem");
    authority.write_pem(&pem).unwrap();
    let list = |url: &str| {
        let mut command = super::command();
        command
            .args(["ls-remote", url])
            .env("GIT_SSL_CAINFO", &pem)
            .env("GIT_ASKPASS", "true");
        command.output().unwrap().status.success()
    };
    assert!(!list(&host.repository_url("r.git")));
    assert!(list(
        &host
            .repository_url("r.git")
            .replace("https://", "https://gopher:secret@")
    ));
}
