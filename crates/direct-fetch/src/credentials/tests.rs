//! Which repository is reached with what, and that nothing of it prints.

use super::*;

const FILE: &str = r#"
[[host]]
prefix = "git.example.com"
token = "wide-canary"

[[host]]
prefix = "git.example.com/team"
username = "stoa"
token_env = "TEAM_TOKEN"

[[host]]
prefix = "Git.Example.com:8443/team"
token = "port-canary"

[[host]]
prefix = "ssh.example.com"
ssh_key = "/etc/stoa/it's a key"
known_hosts = "/etc/stoa/known_hosts"
"#;

fn address(text: &str) -> RepositoryAddress {
    RepositoryAddress::parse(text, false).unwrap()
}

fn opened(text: &str) -> Result<(tempfile::TempDir, RepositoryCredentials), InvalidCredentials> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.toml");
    fs::write(&path, text).unwrap();
    let variables: Variables = Arc::new(|name| (name == "TEAM_TOKEN").then(|| "team-canary".to_owned()));
    RepositoryCredentials::open(&path, variables).map(|credentials| (folder, credentials))
}

fn token(credentials: &RepositoryCredentials, text: &str) -> Option<(String, String)> {
    let access = credentials.for_repository(&address(text)).unwrap()?;
    access
        .token
        .map(|token| (access.username, token.expose_secret().to_owned()))
}

#[test]
fn the_longest_prefix_of_whole_elements_wins() {
    let (_folder, credentials) = opened(FILE).unwrap();
    for (repository, username, secret) in [
        ("https://git.example.com/other/r", "git", "wide-canary"),
        ("https://git.example.com/team/r.git", "stoa", "team-canary"),
        ("https://GIT.example.com/team", "stoa", "team-canary"),
        ("https://git.example.com/team.git", "stoa", "team-canary"),
        ("https://git.example.com/team.evil/r", "git", "wide-canary"),
        ("https://git.example.com/teams/r", "git", "wide-canary"),
        ("https://git.example.com:8443/team/r", "git", "port-canary"),
        ("https://git.example.com:8443/x", "git", "wide-canary"),
    ] {
        assert_eq!(
            token(&credentials, repository),
            Some((username.into(), secret.into())),
            "{repository}"
        );
    }
    for repository in [
        "https://example.com/r",
        "https://git.example.com.evil.test/team/r",
        "https://x.git.example.com/r",
    ] {
        assert_eq!(token(&credentials, repository), None, "{repository}");
    }
    assert!(
        RepositoryCredentials::default()
            .for_repository(&address("https://git.example.com/r"))
            .unwrap()
            .is_none()
    );
}

#[test]
fn git_is_given_each_token_for_its_prefix_only() {
    let (_folder, credentials) = opened(FILE).unwrap();
    let settings = credentials.git_settings();
    let names: Vec<_> = settings.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "git.example.com",
        "git.example.com/team",
        "git.example.com:8443/team",
    ];
    assert_eq!(
        names,
        expected.map(|prefix| format!("http.https://{prefix}/.extraHeader"))
    );
    assert_eq!(settings[1].1, "Authorization: Basic c3RvYTp0ZWFtLWNhbmFyeQ==");
}

#[test]
fn ssh_is_given_its_key_and_believes_known_hosts_only() {
    let (_folder, credentials) = opened(FILE).unwrap();
    let access = credentials
        .for_repository(&address("ssh://git@ssh.example.com:2222/r"))
        .unwrap()
        .unwrap();
    assert_eq!(
        access.ssh_command().unwrap(),
        r#"ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes -o 'IdentityFile="/etc/stoa/it'\''s a key"' -o 'UserKnownHostsFile="/etc/stoa/known_hosts"' -o GlobalKnownHostsFile=/dev/null"#
    );
    assert!(access.for_http().is_none());
    let web = credentials
        .for_repository(&address("https://git.example.com/r"))
        .unwrap()
        .unwrap();
    assert!(web.ssh_command().is_none() && web.for_http().is_some());
}

#[test]
fn a_changed_file_is_read_again_and_a_broken_one_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, secret) = (
        folder.path().join("credentials.toml"),
        folder.path().join("token"),
    );
    let table = |token: &str| format!("[[host]]\nprefix = \"h.test\"\n{token}\n");
    fs::write(&path, table("token = \"one\"")).unwrap();
    let credentials = RepositoryCredentials::open(&path, Arc::new(|_| None)).unwrap();
    let now = || token(&credentials, "https://h.test/r").map(|(_, token)| token);
    assert_eq!(now().as_deref(), Some("one"));
    fs::write(&secret, "two\n").unwrap();
    fs::write(&path, table(&format!("token_file = \"{}\"", secret.display()))).unwrap();
    assert_eq!(now().as_deref(), Some("two"));
    fs::write(&secret, "three\n").unwrap();
    assert_eq!(
        now().as_deref(),
        Some("three"),
        "a secret is replaced beneath the server"
    );
    fs::write(&path, "[[host]]\nprefix = 7\n").unwrap();
    assert_eq!(now().as_deref(), Some("three"));
    fs::remove_file(&path).unwrap();
    assert_eq!(now().as_deref(), Some("three"));
    fs::write(&path, "").unwrap();
    assert_eq!(now(), None);
}

#[test]
fn what_is_wrong_is_said_without_the_secret() {
    for (text, said) in [
        (
            "[[host]]\nprefix = \"h.test\"\ntoken = \"canary\"\ntoken_env = \"X\"",
            "only one of token",
        ),
        ("[[host]]\nprefix = \"h.test\"", "names no token"),
        (
            "[[host]]\nprefix = \"https://h.test\"\ntoken = \"canary\"",
            "without a scheme",
        ),
        ("[[host]]\nprefix = \"\"\ntoken = \"canary\"", "names no host"),
        (
            "[[host]]\nprefix = \"h.test:x\"\ntoken = \"canary\"",
            "port is no number",
        ),
        (
            "[[host]]\nprefix = \"h.test\"\ntokn = \"canary\"",
            "line 3: unknown field `tokn`",
        ),
        ("[[host]]\ntoken = \"canary\"", "missing field `prefix`"),
        ("[[host]]\nprefix = \"h.test\"\ntoken = \"canary", "line 3"),
        ("[[host]]\nprefix = \"h.test\"\ntoken = { canary = 1 }", "line 3"),
        (
            "[[host]]\nprefix = \"h.test\"\nusername = \"a:b\"\ntoken = \"canary\"",
            "username",
        ),
        ("[[host]]\nprefix = \"h.test\"\nssh_key = \"id\"", "absolute"),
        (
            "[[host]]\nprefix = \"a\"\ntoken = \"canary\"\n[[host]]\nprefix = \"a/\"\ntoken = \"canary\"",
            "two tables",
        ),
    ] {
        let error = opened(text).map(|_| ()).unwrap_err().to_string();
        assert!(
            error.contains(said) && !error.contains("canary"),
            "{text}: {error}"
        );
    }
    let (_folder, credentials) = opened(FILE).unwrap();
    let access = credentials
        .for_repository(&address("https://git.example.com/r"))
        .unwrap();
    assert!(!format!("{credentials:?} {access:?}").contains("canary"));
    let absent = opened("[[host]]\nprefix = \"h.test\"\ntoken_env = \"ABSENT\"")
        .unwrap()
        .1;
    let error = absent
        .for_repository(&address("https://h.test/r"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("h.test: the variable that token_env names is not set"),
        "{error}"
    );
}
