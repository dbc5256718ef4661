//! The log: one line for each request, in words or JSON.

use crate::stoa_of;
use testkit::{
    client::{Ask, block_on},
    module::fixtures,
    proxy::FakeUpstream,
};

const INFO: &str = "/example.test/greet/@v/v1.0.0.info";

#[test]
fn each_request_is_one_line_with_everything_in_it() {
    let upstream = FakeUpstream::serving(fixtures());
    let server = stoa_of(&upstream)
        .environment("STOA_TELEMETRY__LOG_FORMAT", "json")
        .start();
    let url = format!("{}{INFO}?token=canary", server.url());
    let ask = |id| {
        Ask::get(&url)
            .header("x-request-id", id)
            .header("authorization", "Basic canary")
            .send()
    };
    let first = block_on(ask("first-1")).expect("an answer");
    block_on(ask("second-2")).expect("an answer");
    let strange = block_on(ask("not \"fit\"")).expect("an answer");
    let head = block_on(
        Ask::get(&url)
            .method("HEAD")
            .header("x-request-id", "head-4")
            .send(),
    )
    .expect("an answer");
    assert_eq!(head.status, 200);
    assert_eq!(first.header("x-request-id"), "first-1");
    assert_ne!(strange.header("x-request-id"), "not \"fit\"");
    let (_, log) = server.stop();
    assert!(!log.contains("canary") && !log.contains("not \"fit\""), "{log}");
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect();
    let requests: Vec<_> = lines.iter().filter(|line| line["path"] == INFO).collect();
    assert_eq!(requests.len(), 4, "{log}");
    for (line, (id, cache, method, bytes)) in requests.iter().zip([
        ("first-1", "miss", "GET", first.body.len()),
        ("second-2", "hit", "GET", first.body.len()),
        (strange.header("x-request-id"), "hit", "GET", first.body.len()),
        ("head-4", "hit", "HEAD", 0),
    ]) {
        assert_eq!(line["request_id"], id, "{line}");
        assert_eq!(line["cache"], cache, "{line}");
        assert_eq!(line["method"], method, "{line}");
        assert_eq!(line["bytes"], bytes, "{line}");
        assert_eq!(line["status"], 200, "{line}");
        assert_eq!(line["complete"], true, "{line}");
        assert!(
            line["duration_ms"].as_f64().is_some_and(|time| time > 0.0),
            "{line}"
        );
        assert!(
            line["remote"]
                .as_str()
                .is_some_and(|peer| peer.starts_with("127.0.0.1:")),
            "{line}"
        );
    }
    assert!(
        lines
            .iter()
            .any(|line| line["message"] == "serving" && line["url"].is_string()),
        "{log}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line["message"] == "starting" && line["version"].is_string()),
        "{log}"
    );
}

#[test]
fn trouble_is_told_with_the_request_it_befell() {
    let upstream = FakeUpstream::serving([]);
    upstream.unplug();
    let server = stoa_of(&upstream)
        .environment("STOA_TELEMETRY__LOG_FORMAT", "json")
        .start();
    let url = format!("{}{INFO}", server.url());
    let answer = block_on(Ask::get(&url).header("x-request-id", "trouble-1").send()).expect("an answer");
    assert_eq!(answer.status, 502);
    let (_, log) = server.stop();
    let told = log
        .lines()
        .find(|line| line.contains("\"WARN\""))
        .expect("a warning");
    assert!(told.contains("trouble-1"), "{told}");
}

#[test]
fn the_access_log_can_be_spared() {
    for (name, value) in [
        ("STOA_TELEMETRY__ACCESS_LOG", "false"),
        ("STOA_TELEMETRY__LOG_LEVEL", "warn"),
    ] {
        let upstream = FakeUpstream::serving([]);
        let server = stoa_of(&upstream).environment(name, value).start();
        assert_eq!(server.get_blocking("/healthz").status, 200);
        let (_, log) = server.stop();
        assert!(!log.contains("/healthz"), "{log}");
    }
}
