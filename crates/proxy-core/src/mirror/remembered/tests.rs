//! An origin whose answer a test sets, and what is made of it over time.

use super::*;
use crate::upstream::UpstreamError;
use std::sync::atomic::{AtomicU32, Ordering};

const FRESH: Duration = Duration::from_secs(60);
const ABSENT: Duration = Duration::from_secs(30);

/// An origin whose answer a test sets, and that counts how often it was asked.
#[derive(Clone)]
struct Origin {
    answer: Arc<Mutex<Option<Result<u32, MirrorError>>>>,
    asked: Arc<AtomicU32>,
}

impl Origin {
    fn saying(answer: Result<u32, MirrorError>) -> Self {
        Self {
            answer: Arc::new(Mutex::new(Some(answer))),
            asked: Arc::default(),
        }
    }
    fn says(&self, answer: Result<u32, MirrorError>) {
        *lock(&self.answer) = Some(answer);
    }
    fn hangs(&self) {
        *lock(&self.answer) = None;
    }
    async fn ask(self) -> Result<u32, MirrorError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = lock(&self.answer).clone();
        match answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

fn down() -> Result<u32, MirrorError> {
    Err(MirrorError::Upstream(UpstreamError::unavailable(
        "the origin is down",
    )))
}

fn absent() -> Result<u32, MirrorError> {
    Err(MirrorError::not_found("no such branch"))
}

async fn get(
    remembered: &Remembered<&'static str, u32>,
    origin: &Origin,
    kept: Option<u32>,
) -> Result<(u32, Cache), MirrorError> {
    let origin = origin.clone();
    remembered
        .get(&"key", || origin.ask(), || async move { Ok(kept) })
        .await
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_fresh_answer_is_a_hit_and_an_older_one_is_given_stale_while_it_is_refreshed() {
    let (remembered, origin) = (Remembered::new(FRESH, ABSENT, 8), Origin::saying(Ok(1)));
    assert_eq!(get(&remembered, &origin, None).await.unwrap(), (1, Cache::Miss));
    assert_eq!(get(&remembered, &origin, None).await.unwrap(), (1, Cache::Hit));
    assert_eq!(origin.asked(), 1);
    origin.says(Ok(2));
    tokio::time::advance(FRESH).await;
    assert_eq!(get(&remembered, &origin, None).await.unwrap(), (1, Cache::Stale));
    settle().await;
    assert_eq!(get(&remembered, &origin, None).await.unwrap(), (2, Cache::Hit));
    tokio::time::advance(FRESH * STALE_LIFETIMES).await;
    origin.says(Ok(3));
    assert_eq!(
        get(&remembered, &origin, None).await.unwrap(),
        (3, Cache::Miss),
        "too old to be given unasked"
    );
}

#[tokio::test(start_paused = true)]
async fn while_the_origin_is_down_the_last_answer_is_given_and_the_origin_left_alone() {
    let (remembered, origin) = (Remembered::new(FRESH, ABSENT, 8), Origin::saying(Ok(1)));
    get(&remembered, &origin, None).await.unwrap();
    origin.says(down());
    tokio::time::advance(FRESH * STALE_LIFETIMES).await;
    for _ in 0..5 {
        assert_eq!(get(&remembered, &origin, None).await.unwrap(), (1, Cache::Stale));
    }
    assert_eq!(origin.asked(), 2);
    tokio::time::advance(REST).await;
    origin.hangs();
    assert_eq!(
        get(&remembered, &origin, None).await.unwrap(),
        (1, Cache::Stale),
        "nobody waits for it"
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_store_offers_is_given_when_the_origin_fails_or_hangs_at_the_first_question() {
    for answer in [Some(down()), None] {
        let (remembered, origin) = (Remembered::new(FRESH, ABSENT, 8), Origin::saying(Ok(1)));
        *lock(&origin.answer) = answer;
        assert_eq!(
            get(&remembered, &origin, Some(7)).await.unwrap(),
            (7, Cache::Stale)
        );
        origin.says(Ok(8));
    }
    let (remembered, origin) = (Remembered::new(FRESH, ABSENT, 8), Origin::saying(down()));
    let error = get(&remembered, &origin, None).await.unwrap_err();
    assert!(
        matches!(error, MirrorError::Upstream(_)),
        "trouble is never turned into absence: {error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn absence_is_remembered_briefly_and_displaces_what_was_known() {
    let (remembered, origin) = (Remembered::new(FRESH, ABSENT, 8), Origin::saying(Ok(1)));
    get(&remembered, &origin, None).await.unwrap();
    origin.says(absent());
    tokio::time::advance(FRESH * STALE_LIFETIMES).await;
    for _ in 0..5 {
        assert!(
            get(&remembered, &origin, Some(7))
                .await
                .unwrap_err()
                .is_not_found()
        );
    }
    assert_eq!(origin.asked(), 2);
    tokio::time::advance(ABSENT).await;
    origin.says(Ok(2));
    assert_eq!(get(&remembered, &origin, None).await.unwrap(), (2, Cache::Miss));
}

#[tokio::test(start_paused = true)]
async fn an_amended_answer_forgets_absence() {
    let (remembered, origin) = (Remembered::new(FRESH, ABSENT, 8), Origin::saying(absent()));
    assert!(get(&remembered, &origin, None).await.is_err());
    remembered.amend(&"key", |answer| Some(answer + 1));
    origin.says(Ok(1));
    assert_eq!(get(&remembered, &origin, None).await.unwrap(), (1, Cache::Miss));
    remembered.amend(&"key", |answer| Some(answer + 1));
    assert_eq!(get(&remembered, &origin, None).await.unwrap(), (2, Cache::Hit));
}
