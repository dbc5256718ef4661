//! The fake upstream is believed by every other test, so it is tested itself.

use super::{Action, FakeUpstream, matches};
use crate::{
    certificates::TestAuthority,
    client::{Ask, drain, get},
    gate::Gate,
    module::{Module, fixtures},
};

const ZIP: &str = "/example.test/big/@v/v1.0.0.zip";

fn upstream() -> FakeUpstream {
    FakeUpstream::serving([Module::new("example.test/big", "v1.0.0").weighing(1, 7)])
}

#[test]
fn patterns_match_anything_for_a_star() {
    assert!(matches("*", "/a"));
    assert!(matches("/a/*.zip", "/a/@v/v1.zip"));
    assert!(matches("*/@v/*.mod", "/x/@v/v1.mod"));
    assert!(!matches("/a", "/ab"));
    assert!(!matches("*.zip", "/a.zip/"));
}

#[tokio::test]
async fn fixtures_are_served_and_counted() {
    let upstream = FakeUpstream::serving(fixtures());
    let list = get(&format!("{}/example.test/greet/@v/list", upstream.url()))
        .await
        .unwrap();
    assert_eq!(
        (list.status, list.text().as_str()),
        (200, "v1.0.0\nv1.1.0\nv1.2.0-rc.1\n")
    );
    let latest = get(&format!("{}/example.test/%21upper/@latest", upstream.url()))
        .await
        .unwrap();
    assert!(latest.text().contains("v1.0.0"), "{}", latest.text());
    assert_eq!(
        get(&format!("{}/example.test/none/@v/list", upstream.url()))
            .await
            .unwrap()
            .status,
        404
    );
    assert_eq!(upstream.count("*/@v/list"), 2);
    assert_eq!(upstream.count("/example.test/!upper/@latest"), 1);
}

#[tokio::test]
async fn a_body_breaks_off_then_resumes_by_range() {
    let upstream = upstream();
    let url = format!("{}{ZIP}", upstream.url());
    upstream.when_times(ZIP, 1, Action::serve().breaking_off_at(1000));
    let (count, ending) = drain(Ask::get(&url).open().await.unwrap()).await;
    assert!(ending.is_err());
    assert_eq!(count, 1000);
    let rest = Ask::get(&url)
        .header("range", "bytes=1000-")
        .send()
        .await
        .unwrap();
    let whole = get(&url).await.unwrap();
    assert_eq!(rest.status, 206);
    assert_eq!(rest.body, whole.body.slice(1000..));
    let beyond = Ask::get(&url)
        .header("range", "bytes=99999999-")
        .send()
        .await
        .unwrap();
    assert_eq!(beyond.status, 416);
    let other = Ask::get(&url)
        .header("range", "bytes=1000-")
        .header("if-range", "\"other\"")
        .send()
        .await
        .unwrap();
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn a_false_length_is_a_broken_body() {
    let upstream = upstream();
    upstream.when(ZIP, Action::serve().claiming_length(5 << 20));
    let (_, ending) = drain(
        Ask::get(&format!("{}{ZIP}", upstream.url()))
            .open()
            .await
            .unwrap(),
    )
    .await;
    assert!(ending.is_err());
}

#[tokio::test]
async fn a_gate_holds_answers_back() {
    let upstream = upstream();
    let gate = Gate::shut();
    upstream.when("*.mod", Action::serve().behind(&gate));
    let url = format!("{}/example.test/big/@v/v1.0.0.mod", upstream.url());
    let asking = tokio::spawn(async move { get(&url).await.unwrap().status });
    upstream.wait_for("*.mod", 1).await;
    assert!(!asking.is_finished());
    gate.open();
    assert_eq!(asking.await.unwrap(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn unplugged_it_refuses_and_plugged_in_again_it_serves() {
    let upstream = upstream();
    let url = format!("{}/example.test/big/@v/list", upstream.url());
    upstream.unplug();
    assert!(get(&url).await.is_err());
    upstream.plug();
    assert_eq!(get(&url).await.unwrap().status, 200);
}

#[tokio::test]
async fn credentials_and_tls_are_demanded() {
    let authority = TestAuthority::new();
    let upstream = FakeUpstream::serving_tls(fixtures(), &authority);
    upstream.require("gopher", "secret");
    let url = format!("{}/example.test/text/@v/list", upstream.url());
    assert!(get(&url).await.is_err(), "nobody trusts a test authority unasked");
    let ask = Ask::get(&url).trusting(&authority);
    assert_eq!(ask.clone().send().await.unwrap().status, 401);
    assert_eq!(
        ask.header("authorization", "Basic Z29waGVyOnNlY3JldA==")
            .send()
            .await
            .unwrap()
            .status,
        200
    );
}
