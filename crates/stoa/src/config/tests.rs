//! The layers together: who wins, what is refused, and what never prints.

use super::*;

/// A machine without a `go` command.
struct NoGo;

impl GoCommand for NoGo {
    fn setting(&self, _name: &str) -> Option<String> {
        None
    }
    fn proxy_by_default(&self) -> Option<String> {
        None
    }
}

/// Loads what the layers say; the file's text is written to a real file.
fn load_layers(
    file: &str,
    variables: &[(&str, &str)],
    flags: &[(&'static str, &str)],
) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stoa.toml");
    std::fs::write(&path, file).expect("the file");
    let command_line = CommandLine {
        file: Some(path),
        flags: flags
            .iter()
            .map(|(key, value)| (*key, (*value).to_owned()))
            .collect(),
    };
    let environment = Environment::new(
        variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into())),
    );
    load(&command_line, &environment, &NoGo)
}

fn value(config: &Config, key: &str) -> (String, String) {
    let setting = table::setting(key).expect("a key");
    let value = config.values.get(key).expect("a value");
    (value.shown(setting), value.source.to_string())
}

fn refused(file: &str, variables: &[(&str, &str)]) -> String {
    match load_layers(file, variables, &[]) {
        Ok(_) => panic!("accepted: {file} {variables:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn flags_go_before_the_environment_before_the_file_before_the_defaults() {
    let file = "listen = '127.0.0.1:1'\n[storage]\nurl = 'file:./from-file'\n";
    let config = load_layers("", &[], &[]).expect("defaults");
    assert_eq!(
        value(&config, "listen"),
        ("127.0.0.1:3000".into(), "default".into())
    );
    let config = load_layers(file, &[], &[]).expect("file");
    assert_eq!(value(&config, "listen").0, "127.0.0.1:1");
    assert!(
        value(&config, "storage.url").1.ends_with("stoa.toml:3"),
        "{:?}",
        value(&config, "storage.url")
    );
    let variables = [("STOA_LISTEN", "127.0.0.1:2"), ("GOPROXY", "off")];
    let config = load_layers(file, &variables, &[]).expect("environment");
    assert_eq!(
        value(&config, "listen"),
        ("127.0.0.1:2".into(), "environment STOA_LISTEN".into())
    );
    assert_eq!(
        value(&config, "upstream.chain"),
        ("off".into(), "default: GOPROXY of the environment".into())
    );
    let config = load_layers(file, &variables, &[("listen", "127.0.0.1:3")]).expect("flags");
    assert_eq!(
        value(&config, "listen"),
        ("127.0.0.1:3".into(), "flag --listen".into())
    );
    assert_eq!(value(&config, "storage.url").0, "file:./from-file");
}

#[test]
fn values_come_in_every_form_that_makes_sense() {
    let file = "[limits]\ndrain = 5\nmemory_cache = 1_024\n[telemetry]\naccess_log = false\n\
                [upstream]\nprivate = ['corp.example', '*.internal']\nchain = ['https://a.example', 'direct']\n\
                [access]\n[policy]\n";
    let config = load_layers(file, &[("STOA_LIMITS__CONNECTIONS", "12345")], &[]).expect("a configuration");
    assert_eq!(config.limits.drain, Duration::from_secs(5));
    assert_eq!(config.limits.memory_cache, 1024);
    assert_eq!(config.limits.connections, 12345);
    assert!(!config.telemetry.access_log);
    assert!(config.upstream.private.matches("corp.example/x"));
    assert_eq!(value(&config, "upstream.chain").0, "https://a.example,direct");
    // A text that looks like a number stays a text.
    let config = load_layers(
        "",
        &[("STOA_STORAGE__URL", "file:12345"), ("STOA_DIRECT__CACHE", "1e5")],
        &[],
    );
    let config = config.expect("a configuration");
    assert_eq!(config.storage, StorageUrl::File("12345".into()));
    assert_eq!(config.direct.cache, Some("1e5".into()));
}

#[test]
fn names_nobody_knows_are_refused_with_the_nearest_one() {
    for (file, variables, name, suggestion) in [
        ("lisen = ':1'", vec![], "lisen (", "did you mean listen?"),
        (
            "[storage]\nuri = 'x'",
            vec![],
            "storage.uri (",
            "did you mean storage.url?",
        ),
        ("private = 'x'", vec![], "private (", "no such setting"),
        ("[storage.url]\nx = 1", vec![], "storage.url", "a storage URL"),
        ("[access]\nx = 1", vec![], "access.x (", "no such setting"),
        (
            "",
            vec![("STOA_STORAGE_URL", "x")],
            "STOA_STORAGE_URL",
            "did you mean STOA_STORAGE__URL?",
        ),
        (
            "",
            vec![("STOA_TLS__KEY_FILE", "x")],
            "STOA_TLS__KEY_FILE",
            "no such setting",
        ),
        (
            "",
            vec![("STOA_ELSEWHERE", "x")],
            "STOA_ELSEWHERE",
            "no such setting",
        ),
    ] {
        let error = refused(file, &variables);
        assert!(error.starts_with(name) && error.contains(suggestion), "{error}");
    }
    let not_settings = [
        "STOA_VERSION",
        "STOA_COMMIT",
        "STOA_SERVICE_HOST",
        "STOA_PORT",
        "STOA_PORT_3000_TCP",
    ];
    load_layers("", &not_settings.map(|name| (name, "x")), &[]).expect("not settings");
}

#[test]
fn a_wrong_value_of_every_key_is_one_sentence_that_names_it() {
    for (key, wrong) in [
        ("listen", "nowhere"),
        ("base_path", "go"),
        ("storage.url", "s3://bucket?secret=x"),
        ("storage.endpoint", "x"),
        ("storage.spool", ""),
        ("storage.also", "ftp://x"),
        ("storage.redirect_over", "x"),
        ("upstream.chain", ""),
        ("upstream.private", "[a"),
        ("checksums.database", "nobody.example"),
        ("checksums.skip", "[a"),
        ("checksums.when_unreachable", "hope"),
        ("lease.url", "etcd://x"),
        ("direct.git", "maybe"),
        ("direct.insecure", "[a"),
        ("direct.vcs", "x"),
        ("direct.cache", ""),
        ("direct.credentials", ""),
        ("catalog.private", "maybe"),
        ("scrub.every", "x"),
        ("lists.fresh", "x"),
        ("lists.absent", "x"),
        ("web.public_url", "x"),
        ("limits.drain", "x"),
        ("limits.memory_cache", "x"),
        ("limits.header_timeout", "0s"),
        ("limits.send_timeout", "0"),
        ("limits.connections", "0"),
        ("limits.silence", "0"),
        ("tls.certificate", ""),
        ("tls.key", "alone"),
        ("telemetry.log_format", "xml"),
        ("telemetry.log_level", "loud"),
        ("telemetry.access_log", "maybe"),
    ] {
        let name = table::setting(key).expect(key).environment_name();
        let error = refused("", &[(&name, wrong)]);
        assert!(
            error.starts_with(&format!("{key}: ")) && error.contains(&name),
            "{error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
    assert!(refused("[limits]\n\ndrain = true", &[]).contains("stoa.toml:3"));
    assert!(refused("\nlisten = ", &[]).contains("stoa.toml:2: it is not TOML"));
}

#[test]
fn a_named_file_must_be_there() {
    let missing = CommandLine {
        file: Some("/nowhere/stoa.toml".into()),
        ..CommandLine::default()
    };
    let error = load(&missing, &Environment::default(), &NoGo)
        .map(drop)
        .expect_err("no such file");
    assert!(error.to_string().starts_with("/nowhere/stoa.toml: "), "{error}");
    let environment = Environment::new([("STOA_CONFIG".into(), "/nowhere/other.toml".into())]);
    let error = load(&CommandLine::default(), &environment, &NoGo)
        .map(drop)
        .expect_err("no such file");
    assert!(error.to_string().starts_with("/nowhere/other.toml: "), "{error}");
}

#[test]
fn secrets_come_from_files_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secret");
    std::fs::write(&path, "redis://:canary@host\n").expect("the file");
    let path = path.to_str().expect("a path");
    let config = load_layers("", &[("STOA_LEASE__URL_FILE", path)], &[]).expect("a configuration");
    assert_eq!(
        config.values.get("lease.url").map(|value| value.text.as_str()),
        Some("redis://:canary@host")
    );
    assert_eq!(value(&config, "lease.url").1, "environment STOA_LEASE__URL_FILE");
    let error = refused("", &[("STOA_LEASE__URL_FILE", path), ("STOA_LEASE__URL", "auto")]);
    assert!(
        error.contains("STOA_LEASE__URL") && error.contains("STOA_LEASE__URL_FILE"),
        "{error}"
    );
    let error = refused("", &[("STOA_LEASE__URL_FILE", "/nowhere/secret")]);
    assert!(error.starts_with("STOA_LEASE__URL_FILE: "), "{error}");
}

#[test]
fn secrets_print_neither_in_errors_nor_in_what_is_shown() {
    let secrets = [
        ("STOA_UPSTREAM__CHAIN", "https://user:canary@proxy.example|direct"),
        ("STOA_LEASE__URL", "redis://:canary@host"),
        (
            "STOA_STORAGE__ALSO",
            "postgres://u:canary@h/db,s3://b?region=eu-west-1",
        ),
    ];
    let shown = show::show(&load_layers("", &secrets, &[]).expect("a configuration"));
    assert!(
        shown.contains("https://<set>@proxy.example|direct") && !shown.contains("canary"),
        "{shown}"
    );
    for (name, wrong) in [
        ("STOA_UPSTREAM__CHAIN", "ftp://user:canary@proxy.example"),
        ("STOA_UPSTREAM__CHAIN", "https://user:canary@proxy.example:port"),
        ("STOA_LEASE__URL", "etcd://:canary@host"),
        ("STOA_STORAGE__URL", "postgres://u:canary@h/db?sslmod=x"),
        ("STOA_STORAGE__ALSO", "s3://b?secret_access_key=canary"),
        ("STOA_STORAGE__ALSO", "mysql://u:canary@h/db"),
        ("STOA_CHECKSUMS__DATABASE", "canary@host"),
        ("STOA_WEB__PUBLIC_URL", "https://u:canary@host"),
        ("GOPROXY", "ftp://user:canary@proxy.example"),
    ] {
        let error = refused("", &[(name, wrong)]);
        assert!(error.contains(name) && !error.contains("canary"), "{error}");
    }
    let error = refused("[lease]\nurl = redis://:canary@host", &[]);
    assert!(!error.contains("canary"), "{error}");
}

#[test]
fn every_key_is_shown_with_where_it_came_from() {
    let shown = show::show(&load_layers("[scrub]\nevery = '24h'", &[], &[]).expect("a configuration"));
    let line = |key: &str| {
        shown
            .lines()
            .find(|line| line.starts_with(key))
            .expect("a line")
            .to_owned()
    };
    assert!(line("scrub.every").contains("stoa.toml:2"), "{shown}");
    assert!(line("checksums.database").contains("sum.golang.org"), "{shown}");
    for setting in table::SETTINGS {
        assert!(shown.contains(setting.key), "{} is shown", setting.key);
    }
}
