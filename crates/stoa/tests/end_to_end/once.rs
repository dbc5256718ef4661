//! However many ask, the upstream is asked once; and whoever has what he needs waits for nobody.

use crate::world::{mirror_of, small_world};
use std::time::Duration;
use testkit::{
    client::{Ask, get},
    gate::Gate,
    module::Module,
    proxy::{Action, FakeUpstream},
};
use tokio::task::JoinSet;

const PSEUDO: &str = "v0.0.0-20210801000000-0123456789ab";

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_cold_requests_are_one_fetch() {
    let module = Module::new("example.test/busy", PSEUDO).weighing(1, 1);
    let upstream = FakeUpstream::serving([module.clone()]);
    let names = ["main", "dev", "0123456789ab"];
    names
        .iter()
        .for_each(|name| upstream.name("example.test/busy", name, PSEUDO));
    let gate = Gate::shut();
    upstream.when("*", Action::serve().behind(&gate));
    let stoa = mirror_of(&upstream);

    let root = format!("{}/example.test/busy/@v", stoa.url());
    let files = ["info", "mod", "zip"].map(|kind| (format!("{root}/{PSEUDO}.{kind}"), kind));
    let queries = names.map(|name| (format!("{root}/{name}.info"), "info"));
    let mut asking = JoinSet::new();
    for (url, kind) in files.iter().chain(&queries).cycle().take(200).cloned() {
        asking.spawn(async move { (kind, get(&url).await.unwrap()) });
    }
    // Each branch name needs a look-up of its own, so these arrive while all the others wait.
    for name in names {
        upstream.wait_for(&format!("*/@v/{name}.info"), 1).await;
    }
    gate.open();

    while let Some(asked) = asking.join_next().await {
        let (kind, answer) = asked.unwrap();
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text());
        match kind {
            "info" => assert_eq!(answer.body, module.info()),
            "mod" => assert_eq!(answer.body, module.go_mod()),
            _ => assert!(answer.body == module.zip(), "other bytes"),
        }
    }
    for name in names {
        assert_eq!(
            upstream.count(&format!("*/@v/{name}.info")),
            1,
            "{:?}",
            upstream.paths()
        );
    }
    for kind in ["info", "mod", "zip"] {
        assert!(
            upstream.count(&module.url_path(kind)) <= 1,
            "{kind}: {:?}",
            upstream.paths()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_file_does_not_wait_for_misses_that_hang() {
    let upstream = small_world();
    let stoa = mirror_of(&upstream);
    let kept = "/example.test/greet/@v/v1.0.0.info";
    assert_eq!(stoa.get(kept).await.status, 200);
    upstream.when("/dead.test/*", Action::hang());

    let mut hanging = JoinSet::new();
    for number in 0..100 {
        let url = format!("{}/dead.test/m{number}/@v/v1.0.0.zip", stoa.url());
        hanging.spawn(async move { get(&url).await });
    }
    upstream.wait_for("/dead.test/*", 1).await;
    for _ in 0..20 {
        assert_eq!(stoa.get(kept).await.status, 200);
        assert_eq!(stoa.get("/healthz").await.status, 200);
    }
    assert!(hanging.try_join_next().is_none(), "the others still hang");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_client_hanging_up_cancels_nobody() {
    let module = Module::new("example.test/slow", "v1.0.0").weighing(2, 2);
    let upstream = FakeUpstream::serving([module.clone()]);
    let gate = Gate::shut();
    let zip = module.url_path("zip");
    upstream.when(&zip, Action::serve().behind(&gate));
    let stoa = mirror_of(&upstream);
    let url = format!("{}{zip}", stoa.url());

    let first = tokio::spawn(Ask::get(&url).open());
    upstream.wait_for(&zip, 1).await;
    let others: Vec<_> = (0..5)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { get(&url).await.unwrap() })
        })
        .collect();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    gate.open();
    for other in others {
        let answer = other.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.body == module.zip(), "other bytes");
    }
    assert_eq!(upstream.count(&zip), 1, "{:?}", upstream.paths());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_alone_leaves_the_file_behind() {
    let module = Module::new("example.test/slow", "v1.0.0");
    let upstream = FakeUpstream::serving([module.clone()]);
    let gate = Gate::shut();
    let zip = module.url_path("zip");
    upstream.when(&zip, Action::serve().behind(&gate));
    let stoa = mirror_of(&upstream);

    let only = tokio::spawn(Ask::get(&format!("{}{zip}", stoa.url())).open());
    upstream.wait_for(&zip, 1).await;
    only.abort();
    gate.open();
    let later = tokio::time::timeout(Duration::from_secs(60), stoa.get(&zip))
        .await
        .unwrap();
    assert_eq!(
        (later.status, upstream.count(&zip)),
        (200, 1),
        "{:?}",
        upstream.paths()
    );
}
