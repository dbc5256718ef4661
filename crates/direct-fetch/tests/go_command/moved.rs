//! Tags that move between two questions.

use crate::place::{fetch, releases, text, wanted};
use direct_fetch::{GoCommand, GoSettings};
use proxy_core::{
    file::Kind,
    info::Info,
    upstream::{FetchContext, Upstream as _, UpstreamError},
};

#[tokio::test]
async fn a_tag_that_moved_is_told_with_both_commits() {
    let place = place!();
    let repository = place.repository("example.test/greet");
    let [first, second, _] = releases(&repository, "example.test/greet");
    let fetched = fetch(&place.direct(), "example.test/greet", "v1.0.0")
        .await
        .unwrap();
    let info = Info::parse(text(fetched.info).as_bytes()).unwrap();
    repository.tag("v1.0.0", &second);
    let pinned = wanted("example.test/greet", "v1.0.0", &[Kind::Zip], Some(info));

    // The clone still has the pinned commit.
    let context = FetchContext::default();
    assert!(place.direct().fetch(&pinned, &context).await.is_ok());

    // A mirror without that clone finds the other commit, and must not mix the two.
    let cache = place.folder.path().join("other");
    let other = GoCommand::open(GoSettings {
        cache,
        ..place.settings()
    })
    .unwrap();
    match other.fetch(&pinned, &context).await {
        Err(UpstreamError::Moved { pinned, found, .. }) => {
            assert_eq!(
                (pinned.as_ref(), found.as_ref()),
                (first.as_str(), second.as_str())
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_clone_that_is_behind_does_not_make_a_moved_version() {
    let place = place!();
    let repository = place.repository("example.test/greet");
    let [_, second, _] = releases(&repository, "example.test/greet");
    let direct = place.direct();
    fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap();
    repository.tag("v1.0.0", &second);
    // Another mirror stored the version after the tag had moved; its `.info` pins the second commit.
    let cache = place.folder.path().join("other");
    let other = GoCommand::open(GoSettings {
        cache,
        ..place.settings()
    })
    .unwrap();
    let fetched = fetch(&other, "example.test/greet", "v1.0.0").await.unwrap();
    let info = Info::parse(text(fetched.info).as_bytes()).unwrap();
    let pinned = wanted("example.test/greet", "v1.0.0", &[Kind::Zip], Some(info));
    let fetched = direct.fetch(&pinned, &FetchContext::default()).await.unwrap();
    assert!(text(fetched.info).contains(&second));
}
