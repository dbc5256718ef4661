//! The commit in a stored `.info` pins the other files, wherever its tag has gone since.

use super::house::{House, bytes, commit, fetch, info, wanted};
use proxy_core::{
    file::Kind,
    upstream::{FetchContext, UpstreamError, Wanted},
};
use testkit::skip_or_fail;

/// Whether the first commit can still be reached from a branch once the tag has left it.
#[derive(Clone, Copy, PartialEq)]
enum Left {
    Behind,
    Gone,
}

/// Fetches v1.0.0, moves its tag, and fetches it again by its pin and with an empty cache.
async fn after_a_move(
    old_protocol: bool,
    left: Left,
) -> Vec<(String, Result<Vec<u8>, UpstreamError>, [String; 2])> {
    let mut outcomes = Vec::new();
    let Some(house) = House::build() else {
        return outcomes;
    };
    if old_protocol {
        house.host.speak_the_oldest_protocol();
    }
    for (transport, _) in house.both() {
        let name = format!("{transport:?}");
        let repository = house.host.repository(&name);
        repository.git(["config", "--unset", "uploadpack.allowAnySHA1InWant"]);
        let one = repository.commit("main", &commit(1));
        repository.tag("v1.0.0", &one);
        let source = house.source(&name);
        let before = house.read(transport, |settings| {
            settings.cache = house.folder.path().join("before");
        });
        let pinned = info(&mut fetch(&before, &source, "v1.0.0").await.unwrap());
        assert_eq!(
            pinned.origin.as_ref().unwrap().hash.as_deref(),
            Some(one.as_str())
        );

        let two = commit(2);
        let two = repository.commit(
            "main",
            &if left == Left::Behind {
                two.after(&one)
            } else {
                two
            },
        );
        repository.tag("v1.0.0", &two);
        if left == Left::Gone {
            repository.git(["reflog", "expire", "--expire=now", "--all"]);
            repository.git(["gc", "--quiet", "--prune=now"]);
        }
        let after = house.read(transport, |_| {});
        let fetched = after
            .fetch(&source, &wanted("v1.0.0", Some(pinned)), &FetchContext::default())
            .await;
        outcomes.push((name, fetched.map(|fetched| bytes(fetched.go_mod)), [one, two]));
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_moved_does_not_move_its_version() {
    if !testkit::git::is_here() {
        skip_or_fail!("there is no git here")
    }
    for (transport, fetched, _) in after_a_move(false, Left::Behind).await {
        let go_mod = String::from_utf8(fetched.unwrap()).unwrap();
        assert!(go_mod.ends_with("// 1\n"), "{transport}: {go_mod}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_cannot_be_had_any_more_is_told_with_both_commits() {
    if !testkit::git::is_here() {
        skip_or_fail!("there is no git here")
    }
    // Gone altogether; and there still, on a host that gives only what a ref names.
    for (old, left) in [(false, Left::Gone), (true, Left::Gone), (true, Left::Behind)] {
        for (transport, fetched, [one, two]) in after_a_move(old, left).await {
            match fetched {
                Err(UpstreamError::Moved { pinned, found, .. }) => {
                    assert_eq!([&*pinned, &*found], [&one, &two]);
                }
                // Over HTTP such a host gives what can be reached all the same, if it is asked.
                Ok(go_mod) if left == Left::Behind && go_mod.ends_with(b"// 1\n") => {}
                other => panic!("{transport}: {other:?}"),
            }
        }
    }
}

/// Nothing is settled about a version whose files were served: it is trouble, not absence.
#[tokio::test(flavor = "multi_thread")]
async fn a_pin_without_its_tag_is_no_absence() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    for (transport, git) in house.both() {
        let name = format!("{transport:?}");
        let repository = house.host.repository(&name);
        let one = repository.commit("main", &commit(1));
        repository.tag("v1.0.0", &one);
        let source = house.source(&name);
        let before = house.read(transport, |settings| {
            settings.cache = house.folder.path().join("before");
        });
        let pinned = info(&mut fetch(&before, &source, "v1.0.0").await.unwrap());
        repository.remove("refs/tags/v1.0.0");
        repository.commit("main", &commit(2));
        repository.git(["reflog", "expire", "--expire=now", "--all"]);
        repository.git(["gc", "--quiet", "--prune=now"]);
        let fetched = git
            .fetch(&source, &wanted("v1.0.0", Some(pinned)), &FetchContext::default())
            .await;
        match fetched {
            Err(UpstreamError::NotFound { reason }) => panic!("{transport:?}: {reason}"),
            Err(_) => {}
            Ok(fetched) => panic!("{transport:?}: {fetched:?}"),
        }
    }
}

/// Whichever file is asked for alone, the version it is asked for must be one.
#[tokio::test(flavor = "multi_thread")]
async fn no_file_of_a_bogus_pseudo_version_is_given() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    let repository = house.host.repository("r");
    let one = repository.commit("main", &commit(1));
    let bogus = format!("v0.0.0-20200913122642-{}", &one[..12]);
    for (transport, git) in house.both() {
        for kind in Kind::ALL {
            let wanted = Wanted {
                kinds: vec![kind],
                ..wanted(&bogus, None)
            };
            let fetched = git
                .fetch(&house.source("r"), &wanted, &FetchContext::default())
                .await;
            assert!(
                matches!(fetched, Err(UpstreamError::NotFound { .. })),
                "{transport:?} {kind:?}: {fetched:?}"
            );
        }
    }
}
