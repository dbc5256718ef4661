//! What a `go` of ours sees.

use super::*;

fn seen(given: &[(&str, &str)], rules: &Rules) -> BTreeMap<String, String> {
    let given = given
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    let folder = |name: &'static str| Path::new(name);
    let folders = Folders {
        modules: folder("/c/mod"),
        gopath: folder("/c/gopath"),
        temporary: folder("/c/w"),
        config: folder("/c/x"),
        for_a_stranger: false,
    };
    let variables = Environment::select(given).variables(rules, &folders, &[]);
    variables
        .into_iter()
        .map(|(n, v)| (n.into_string().unwrap(), v.into_string().unwrap()))
        .collect()
}

#[test]
fn nothing_is_inherited_but_what_is_listed() {
    let given = [
        ("PATH", "/bin"),
        ("GOFLAGS", "-mod=mod"),
        ("GOPROXY", "https://p.test"),
        ("STOA_SECRET", "s"),
        ("LD_PRELOAD", "x"),
    ];
    let seen = seen(&given, &Rules::default());
    assert_eq!(seen["PATH"], "/bin");
    assert_eq!(seen["GOFLAGS"], "-modcacherw");
    assert_eq!(seen["GOPROXY"], "direct");
    assert_eq!(seen["HOME"], "/c/x", "without a home, ours stands in");
    for absent in ["STOA_SECRET", "LD_PRELOAD", "GOPRIVATE", "GOVCS", "GOINSECURE"] {
        assert!(!seen.contains_key(absent), "{absent}");
    }
}

#[test]
fn git_settings_of_the_operator_come_first_and_ours_win() {
    let given = [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "http.version"),
        ("GIT_CONFIG_VALUE_0", "HTTP/1.1"),
    ];
    let seen = seen(&given, &Rules::default());
    assert_eq!(seen["GIT_CONFIG_KEY_0"], "http.version");
    let count: usize = seen["GIT_CONFIG_COUNT"].parse().unwrap();
    let keys: Vec<_> = (1..count)
        .map(|n| seen[&format!("GIT_CONFIG_KEY_{n}")].as_str())
        .collect();
    assert!(
        keys.contains(&"core.attributesFile") && keys.contains(&"protocol.git.allow"),
        "{keys:?}"
    );
}

#[test]
fn the_git_protocol_is_open_only_where_something_may_be_insecure() {
    let rules = Rules {
        insecure: "corp.test".into(),
        ..Rules::default()
    };
    assert!(
        !seen(&[], &rules)
            .values()
            .any(|value| value == "protocol.git.allow")
    );
}

#[test]
fn curl_is_told_what_go_knows() {
    let seen = seen(
        &[
            ("HTTP_PROXY", "http://p"),
            ("NO_PROXY", "corp.test"),
            ("SSL_CERT_FILE", "/ca"),
        ],
        &Rules::default(),
    );
    assert_eq!(seen["http_proxy"], "http://p");
    assert_eq!(seen["no_proxy"], "corp.test,localhost,127.0.0.1,::1");
    assert_eq!(seen["GIT_SSL_CAINFO"], "/ca");
}

#[test]
fn debug_shows_no_value() {
    let environment = Environment::select([("HTTPS_PROXY".into(), "http://user:secret@p".into())]);
    assert_eq!(format!("{environment:?}"), r#"{"HTTPS_PROXY"}"#);
}

#[test]
fn a_git_of_ours_reads_the_users_configuration_only_if_it_is_named() {
    let of = |given: &[(&str, &str)]| {
        let given = given
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let variables = Environment::select(given).for_git(Path::new("/c/x"));
        let text = |value: OsString| value.into_string().unwrap();
        variables
            .into_iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect::<BTreeMap<_, _>>()
    };
    let plain = of(&[("HOME", "/home/me"), ("GOAUTH", "x"), ("SSH_AUTH_SOCK", "/s")]);
    assert_eq!(plain["GIT_CONFIG_GLOBAL"], "/dev/null");
    assert_eq!(
        (plain["HOME"].as_str(), plain["SSH_AUTH_SOCK"].as_str()),
        ("/home/me", "/s")
    );
    assert!(plain.values().any(|value| value == "protocol.git.allow"));
    assert_eq!(
        of(&[("GIT_CONFIG_GLOBAL", "/etc/stoa/gitconfig")])["GIT_CONFIG_GLOBAL"],
        "/etc/stoa/gitconfig"
    );
}
