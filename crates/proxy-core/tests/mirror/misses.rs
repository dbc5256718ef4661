//! Misses: once, whoever asks and whoever hangs up.

use super::*;
use origin::Mood;
use proxy_core::store::ModuleStoreExt;
use testkit::module::Module;

const V1: &str = "example.test/m@v1.0.0";

fn m(version: &str) -> Module {
    Module::new("example.test/m", version)
}

#[tokio::test]
async fn a_miss_is_fetched_and_from_then_on_a_hit() {
    let origin = Origin::with(&[m("v1.0.0")]);
    let house = House::new(&origin);
    for (kind, bytes) in [
        (Kind::Info, m("v1.0.0").info()),
        (Kind::Mod, m("v1.0.0").go_mod()),
    ] {
        assert_eq!(house.file(V1, kind).await.unwrap(), (bytes.to_vec(), Cache::Miss));
        assert_eq!(house.file(V1, kind).await.unwrap(), (bytes.to_vec(), Cache::Hit));
    }
    assert_eq!(
        origin.asked(),
        [format!("info {V1}"), format!("mod {V1}")],
        "each file for itself"
    );
}

#[tokio::test]
async fn a_zip_brings_the_info_and_the_mod_that_it_needs() {
    let origin = Origin::with(&[m("v1.0.0")]);
    let house = House::new(&origin);
    assert_eq!(
        house.file(V1, Kind::Zip).await.unwrap(),
        (m("v1.0.0").zip().to_vec(), Cache::Miss)
    );
    for kind in [Kind::Info, Kind::Mod, Kind::Zip] {
        assert_eq!(house.file(V1, kind).await.unwrap().1, Cache::Hit);
        assert_eq!(origin.times_asked(&format!("{kind} {V1}")), 1);
    }
}

#[tokio::test]
async fn two_hundred_requests_at_once_ask_each_thing_once() {
    let origin = Origin::with(&[m("v1.0.0")]);
    for branch in ["main", "release", "latest"] {
        origin.branch(branch, "v1.0.0");
    }
    origin.feel(Mood::Hanging);
    let house = Arc::new(House::new(&origin));
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..200 {
        let house = Arc::clone(&house);
        requests.spawn(async move {
            match number % 6 {
                0 => house.file(V1, Kind::Info).await.map(drop),
                1 => house.file(V1, Kind::Mod).await.map(drop),
                2 => house.file(V1, Kind::Zip).await.map(drop),
                3 => house.query("example.test/m", "main").await.map(drop),
                4 => house.query("example.test/m", "release").await.map(drop),
                _ => house.query("example.test/m", "latest").await.map(drop),
            }
        });
    }
    origin.was_asked("query example.test/m@main").await;
    origin.feel(Mood::Well);
    while let Some(outcome) = requests.join_next().await {
        outcome.unwrap().unwrap();
    }
    let mut asked = origin.asked();
    asked.sort();
    let before = asked.len();
    asked.dedup();
    assert_eq!(asked.len(), before, "{asked:?}");
}

#[tokio::test]
async fn when_the_first_client_hangs_up_the_others_get_the_file() {
    let origin = Origin::with(&[m("v1.0.0")]);
    origin.feel(Mood::Hanging);
    let house = Arc::new(House::new(&origin));
    let ask = || {
        let house = Arc::clone(&house);
        tokio::spawn(async move { house.file(V1, Kind::Zip).await })
    };
    let first = ask();
    origin.was_asked(&format!("zip {V1}")).await;
    let second = ask();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    origin.feel(Mood::Well);
    assert_eq!(second.await.unwrap().unwrap().0, m("v1.0.0").zip().to_vec());
    assert_eq!(origin.times_asked(&format!("zip {V1}")), 1);
}

#[tokio::test]
async fn what_is_absent_is_remembered_for_each_file() {
    let origin = Origin::with(&[m("v1.0.0")]);
    let house = House::new(&origin);
    for _ in 0..3 {
        let error = house.file("example.test/m@v1.9.9", Kind::Info).await.unwrap_err();
        assert!(
            error.is_not_found() && error.to_string().contains("unknown revision"),
            "{error}"
        );
    }
    assert_eq!(origin.asked(), ["info example.test/m@v1.9.9"]);
    assert!(
        house
            .file("example.test/m@v1.9.9", Kind::Mod)
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert_eq!(origin.asked().len(), 2);
}

#[tokio::test]
async fn a_zip_that_disagrees_with_the_mod_kept_is_refused_and_nothing_of_it_stays() {
    let origin = Origin::with(&[m("v1.0.0")]);
    let house = House::new(&origin);
    house.file(V1, Kind::Info).await.unwrap();
    house.file(V1, Kind::Mod).await.unwrap();
    origin.publish(m("v1.0.0").file("go.mod", "module example.test/m\n\ngo 1.22\n"));
    let error = house.file(V1, Kind::Zip).await.unwrap_err();
    assert!(matches!(error, MirrorError::Verify(_)), "{error:?}");
    let zip = ModuleFile::new(module_version(V1), Kind::Zip);
    assert!(!house.store.contains(&zip).await.unwrap());
    origin.publish(m("v1.0.0"));
    house.file(V1, Kind::Zip).await.unwrap();
}

#[tokio::test]
async fn a_request_that_may_not_fetch_gets_what_is_kept_and_asks_nobody() {
    let origin = Origin::with(&[m("v1.0.0")]);
    let house = House::new(&origin);
    let caller = Caller {
        may_fetch: false,
        ..Caller::anonymous()
    };
    let error = house.file_for(V1, Kind::Mod, &caller).await.unwrap_err();
    assert!(matches!(error, MirrorError::NotKept(_)), "{error:?}");
    assert_eq!(origin.asked().len(), 0);
    house.file(V1, Kind::Mod).await.unwrap();
    assert_eq!(
        house.file_for(V1, Kind::Mod, &caller).await.unwrap().1,
        Cache::Hit
    );
    let path = ModulePath::parse("example.test/m").unwrap();
    let error = house
        .mirror
        .query(&path, &Query::Latest, &caller)
        .await
        .unwrap_err();
    assert!(matches!(error, MirrorError::NotKept(_)), "{error:?}");
    house.file(V1, Kind::Info).await.unwrap();
    let latest = house.mirror.query(&path, &Query::Latest, &caller).await.unwrap();
    assert_eq!(latest.answer.0, module_version(V1));
    assert_eq!(origin.asked().len(), 2);
}
