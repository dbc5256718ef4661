//! The configuration as a whole process sees it.

use crate::stoa;
use testkit::client::{block_on, get};

const CANARY: &str = "canary-7f3a";

#[test]
fn an_empty_folder_is_all_it_takes() {
    let server = stoa()
        .without("GOSUMDB")
        .environment("GOPROXY", "https://proxy.example.com|direct")
        .start();
    for line in [
        "data       ./stoa-data (created)",
        &format!("listen     {}", server.url()),
        "upstream   https://proxy.example.com|direct  (default: GOPROXY of the environment)",
        "checksums  sum.golang.org, which clients may ask for here",
        &format!("use it     go env -w GOPROXY={}", server.url()),
    ] {
        server.wait_for_log(line);
    }
    assert!(server.setup().store().is_dir());
    let again = server.restart();
    again.wait_for_log("data       ./stoa-data\n");
}

#[test]
fn without_a_subcommand_it_serves() {
    let setup = stoa().environment("STOA_LISTEN", "127.0.0.1:0");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_stoa"))
        .current_dir(setup.folder())
        .env_clear()
        .envs([
            ("GOPROXY", "off"),
            ("GOSUMDB", "off"),
            ("STOA_LISTEN", "127.0.0.1:0"),
        ])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("stoa starts");
    let output = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let mut lines = std::io::BufRead::lines(output).map_while(Result::ok);
    let used = lines.find_map(|line| Some(line.split_once("go env -w GOPROXY=")?.1.to_owned()));
    let answer = block_on(async { get(&format!("{}/healthz", used.expect("the line to type"))).await });
    testkit::process::terminate(&child).expect("it is ours");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(answer.expect("an answer").status, 200);
}

#[test]
fn every_wrong_setting_ends_with_64_and_one_sentence() {
    for (name, value, part) in [
        ("STOA_LISTEN", "nowhere", "listen: "),
        (
            "STOA_STORAGE__URL",
            "s3://key:word@bucket/prefix",
            "storage.url: there is more in it than a bucket",
        ),
        ("STOA_UPSTREAM__CHAIN", "ftp://x", "upstream.chain: "),
        (
            "STOA_UPSTREAM__CHAIN",
            "http://user:word@10.0.0.1",
            "upstream.chain: ",
        ),
        ("STOA_STORAGE_URL", "memory:", "did you mean STOA_STORAGE__URL?"),
        (
            "STOA_TLS__CERTIFICATE",
            "cert.pem",
            "tls.certificate: it is set without tls.key",
        ),
        (
            "STOA_CONFIG",
            "missing.toml",
            "missing.toml: the configuration file cannot be read",
        ),
        ("SSL_CERT_FILE", "missing.pem", "SSL_CERT_FILE"),
        ("GOPROXY", "ftp://x", "upstream.chain: "),
    ] {
        let setup = stoa().environment(name, value);
        for command in [
            &["config", "check"] as &[&str],
            &["serve", "--listen", "127.0.0.1:0"],
        ] {
            if name == "STOA_LISTEN" && command.contains(&"--listen") {
                continue;
            }
            let finished = setup.run(command.iter().copied());
            assert_eq!(finished.code, 64, "{name}={value}: {finished}");
            let sentence = finished.stderr.trim_end();
            assert!(
                sentence.contains(part) && !sentence.contains('\n'),
                "{name}={value}: {finished}"
            );
        }
    }
}

#[test]
fn the_file_in_the_folder_is_read_and_named() {
    let setup = stoa().configuration("[lists]\nfresh = \"5s\"\n");
    let shown = setup.run(["config", "show"]).stdout;
    assert!(shown.contains("# configuration file: stoa.toml"), "{shown}");
    let line = shown
        .lines()
        .find(|line| line.starts_with("lists.fresh"))
        .expect("a line");
    assert!(
        line.contains("= \"5s\"") && line.ends_with("# stoa.toml:2"),
        "{line}"
    );
    let finished = stoa()
        .configuration("[list]\nfresh = \"5s\"\n")
        .run(["config", "check"]);
    assert_eq!(finished.code, 64, "{finished}");
    assert!(
        finished
            .stderr
            .contains("list (stoa.toml:1): there is no such setting"),
        "{finished}"
    );
}

#[test]
fn no_secret_is_ever_printed() {
    let secret = format!("https://user:{CANARY}@127.0.0.1:9");
    let setup = stoa()
        .environment("STOA_UPSTREAM__CHAIN", &secret)
        .environment("STOA_TELEMETRY__LOG_LEVEL", "trace");
    let setup = setup.environment("STOA_LEASE__URL", format!("redis://:{CANARY}@127.0.0.1:9"));
    for format in ["text", "json"] {
        let setup = setup.clone().environment("STOA_TELEMETRY__LOG_FORMAT", format);
        for command in ["show", "check"] {
            let finished = setup.run(["config", command]);
            assert_eq!(finished.code, 0, "{finished}");
            assert!(!finished.to_string().contains(CANARY), "{finished}");
        }
        let server = setup.start();
        let answer = server.get_blocking("/example.test/m/@v/v1.0.0.info");
        assert_eq!(answer.status, 502, "{}", answer.text());
        let metrics = server.get_blocking("/metrics").text();
        let (status, log) = server.stop();
        assert!(status.success());
        assert!(log.contains("<set>@127.0.0.1:9"), "the upstream is named: {log}");
        for text in [log, metrics, answer.text()] {
            assert!(!text.contains(CANARY), "{text}");
        }
    }
    let wrong = setup
        .environment("STOA_UPSTREAM__CHAIN", format!("gopher://user:{CANARY}@host"))
        .run(["config", "check"]);
    assert_eq!(wrong.code, 64, "{wrong}");
    assert!(!wrong.to_string().contains(CANARY), "{wrong}");
}

#[test]
fn the_printed_line_typed_on_this_machine_is_no_upstream() {
    let setup = stoa();
    let setup = setup.clone().environment("GOPROXY", setup.url());
    let server = setup.start();
    server.wait_for_log("names only this server");
    let (_, log) = server.stop();
    let upstream = log
        .lines()
        .find(|line| line.contains("upstream"))
        .expect("a line");
    assert!(!upstream.contains(&setup.url()), "{upstream}");
}
