//! With every origin unplugged, what is kept is served; what is not kept is trouble, never absence.

use super::*;
use origin::Mood;
use testkit::module::Module;

fn m(version: &str) -> Module {
    Module::new("example.test/m", version)
}

/// An origin with two versions and two branches, and a mirror that was asked for some of it.
async fn used_house() -> (Arc<Origin>, House) {
    let origin = Origin::with(&[m("v1.0.0"), m("v1.1.0")]);
    origin.branch("main", "v1.1.0");
    origin.branch("latest", "v1.1.0");
    let house = House::new(&origin);
    house.file("example.test/m@v1.0.0", Kind::Zip).await.unwrap();
    house.list("example.test/m").await.unwrap();
    house.query("example.test/m", "main").await.unwrap();
    house.query("example.test/m", "latest").await.unwrap();
    (origin, house)
}

#[tokio::test]
async fn everything_kept_is_served_while_the_origin_is_down() {
    let (origin, house) = used_house().await;
    origin.feel(Mood::Down);
    for kind in [Kind::Info, Kind::Mod, Kind::Zip] {
        assert_eq!(
            house.file("example.test/m@v1.0.0", kind).await.unwrap().1,
            Cache::Hit
        );
    }
    for _ in 0..3 {
        assert_eq!(
            house.list("example.test/m").await.unwrap(),
            ("v1.0.0 v1.1.0".into(), Cache::Stale)
        );
        assert_eq!(
            house.query("example.test/m", "main").await.unwrap(),
            ("v1.1.0".into(), Cache::Stale)
        );
        assert_eq!(
            house.query("example.test/m", "latest").await.unwrap(),
            ("v1.1.0".into(), Cache::Stale)
        );
    }
}

#[tokio::test]
async fn after_a_restart_too() {
    let (origin, house) = used_house().await;
    origin.feel(Mood::Down);
    let house = House::over(Arc::clone(&house.store), &origin);
    for _ in 0..2 {
        assert_eq!(
            house.list("example.test/m").await.unwrap(),
            ("v1.0.0 v1.1.0".into(), Cache::Stale)
        );
        assert_eq!(
            house.query("example.test/m", "main").await.unwrap(),
            ("v1.1.0".into(), Cache::Stale)
        );
        assert_eq!(
            house.query("example.test/m", "latest").await.unwrap(),
            ("v1.1.0".into(), Cache::Stale)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_hangs_is_not_waited_for_where_something_is_kept() {
    let (origin, house) = used_house().await;
    origin.feel(Mood::Hanging);
    let house = House::over(Arc::clone(&house.store), &origin);
    let started = tokio::time::Instant::now();
    assert_eq!(house.list("example.test/m").await.unwrap().1, Cache::Stale);
    assert_eq!(
        house.query("example.test/m", "latest").await.unwrap().1,
        Cache::Stale
    );
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn what_a_store_before_the_origin_keeps_is_the_latest_too() {
    for mood in [Mood::Down, Mood::Hanging] {
        let (origin, old) = used_house().await;
        origin.feel(mood);
        let house = House::moving_in(&origin, &old.store);
        let started = tokio::time::Instant::now();
        assert_eq!(
            house.list("example.test/m").await.unwrap(),
            ("v1.0.0 v1.1.0".into(), Cache::Stale)
        );
        assert_eq!(
            house.query("example.test/m", "latest").await.unwrap(),
            ("v1.1.0".into(), Cache::Stale),
            "{mood:?}"
        );
        assert!(started.elapsed() < Duration::from_secs(10));
        // What was taken over is kept, and what no store has is trouble as before.
        let info = house.file("example.test/m@v1.1.0", Kind::Info).await.unwrap();
        assert_eq!(info.1, Cache::Hit);
        let error = house.query("example.test/other", "latest").await.unwrap_err();
        assert!(matches!(error, MirrorError::Upstream(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_miss_is_trouble_and_never_absence() {
    let (origin, house) = used_house().await;
    origin.feel(Mood::Down);
    let errors = [
        house.file("example.test/m@v1.2.0", Kind::Info).await.unwrap_err(),
        house
            .file("example.test/other@v1.0.0", Kind::Zip)
            .await
            .unwrap_err(),
        house.list("example.test/other").await.unwrap_err(),
        house.query("example.test/other", "latest").await.unwrap_err(),
        house.query("example.test/m", "other").await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, MirrorError::Upstream(_)), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_origin_is_given_up_after_the_budget() {
    let (origin, house) = used_house().await;
    origin.feel(Mood::Hanging);
    let started = tokio::time::Instant::now();
    let error = house.file("example.test/m@v1.1.0", Kind::Mod).await.unwrap_err();
    assert!(error.to_string().contains("30 seconds"), "{error}");
    assert!(
        started.elapsed() < Duration::from_secs(40),
        "a client is answered within 40 s"
    );
}

#[tokio::test]
async fn hits_are_served_while_requests_hang() {
    let (origin, house) = used_house().await;
    origin.feel(Mood::Hanging);
    let house = Arc::new(house);
    let mut hanging = tokio::task::JoinSet::new();
    for number in 0..100 {
        let house = Arc::clone(&house);
        hanging.spawn(async move {
            house
                .file(&format!("example.test/m{number}@v1.0.0"), Kind::Zip)
                .await
                .map(drop)
        });
    }
    origin.was_asked("zip example.test/m99@v1.0.0").await;
    assert_eq!(
        house.file("example.test/m@v1.0.0", Kind::Info).await.unwrap().1,
        Cache::Hit
    );
    assert!(hanging.try_join_next().is_none(), "they still hang");
}

#[tokio::test]
async fn a_deleted_repository_leaves_what_is_kept() {
    let (origin, house) = used_house().await;
    origin.forget();
    let house = House::over(Arc::clone(&house.store), &origin);
    assert_eq!(house.list("example.test/m").await.unwrap().0, "v1.0.0 v1.1.0");
    assert_eq!(house.query("example.test/m", "latest").await.unwrap().0, "v1.1.0");
    assert!(
        house
            .query("example.test/m", "main")
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert!(house.list("example.test/never").await.unwrap_err().is_not_found());
}
