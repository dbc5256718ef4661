//! Two processes over one folder, whose upstreams disagree: one version, the same from both.

use crate::world::stoa;
use testkit::{client::get, module::Module, proxy::FakeUpstream};
use tokio::task::JoinSet;

const VERSIONS: usize = 25;

/// A version as one of two upstreams has it: every file differs.
fn made_by(side: &str, number: usize) -> Module {
    Module::new("example.test/torn", &format!("v1.{number}.0"))
        .file(
            "go.mod",
            format!("module example.test/torn\n\ngo 1.21\n// from {side}\n"),
        )
        .file("side.txt", side.to_owned())
        .at(if side == "left" {
            "2021-01-01T00:00:00Z"
        } else {
            "2021-02-02T00:00:00Z"
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn disagreeing_upstreams_make_no_version_of_two_halves() {
    let left = FakeUpstream::serving((0..VERSIONS).map(|number| made_by("left", number)));
    let right = FakeUpstream::serving((0..VERSIONS).map(|number| made_by("right", number)));
    // Each fetches as if it were alone: what holds must hold without leases.
    let stoa = || stoa().environment("STOA_LEASE__URL", "memory");
    let base = stoa();
    let one = base.clone().upstream(&left.url()).start();
    let two = stoa().beside(&base).upstream(&right.url()).start();

    let mut asking = JoinSet::new();
    for number in 0..VERSIONS {
        let module = made_by("left", number);
        for (turn, kind) in ["zip", "info", "mod", "zip"].into_iter().enumerate() {
            let (first, second) = if (number + turn) % 2 == 0 {
                (&one, &two)
            } else {
                (&two, &one)
            };
            for process in [first, second] {
                let url = format!("{}{}", process.url(), module.url_path(kind));
                // Some of these fail: whoever loses a race for one file cannot go on with its own other files.
                asking.spawn(async move { get(&url).await.map(|answer| answer.status) });
            }
        }
    }
    while let Some(asked) = asking.join_next().await {
        let status = asked.unwrap().unwrap();
        assert!(status == 200 || status == 502, "{status}");
    }

    let mut sides = Vec::new();
    for number in 0..VERSIONS {
        let module = made_by("left", number);
        // The side whose files stand can always complete the version, and then both have it.
        for kind in ["info", "mod", "zip"] {
            one.get(&module.url_path(kind)).await;
            two.get(&module.url_path(kind)).await;
        }
        let mut seen = Vec::new();
        for kind in ["info", "mod", "zip"] {
            let (first, second) = (
                one.get(&module.url_path(kind)).await,
                two.get(&module.url_path(kind)).await,
            );
            assert_eq!(
                first.status,
                200,
                "{kind} of {}: {}\n{}",
                module.version,
                first.text(),
                one.log()
            );
            assert_eq!(
                second.status,
                200,
                "{kind} of {}: {}\n{}",
                module.version,
                second.text(),
                two.log()
            );
            assert!(
                first.body == second.body,
                "both serve one {kind} of {}",
                module.version
            );
            seen.push(first.body);
        }
        let made = ["left", "right"].map(|side| made_by(side, number));
        let side = made
            .iter()
            .position(|made| made.go_mod() == seen[1])
            .expect("a .mod that one side made");
        assert!(
            made[side].zip() == seen[2],
            "the .mod and the zip of {} are of one side",
            module.version
        );
        sides.push(side);
    }
    assert_eq!(sides.len(), VERSIONS);
}
