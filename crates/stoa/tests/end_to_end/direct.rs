//! `direct`: from version control, beside the real `go`, under a made-up domain.

use crate::world::stoa;
use testkit::{
    certificates::TestAuthority,
    git::{Commit, FakeDomain, GitHost, Repository, is_here},
    go::GoCommand,
    module::Module,
    skip_or_fail,
    stoa::Stoa,
};

const PATH: &str = "go.example.test/greet";

/// A repository with one tagged version, under a domain of its own.
struct Origin {
    host: GitHost,
    domain: FakeDomain,
    repository: Repository,
    tagged: String,
}

impl Origin {
    fn start() -> Option<Self> {
        if !is_here() {
            return None;
        }
        let (host, domain) = (GitHost::start(), FakeDomain::start(&TestAuthority::new()));
        domain.import(PATH, "git", &host.repository_url("greet.git"));
        let repository = host.repository("greet.git");
        let commit = Commit::at(1_600_000_000).module(&Module::new(PATH, "v1.0.0"), "");
        let tagged = repository.commit("main", &commit);
        repository.tag("v1.0.0", &tagged);
        Some(Self {
            host,
            domain,
            repository,
            tagged,
        })
    }

    /// A mirror that fetches directly, for which the domain is private: its repositories are on this machine.
    fn mirror(&self) -> Stoa {
        self.stranger()
            .environment("STOA_UPSTREAM__PRIVATE", "go.example.test")
            .environment("STOA_DIRECT__INSECURE", "go.example.test")
    }

    /// One that finds the domain and knows nothing more of it.
    fn stranger(&self) -> Stoa {
        let stoa = stoa().upstream("direct").environment("GOFLAGS", "-modcacherw");
        self.domain
            .environment()
            .into_iter()
            .fold(stoa, |stoa, (name, value)| stoa.environment(name, value))
    }

    /// A `go` that fetches directly too: the oracle.
    fn oracle(&self, go: GoCommand) -> GoCommand {
        self.domain
            .environment()
            .into_iter()
            .fold(go, |go, (name, value)| go.set(name, value))
            .proxy("direct")
    }

    /// Moves the tag to a commit with another history and other files.
    fn force_push(&self) -> String {
        let moved = Module::new(PATH, "v1.0.0").file("greet.go", "package greet // moved\n");
        let commit = self
            .repository
            .commit("main", &Commit::at(1_600_000_900).module(&moved, ""));
        self.repository.tag("v1.0.0", &commit);
        commit
    }
}

#[test]
fn what_go_fetches_directly_comes_through_the_same() {
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command here")
    };
    let Some(origin) = Origin::start() else {
        skip_or_fail!("there is no git here")
    };
    let second = Commit::at(1_600_000_500)
        .module(&Module::new(PATH, "main"), "")
        .after(&origin.tagged);
    let second = origin.repository.commit("main", &second);
    let stoa = origin.mirror().start();
    let oracle = origin.oracle(GoCommand::find().expect("found before"));
    let go = go.proxy(&stoa.url());
    for query in ["v1.0.0", "main", &second[..12], "latest"] {
        let arguments = ["mod", "download", "-json", &format!("{PATH}@{query}")].map(str::to_owned);
        let (mirrored, direct) = (
            go.run(go.home(), &arguments),
            oracle.succeed(oracle.home(), &arguments),
        );
        assert!(mirrored.success, "{query}: {mirrored}\n{}", stoa.log());
        for field in ["Version", "Sum", "GoModSum"] {
            assert_eq!(
                said(&mirrored.stdout, field),
                said(&direct, field),
                "{field} of {query}"
            );
        }
    }
    let listed = go.succeed(go.home(), ["list", "-m", "-versions", PATH]);
    assert_eq!(listed.trim(), format!("{PATH} v1.0.0"));
}

#[test]
fn a_force_pushed_tag_changes_nothing() {
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command here")
    };
    let Some(origin) = Origin::start() else {
        skip_or_fail!("there is no git here")
    };
    let stoa = origin.mirror().start();
    let go = go.proxy(&stoa.url());
    let version = format!("{PATH}@v1.0.0");
    let first = go.succeed(go.home(), ["mod", "download", "-json", &version]);
    origin.force_push();
    go.forget_modules();
    assert_eq!(
        go.succeed(go.home(), ["mod", "download", "-json", &version]),
        first
    );
    let stoa = stoa.restart();
    go.forget_modules();
    assert_eq!(
        go.succeed(go.home(), ["mod", "download", "-json", &version]),
        first
    );
    origin.host.unplug();
    assert_eq!(stoa.get_blocking(&format!("/{PATH}/@v/v1.0.0.zip")).status, 200);
    let missing = stoa.get_blocking(&format!("/{PATH}/@v/v1.0.1.info"));
    assert!(
        [502, 504].contains(&missing.status),
        "{} {}",
        missing.status,
        missing.text()
    );
}

/// The `.info` was kept before the tag moved: the other files are of its commit, or there are none.
#[test]
fn a_tag_that_moves_between_two_files_makes_no_mixture() {
    let Some(origin) = Origin::start() else {
        skip_or_fail!("there is no git here")
    };
    if GoCommand::find().is_none() {
        skip_or_fail!("there is no go command here");
    }
    let stoa = origin.mirror().start();
    let info = stoa.get_blocking(&format!("/{PATH}/@v/v1.0.0.info"));
    assert_eq!(info.status, 200, "{}\n{}", info.text(), stoa.log());
    assert!(info.text().contains(&origin.tagged), "{}", info.text());
    let moved = origin.force_push();
    let stoa = stoa.restart();
    let zip = stoa.get_blocking(&format!("/{PATH}/@v/v1.0.0.zip"));
    match zip.status {
        200 => assert!(!zip.text().contains("moved")),
        502 => {
            assert!(
                zip.text().contains(&origin.tagged) && zip.text().contains(&moved),
                "{}",
                zip.text()
            );
            assert!(zip.header("cache-control").contains("no-store"));
        }
        status => panic!("{status}: {}", zip.text()),
    }
    assert_eq!(
        stoa.get_blocking(&format!("/{PATH}/@v/v1.0.0.info")).body,
        info.body
    );
}

#[test]
fn what_version_control_settles_is_not_found() {
    let Some(origin) = Origin::start() else {
        skip_or_fail!("there is no git here")
    };
    if GoCommand::find().is_none() {
        skip_or_fail!("there is no go command here");
    }
    origin
        .domain
        .page("go.example.test/plain", 200, "<html>no import here</html>");
    origin.domain.page("go.example.test/ill", 500, "ill");
    let stoa = origin.mirror().start();
    for path in [
        format!("/{PATH}/@v/v9.9.9.info"),
        format!("/{PATH}/@v/nobranch.info"),
    ] {
        let answer = stoa.get_blocking(&path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    }
    let answer = stoa.get_blocking("/go.example.test/plain/@v/list");
    assert_eq!(answer.status, 404, "{}", answer.text());
    let answer = stoa.get_blocking("/go.example.test/ill/@v/list");
    assert!(
        (500..600).contains(&answer.status),
        "{} {}",
        answer.status,
        answer.text()
    );
    let answer = stoa.get_blocking("/unreachable.example.test/x/@v/list");
    assert!(
        (500..600).contains(&answer.status),
        "{} {}",
        answer.status,
        answer.text()
    );
}

/// By default nothing is run for git over http: the same module that `go` makes, with no program to run.
#[test]
fn git_is_read_with_neither_go_nor_git() {
    let Some(origin) = Origin::start() else {
        skip_or_fail!("there is no git here")
    };
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command here")
    };
    let oracle = origin.oracle(GoCommand::find().expect("found before"));
    for setting in ["auto", "builtin"] {
        let stoa = origin
            .mirror()
            .environment("PATH", "/nonexistent")
            .environment("STOA_DIRECT__GIT", setting)
            .start();
        let go = GoCommand::find().expect("found before").proxy(&stoa.url());
        for query in ["v1.0.0", "main", "latest"] {
            let arguments = ["mod", "download", "-json", &format!("{PATH}@{query}")].map(str::to_owned);
            let mirrored = go.run(go.home(), &arguments);
            assert!(mirrored.success, "{setting} {query}: {mirrored}\n{}", stoa.log());
            let direct = oracle.succeed(oracle.home(), &arguments);
            for field in ["Version", "Sum", "GoModSum"] {
                assert_eq!(
                    said(&mirrored.stdout, field),
                    said(&direct, field),
                    "{field} of {query}"
                );
            }
        }
        let missing = stoa.get_blocking(&format!("/{PATH}/@v/v1.9.9.info"));
        assert_eq!(missing.status, 404, "{}", missing.text());
        let no_prefix = stoa.get_blocking(&format!("/{PATH}/@v/v7.info"));
        assert_eq!(no_prefix.status, 404, "{}", no_prefix.text());
    }
    drop(go);
}

/// A page that somebody else wrote leads to no address of this machine, and to nothing in clear.
#[test]
fn a_public_module_leads_nowhere_inside() {
    let Some(origin) = Origin::start() else {
        skip_or_fail!("there is no git here")
    };
    for (name, address) in [
        ("loopback", "https://127.0.0.1/r"),
        ("metadata", "https://169.254.169.254/r"),
        ("name", "https://localhost/r"),
        ("mapped", "https://[::ffff:127.0.0.1]/r"),
        ("ssh", "ssh://git@127.0.0.1/r"),
    ] {
        origin
            .domain
            .import(&format!("inside.example.test/{name}"), "git", address);
    }
    origin
        .domain
        .redirect("away.example.test/m", "https://169.254.169.254/latest/meta-data");
    origin
        .domain
        .redirect("down.example.test/m", "http://down.example.test/m");
    for setting in ["auto", "command"] {
        let stoa = origin.stranger().environment("STOA_DIRECT__GIT", setting).start();
        let clear = stoa.get_blocking(&format!("/{PATH}/@v/v1.0.0.info"));
        assert_eq!(clear.status, 404, "{}", clear.text());
        assert!(clear.text().contains("not encrypted"), "{}", clear.text());
        for path in [
            "inside.example.test/loopback",
            "inside.example.test/metadata",
            "inside.example.test/name",
            "inside.example.test/mapped",
            "inside.example.test/ssh",
            "away.example.test/m",
            "down.example.test/m",
        ] {
            for file in ["list", "v1.0.0.info"] {
                let answer = stoa.get_blocking(&format!("/{path}/@v/{file}"));
                assert!(
                    (500..600).contains(&answer.status)
                        && answer.header("cache-control").contains("no-store"),
                    "{setting} {path}: {} {}",
                    answer.status,
                    answer.text()
                );
            }
        }
    }
    assert!(origin.host.requests().is_empty());
}

/// Other version control needs programs; where they are missing that is trouble, and where rules forbid it that is settled.
#[test]
fn other_version_control_needs_its_programs() {
    let Some(origin) = Origin::start() else {
        skip_or_fail!("there is no git here")
    };
    origin
        .domain
        .import("go.example.test/hg", "hg", "https://127.0.0.1:9/r");
    origin
        .domain
        .import("other.example.test/hg", "hg", "https://127.0.0.1:9/r");
    origin
        .domain
        .import("other.example.test/svn", "svn", "https://127.0.0.1:9/r");
    let stoa = origin.mirror().environment("PATH", "/nonexistent").start();
    let answer = stoa.get_blocking("/go.example.test/hg/@v/v1.0.0.info");
    assert!(
        (500..600).contains(&answer.status) && answer.text().contains("hg is not installed"),
        "{} {}",
        answer.status,
        answer.text()
    );
    for (path, why) in [
        ("other.example.test/hg", "only for private modules"),
        ("other.example.test/svn", "GOVCS disallows using svn"),
    ] {
        let answer = stoa.get_blocking(&format!("/{path}/@v/v1.0.0.info"));
        assert_eq!(answer.status, 404, "{}", answer.text());
        assert!(answer.text().contains(why), "{}", answer.text());
    }
}

/// A text field of what `go mod download -json` said.
fn said<'a>(json: &'a str, field: &str) -> &'a str {
    let value = json
        .split(&format!("\"{field}\": \""))
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    value.unwrap_or_else(|| panic!("no {field} in {json}"))
}
