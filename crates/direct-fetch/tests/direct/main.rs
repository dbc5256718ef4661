//! `direct` as a whole: the repository is found, and fetched by whoever can.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

macro_rules! place {
    () => {
        match Place::new() {
            Some(place) => place,
            None => skip_or_fail!("there is no git http-backend here"),
        }
    };
}

mod place;
mod strangers;

use place::{PRIVATE, PUBLIC, Place, Says, fetch, info, release, versions, wanted};
use proxy_core::{
    module::{ModulePath, Query},
    upstream::{FetchContext, Fetched, Upstream as _, UpstreamError},
};
use std::fs;
use testkit::skip_or_fail;

#[tokio::test]
async fn git_is_fetched_with_neither_go_nor_git() {
    let place = place!();
    let commit = release(
        &place.repository("example.test/greet"),
        "example.test/greet",
        "v1.0.0",
        1_600_000_000,
    );
    let direct = place.direct(PRIVATE);
    assert_eq!(versions(&direct, "example.test/greet").await.unwrap(), ["v1.0.0"]);
    let latest = direct
        .resolve(
            &ModulePath::parse("example.test/greet").unwrap(),
            &Query::Latest,
            &FetchContext::default(),
        )
        .await
        .unwrap();
    assert_eq!(latest.origin.unwrap().hash, Some(commit));
    let fetched = fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap();
    assert!(fetched.go_mod.is_some() && fetched.zip.is_some());
    assert!(!place.asked_go().exists());
}

#[tokio::test]
async fn refusals_name_what_was_asked() {
    let place = place!();
    release(
        &place.repository("example.test/greet"),
        "example.test/greet",
        "v1.0.0",
        1_600_000_000,
    );
    let direct = place.direct(PRIVATE);
    match fetch(&direct, "example.test/greet", "v1.9.9").await {
        Err(UpstreamError::NotFound { reason }) => {
            assert!(
                reason.starts_with("example.test/greet@v1.9.9: ") && reason.contains("unknown revision"),
                "{reason}"
            );
        }
        other => panic!("{other:?}"),
    }
    place.host.unplug();
    let trouble = fetch(&direct, "example.test/greet", "v1.9.9").await;
    assert!(
        matches!(trouble, Err(UpstreamError::Unavailable { .. })),
        "{trouble:?}"
    );
}

#[tokio::test]
async fn a_public_module_does_not_lead_into_the_private_network() {
    let place = place!();
    release(
        &place.repository("example.test/greet"),
        "example.test/greet",
        "v1.0.0",
        1_600_000_000,
    );
    place
        .domain
        .import("example.test/svn", "svn", "https://127.0.0.1/r");
    let direct = place.direct(Says {
        vcs: "public:git|svn",
        ..PUBLIC
    });
    for module in ["example.test/greet", "example.test/svn"] {
        let refused = fetch(&direct, module, "v1.0.0").await;
        assert!(
            matches!(&refused, Err(UpstreamError::Unavailable { .. })),
            "{refused:?}"
        );
    }
    assert!(place.host.requests().is_empty() && !place.asked_go().exists());
}

#[tokio::test]
async fn other_version_control_runs_its_program_only_where_somebody_said_so() {
    let place = place!();
    for vcs in ["hg", "svn"] {
        place
            .domain
            .import(&format!("example.test/{vcs}"), vcs, "https://vcs.test/r");
    }
    let refused = |result: Result<Fetched, UpstreamError>| match result {
        Err(UpstreamError::NotFound { reason }) => reason.to_string(),
        other => panic!("{other:?}"),
    };
    let direct = place.direct(PUBLIC);
    let hg = refused(fetch(&direct, "example.test/hg", "v1.0.0").await);
    assert!(
        hg.contains("hg repositories are fetched only for private modules"),
        "{hg}"
    );
    let svn = refused(fetch(&direct, "example.test/svn", "v1.0.0").await);
    assert!(svn.contains("GOVCS disallows using svn"), "{svn}");
    assert!(!place.asked_go().exists());

    // Nobody resolves vcs.test here, so a guard that is asked says that it cannot tell; an address says enough.
    place
        .domain
        .import("example.test/near", "hg", "https://127.0.0.1/r");
    let direct = place.direct(PRIVATE);
    refused(fetch(&direct, "example.test/near", "v1.0.0").await);
    let asked = fs::read_to_string(place.asked_go()).unwrap();
    assert_eq!(asked, "mod download -json -- example.test/near@v1.0.0\n");
}

#[tokio::test]
async fn a_mod_tag_leads_to_a_proxy() {
    let place = place!();
    place
        .domain
        .import("example.test/m", "mod", "https://proxy.test/go");
    let answer = fetch(&place.direct(PUBLIC), "example.test/m", "v1.0.0").await;
    assert!(matches!(answer, Err(UpstreamError::NotFound { reason }) if &*reason == "the proxy has nothing"));
    // Whoever named it may know that it knows us; not so its own host, or a module that is called private.
    place
        .domain
        .import("proxy.test/m", "mod", "https://proxy.test/go");
    for (direct, module) in [
        (place.direct(PUBLIC), "proxy.test/m"),
        (place.direct(PRIVATE), "example.test/m"),
    ] {
        assert!(fetch(&direct, module, "v1.0.0").await.is_err());
    }
    let opened = [true, false, false].map(|anonymously| ("https://proxy.test/go".to_owned(), anonymously));
    assert_eq!(*place.proxies.0.lock().unwrap(), opened);
}

#[tokio::test]
async fn a_path_that_names_its_repository_is_tried_over_https_first() {
    let place = place!();
    let repository = place.host.repository("team/greet");
    release(&repository, "code.test/team/greet.git", "v1.0.0", 1_600_000_000);
    let direct = place.direct(PRIVATE);
    let fetched = fetch(&direct, "code.test/team/greet.git", "v1.0.0")
        .await
        .unwrap();
    assert_eq!(info(&fetched).origin.unwrap().url, "https://code.test/team/greet");
    // The address is remembered: no second listing to find out.
    place.host.forget();
    versions(&direct, "code.test/team/greet.git").await.unwrap();
    let listings = place
        .host
        .requests()
        .iter()
        .filter(|request| request.target.contains("info/refs"))
        .count();
    assert_eq!(listings, 1);
    for says in [PRIVATE, PUBLIC] {
        let absent = versions(&place.direct(says), "code.test/team/none.git").await;
        match (says.private, absent) {
            ("", Err(UpstreamError::NotFound { .. })) => {}
            // The git command would be needed to ask over ssh, and there is none.
            (_, Err(UpstreamError::Unsupported { .. })) => {}
            (private, other) => panic!("private {private:?}: {other:?}"),
        }
    }
}

/// The go command tells an address as it read it.
#[tokio::test]
async fn an_address_is_told_as_its_page_has_it() {
    let place = place!();
    let repository = place.host.repository("team/greet");
    release(&repository, "example.test/greet", "v1.0.0", 1_600_000_000);
    for (number, (written, told)) in [
        ("https://Code.test/team/greet", None),
        ("https://code.test:443/./team/../team/greet", None),
        ("HTTPS://code.test/team/greet", None),
        ("https://me@code.test/team/greet", None),
        (
            "https://me:canary@code.test/team/greet",
            Some("https://code.test/team/greet"),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let module = format!("example.test/greet{number}");
        place.domain.import(&module, "git", written);
        let fetched = fetch(&place.direct(PUBLIC), &module, "v1.0.0").await.unwrap();
        assert_eq!(info(&fetched).origin.unwrap().url, told.unwrap_or(written));
        assert!(!fetched.from.contains("canary"));
    }
}

#[tokio::test]
async fn a_private_repository_opens_to_its_token() {
    let place = place!();
    let commit = release(
        &place.host.repository("team/greet"),
        "example.test/greet",
        "v1.0.0",
        1_600_000_000,
    );
    place
        .domain
        .import("example.test/greet", "git", "https://code.test/team/greet");
    place.host.require("stoa", "canary");
    let refused = fetch(&place.direct(PRIVATE), "example.test/greet", "v1.0.0").await;
    assert!(
        matches!(refused, Err(UpstreamError::Unavailable { .. })),
        "{refused:?}"
    );
    let table = |prefix| match prefix {
        "other" => "[[host]]\nprefix = \"code.test/other\"\nusername = \"stoa\"\ntoken = \"canary\"\n",
        _ => "[[host]]\nprefix = \"code.test/team\"\nusername = \"stoa\"\ntoken = \"canary\"\n",
    };
    let other = place.direct(Says {
        credentials: table("other"),
        ..PRIVATE
    });
    assert!(fetch(&other, "example.test/greet", "v1.0.0").await.is_err());
    assert!(
        place
            .host
            .requests()
            .iter()
            .all(|request| !request.headers.contains_key("authorization"))
    );
    let direct = place.direct(Says {
        credentials: table("team"),
        ..PRIVATE
    });
    let fetched = fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap();
    assert_eq!(info(&fetched).origin.unwrap().hash, Some(commit));
    assert!(!format!("{fetched:?} {direct:?}").contains("canary"));
}

#[tokio::test]
async fn a_401_is_not_found_only_if_the_page_says_so() {
    let place = place!();
    for (name, page) in [("absent", 404), ("shy", 401)] {
        place.domain.import(
            &format!("example.test/{name}"),
            "git",
            &format!("https://web.test/{name}"),
        );
        place
            .domain
            .page(&format!("web.test/{name}/info/refs"), 401, "who are you?");
        place.domain.page(&format!("web.test/{name}"), page, "");
    }
    let direct = place.direct(PUBLIC);
    let absent = versions(&direct, "example.test/absent").await;
    assert!(
        matches!(absent, Err(UpstreamError::NotFound { .. })),
        "{absent:?}"
    );
    let shy = versions(&direct, "example.test/shy").await;
    assert!(matches!(shy, Err(UpstreamError::Unavailable { .. })), "{shy:?}");
}

#[tokio::test]
async fn the_pinned_commit_is_served_even_when_its_tag_moved() {
    let place = place!();
    let repository = place.repository("example.test/greet");
    let first = release(&repository, "example.test/greet", "v1.0.0", 1_600_000_000);
    let direct = place.direct(PRIVATE);
    let pin = info(&fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap());
    let second = release(&repository, "example.test/greet", "v1.0.0", 1_600_000_999);
    assert_ne!(first, second);
    let context = FetchContext::default();
    let pinned = wanted("example.test/greet", "v1.0.0", Some(pin));
    let fetched = direct.fetch(&pinned, &context).await.unwrap();
    assert!(fetched.from.ends_with(&first), "{}", fetched.from);
    // Where nobody has that commit any more, both are named.
    repository.git(["reflog", "expire", "--expire=now", "--all"]);
    repository.git(["gc", "--quiet", "--prune=now"]);
    fs::remove_dir_all(place.folder.path().join("cache/git")).unwrap();
    match place.direct(PRIVATE).fetch(&pinned, &context).await {
        Err(UpstreamError::Moved { pinned, found, .. }) => {
            assert_eq!(
                (pinned.as_ref(), found.as_ref()),
                (first.as_str(), second.as_str())
            );
        }
        other => panic!("{other:?}"),
    }
}
