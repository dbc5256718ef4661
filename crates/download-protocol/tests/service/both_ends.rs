//! Both ends of the wire: the service in front, another proxy behind, a mirror that keeps and checks between them.

use crate::house::{House, OWN_ID, header, read};
use proxy_core::mirror::Lifetimes;
use std::time::Duration;
use testkit::{
    client::get,
    module::{Module, fixtures},
    proxy::{Action, FakeUpstream},
};
use tokio::net::TcpListener;

const MISS: &str = "stoa; fwd=miss; stored";
const HIT: &str = "stoa; hit";

fn house(upstream: &FakeUpstream) -> House {
    House::fetching(OWN_ID, &upstream.url(), Lifetimes::default())
}

#[tokio::test]
async fn a_miss_is_fetched_once_and_then_kept_with_the_origin_unplugged() {
    let greet = Module::new("example.test/Greet", "v1.0.0");
    let upstream = FakeUpstream::serving([greet.clone()]);
    let house = house(&upstream);
    let zip = format!("/{}", greet.url_path("zip").trim_start_matches('/'));
    let head = house.ask("HEAD", &zip, &[]).await;
    assert_eq!(
        (head.status().as_u16(), header(&head, "cache-status")),
        (200, MISS),
        "a head fetches too"
    );
    assert_eq!(header(&head, "content-length"), greet.zip().len().to_string());
    let part = house.ask("GET", &zip, &["range: bytes=0-1"]).await;
    assert_eq!(
        (part.status().as_u16(), header(&part, "cache-status")),
        (206, HIT)
    );
    assert_eq!(read(part).await.1, "PK");
    let (head, go_mod) = house.get(&zip.replace(".zip", ".mod")).await;
    assert_eq!(
        (header(&head, "cache-status"), go_mod.as_bytes()),
        (HIT, &greet.go_mod()[..]),
        "it came with the zip"
    );
    let (head, _) = house.get("/example.test/%21greet/@v/list").await;
    assert_eq!(header(&head, "cache-status"), MISS);

    upstream.unplug();
    for (path, status) in [
        (&*zip, 200),
        ("/example.test/!greet/@v/v1.0.0.info", 200),
        ("/example.test/!greet/@v/list", 200),
        ("/example.test/!greet/@latest", 200),
        ("/example.test/!greet/@v/v1.1.0.info", 502),
        ("/example.test/other/@v/list", 502),
    ] {
        let response = house.ask("GET", path, &[]).await;
        assert_eq!(response.status(), status, "{path}");
    }
    assert_eq!((upstream.count("*.zip"), upstream.count("*.mod")), (1, 1));
}

#[tokio::test]
async fn trouble_behind_is_trouble_in_front_and_absence_absence() {
    let upstream = FakeUpstream::serving(fixtures());
    let impatient = Lifetimes {
        silence: Duration::from_millis(300),
        ..Lifetimes::default()
    };
    let house = House::fetching(OWN_ID, &upstream.url(), impatient);
    upstream.when(
        "*v1.0.1.*",
        Action::status(404, "not found: unknown revision v1.0.1"),
    );
    upstream.when("*v1.0.2.*", Action::status(410, "gone"));
    upstream.when("*v1.0.3.*", Action::status(403, "who are you"));
    upstream.when("*v1.0.4.*", Action::hang());
    upstream.when("*v1.0.5.mod", Action::bytes("<html>"));
    for (version, status, words) in [
        ("v1.0.1", 404, "unknown revision v1.0.1"),
        ("v1.0.2", 404, ""),
        ("v1.0.3", 502, "403"),
        ("v1.0.4", 504, ""),
        ("v1.0.5", 502, "was refused"),
    ] {
        let (head, text) = house.get(&format!("/example.test/greet/@v/{version}.mod")).await;
        assert_eq!(head.status(), status, "{version}: {text}");
        let keep = if status == 404 {
            "public, max-age=60"
        } else {
            "no-store"
        };
        assert_eq!(header(&head, "cache-control"), keep, "{version}");
        assert!(text.contains(words), "{version}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_mirrors_that_name_each_other_say_so() {
    let listeners = [
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
    ];
    let [one, two] = listeners
        .each_ref()
        .map(|listener| format!("http://{}", listener.local_addr().unwrap()));
    let [first, second] = listeners;
    House::fetching("stoa-one", &two, Lifetimes::default()).listen(first);
    House::fetching("stoa-two", &one, Lifetimes::default()).listen(second);
    for path in [
        "example.test/m/@v/v1.0.0.zip",
        "example.test/m/@v/list",
        "example.test/m/@latest",
    ] {
        let asked = tokio::time::timeout(Duration::from_secs(20), get(&format!("{one}/{path}"))).await;
        let answer = asked.expect("a loop is recognised, not waited out").unwrap();
        assert_eq!(answer.status, 508, "{path}");
        assert!(answer.text().contains("leads back"), "{path}: {}", answer.text());
    }
}
