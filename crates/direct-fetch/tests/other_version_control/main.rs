//! Mercurial, Subversion, Fossil and Bazaar, by the real `go` command and their own programs: the same module that `go`
//! alone makes.
//!
//! Bazaar's own successor, Breezy, is what systems have under its name; a branch needs no server of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod place;

use direct_fetch::direct::Direct;
use place::{Place, Says, is_here, private, search_path};
use proxy_core::{
    file::{Body, Kind},
    info::Info,
    module::{ModulePath, ModuleVersion, Query},
    sums::H1,
    upstream::{FetchContext, Incoming, Upstream, UpstreamError, Wanted},
    zip,
};
use std::{fs, path::Path};
use testkit::{git::GitHost, go, skip_or_fail};

fn body(incoming: Option<Incoming>) -> Body {
    match incoming {
        Some(Incoming::Whole(body)) => body,
        other => panic!("not whole: {other:?}"),
    }
}

fn read(body: &Body) -> Vec<u8> {
    body.read_to_bytes().unwrap().to_vec()
}

/// Compares what both make of each query, and gives the versions that came of them.
async fn compare(place: &Place, direct: &Direct, module: &str, queries: &[&str]) -> Vec<String> {
    let (path, oracle) = (ModulePath::parse(module).unwrap(), place.oracle());
    let mut made = Vec::new();
    for query in queries {
        let theirs = oracle.succeed(
            oracle.home(),
            ["mod", "download", "-json", &format!("{module}@{query}")],
        );
        let theirs: serde_json::Value = serde_json::from_str(&theirs).unwrap();
        let field = |name: &str| theirs[name].as_str().unwrap().to_owned();
        let asked = match *query {
            "latest" => Query::Latest,
            other => Query::Revision(other.into()),
        };
        let context = FetchContext::default();
        let info = direct.resolve(&path, &asked, &context).await.unwrap();
        assert_eq!(info.version.as_str(), field("Version"), "{module}@{query}");
        let wanted = Wanted {
            module: ModuleVersion::new(path.clone(), info.version.clone()).unwrap(),
            kinds: Kind::ALL.to_vec(),
            pinned: Some(info),
        };
        let fetched = direct.fetch(&wanted, &context).await.unwrap();
        let (info, go_mod, zip) = (body(fetched.info), body(fetched.go_mod), body(fetched.zip));
        let sum = zip::check(&wanted.module, &zip).unwrap().h1;
        assert_eq!(sum, field("Sum").parse::<H1>().unwrap(), "{module}@{query}");
        assert_eq!(
            H1::of_go_mod(&read(&go_mod)),
            field("GoModSum").parse::<H1>().unwrap()
        );
        let theirs = Info::parse(&fs::read(field("Info")).unwrap()).unwrap();
        assert_eq!(Info::parse(&read(&info)).unwrap().to_json(), theirs.to_json());
        made.push(field("Version"));
    }
    made
}

/// What is not reached is trouble, not absence.
async fn is_trouble(direct: &Direct, path: &ModulePath, query: Query) {
    let answer = direct.resolve(path, &query, &FetchContext::default()).await;
    assert!(
        matches!(answer, Err(UpstreamError::Unavailable { .. })),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mercurial_is_fetched_by_the_go_command_for_private_modules() {
    if !is_here("hg") || go::GoCommand::find().is_none() {
        skip_or_fail!("there is no hg or no go here")
    }
    let place = Place::new();
    let served = place.mercurial("example.test/hg");
    let direct = place.direct(&private());
    let made = compare(&place, &direct, "example.test/hg", &["v1.0.0", "latest", "tip"]).await;
    assert_eq!(made[..2], ["v1.0.0", "v1.1.0"]);
    assert!(made[2].starts_with("v1.1.1-0.20200913123320-"), "{made:?}");
    let path = ModulePath::parse("example.test/hg").unwrap();
    let listed = direct.versions(&path, &FetchContext::default()).await.unwrap();
    assert_eq!(listed.len(), 2);
    let absent = direct
        .resolve(&path, &Query::Revision("v1.9.9".into()), &FetchContext::default())
        .await;
    assert!(
        matches!(absent, Err(UpstreamError::NotFound { .. })),
        "{absent:?}"
    );
    drop(served);
    let away = place.direct(&Says {
        vcs: "example.test:hg",
        ..private()
    });
    fs::remove_dir_all(place.folder.path().join("cache/go")).unwrap();
    is_trouble(&away, &path, Query::Revision("v1.0.0".into())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subversion_is_fetched_by_the_go_command_for_private_modules() {
    if !is_here("svn") || !is_here("svnserve") || go::GoCommand::find().is_none() {
        skip_or_fail!("there is no svn or no go here")
    }
    let place = Place::new();
    let served = place.subversion("example.test/svn");
    let direct = place.direct(&private());
    let made = compare(&place, &direct, "example.test/svn", &["latest"]).await;
    assert!(made[0].ends_with("-000000000001"), "{made:?}");
    let path = ModulePath::parse("example.test/svn").unwrap();
    let listed = direct.versions(&path, &FetchContext::default()).await.unwrap();
    assert!(listed.is_empty(), "{listed:?}");
    // go itself says so too of a host that is not there, and that there is no such revision.
    drop(served);
    let trouble = direct.versions(&path, &FetchContext::default()).await;
    assert!(
        matches!(trouble, Err(UpstreamError::Unavailable { .. })),
        "{trouble:?}"
    );
    is_trouble(&direct, &path, Query::Latest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fossil_is_fetched_by_the_go_command_for_private_modules() {
    if !is_here("fossil") || go::GoCommand::find().is_none() {
        skip_or_fail!("there is no fossil or no go here")
    }
    let place = Place::new();
    let served = place.fossil("example.test/fossil");
    let direct = place.direct(&private());
    let made = compare(
        &place,
        &direct,
        "example.test/fossil",
        &["latest", "trunk", "later"],
    )
    .await;
    assert!(made[0].starts_with("v0.0.0-20200913122642-"), "{made:?}");
    let path = ModulePath::parse("example.test/fossil").unwrap();
    // go does not know the tags of such a repository.
    let listed = direct.versions(&path, &FetchContext::default()).await.unwrap();
    assert!(listed.is_empty(), "{listed:?}");
    drop(served);
    fs::remove_dir_all(place.folder.path().join("cache/go")).unwrap();
    is_trouble(&direct, &path, Query::Latest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bazaar_is_fetched_by_the_go_command_for_private_modules() {
    if !is_here("bzr") || !is_here("python3") || go::GoCommand::find().is_none() {
        skip_or_fail!("there is no bzr, no python3 or no go here")
    }
    let place = Place::new();
    let served = place.bazaar("example.test/bzr");
    let direct = place.direct(&private());
    let made = compare(&place, &direct, "example.test/bzr", &["v1.0.0", "latest"]).await;
    assert_eq!(made, ["v1.0.0", "v1.0.0"]);
    let path = ModulePath::parse("example.test/bzr").unwrap();
    let listed = direct.versions(&path, &FetchContext::default()).await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    drop(served);
    fs::remove_dir_all(place.folder.path().join("cache/go")).unwrap();
    is_trouble(&direct, &path, Query::Latest).await;
}

/// The go command finds a repository once more by itself, so a stranger's module must not lead it to what we know.
#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_mercurial_repository_is_shown_nothing() {
    if !is_here("hg") || go::GoCommand::find().is_none() || !testkit::git::is_here() {
        skip_or_fail!("there is no hg, no git or no go here")
    }
    let (place, host) = (Place::new(), GitHost::start());
    place.domain.serve("code.test", &host);
    place
        .domain
        .import("example.test/hg", "hg", "http://code.test/team/hg");
    host.require("stoa", "canary");
    let knows =
        "[auth]\nx.prefix = code.test/team\nx.username = stoa\nx.password = canary\nx.schemes = http\n";
    fs::write(place.folder.path().join(".hgrc"), knows).unwrap();
    let path = ModulePath::parse("example.test/hg").unwrap();
    for (private, shows) in [("", false), ("example.test", true)] {
        let says = Says {
            private,
            vcs: "example.test:hg",
            path: search_path(),
        };
        let context = FetchContext::default();
        let answer = place
            .direct(&says)
            .resolve(&path, &Query::Revision("v1.0.0".into()), &context)
            .await;
        // Behind its door the host has no such repository, and that is told only to whoever was let in.
        assert_eq!(
            matches!(answer, Err(UpstreamError::NotFound { .. })),
            shows,
            "{answer:?}"
        );
        let requests = host.requests();
        assert!(!requests.is_empty());
        let shown = requests
            .iter()
            .any(|request| request.headers.contains_key("authorization"));
        assert_eq!(shown, shows, "private: {private:?}");
    }
}

/// Which version control may be used is settled by rules, and so is what they refuse; a program that is not there is trouble.
#[tokio::test(flavor = "multi_thread")]
async fn rules_are_absence_and_missing_programs_trouble() {
    if go::GoCommand::find().is_none() {
        skip_or_fail!("there is no go here")
    }
    let place = Place::new();
    for vcs in ["hg", "svn", "fossil", "bzr"] {
        let path = format!("example.test/{vcs}");
        place.domain.import(&path, vcs, "https://127.0.0.1:9/r");
    }
    let asked = |says: Says<'static>, vcs: &str| {
        let (direct, path) = (place.direct(&says), format!("example.test/{vcs}"));
        async move {
            let path = ModulePath::parse(&path).unwrap();
            direct
                .versions(&path, &FetchContext::default())
                .await
                .unwrap_err()
        }
    };
    for (vcs, rules) in [
        ("hg", "private:git"),
        ("svn", "example.test/svn:off"),
        ("fossil", "private:git"),
    ] {
        let refused = asked(
            Says {
                vcs: rules,
                ..private()
            },
            vcs,
        )
        .await;
        let said = refused.to_string();
        assert!(
            matches!(refused, UpstreamError::NotFound { .. }) && said.contains("GOVCS disallows using"),
            "{vcs}: {said}"
        );
    }
    // A folder with go alone.
    let only_go = place.folder.path().join("only-go");
    fs::create_dir(&only_go).unwrap();
    let go = std::env::split_paths(&search_path())
        .map(|folder| folder.join("go"))
        .find(|go| go.is_file())
        .unwrap();
    std::os::unix::fs::symlink(go, only_go.join("go")).unwrap();
    for vcs in ["hg", "svn", "fossil"] {
        let path = Path::new(&only_go).into();
        match asked(Says { path, ..private() }, vcs).await {
            UpstreamError::Unsupported { reason } => {
                assert!(reason.contains(&format!("{vcs} is not installed")), "{reason}");
            }
            other => panic!("{vcs}: {other:?}"),
        }
    }
}
