//! Commands, their answers, and the numbers they end with.

use crate::stoa;
use std::process::Command;

#[test]
fn a_wrong_command_line_ends_with_64() {
    for arguments in [
        &["bogus"] as &[&str],
        &["serve", "--bogus"],
        &["serve", "--listen"],
        &["config", "bogus"],
    ] {
        let finished = stoa().run(arguments.iter().copied());
        assert_eq!(finished.code, 64, "{arguments:?}: {finished}");
    }
    let finished = stoa().run(["--help"]);
    assert_eq!(finished.code, 0, "{finished}");
    assert!(
        finished
            .stdout
            .contains("go env -w GOPROXY=http://127.0.0.1:3000"),
        "it teaches: {finished}"
    );
}

#[test]
fn the_version_is_told_in_words_and_in_json() {
    let finished = stoa().run(["version"]);
    assert_eq!(finished.code, 0, "{finished}");
    let lines: Vec<_> = finished.stdout.lines().collect();
    let words: Vec<_> = lines.iter().filter_map(|line| line.split_once(' ')).collect();
    let [("stoa", version), ("commit", commit), ("built", built)] = words[..] else {
        panic!("{finished}")
    };
    let json = stoa().run(["version", "--json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["version"], version);
    for (key, told) in [("commit", commit), ("build_time", built)] {
        assert_eq!(json[key].as_str().unwrap_or("unknown"), told, "{key}");
    }
}

#[test]
fn command_page_log_and_metric_tell_of_one_build() {
    let server = stoa().environment("STOA_TELEMETRY__LOG_FORMAT", "json").start();
    let told = server.setup().run(["version", "--json"]).stdout;
    assert_eq!(server.get_blocking("/version").text(), told);
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let metrics = server.get_blocking("/metrics").text();
    let (_, log) = server.stop();
    let first: serde_json::Value = serde_json::from_str(log.lines().next().expect("a line")).expect("JSON");
    let metric = metrics.lines().find(|line| line.starts_with("stoa_build_info{"));
    let metric = metric.expect("the metric");
    for key in ["version", "commit", "build_time"] {
        assert_eq!(first[key], told[key], "{key}: {log}");
        let value = told[key].as_str().unwrap_or("unknown");
        assert!(metric.contains(&format!("{key}=\"{value}\"")), "{key}: {metric}");
    }
}

#[test]
fn completions_and_the_manual_are_written_for_packages() {
    let setup = stoa();
    for shell in ["bash", "zsh", "fish"] {
        let script = setup.run(["completions", shell]);
        assert!(script.success && script.stdout.contains("stoa"), "{script}");
    }
    let finished = setup.run(["completions", "ksh93"]);
    assert_eq!(finished.code, 64, "{finished}");
    let finished = setup.run(["manual", "man"]);
    assert!(finished.success, "{finished}");
    let page = |name: &str| std::fs::read_to_string(setup.folder().join("man").join(name)).expect(name);
    assert!(page("stoa.1").contains("STOA_STORAGE__URL"));
    assert!(page("stoa-serve.1").contains("stoa\\-serve"));
}

#[test]
fn what_the_environment_of_a_build_says_is_no_setting() {
    let setup = stoa()
        .environment("STOA_VERSION", "9.9.9")
        .environment("STOA_COMMIT", "abc");
    let setup = setup
        .environment("STOA_PORT", "tcp://10.0.0.1:3000")
        .environment("STOA_SERVICE_HOST", "10.0.0.1");
    let finished = setup.run(["config", "check"]);
    assert_eq!(
        (finished.code, finished.stdout.as_str()),
        (0, "ok\n"),
        "{finished}"
    );
    assert!(
        !setup.run(["version"]).stdout.contains("9.9.9"),
        "a binary is what it was built as"
    );
}

#[test]
fn a_healthy_server_is_told_from_none() {
    for base_path in ["/", "/go"] {
        let server = stoa().environment("STOA_BASE_PATH", base_path).start();
        let address = server.url().replace("http://", "");
        let health = |address: &str| server.setup().run(["health", "--listen", address]);
        let finished = health(&address);
        assert_eq!(
            (finished.code, finished.stdout.as_str()),
            (0, "ok\n"),
            "{finished}"
        );
        let setup = server.kill();
        let finished = setup.run(["health", "--listen", &address]);
        assert_eq!(finished.code, 69, "{finished}");
        assert!(finished.stderr.contains("is not healthy"), "{finished}");
    }
}

#[test]
fn a_port_in_use_ends_with_69_and_names_the_setting() {
    let first = stoa().start();
    let address = first.url().replace("http://", "");
    let finished = stoa().run(["serve", "--listen", &address]);
    assert_eq!(finished.code, 69, "{finished}");
    assert!(
        finished.stderr.contains(&format!("listen: {address} is in use")),
        "{finished}"
    );
}

#[test]
fn a_store_that_cannot_be_opened_ends_with_69_and_names_the_setting() {
    let setup = stoa();
    std::fs::write(setup.folder().join("stoa-data"), "no folder").expect("a file");
    let finished = setup.run(["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(finished.code, 69, "{finished}");
    assert!(
        finished.stderr.starts_with("stoa: storage.url: ./stoa-data: "),
        "{finished}"
    );
}

#[test]
fn an_answer_nobody_reads_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_stoa"))
        .args(["config", "reference"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("stoa starts");
    drop(child.stdout.take());
    assert!(child.wait().expect("it ends").success());
}
