//! What is shown to a host that a stranger's module leads to: nothing, whichever way it leads there.

use super::place::{PUBLIC, Place, Says, fetch, release, versions};
use proxy_core::upstream::UpstreamError;
use std::fs;
use testkit::skip_or_fail;

/// Whether the git host was told who asks.
fn shown(place: &Place) -> bool {
    let requests = place.host.requests();
    requests
        .iter()
        .any(|request| request.headers.contains_key("authorization"))
}

/// Anybody's page can name a repository that only this server may read.
#[tokio::test]
async fn a_strangers_module_does_not_borrow_our_token() {
    let place = place!();
    let repository = place.host.repository("team/greet");
    release(&repository, "stranger.test/greet", "v1.0.0", 1_600_000_000);
    let names = |prefix, url| place.domain.import(prefix, "git", url);
    names("stranger.test/greet", "https://code.test/team/greet");
    names("stranger.test/keys", "ssh://git@code.test/team/greet");
    place.host.require("stoa", "canary");
    let public = Says {
        credentials: "[[host]]\nprefix = \"code.test\"\nusername = \"stoa\"\ntoken = \"canary\"\n",
        ..PUBLIC
    };
    let direct = place.direct(public);
    for module in ["stranger.test/greet", "stranger.test/keys"] {
        let refused = [
            versions(&direct, module).await.map(drop),
            fetch(&direct, module, "v1.0.0").await.map(drop),
        ];
        for refused in refused {
            match refused {
                Err(UpstreamError::Unavailable { reason, .. } | UpstreamError::Unsupported { reason }) => {
                    assert!(reason.contains("of upstream.private"), "{reason}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(!place.host.requests().is_empty());
    assert!(!shown(&place));

    // The same repository is had by a module of its own host, and by one that is called private.
    let own = "code.test/team/greet.git";
    assert_eq!(versions(&direct, own).await.unwrap(), ["v1.0.0"]);
    assert!(shown(&place));
    let private = place.direct(Says {
        private: "stranger.test",
        ..public
    });
    fetch(&private, "stranger.test/greet", "v1.0.0").await.unwrap();
    // What came so is not for those to whom the host would have shown nothing.
    assert!(fetch(&direct, "stranger.test/greet", "v1.0.0").await.is_err());
}

const KNOWN: Says = Says {
    netrc: "machine code.test login stoa password canary\n",
    ..PUBLIC
};

/// The host of a stranger's module need not name our host on its page: it may send us there later.
#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_redirect_does_not_lead_to_our_credentials() {
    let place = place!();
    release(
        &place.host.repository("team/greet"),
        "stranger.test/greet",
        "v1.0.0",
        1_600_000_000,
    );
    let names = |prefix| place.domain.import(prefix, "git", "https://stranger.test/r");
    names("stranger.test/greet");
    names("mine.test/greet");
    place.domain.redirect(
        "stranger.test/r/info/refs",
        "https://code.test/team/greet/info/refs?service=git-upload-pack",
    );
    for runs_git in [true, false] {
        let says = Says { runs_git, ..KNOWN };
        // A public repository may move to where we are known, and is asked for there as a stranger would ask.
        let direct = place.direct(says);
        fetch(&direct, "stranger.test/greet", "v1.0.0").await.unwrap();
        assert!(!shown(&place), "runs git: {runs_git}");
        fs::remove_dir_all(place.folder.path().join("cache")).unwrap();

        place.host.require("stoa", "canary");
        let direct = place.direct(says);
        let refused = fetch(&direct, "stranger.test/greet", "v1.0.0").await;
        assert!(!shown(&place), "runs git: {runs_git}");
        assert_withheld(refused);
        place.host.let_in_everybody();
    }
}

/// What the operator told `git` in its environment may say who asks as well as any file.
#[tokio::test(flavor = "multi_thread")]
async fn what_git_is_told_in_its_environment_is_not_for_strangers() {
    let place = place!();
    release(
        &place.host.repository("team/greet"),
        "stranger.test/greet",
        "v1.0.0",
        1_600_000_000,
    );
    place
        .domain
        .import("stranger.test/greet", "git", "https://code.test/team/greet");
    place.host.require("stoa", "canary");
    let rewritten: &[_] = &[
        ("GIT_CONFIG_COUNT", "1"),
        (
            "GIT_CONFIG_KEY_0",
            "url.https://stoa:canary@code.test/team/.insteadOf",
        ),
        ("GIT_CONFIG_VALUE_0", "https://code.test/team/"),
    ];
    let header: &[_] = &[
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "http.https://code.test/.extraHeader"),
        ("GIT_CONFIG_VALUE_0", "Authorization: Basic c3RvYTpjYW5hcnk="),
    ];
    for variables in [rewritten, header] {
        let says = Says {
            runs_git: true,
            variables,
            ..PUBLIC
        };
        assert_withheld(fetch(&place.direct(says), "stranger.test/greet", "v1.0.0").await);
        assert!(!shown(&place), "{variables:?}");
    }
    // It is of use for a module that is called private.
    let says = Says {
        runs_git: true,
        variables: rewritten,
        private: "stranger.test",
        ..PUBLIC
    };
    fetch(&place.direct(says), "stranger.test/greet", "v1.0.0")
        .await
        .unwrap();
}

/// Some hosts say of what they do not show that it is not there.
#[tokio::test(flavor = "multi_thread")]
async fn absence_is_not_settled_where_credentials_were_withheld() {
    let place = place!();
    place
        .domain
        .import("stranger.test/none", "git", "https://code.test/team/none");
    for runs_git in [true, false] {
        let says = Says { runs_git, ..KNOWN };
        assert_withheld(versions(&place.direct(says), "stranger.test/none").await);
        let unknown = Says { runs_git, ..PUBLIC };
        let absent = versions(&place.direct(unknown), "stranger.test/none").await;
        assert!(
            matches!(absent, Err(UpstreamError::NotFound { .. })),
            "{absent:?}"
        );
    }
}

/// The go command finds the repository once more by itself, and may be told another one then: whichever it is, a
/// stranger's module brings nothing of ours there.
#[tokio::test(flavor = "multi_thread")]
async fn a_go_that_runs_for_a_stranger_has_nothing_to_show() {
    let place = place!();
    let names = |prefix, url| place.domain.import(prefix, "hg", url);
    names("stranger.test/hg", "https://code.test/team/hg");
    names("stranger.test/keys", "ssh://hg@code.test/team/hg");
    let public = Says {
        vcs: "stranger.test:hg",
        credentials: "[[host]]\nprefix = \"code.test\"\nusername = \"stoa\"\ntoken = \"canary\"\n",
        variables: &[
            ("SSH_AUTH_SOCK", "/canary"),
            ("GIT_ASKPASS", "/canary"),
            ("GIT_CONFIG_GLOBAL", "/canary"),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "url.https://canary@code.test/.insteadOf"),
            ("GIT_CONFIG_VALUE_0", "https://code.test/"),
            ("GOAUTH", "netrc"),
        ],
        ..KNOWN
    };
    let environment = place.asked_go().with_file_name("asked-environment");
    let token = "Basic c3RvYTpjYW5hcnk=";
    let refused = fetch(&place.direct(public), "stranger.test/hg", "v1.0.0").await;
    assert!(refused.is_err());
    let seen = fs::read_to_string(&environment).unwrap();
    for known in ["canary", token, "NETRC=", ".netrc", "GOAUTH=netrc"] {
        assert!(!seen.contains(known), "{known} in {seen}");
    }
    match fetch(&place.direct(public), "stranger.test/keys", "v1.0.0").await {
        Err(UpstreamError::Unsupported { reason }) => {
            assert!(reason.contains("upstream.private"), "{reason}");
        }
        other => panic!("{other:?}"),
    }

    let private = Says {
        private: "stranger.test",
        ..public
    };
    // Nobody resolves the name here, which a private module's guard wants to know.
    names("stranger.test/near", "https://127.0.0.1/team/hg");
    assert!(
        fetch(&place.direct(private), "stranger.test/near", "v1.0.0")
            .await
            .is_err()
    );
    let seen = fs::read_to_string(&environment).unwrap();
    for known in ["/canary", token, "NETRC=", ".netrc", "GOAUTH=netrc"] {
        assert!(seen.contains(known), "no {known} in {seen}");
    }
}

/// The default entry of a netrc file stands for hosts that somebody chose, not for any that the network names.
#[tokio::test(flavor = "multi_thread")]
async fn the_default_entry_is_for_no_host_of_strangers() {
    let place = place!();
    release(
        &place.host.repository("team/greet"),
        "code.test/team/greet.git",
        "v1.0.0",
        1_600_000_000,
    );
    place.host.require("stoa", "canary");
    for runs_git in [true, false] {
        let says = Says {
            netrc: "default login stoa password canary\n",
            runs_git,
            ..PUBLIC
        };
        let refused = fetch(&place.direct(says), "code.test/team/greet.git", "v1.0.0").await;
        assert!(
            matches!(refused, Err(UpstreamError::Unavailable { .. })),
            "{refused:?}"
        );
        assert!(
            !place.host.requests().is_empty() && !shown(&place),
            "runs git: {runs_git}"
        );
    }
}

fn assert_withheld<T: std::fmt::Debug>(answer: Result<T, UpstreamError>) {
    match answer {
        Err(UpstreamError::Unavailable { reason, .. }) => {
            assert!(reason.contains("of upstream.private"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}
