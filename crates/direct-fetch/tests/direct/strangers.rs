//! What is shown to a host that a stranger's module leads to: nothing, whichever way it leads there.

use super::place::{PUBLIC, Place, Says, fetch, release, versions};
use proxy_core::upstream::UpstreamError;
use testkit::skip_or_fail;

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
    let shown = |place: &Place| {
        let requests = place.host.requests();
        requests
            .iter()
            .any(|request| request.headers.contains_key("authorization"))
    };
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
