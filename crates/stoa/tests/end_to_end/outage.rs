//! With every upstream down, what is kept is served, and what is not kept is trouble, never "not found".

use crate::world::{mirror_of, small_world, stoa};
use testkit::{
    client::Answer,
    module::Module,
    port::Silence,
    proxy::{Action, FakeUpstream},
};

const KEPT: [&str; 5] = [
    "/example.test/greet/@v/list",
    "/example.test/greet/@latest",
    "/example.test/greet/@v/v1.1.0.info",
    "/example.test/greet/@v/v1.1.0.mod",
    "/example.test/greet/@v/v1.1.0.zip",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_outlives_the_upstream() {
    let upstream = small_world();
    let stoa = mirror_of(&upstream);
    let mut before = Vec::new();
    for path in KEPT {
        let answer = stoa.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        before.push(answer.body);
    }
    upstream.unplug();
    for (path, body) in KEPT.iter().zip(&before) {
        let answer = stoa.get(path).await;
        assert_eq!((answer.status, &answer.body), (200, body), "{path}");
    }

    // A new process remembers nothing but what it kept.
    let stoa = stoa.restart();
    for (path, body) in KEPT.iter().zip(&before) {
        let answer = stoa.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let status = answer.header("cache-status");
        if path.contains("/@v/v") {
            assert_eq!(&answer.body, body, "{path}");
            assert!(!status.contains("stale"), "{path} never changes: {status}");
        } else {
            assert!(answer.text().contains("v1.1.0"), "{path}: {}", answer.text());
            assert!(
                status.contains("stale"),
                "{path} could not be asked for: {status}"
            );
        }
    }
    for path in [
        "/example.test/greet/@v/v1.0.0.info",
        "/example.test/greet/@v/v1.0.0.zip",
        "/example.test/unknown/@v/list",
        "/example.test/unknown/@latest",
        "/example.test/greet/@v/main.info",
    ] {
        trouble(path, &stoa.get(path).await);
    }
    upstream.plug();
    assert_eq!(stoa.get("/example.test/greet/@v/v1.0.0.zip").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_in_trouble_is_never_not_found() {
    let upstream = small_world();
    let stoa = mirror_of(&upstream);
    for (number, status) in [500, 502, 503, 401, 403, 429].into_iter().enumerate() {
        let path = format!("/example.test/trouble{number}/@v/v1.0.0.info");
        upstream.when(&path, Action::status(status, "in trouble"));
        trouble(&path, &stoa.get(&path).await);
    }
    for (number, status) in [404, 410].into_iter().enumerate() {
        let path = format!("/example.test/gone{number}/@v/v1.0.0.info");
        upstream.when(&path, Action::status(status, "no such module"));
        let answer = stoa.get(&path).await;
        assert_eq!(answer.status, 404, "{}", answer.text());
    }
}

/// The silence of an upstream has one budget, and the client is answered within it.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_upstream_is_a_time_out() {
    let silence = Silence::start();
    let stoa = stoa()
        .upstream(&silence.url())
        .environment("STOA_LIMITS__SILENCE", "1s")
        .start();
    let answer = stoa.get("/example.test/greet/@v/v1.0.0.info").await;
    assert_eq!(answer.status, 504, "{}", answer.text());
    assert!(answer.header("cache-control").contains("no-store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_broken_off_three_times_is_one_clean_answer() {
    let module = Module::new("example.test/big", "v1.0.0").weighing(6, 3);
    let whole = module.zip();
    let upstream = FakeUpstream::serving([module.clone()]);
    let zip = module.url_path("zip");
    for offset in [5_555_555, 1_234_567, 70_001] {
        upstream.when_times(&zip, 1, Action::serve().breaking_off_at(offset));
    }
    let stoa = mirror_of(&upstream);
    let answer = stoa.get(&zip).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.body == whole, "other bytes");
    assert_eq!(upstream.count(&zip), 4);
    let requests = upstream.requests();
    let resumed = requests
        .iter()
        .filter(|seen| seen.path == zip && seen.headers.contains_key("range"));
    assert_eq!(resumed.count(), 3, "each attempt after the first resumes");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_ignores_ranges_is_begun_anew() {
    let module = Module::new("example.test/big", "v1.0.0").weighing(6, 4);
    let whole = module.zip();
    let upstream = FakeUpstream::serving([module.clone()]);
    let zip = module.url_path("zip");
    upstream.when(&zip, Action::serve().ignoring_range());
    upstream.when_times(
        &zip,
        1,
        Action::serve().breaking_off_at(3_000_001).ignoring_range(),
    );
    upstream.when_times(&zip, 1, Action::serve().breaking_off_at(50_001).ignoring_range());
    let stoa = mirror_of(&upstream);
    let answer = stoa.get(&zip).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.body == whole, "other bytes");
}

fn trouble(path: &str, answer: &Answer) {
    assert!(
        [502, 504].contains(&answer.status),
        "{path}: {} {}",
        answer.status,
        answer.text()
    );
    assert!(answer.header("cache-control").contains("no-store"), "{path}");
    assert!(answer.header("content-type").starts_with("text/plain"), "{path}");
    assert!(!answer.text().trim().is_empty(), "{path} says why");
}
