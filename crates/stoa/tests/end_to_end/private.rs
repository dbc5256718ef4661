//! Private repositories: each way to show a credential opens them, and the secret is seen nowhere else.

use crate::world::stoa;
use std::{fs, path::Path};
use testkit::{
    certificates::TestAuthority,
    git::{Commit, FakeDomain, GitHost, is_here},
    module::Module,
    skip_or_fail,
    stoa::Stoa,
};

const PATH: &str = "go.example.test/secret";
/// A token that would be recognised anywhere.
const CANARY: &str = "canary-4c1f9b7e";
/// The same as `stoa:…` in basic authentication.
const CANARY_SENT: &str = "c3RvYTpjYW5hcnktNGMxZjliN2U=";
/// One that the host does not take.
const WRONG: &str = "canary-wrong-0d2a";

/// A git host that wants a password, behind a made-up domain.
struct Origin {
    host: GitHost,
    domain: FakeDomain,
}

impl Origin {
    fn start() -> Option<Self> {
        is_here().then_some(())?;
        let authority = TestAuthority::new();
        let (host, domain) = (GitHost::start_tls(&authority), FakeDomain::start(&authority));
        domain.serve("code.example.test", &host);
        domain.import(PATH, "git", "https://code.example.test/team/secret");
        let repository = host.repository("team/secret");
        let commit = Commit::at(1_600_000_000).module(&Module::new(PATH, "v1.0.0"), "");
        let tagged = repository.commit("main", &commit);
        repository.tag("v1.0.0", &tagged);
        host.require("stoa", CANARY);
        Some(Self { host, domain })
    }

    /// A mirror for which the domain is private, and that writes down all it does.
    fn mirror(&self, git: &str) -> Stoa {
        let stoa = stoa()
            .upstream("direct")
            .environment("STOA_UPSTREAM__PRIVATE", "go.example.test")
            .environment("STOA_DIRECT__GIT", git)
            .environment("STOA_TELEMETRY__LOG_LEVEL", "trace");
        self.domain
            .environment()
            .into_iter()
            .fold(stoa, |stoa, (name, value)| stoa.environment(name, value))
    }
}

/// How a credential is shown.
#[derive(Clone, Copy, Debug)]
enum Shown {
    Token,
    TokenFile,
    TokenVariable,
    Netrc,
    Helper,
}

impl Shown {
    /// Tells a mirror this token in this way.
    fn tell(self, stoa: Stoa, token: &str) -> Stoa {
        self.write(stoa.folder(), token);
        let in_folder = |name: &str| stoa.folder().join(name);
        let (table, helper) = (in_folder("credentials.toml"), in_folder("gitconfig"));
        match self {
            Self::Token | Self::TokenFile => stoa.environment("STOA_DIRECT__CREDENTIALS", table),
            Self::TokenVariable => stoa
                .environment("STOA_DIRECT__CREDENTIALS", table)
                .environment("FORGE_TOKEN", token),
            Self::Netrc => stoa,
            Self::Helper => stoa.environment("GIT_CONFIG_GLOBAL", helper),
        }
    }

    /// Writes the file that holds the token.
    fn write(self, folder: &Path, token: &str) {
        let table = |how: &str| {
            format!("[[host]]\nprefix = \"code.example.test/team\"\nusername = \"stoa\"\n{how}\n")
        };
        let file = folder.join("token");
        let (name, text) = match self {
            Self::Token => ("credentials.toml", table(&format!("token = \"{token}\""))),
            Self::TokenFile => {
                fs::write(&file, format!("{token}\n")).unwrap();
                (
                    "credentials.toml",
                    table(&format!("token_file = \"{}\"", file.display())),
                )
            }
            Self::TokenVariable => ("credentials.toml", table("token_env = \"FORGE_TOKEN\"")),
            Self::Netrc => (
                "home/.netrc",
                format!("machine code.example.test login stoa password {token}\n"),
            ),
            Self::Helper => (
                "gitconfig",
                format!(
                    "[credential]\n\thelper = \"!f() {{ echo username=stoa; echo password={token}; }}; f\"\n"
                ),
            ),
        };
        fs::write(folder.join(name), text).unwrap();
    }
}

/// Every way there is, by either transport; the helper is the git command's own.
const WAYS: [(&str, Shown); 9] = [
    ("auto", Shown::Token),
    ("auto", Shown::TokenFile),
    ("auto", Shown::TokenVariable),
    ("auto", Shown::Netrc),
    ("command", Shown::Token),
    ("command", Shown::TokenFile),
    ("command", Shown::TokenVariable),
    ("command", Shown::Netrc),
    ("command", Shown::Helper),
];

#[test]
fn each_credential_opens_its_repository_and_is_seen_nowhere() {
    let Some(origin) = Origin::start() else {
        skip_or_fail!("there is no git here")
    };
    for (git, shown) in WAYS {
        let stoa = shown.tell(origin.mirror(git), CANARY).start();
        let mut seen = Vec::new();
        for file in [
            "@v/list",
            "@v/v1.0.0.info",
            "@v/v1.0.0.zip",
            "@latest",
            "@v/main.info",
            "@v/v9.9.9.info",
        ] {
            let answer = stoa.get_blocking(&format!("/{PATH}/{file}"));
            let expected = if file.contains("v9") { 404 } else { 200 };
            assert_eq!(
                answer.status,
                expected,
                "{git} {shown:?} {file}: {}\n{}",
                answer.text(),
                stoa.log()
            );
            seen.push(answer.text());
        }
        pages(&stoa, &mut seen);
        nothing_seen(&format!("{git} {shown:?}"), &stoa, &seen);
    }
}

/// What a host refuses is trouble, whose sentence and log hold no secret either; and a better one is taken without a
/// restart.
#[test]
fn a_wrong_credential_is_trouble_without_a_secret_and_the_right_one_needs_no_restart() {
    let Some(origin) = Origin::start() else {
        skip_or_fail!("there is no git here")
    };
    for (git, shown) in WAYS {
        let stoa = shown.tell(origin.mirror(git), WRONG).start();
        let folder = stoa.setup().folder().to_owned();
        let ask = || stoa.get_blocking(&format!("/{PATH}/@v/v1.0.0.info"));
        let refused = ask();
        assert!(
            (500..600).contains(&refused.status),
            "{git} {shown:?}: {} {}",
            refused.status,
            refused.text()
        );
        let mut seen = vec![refused.text()];
        if !matches!(shown, Shown::TokenVariable) {
            fs::write(folder.join("token"), CANARY).unwrap();
            shown.write(&folder, CANARY);
            let opened = ask();
            assert_eq!(
                opened.status,
                200,
                "{git} {shown:?}: {}\n{}",
                opened.text(),
                stoa.log()
            );
        }
        if matches!(shown, Shown::Token) {
            // A file that was broken by hand: the line that cannot be read holds the secret.
            fs::write(folder.join("credentials.toml"), format!("token = {CANARY}\n")).unwrap();
            seen.push(stoa.get_blocking(&format!("/{PATH}/@v/main.info")).text());
        }
        pages(&stoa, &mut seen);
        nothing_seen(&format!("{git} {shown:?}"), &stoa, &seen);
    }
    assert!(!origin.host.requests().is_empty());
}

/// Every page of the server that anybody may look at.
fn pages(stoa: &testkit::stoa::StoaProcess, seen: &mut Vec<String>) {
    for page in [
        "/",
        "/healthz",
        "/readyz",
        "/version",
        "/metrics",
        "/catalog",
        "/index",
        "/robots.txt",
    ] {
        seen.push(stoa.get_blocking(page).text());
    }
    let shown = stoa.setup().run(["config", "show"]);
    seen.extend([shown.stdout, shown.stderr]);
}

fn nothing_seen(what: &str, stoa: &testkit::stoa::StoaProcess, seen: &[String]) {
    let log = stoa.log();
    for text in seen.iter().chain([&log]) {
        for secret in [CANARY, CANARY_SENT, WRONG] {
            assert!(!text.contains(secret), "{what}: {secret} is seen in {text}");
        }
    }
    // Nor does anything that is kept remember it; the files that hold it were written by the test.
    let mut folders = vec![stoa.setup().folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let ours = ["credentials.toml", "token", "home", "gitconfig"];
            if ours.iter().any(|ours| path.ends_with(ours)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                let text = String::from_utf8_lossy(&bytes);
                assert!(
                    [CANARY, CANARY_SENT, WRONG]
                        .iter()
                        .all(|secret| !text.contains(secret)),
                    "{what}: {} holds a secret",
                    path.display()
                );
            }
        }
    }
}
