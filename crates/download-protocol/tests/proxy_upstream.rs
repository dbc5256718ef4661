//! Another proxy as an upstream, over real sockets and from a real folder.

#![expect(
    clippy::unwrap_used,
    reason = "a test panics where something is not as it should be"
)]

use bytes::Bytes;
use download_protocol::ProxyUpstream;
use futures::TryStreamExt;
use http_client::{Client, Settings, Trust};
use proxy_core::{
    file::{Held, Kind},
    module::{ModulePath, ModuleVersion, Query, Version},
    upstream::{FetchContext, Fetched, Incoming, Upstream, UpstreamError, Wanted},
};
use std::path::Path;
use testkit::{
    module::{Module, fixtures},
    proxy::{Action, FakeUpstream},
};

fn client() -> Client {
    Client::new(&Settings {
        own_id: "this-mirror".into(),
        ..Settings::default()
    })
    .unwrap()
}

fn over(upstream: &FakeUpstream) -> ProxyUpstream {
    ProxyUpstream::configured(client(), &upstream.url()).unwrap()
}

fn path(text: &str) -> ModulePath {
    ModulePath::parse(text).unwrap()
}

fn module(text: &str, version: &str) -> ModuleVersion {
    ModuleVersion::new(path(text), Version::parse(version).unwrap()).unwrap()
}

fn revision(text: &str) -> Query {
    Query::parse(text).unwrap()
}

async fn fetch(
    upstream: &ProxyUpstream,
    module: ModuleVersion,
    kinds: &[Kind],
) -> Result<Fetched, UpstreamError> {
    let wanted = Wanted {
        module,
        kinds: kinds.to_vec(),
        pinned: None,
    };
    upstream.fetch(&wanted, &FetchContext::default()).await
}

async fn bytes(incoming: Option<Incoming>) -> Result<Bytes, UpstreamError> {
    match incoming.expect("it was wanted") {
        Incoming::Whole(body) => match body.held() {
            Held::Memory(bytes) => Ok(bytes.clone()),
            Held::File(_) => panic!("small files are held in memory"),
        },
        Incoming::Stream { size, chunks } => {
            let chunks: Vec<Bytes> = chunks.try_collect().await?;
            let whole = chunks.concat();
            assert!(size.is_none_or(|size| size == whole.len() as u64));
            Ok(whole.into())
        }
    }
}

#[tokio::test]
async fn only_what_is_wanted_is_asked_for() {
    let greet = Module::new("example.test/Greet", "v1.0.0").weighing(2, 1);
    let upstream = FakeUpstream::serving([greet.clone()]);
    let over = over(&upstream);
    let fetched = fetch(&over, module("example.test/Greet", "v1.0.0"), &[Kind::Mod])
        .await
        .unwrap();
    assert!(fetched.info.is_none() && fetched.zip.is_none());
    assert_eq!(fetched.from, upstream.url());
    assert_eq!(bytes(fetched.go_mod).await.unwrap(), greet.go_mod());
    assert_eq!(upstream.paths(), ["/example.test/!greet/@v/v1.0.0.mod"]);
    let target = &upstream.requests()[0].target;
    assert_eq!(
        target, "/example.test/%21greet/@v/v1.0.0.mod",
        "the go command writes it so"
    );

    let fetched = fetch(&over, module("example.test/Greet", "v1.0.0"), &Kind::ALL)
        .await
        .unwrap();
    assert_eq!(bytes(fetched.info).await.unwrap(), greet.info());
    assert_eq!(bytes(fetched.go_mod).await.unwrap(), greet.go_mod());
    assert_eq!(bytes(fetched.zip).await.unwrap(), greet.zip());
    assert_eq!(upstream.count("*.info"), 1);
    assert_eq!(upstream.count("*.zip"), 1);
}

#[tokio::test]
async fn queries_are_resolved_to_versions_that_fit() {
    let upstream = FakeUpstream::serving(fixtures());
    upstream.name("example.test/greet", "main", "v1.1.0");
    let over = over(&upstream);
    let context = FetchContext::default();
    let greet = path("example.test/greet");
    let info = over.resolve(&greet, &revision("main"), &context).await.unwrap();
    assert_eq!(info.version.as_str(), "v1.1.0");
    let latest = over.resolve(&greet, &Query::Latest, &context).await.unwrap();
    assert_eq!(latest.version.as_str(), "v1.1.0");
    let absent = over
        .resolve(&greet, &revision("nowhere"), &context)
        .await
        .unwrap_err();
    assert!(matches!(absent, UpstreamError::NotFound { .. }), "{absent:?}");
    for json in [
        "{\"Version\":\"v2.0.0\"}",
        "{\"Version\":\"main\"}",
        "{\"Version\":\"v1\"}",
        "[]",
        "<html>",
        "",
    ] {
        upstream.when("*/main.info", Action::bytes(json));
        let broken = over
            .resolve(&greet, &revision("main"), &context)
            .await
            .unwrap_err();
        assert!(
            matches!(broken, UpstreamError::Malformed { .. }),
            "{json}: {broken:?}"
        );
    }
}

#[tokio::test]
async fn without_the_latest_endpoint_the_list_decides() {
    let versions = [
        "v1.0.0",
        "v1.2.0",
        "v1.10.0",
        "v2.0.0-rc.1",
        "v3.0.0+incompatible",
    ];
    let upstream = FakeUpstream::serving(
        versions[..3]
            .iter()
            .map(|version| Module::new("example.test/m", version)),
    );
    upstream.when("*/@latest", Action::status(404, "not here"));
    let over = over(&upstream);
    let context = FetchContext::default();
    let m = path("example.test/m");
    assert_eq!(
        over.resolve(&m, &Query::Latest, &context)
            .await
            .unwrap()
            .version
            .as_str(),
        "v1.10.0"
    );

    // A version without go.mod and with a higher major counts only where no version has a go.mod.
    upstream.when(
        "*/@v/list",
        Action::bytes("v1.0.0\nv1.10.0\nv3.0.0+incompatible\n"),
    );
    upstream.when("*.mod", Action::bytes("module example.test/m\n\ngo 1.20\n"));
    assert_eq!(
        over.resolve(&m, &Query::Latest, &context)
            .await
            .unwrap()
            .version
            .as_str(),
        "v1.10.0"
    );
    upstream.when("*.mod", Action::bytes("module example.test/m\n"));
    upstream.when(
        "*/v3.0.0+incompatible.info",
        Action::bytes("{\"Version\":\"v3.0.0+incompatible\"}"),
    );
    assert_eq!(
        over.resolve(&m, &Query::Latest, &context)
            .await
            .unwrap()
            .version
            .as_str(),
        "v3.0.0+incompatible"
    );

    upstream.when("*/@v/list", Action::bytes(""));
    let absent = over.resolve(&m, &Query::Latest, &context).await.unwrap_err();
    assert_eq!(absent.to_string(), "not here");
    upstream.when("*/@latest", Action::status(500, "oops"));
    assert!(matches!(
        over.resolve(&m, &Query::Latest, &context).await,
        Err(UpstreamError::Unavailable { .. })
    ));
}

#[tokio::test]
async fn an_info_of_another_version_is_malformed() {
    let upstream = FakeUpstream::serving([Module::new("example.test/m", "v1.0.0")]);
    upstream.when("*.info", Action::bytes("{\"Version\":\"v1.0.1\"}"));
    let broken = fetch(&over(&upstream), module("example.test/m", "v1.0.0"), &Kind::ALL)
        .await
        .unwrap_err();
    assert!(matches!(broken, UpstreamError::Malformed { .. }), "{broken:?}");
    assert!(broken.to_string().contains("v1.0.1"), "{broken}");
    assert_eq!(upstream.count("*.zip"), 0);
}

#[tokio::test]
async fn statuses_become_what_the_chain_does_next() {
    let upstream = FakeUpstream::serving([Module::new("example.test/m", "v1.0.0")]);
    let over = over(&upstream);
    for (status, expected) in [
        (404, "NotFound"),
        (410, "NotFound"),
        (204, "Malformed"),
        (400, "Unavailable"),
        (401, "Unavailable"),
        (403, "Unavailable"),
        (429, "Unavailable"),
        (500, "Unavailable"),
        (503, "Unavailable"),
        (508, "Loop"),
    ] {
        upstream.when("*", Action::status(status, "the reason why"));
        let error = fetch(&over, module("example.test/m", "v1.0.0"), &[Kind::Zip])
            .await
            .unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{status}: {error:?}");
        assert!(
            status == 204 || error.to_string().contains("the reason why"),
            "{status}: {error}"
        );
    }
    upstream.unplug();
    let error = fetch(&over, module("example.test/m", "v1.0.0"), &[Kind::Mod])
        .await
        .unwrap_err();
    assert!(matches!(error, UpstreamError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_zip_that_breaks_off_arrives_whole() {
    let big = Module::new("example.test/big", "v1.0.0").weighing(3, 9);
    let upstream = FakeUpstream::serving([big.clone()]);
    let zip = "*.zip";
    upstream.when_times(zip, 1, Action::serve().breaking_off_at(2_500_000));
    upstream.when_times(zip, 1, Action::serve().breaking_off_at(1_000_000));
    upstream.when_times(zip, 1, Action::serve().breaking_off_at(1));
    let fetched = fetch(
        &over(&upstream),
        module("example.test/big", "v1.0.0"),
        &[Kind::Zip],
    )
    .await
    .unwrap();
    assert_eq!(bytes(fetched.zip).await.unwrap(), big.zip());
    assert_eq!(upstream.count(zip), 4);
}

#[tokio::test]
async fn lists_hold_versions_of_the_module_only() {
    let upstream = FakeUpstream::serving(fixtures());
    upstream.when(
        "*/@v/list",
        Action::bytes("v1.1.0\nv1.0.0 2020-01-02T03:04:05Z\nmain\nv2.0.0\n"),
    );
    let over = over(&upstream);
    let versions = over
        .versions(&path("example.test/greet"), &FetchContext::default())
        .await
        .unwrap();
    assert_eq!(
        versions.iter().map(Version::as_str).collect::<Vec<_>>(),
        ["v1.0.0", "v1.1.0"]
    );
}

#[tokio::test]
async fn mirrors_on_the_way_are_named() {
    let upstream = FakeUpstream::serving([Module::new("example.test/m", "v1.0.0")]);
    let context = FetchContext::new(vec!["far".into(), "near".into()]);
    let wanted = Wanted {
        module: module("example.test/m", "v1.0.0"),
        kinds: vec![Kind::Info],
        pinned: None,
    };
    over(&upstream).fetch(&wanted, &context).await.unwrap();
    assert_eq!(
        upstream.requests()[0].headers["via"],
        "1.1 far, 1.1 near, 1.1 this-mirror"
    );
}

#[tokio::test]
async fn credentials_are_sent_and_never_told() {
    let upstream = FakeUpstream::serving([Module::new("example.test/m", "v1.0.0")]);
    upstream.require("gopher", "canary");
    let with = |userinfo: &str| {
        let address = upstream.url().replace("http://", &format!("http://{userinfo}@"));
        ProxyUpstream::configured(client(), &address).unwrap()
    };
    let known = with("gopher:canary");
    let fetched = fetch(&known, module("example.test/m", "v1.0.0"), &[Kind::Mod])
        .await
        .unwrap();
    assert!(!format!("{known:?} {fetched:?}").contains("canary"));
    let stranger = with("gopher:wrong-canary");
    let refused = fetch(&stranger, module("example.test/m", "v1.0.0"), &[Kind::Mod])
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("credentials"), "{refused}");
    assert!(
        !format!("{stranger:?} {refused:?} {refused}").contains("canary"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_learned_proxy_must_be_public_unless_the_module_is_private() {
    let upstream = FakeUpstream::serving([Module::new("example.test/m", "v1.0.0")]);
    let learned = |trust| ProxyUpstream::learned(client(), &upstream.url(), trust).unwrap();
    let wanted = module("example.test/m", "v1.0.0");
    let refused = fetch(&learned(Trust::Learned), wanted.clone(), &[Kind::Mod])
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("must be public"), "{refused}");
    assert!(upstream.requests().is_empty());
    fetch(&learned(Trust::LearnedPrivate), wanted, &[Kind::Mod])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_proxy_that_a_stranger_names_is_shown_nothing() {
    let upstream = FakeUpstream::serving([Module::new("example.test/m", "v1.0.0")]);
    upstream.require("gopher", "canary");
    let folder = tempfile::tempdir().unwrap();
    let netrc = folder.path().join("netrc");
    std::fs::write(&netrc, "machine 127.0.0.1 login gopher password canary\n").unwrap();
    let netrc = netrc.to_string_lossy().into_owned();
    let settings = Settings::from_lookup(|name| (name == "NETRC").then(|| netrc.clone())).unwrap();
    let client = Client::new(&settings).unwrap();
    let known = || ProxyUpstream::learned(client.clone(), &upstream.url(), Trust::LearnedPrivate).unwrap();
    let wanted = module("example.test/m", "v1.0.0");
    fetch(&known(), wanted.clone(), &[Kind::Mod]).await.unwrap();
    upstream.forget();
    let refused = fetch(&known().anonymously(), wanted, &Kind::ALL)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("credentials"), "{refused}");
    let requests = upstream.requests();
    assert!(!requests.is_empty());
    assert!(
        requests
            .iter()
            .all(|request| !request.headers.contains_key("authorization"))
    );
}

/// Lays modules out as a proxy serves them.
fn lay_out(folder: &Path, modules: &[Module]) {
    let mut list = String::new();
    for module in modules {
        for (extension, bytes) in [
            ("info", module.info()),
            ("mod", module.go_mod()),
            ("zip", module.zip()),
        ] {
            let file = folder.join(module.url_path(extension).trim_start_matches('/'));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            list = format!("{}\n", module.version);
            std::fs::write(file.parent().unwrap().join("list"), &list).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
    }
    assert!(!list.is_empty());
}

#[tokio::test]
async fn a_folder_is_a_proxy_too() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("with space");
    let upper = Module::new("example.test/Upper", "v1.0.0").weighing(1, 3);
    lay_out(&root, std::slice::from_ref(&upper));
    let address = format!("file://{}", root.display()).replace(' ', "%20");
    let over = ProxyUpstream::configured(client(), &address).unwrap();
    let context = FetchContext::default();
    let fetched = fetch(&over, module("example.test/Upper", "v1.0.0"), &Kind::ALL)
        .await
        .unwrap();
    assert_eq!(bytes(fetched.zip).await.unwrap(), upper.zip());
    assert_eq!(bytes(fetched.go_mod).await.unwrap(), upper.go_mod());
    let latest = over
        .resolve(&path("example.test/Upper"), &Query::Latest, &context)
        .await
        .unwrap();
    assert_eq!(latest.version.as_str(), "v1.0.0");
    for absent in [
        fetch(&over, module("example.test/upper", "v1.0.0"), &Kind::ALL)
            .await
            .unwrap_err(),
        fetch(&over, module("example.test/Upper", "v1.0.1"), &[Kind::Zip])
            .await
            .unwrap_err(),
        over.resolve(&path("example.test/Upper"), &revision("main"), &context)
            .await
            .unwrap_err(),
        over.versions(&path("example.test"), &context).await.unwrap_err(),
    ] {
        assert!(matches!(absent, UpstreamError::NotFound { .. }), "{absent:?}");
        assert!(
            !absent.to_string().contains(folder.path().to_str().unwrap()),
            "{absent}"
        );
    }
}

#[test]
fn addresses_that_are_none_are_refused() {
    for address in [
        "ftp://a.test",
        "a.test",
        "file://host/srv",
        "file:///srv?x=canary",
        "http://u:canary@a.test/",
    ] {
        let refused = ProxyUpstream::configured(client(), address).unwrap_err();
        assert!(
            !format!("{refused} {refused:?}").contains("canary"),
            "{address}: {refused}"
        );
    }
    assert!(ProxyUpstream::learned(client(), "file:///etc", Trust::LearnedPrivate).is_err());
}
