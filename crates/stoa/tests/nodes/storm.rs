//! When nodes die, clocks are wrong, and services go away: work may be done twice, and nothing is ever wrong.

use crate::{
    crowd::{Crowd, duplicates},
    world::{Shared, counted, modules, ten_minutes_ahead, upstream_of},
};
use std::time::{Duration, Instant};
use testkit::{gate::Gate, proxy::Action, skip_or_fail};

/// How long a service is away, or slow: longer than what is under way takes.
const WHILE: Duration = Duration::from_secs(4);

/// `kill -9` in the middle of fetches, beside a node whose clock is ten minutes ahead.
pub(crate) async fn a_killed_node_and_a_clock_ten_minutes_ahead_change_nothing(shared: Shared) {
    let modules = modules();
    let upstream = upstream_of(&modules);
    let gate = Gate::shut();
    upstream.when("*.zip", Action::serve().behind(&gate));
    let ahead = match ten_minutes_ahead(shared.node(&upstream)) {
        Ok(node) => node,
        Err(why) => skip_or_fail!("{why}"),
    };
    let mut nodes = vec![
        shared.node(&upstream).start(),
        ahead.start(),
        shared.node(&upstream).start(),
    ];
    let crowd = Crowd::sent_to(&nodes, &modules);
    // Every zip is on its way to somebody; a third of them to a node that dies now.
    upstream.wait_for("*.zip", modules.len()).await;
    let dead = nodes.remove(2).kill();
    let died = Instant::now();
    gate.open();
    let haul = crowd.come_home(&modules).await;
    let after = died.elapsed();
    // It comes back and has what all have.
    nodes.push(dead.start());
    haul.check_that_all_serve_it(&nodes, &modules).await;
    let mut takeovers = 0.0;
    for node in &nodes {
        takeovers += counted(node, "stoa_lease_takeovers_total").await;
    }
    report("a node killed", duplicates(&upstream, &modules), takeovers, after);
}

/// The lease service goes away while versions are fetched, and comes back.
pub(crate) async fn a_redis_that_goes_away_costs_work_and_nothing_else(mut shared: Shared) {
    let service = shared.leases.take().expect("leases behind a chaos");
    let modules = modules();
    let upstream = upstream_of(&modules);
    upstream.when("*.zip", Action::serve().after(Duration::from_secs(2)));
    let nodes = shared.nodes(&upstream);
    let began = Instant::now();
    let crowd = Crowd::sent_to(&nodes, &modules);
    upstream.wait_for("*.zip", modules.len() / 2).await;
    service.refuse();
    tokio::time::sleep(WHILE * 3).await;
    service.behave();
    service.pause();
    tokio::time::sleep(WHILE).await;
    service.behave();
    let haul = crowd.come_home(&modules).await;
    assert_eq!(haul.troubles, 0, "no request fails for want of a lease");
    haul.check_that_all_serve_it(&nodes, &modules).await;
    report(
        "leases away",
        duplicates(&upstream, &modules),
        0.0,
        began.elapsed(),
    );
}

/// The store answers 503, then slowly, then loses answers, while versions are fetched.
pub(crate) async fn a_bucket_in_trouble_is_told_as_trouble_and_nothing_is_wrong(mut shared: Shared) {
    let (service, creating) = shared.store.take().expect("a store behind a chaos");
    let modules = modules();
    let upstream = upstream_of(&modules);
    let nodes = shared.nodes(&upstream);
    let began = Instant::now();
    let crowd = Crowd::sent_to(&nodes, &modules);
    upstream.wait_for("*.zip", modules.len() / 4).await;
    service.answer_503();
    tokio::time::sleep(WHILE).await;
    service.slow_down(Duration::from_millis(100));
    tokio::time::sleep(WHILE).await;
    service.behave();
    service.lose_answers(&creating, 10);
    service.cut();
    let haul = crowd.come_home(&modules).await;
    service.behave();
    haul.check_that_all_serve_it(&nodes, &modules).await;
    report(
        "the store in trouble",
        duplicates(&upstream, &modules),
        0.0,
        began.elapsed(),
    );
}

/// The bucket stores what it is asked to and the answer is cut off: that is a success, and no second download.
pub(crate) async fn a_create_whose_answer_was_lost_is_a_success(mut shared: Shared) {
    let (service, creating) = shared.store.take().expect("a store behind a chaos");
    let modules = modules();
    let upstream = upstream_of(&modules);
    let node = shared.node(&upstream).start();
    service.lose_answers(&creating, 6);
    for module in &modules[..4] {
        let answer = node.get(&module.url_path("zip")).await;
        assert_eq!(answer.status, 200, "{}\n{}", answer.text(), node.log());
        assert!(answer.body == module.zip(), "other bytes");
    }
    assert_eq!(service.lost(), 6);
    assert_eq!(duplicates(&upstream, &modules), 0, "{:?}", upstream.paths());
}

#[expect(clippy::print_stdout, reason = "how much was done twice is worth knowing")]
fn report(storm: &str, duplicates: usize, takeovers: f64, after: Duration) {
    println!("{storm}: {duplicates} files fetched again, {takeovers} takeovers, all served after {after:?}");
}
