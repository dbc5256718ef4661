//! Lists and queries: what changes at the origin is seen, what is kept stands.

use super::*;
use testkit::module::Module;

const COMMIT: &str = "v0.0.0-20200102030405-0123456789ab";

fn m(version: &str) -> Module {
    Module::new("example.test/m", version)
}

#[tokio::test]
async fn a_list_is_what_the_origin_has_and_what_is_kept_without_pseudo_versions() {
    let origin = Origin::with(&[m("v1.0.0"), m(COMMIT)]);
    let house = House::new(&origin);
    house.file("example.test/m@v1.0.0", Kind::Info).await.unwrap();
    house
        .file(&format!("example.test/m@{COMMIT}"), Kind::Info)
        .await
        .unwrap();
    origin.forget();
    origin.publish(m("v1.10.0"));
    origin.publish(m("v1.9.0"));
    assert_eq!(
        house.list("example.test/m").await.unwrap().0,
        "v1.0.0 v1.9.0 v1.10.0"
    );
}

#[tokio::test]
async fn a_version_that_was_just_kept_is_in_the_list_at_once() {
    let origin = Origin::with(&[m("v1.0.0")]);
    let house = House::new(&origin);
    assert_eq!(house.list("example.test/m").await.unwrap().0, "v1.0.0");
    origin.publish(m("v1.1.0"));
    origin.feel(origin::Mood::Well);
    house.file("example.test/m@v1.1.0", Kind::Info).await.unwrap();
    origin.feel(origin::Mood::Down);
    assert_eq!(house.list("example.test/m").await.unwrap().0, "v1.0.0 v1.1.0");
}

#[tokio::test]
async fn a_query_becomes_the_info_of_its_version_and_costs_no_second_request() {
    let origin = Origin::with(&[m(COMMIT)]);
    origin.branch("main", COMMIT);
    let house = House::new(&origin);
    assert_eq!(
        house.query("example.test/m", "main").await.unwrap(),
        (COMMIT.into(), Cache::Miss)
    );
    let (info, cache) = house
        .file(&format!("example.test/m@{COMMIT}"), Kind::Info)
        .await
        .unwrap();
    assert_eq!((info, cache), (m(COMMIT).info().to_vec(), Cache::Hit));
    assert_eq!(origin.asked(), ["query example.test/m@main"]);
}

#[tokio::test]
async fn the_info_that_is_kept_is_the_answer_whatever_the_origin_says_of_it_now() {
    let origin = Origin::with(&[m("v1.0.0")]);
    origin.branch("main", "v1.0.0");
    let house = House::new(&origin);
    house.file("example.test/m@v1.0.0", Kind::Info).await.unwrap();
    origin.publish(m("v1.0.0").at("2030-01-01T00:00:00Z"));
    let (path, query) = (ModulePath::parse("example.test/m").unwrap(), parse_query("main"));
    let served = house
        .mirror
        .query(&path, &query, &Caller::anonymous())
        .await
        .unwrap();
    assert_eq!(served.answer.1, m("v1.0.0").info());
}

#[tokio::test]
async fn a_branch_that_moved_means_another_version_after_a_while() {
    let origin = Origin::with(&[m("v1.0.0"), m("v1.1.0")]);
    origin.branch("main", "v1.0.0");
    let house = House::new(&origin);
    assert_eq!(house.query("example.test/m", "main").await.unwrap().0, "v1.0.0");
    origin.branch("main", "v1.1.0");
    while house.query("example.test/m", "main").await.unwrap().0 != "v1.1.0" {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_version_that_does_not_fit_its_path_is_a_broken_answer() {
    let origin = Origin::with(&[m("v2.0.0")]);
    origin.branch("main", "v2.0.0");
    let error = House::new(&origin)
        .query("example.test/m", "main")
        .await
        .unwrap_err();
    assert!(matches!(error, MirrorError::Upstream(_)), "{error:?}");
}
