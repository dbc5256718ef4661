//! From module paths to repositories, over real pages of a made-up domain.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod against_go;

use direct_fetch::discovery::{Discovery, DiscoverySettings, PageLifetimes, Repository, Vcs, VcsRules};
use http_client::{Client, Settings, Trust};
use proxy_core::{
    module::{ModulePath, Patterns},
    upstream::{FetchContext, UpstreamError},
};
use std::{collections::HashMap, time::Duration};
use testkit::{certificates::TestAuthority, git::FakeDomain};

struct Place {
    domain: FakeDomain,
}

/// What the configuration says.
#[derive(Default)]
struct Says {
    private: &'static str,
    insecure: &'static str,
    vcs: &'static str,
}

impl Place {
    fn new() -> Self {
        Self {
            domain: FakeDomain::start(&TestAuthority::new()),
        }
    }

    fn discovery(&self, says: &Says, lifetimes: PageLifetimes) -> Discovery {
        let environment: HashMap<_, _> = self.domain.environment().into_iter().collect();
        let settings = Settings::from_lookup(|name| environment.get(name).cloned()).unwrap();
        Discovery::new(DiscoverySettings {
            client: Client::new(&settings).unwrap(),
            private: Patterns::parse(says.private).unwrap(),
            insecure: Patterns::parse(says.insecure).unwrap(),
            vcs: VcsRules::parse(says.vcs).unwrap(),
            lifetimes,
        })
    }

    async fn find(&self, path: &str) -> Result<Repository, UpstreamError> {
        find(&self.discovery(&Says::default(), PageLifetimes::default()), path).await
    }

    fn tag(&self, path: &str, content: &str) {
        self.domain.page(path, 200, &tag(content));
    }
}

fn tag(content: &str) -> String {
    format!("<html><head><meta name=\"go-import\" content=\"{content}\"></head></html>")
}

async fn find(discovery: &Discovery, path: &str) -> Result<Repository, UpstreamError> {
    discovery
        .find(&ModulePath::parse(path).unwrap(), &FetchContext::default())
        .await
}

fn settled(found: Result<Repository, UpstreamError>) -> String {
    match found {
        Err(UpstreamError::NotFound { reason }) => reason.to_string(),
        other => panic!("{other:?}"),
    }
}

fn trouble(found: Result<Repository, UpstreamError>) -> String {
    match found {
        Err(error @ (UpstreamError::Unavailable { .. } | UpstreamError::TimedOut { .. })) => {
            error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

fn address(repository: &Repository) -> String {
    repository
        .addresses
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

#[tokio::test]
async fn known_hosts_and_suffixes_ask_no_page() {
    let place = Place::new();
    let found = place.find("github.com/o/r/sub").await.unwrap();
    assert_eq!(
        (found.root.as_str(), address(&found).as_str()),
        ("github.com/o/r", "https://github.com/o/r")
    );
    let named = place.find("e.test/r.git/sub").await.unwrap();
    assert_eq!(named.root, "e.test/r.git");
    assert_eq!(
        address(&named),
        "https://e.test/r git+ssh://e.test/r ssh://e.test/r"
    );
    assert_eq!(
        settled(place.find("github.com/o/r.git").await),
        "invalid version control suffix in github.com/ path"
    );
    assert_eq!(
        settled(place.find("github.com/o").await),
        "invalid github.com import path \"github.com/o\""
    );
    assert!(place.domain.passed().is_empty());
}

#[tokio::test]
async fn a_page_names_the_repository_whatever_its_status() {
    let place = Place::new();
    place.tag("e.test/r", "e.test/r git https://code.test/r");
    place.domain.page(
        "e.test/hidden",
        404,
        &tag("e.test/hidden git https://code.test/h"),
    );
    place.domain.page(
        "e.test/odd",
        200,
        "<META NAME=go-import CONTENT='e.test/odd hg https://code.test/o'>",
    );
    let found = place.find("e.test/r").await.unwrap();
    assert_eq!(
        (found.vcs, found.root.as_str(), found.subfolder.as_str()),
        (Vcs::Git, "e.test/r", "")
    );
    assert_eq!(
        (address(&found).as_str(), found.trust, found.insecure),
        ("https://code.test/r", Trust::Learned, false)
    );
    assert_eq!(
        address(&place.find("e.test/hidden").await.unwrap()),
        "https://code.test/h"
    );
    assert_eq!(place.find("e.test/odd").await.unwrap().vcs, Vcs::Mercurial);
}

#[tokio::test]
async fn pages_without_a_tag_for_the_path_are_settled() {
    let place = Place::new();
    place
        .domain
        .page("e.test/bare", 200, "<html><head></head></html>");
    place.domain.page(
        "e.test/body",
        200,
        &format!("<body>{}", tag("e.test/body git https://h/r")),
    );
    place.domain.page(
        "e.test/case",
        200,
        &tag("e.test/case git https://h/r").replace("go-import", "Go-Import"),
    );
    place.tag("e.test/five", "e.test/five git https://h/r sub more");
    place.tag("e.test/other", "e.test/else git https://h/r");
    place.domain.page("e.test/gone", 410, "gone");
    let script = format!(
        "<script>if (1 < 2) {{}}</script>{}",
        tag("e.test/script git https://h/r")
    );
    place.domain.page("e.test/script", 200, &script);
    let charset = format!(
        "<?xml encoding=\"iso-8859-1\"?>{}",
        tag("e.test/latin git https://h/r")
    );
    place.domain.page("e.test/latin", 200, &charset);
    for (path, said) in [
        ("e.test/bare", "no go-import meta tags ()"),
        ("e.test/body", "no go-import meta tags"),
        ("e.test/case", "no go-import meta tags"),
        ("e.test/five", "no go-import meta tags"),
        (
            "e.test/other",
            "meta tag e.test/else did not match import path e.test/other",
        ),
        ("e.test/gone", "410 Gone"),
        ("e.test/none", "404 Not Found"),
        ("e.test/script", "parsing e.test/script"),
        (
            "e.test/latin",
            "can't decode XML document using charset \"iso-8859-1\"",
        ),
    ] {
        let reason = settled(place.find(path).await);
        assert!(
            reason.contains(said) && reason.starts_with("unrecognized import path"),
            "{path}: {reason}"
        );
    }
}

#[tokio::test]
async fn a_prefix_is_believed_only_if_its_own_page_says_the_same() {
    let place = Place::new();
    for path in ["e.test/r", "e.test/r/sub", "e.test/r/sub/deep"] {
        place.tag(path, "e.test/r git https://code.test/r");
    }
    assert_eq!(place.find("e.test/r/sub").await.unwrap().root, "e.test/r");
    assert_eq!(place.domain.asked(), ["e.test/r/sub", "e.test/r"]);

    place.tag("e.test/x/sub", "e.test/x git https://evil.test/x");
    place.tag("e.test/x", "e.test/x git https://code.test/x");
    assert!(settled(place.find("e.test/x/sub").await).contains("disagree about go-import for e.test/x"));
    place.tag("e.test/y/sub", "e.test/y git https://code.test/y sub");
    place.tag("e.test/y", "e.test/y git https://code.test/y");
    assert!(
        settled(place.find("e.test/y/sub").await).contains("disagree"),
        "in all four fields"
    );
    place.tag("e.test/z/sub", "e.test/z git https://code.test/z");
    assert!(settled(place.find("e.test/z/sub").await).contains("404 Not Found"));
    place.tag("e.test/t/sub", "e.test/t git https://code.test/t");
    place.domain.page("e.test/t", 503, "");
    assert!(trouble(place.find("e.test/t/sub").await).contains("e.test"));
}

#[tokio::test]
async fn of_several_tags_a_proxys_wins_and_two_of_a_kind_are_refused() {
    let place = Place::new();
    let page = |tags: &[&str]| {
        tags.iter()
            .map(|content| tag(content))
            .collect::<String>()
            .replace("</head></html><html><head>", "")
    };
    place.domain.page(
        "e.test/two",
        200,
        &page(&["e.test/two git https://h/a", "e.test/two git https://h/b"]),
    );
    place.domain.page(
        "e.test/mod",
        200,
        &page(&["e.test/mod git https://h/a", "e.test/mod mod https://p.test/go"]),
    );
    assert!(settled(place.find("e.test/two").await).contains("multiple meta tags match"));
    let proxy = place.find("e.test/mod").await.unwrap();
    assert_eq!(
        (proxy.vcs, address(&proxy).as_str()),
        (Vcs::Proxy, "https://p.test/go")
    );
}

#[tokio::test]
async fn what_a_tag_names_must_be_usable() {
    let place = Place::new();
    for (path, content) in [
        ("e.test/cvs", "e.test/cvs cvs https://h/r"),
        ("e.test/bare", "e.test/bare git h.test/r"),
        ("e.test/file", "e.test/file git file:///srv/r"),
        ("e.test/clear", "e.test/clear git http://h.test/r"),
        ("e.test/plain", "e.test/plain git git://h.test/r"),
        ("e.test/abs", "e.test/abs git https://h.test/r /sub"),
        ("e.test/flag", "e.test/flag git https://h.test/r -sub"),
        ("e.test/sub", "e.test/sub git https://h.test/r sub/"),
        ("e.test/svn", "e.test/svn svn https://h.test/r"),
        ("e.test/bzr", "e.test/bzr bzr https://h.test/r"),
    ] {
        place.tag(path, content);
    }
    for (path, said) in [
        ("e.test/cvs", "unknown vcs \"cvs\""),
        ("e.test/bare", "no scheme"),
        ("e.test/file", "file scheme disallowed"),
        ("e.test/clear", "not encrypted"),
        ("e.test/plain", "not https or ssh"),
        ("e.test/abs", "invalid subdirectory \"/sub\": leading slash"),
        ("e.test/flag", "invalid subdirectory \"-sub\": leading hyphen"),
        ("e.test/svn", "GOVCS disallows using svn for public e.test/svn"),
        ("e.test/bzr", "GOVCS disallows using bzr for public e.test/bzr"),
    ] {
        let reason = settled(place.find(path).await);
        assert!(reason.contains(said), "{path}: {reason}");
    }
    assert_eq!(place.find("e.test/sub").await.unwrap().subfolder, "sub/");
}

#[tokio::test]
async fn settings_open_what_is_closed_and_close_what_is_open() {
    let place = Place::new();
    place.tag("e.test/clear", "e.test/clear git http://h.test/r");
    place.tag("e.test/svn", "e.test/svn svn https://h.test/r");
    place.tag("e.test/off", "e.test/off git https://h.test/r");
    let says = Says {
        private: "e.test/svn",
        insecure: "e.test/clear",
        vcs: "e.test/off:off,public:hg|git",
    };
    let discovery = place.discovery(&says, PageLifetimes::default());
    let clear = find(&discovery, "e.test/clear").await.unwrap();
    assert_eq!(
        (address(&clear).as_str(), clear.insecure),
        ("http://h.test/r", true)
    );
    let private = find(&discovery, "e.test/svn").await.unwrap();
    assert_eq!(
        (private.vcs, private.trust),
        (Vcs::Subversion, Trust::LearnedPrivate)
    );
    assert!(settled(find(&discovery, "e.test/off").await).contains("GOVCS disallows using git"));
}

#[tokio::test]
async fn redirects_are_followed_but_never_into_the_clear() {
    let place = Place::new();
    place
        .domain
        .redirect("e.test/moved", "https://new.test/moved?go-get=1");
    place.tag("new.test/moved", "e.test/moved git https://code.test/moved");
    place
        .domain
        .redirect("e.test/clear", "http://new.test/moved?go-get=1");
    place
        .domain
        .redirect("e.test/inside", "https://127.0.0.1/moved?go-get=1");
    place
        .domain
        .redirect("e.test/metadata", "https://169.254.169.254/latest");
    assert_eq!(
        address(&place.find("e.test/moved").await.unwrap()),
        "https://code.test/moved"
    );
    for path in ["e.test/clear", "e.test/inside", "e.test/metadata"] {
        trouble(place.find(path).await);
    }
    assert!(
        place
            .domain
            .passed()
            .iter()
            .all(|passed| !format!("{passed:?}").contains("127.0.0.1"))
    );
}

#[tokio::test]
async fn where_unverified_pages_are_allowed_http_is_tried_after_https() {
    let place = Place::new();
    place.tag("e.test/r", "e.test/r git https://code.test/r");
    let stranger = FakeDomain::start(&TestAuthority::new());
    stranger.page("e.test/r", 200, &tag("e.test/r git https://code.test/r"));
    // The client trusts the first domain's authority, and is sent to the second.
    let environment: HashMap<_, _> = stranger.environment().into_iter().collect();
    let trusted = place.domain.authority_file().to_string_lossy().into_owned();
    let settings = Settings::from_lookup(|name| match name {
        "SSL_CERT_FILE" => Some(trusted.clone()),
        name => environment.get(name).cloned(),
    });
    let client = Client::new(&settings.unwrap()).unwrap();
    let discovery = |insecure: &str| {
        Discovery::new(DiscoverySettings {
            client: client.clone(),
            private: Patterns::default(),
            insecure: Patterns::parse(insecure).unwrap(),
            vcs: VcsRules::default(),
            lifetimes: PageLifetimes::default(),
        })
    };
    trouble(find(&discovery("other.test"), "e.test/r").await);
    assert!(find(&discovery("e.test"), "e.test/r").await.is_ok());
}

#[tokio::test]
async fn internal_repositories_are_refused_unless_the_module_is_private() {
    let place = Place::new();
    for (path, repository) in [
        ("e.test/loop", "https://127.0.0.1/r"),
        ("e.test/meta", "https://169.254.169.254/r"),
        ("e.test/lan", "ssh://git@10.0.0.1:2222/r"),
        ("e.test/name", "https://localhost/r"),
    ] {
        place.tag(path, &format!("{path} git {repository}"));
    }
    let stranger = place.discovery(&Says::default(), PageLifetimes::default());
    let private = place.discovery(
        &Says {
            private: "e.test",
            ..Says::default()
        },
        PageLifetimes::default(),
    );
    for (path, may_be_private) in [
        ("e.test/loop", true),
        ("e.test/meta", false),
        ("e.test/lan", true),
        ("e.test/name", true),
    ] {
        let found = find(&stranger, path).await.unwrap();
        assert!(
            stranger.judge(&found, &found.addresses[0]).await.is_err(),
            "{path}"
        );
        let found = find(&private, path).await.unwrap();
        let judged = private.judge(&found, &found.addresses[0]).await;
        assert_eq!(judged.is_ok(), may_be_private, "{path}: {judged:?}");
    }
}

#[tokio::test]
async fn pages_are_remembered_for_a_while_and_trouble_is_not() {
    let place = Place::new();
    for path in ["e.test/r", "e.test/r/a", "e.test/r/b"] {
        place.tag(path, "e.test/r git https://code.test/r");
    }
    place.domain.page("e.test/down", 500, "");
    let discovery = place.discovery(&Says::default(), PageLifetimes::default());
    for path in ["e.test/r/a", "e.test/r/b", "e.test/r/a", "e.test/r"] {
        find(&discovery, path).await.unwrap();
    }
    assert_eq!(place.domain.asked(), ["e.test/r/a", "e.test/r", "e.test/r/b"]);
    settled(find(&discovery, "e.test/none").await);
    settled(find(&discovery, "e.test/none").await);
    assert_eq!(
        place
            .domain
            .asked()
            .iter()
            .filter(|path| *path == "e.test/none")
            .count(),
        1
    );
    trouble(find(&discovery, "e.test/down").await);
    let asked = place.domain.asked().len();
    trouble(find(&discovery, "e.test/down").await);
    assert!(place.domain.asked().len() > asked);

    let forgetful = PageLifetimes {
        found: Duration::from_millis(1),
        absent: Duration::from_millis(1),
    };
    let discovery = place.discovery(&Says::default(), forgetful);
    let asked = place.domain.asked().len();
    find(&discovery, "e.test/r").await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    find(&discovery, "e.test/r").await.unwrap();
    assert_eq!(place.domain.asked().len(), asked + 2);
}

#[tokio::test]
async fn many_who_ask_at_once_cause_one_question() {
    let place = Place::new();
    place.tag("e.test/r", "e.test/r git https://code.test/r");
    let discovery = place.discovery(&Says::default(), PageLifetimes::default());
    let asked = (0..50).map(|_| find(&discovery, "e.test/r"));
    assert!(futures::future::join_all(asked).await.iter().all(Result::is_ok));
    assert_eq!(place.domain.asked(), ["e.test/r"]);
}
