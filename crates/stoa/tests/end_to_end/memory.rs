//! A zip of 400 MB goes through in little memory: none of it is held or mapped whole.

use crate::world::mirror_of;
use testkit::{
    client::{Ask, drain},
    module::Module,
    proxy::FakeUpstream,
};
use tokio::task::JoinSet;

/// The most that may ever be resident, in bytes.
const LIMIT: u64 = 100_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_megabytes_go_through_in_one_hundred() {
    let module = Module::new("example.test/huge", "v1.0.0").weighing(400, 5);
    let upstream = FakeUpstream::serving([module.clone()]);
    let size = module.zip().len() as u64;
    let stoa = mirror_of(&upstream);
    let url = format!("{}{}", stoa.url(), module.url_path("zip"));

    let (count, ending) = drain(Ask::get(&url).open().await.unwrap()).await;
    ending.unwrap();
    assert_eq!(count, size);
    let cold = stoa.memory().peak;
    assert!(cold < LIMIT, "{cold} bytes were resident while it came in");

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
    let warm = stoa.memory().peak;
    assert!(warm < LIMIT, "{warm} bytes were resident while twenty read it");
    assert_eq!(upstream.count(&module.url_path("zip")), 1);
}
