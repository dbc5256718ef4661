//! A zip of 400 MB goes through in little memory: none of it is held or mapped whole.

use crate::world::mirror_of;
use testkit::{
    client::{Ask, drain},
    module::Module,
    proxy::FakeUpstream,
};
use tokio::task::JoinSet;

/// The most that it may ever hold beside its own code, in bytes: a whole release build stays under 100 MB with it.
const LIMIT: u64 = 75_000_000;

const ZIP: &str = "/example.test/huge/@v/v1.0.0.zip";

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_megabytes_go_through_in_less_than_a_fifth() {
    let upstream = FakeUpstream::serving([Module::new("example.test/huge", "v1.0.0").weighing(400, 5)]);
    let size = size_at(&upstream).await;
    assert!(size > 400 << 20);
    let stoa = mirror_of(&upstream);
    let url = format!("{}{ZIP}", stoa.url());

    let (count, ending) = drain(Ask::get(&url).open().await.unwrap()).await;
    ending.unwrap();
    assert_eq!(count, size);
    let cold = stoa.memory().peak_beside_code();
    assert!(cold < LIMIT, "{cold} bytes were held while it came in");

    let mut reading = JoinSet::new();
    for _ in 0..20 {
        let ask = Ask::get(&url);
        reading.spawn(async move { drain(ask.open().await.unwrap()).await });
    }
    while let Some(read) = reading.join_next().await {
        let (count, ending) = read.unwrap();
        ending.unwrap();
        assert_eq!(count, size);
    }
    let warm = stoa.memory().peak_beside_code();
    assert!(warm < LIMIT, "{warm} bytes were held while twenty read it");
    let fetched = upstream.requests();
    let fetched = fetched
        .iter()
        .filter(|seen| seen.path == ZIP && seen.method == "GET");
    assert_eq!(fetched.count(), 1);
}

/// How large the zip is, by its upstream's word.
async fn size_at(upstream: &FakeUpstream) -> u64 {
    let ask = Ask::get(&format!("{}{ZIP}", upstream.url())).method("HEAD");
    let answer = ask.send().await.unwrap();
    answer.header("content-length").parse().unwrap()
}
