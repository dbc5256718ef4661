//! Our own pages, and where they answer.

use crate::{stoa, stoa_of};
use testkit::{
    client::{Ask, block_on},
    module::fixtures,
    proxy::FakeUpstream,
};

#[test]
fn pages_answer_and_only_get_and_head_are_asked() {
    let server = stoa().start();
    for (path, part) in [
        ("/healthz", "ok"),
        ("/readyz", "ready"),
        ("/version", "\"version\""),
        ("/metrics", "stoa_build_info{version="),
        ("/robots.txt", "Disallow: /"),
        ("/", &format!("go env -w GOPROXY={}", server.url())),
    ] {
        let answer = server.get_blocking(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text().contains(part), "{path}: {}", answer.text());
        let url = format!("{}{path}", server.url());
        let head = block_on(Ask::get(&url).method("HEAD").send()).expect("an answer");
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        let length: usize = head.header("content-length").parse().expect("a length");
        assert!(
            length > 0 && (path == "/metrics" || length == answer.body.len()),
            "{path}"
        );
    }
    for path in ["/", "/healthz", "/metrics", "/example.test/m/@v/list", "/nothing"] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
            let url = format!("{}{path}", server.url());
            let answer = block_on(Ask::get(&url).method(method).send()).expect("an answer");
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, "GET, HEAD"),
                "{method} {path}"
            );
        }
    }
    assert!(server.get_blocking("/nothing").text().contains("GOPROXY"));
}

#[test]
fn everything_lies_below_the_base_path_and_health_at_the_root_too() {
    let upstream = FakeUpstream::serving(fixtures());
    let server = stoa_of(&upstream)
        .environment("STOA_BASE_PATH", "/go/mirror/")
        .start();
    for path in [
        "/healthz",
        "/readyz",
        "/go/mirror/healthz",
        "/go/mirror/readyz",
        "/go/mirror/version",
        "/go/mirror",
    ] {
        assert_eq!(server.get_blocking(path).status, 200, "{path}");
    }
    assert_eq!(
        server
            .get_blocking("/go/mirror/example.test/greet/@v/v1.0.0.mod")
            .status,
        200
    );
    for path in [
        "/",
        "/version",
        "/go",
        "/go/mirrored/healthz",
        "/example.test/greet/@v/v1.0.0.mod",
    ] {
        assert_eq!(server.get_blocking(path).status, 404, "{path}");
    }
    server.wait_for_log(&format!("go env -w GOPROXY={}/go/mirror\n", server.url()));
}

#[test]
fn an_upstream_that_is_down_makes_nobody_unready() {
    let upstream = FakeUpstream::serving([]);
    let server = stoa_of(&upstream).start();
    upstream.unplug();
    assert_eq!(
        server.get_blocking("/example.test/greet/@v/v1.0.0.info").status,
        502
    );
    assert_eq!(server.get_blocking("/readyz").status, 200);
    assert_eq!(server.get_blocking("/healthz").status, 200);
}

#[test]
fn a_store_that_is_gone_does_and_one_that_comes_back_does_not() {
    let server = stoa().start();
    let (store, away) = (server.setup().store(), server.setup().folder().join("away"));
    std::fs::rename(&store, &away).expect("the folder is ours");
    let answer = server.get_blocking("/readyz");
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(server.get_blocking("/healthz").status, 200);
    std::fs::rename(&away, &store).expect("the folder is ours");
    assert_eq!(server.get_blocking("/readyz").status, 200);
}

#[test]
fn hits_misses_upstream_time_and_requests_under_way_are_counted() {
    let upstream = FakeUpstream::serving(fixtures());
    let server = stoa_of(&upstream).start();
    for _ in 0..2 {
        assert_eq!(
            server.get_blocking("/example.test/greet/@v/v1.0.0.info").status,
            200
        );
    }
    let metrics = server.get_blocking("/metrics").text();
    let value = |name: &str, labels: &[&str]| {
        let line = metrics.lines().find(|line| {
            line.starts_with(name)
                && labels.iter().all(|label| line.contains(label))
                && !line.starts_with('#')
        });
        let line = line.unwrap_or_else(|| panic!("no {name} with {labels:?} in\n{metrics}"));
        line.rsplit_once(' ')
            .and_then(|(_, value)| value.parse::<f64>().ok())
            .expect("a number")
    };
    assert!(
        value(
            "stoa_requests_total{",
            &["cache=\"hit\"", "kind=\"info\"", "status=\"200\""]
        ) >= 1.0
    );
    assert!(
        value(
            "stoa_requests_total{",
            &["cache=\"miss\"", "kind=\"info\"", "status=\"200\""]
        ) >= 1.0
    );
    assert!(value("stoa_request_duration_seconds_bucket{", &["le=\"+Inf\""]) >= 1.0);
    assert_eq!(value("stoa_requests_in_flight", &[]), 0.0);
    assert!(value("stoa_upstream_requests_total{", &[]) >= 1.0);
    assert!(value("stoa_upstream_request_duration_seconds_count{", &[]) >= 1.0);
    assert_eq!(value("stoa_build_info{", &["version="]), 1.0);
    assert!(value("process_resident_memory_bytes", &[]) > 1e6);
    assert!(value("process_start_time_seconds", &[]) > 1e9);
}
