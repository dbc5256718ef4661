//! Three real processes that share a store and nothing else, before an upstream that counts.
//!
//! Each promise is asked of every kind of store and lease service that is here; [`places`] names them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod calm;
mod crowd;
mod places;
mod storm;
mod world;

use world::Shared;

/// Promises, asked of each of these places: one test for each pair, such as `folder::the_upstream_is_asked_once`.
macro_rules! nodes {
    ($($place:ident: $promises:tt;)*) => {
        $(
            mod $place {
                crate::promises! { $place $promises }
            }
        )*
    };
}

macro_rules! promises {
    ($place:ident [$($group:ident::$promise:ident),*]) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                crate::ask(crate::places::$place().await, crate::$group::$promise).await;
            }
        )*
    };
}
use promises;

nodes! {
    folder: [
        calm::the_upstream_is_asked_once_for_each_file,
        calm::a_waiter_has_its_file_as_soon_as_it_is_stored,
        storm::a_killed_node_and_a_clock_ten_minutes_ahead_change_nothing
    ];
    folder_with_records: [
        calm::the_upstream_is_asked_once_for_each_file,
        calm::a_waiter_has_its_file_as_soon_as_it_is_stored,
        storm::a_killed_node_and_a_clock_ten_minutes_ahead_change_nothing
    ];
    postgres: [
        calm::the_upstream_is_asked_once_for_each_file,
        calm::a_waiter_has_its_file_as_soon_as_it_is_stored,
        storm::a_killed_node_and_a_clock_ten_minutes_ahead_change_nothing
    ];
    bucket: [
        calm::the_upstream_is_asked_once_for_each_file,
        calm::a_waiter_has_its_file_as_soon_as_it_is_stored,
        storm::a_killed_node_and_a_clock_ten_minutes_ahead_change_nothing,
        storm::a_bucket_in_trouble_is_told_as_trouble_and_nothing_is_wrong,
        storm::a_create_whose_answer_was_lost_is_a_success
    ];
    bucket_with_redis: [
        calm::the_upstream_is_asked_once_for_each_file,
        storm::a_killed_node_and_a_clock_ten_minutes_ahead_change_nothing,
        storm::a_redis_that_goes_away_costs_work_and_nothing_else,
        storm::a_bucket_in_trouble_is_told_as_trouble_and_nothing_is_wrong
    ];
    folder_with_redis: [
        calm::the_upstream_is_asked_once_for_each_file,
        calm::a_waiter_has_its_file_as_soon_as_it_is_stored,
        storm::a_killed_node_and_a_clock_ten_minutes_ahead_change_nothing,
        storm::a_redis_that_goes_away_costs_work_and_nothing_else
    ];
}

/// Asks one promise of what nodes share, or says why that is not here.
async fn ask(place: Result<Shared, String>, promise: impl AsyncFnOnce(Shared)) {
    match place {
        Ok(shared) => promise(shared).await,
        Err(why) => testkit::skip::skipped(&why),
    }
}
