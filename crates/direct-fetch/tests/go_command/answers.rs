//! What is settled, and what is trouble.

use crate::place::{Place, fetch, releases, resolve, search_path, text, versions, wanted};
use direct_fetch::{Environment, GoCommand, GoSettings};
use proxy_core::{
    file::Kind,
    upstream::{FetchContext, Fetched, Upstream as _, UpstreamError},
};
use std::{collections::HashMap, fs, path::PathBuf};
use testkit::{git::Commit, skip_or_fail};

#[tokio::test]
async fn what_a_reached_origin_settles_is_not_found_in_gos_own_words() {
    let place = place!();
    releases(&place.repository("example.test/greet"), "example.test/greet");
    place
        .domain
        .import("example.test/gone", "git", &place.host.repository_url("gone"));
    place
        .domain
        .page("example.test/bare", 200, "<html><head></head></html>");
    place.domain.page("example.test/none", 404, "no");
    place
        .domain
        .import("example.test/svn", "svn", "https://svn.test/x");
    let direct = place.direct();
    for (module, version, said) in [
        ("example.test/greet", "v1.9.9", "unknown revision v1.9.9"),
        ("example.test/greet/v2", "v2.0.0", "unknown revision"),
        (
            "example.test/greet",
            "v0.0.0-20200101000000-0123456789ab",
            "unknown revision",
        ),
        ("example.test/gone", "v1.0.0", "not found"),
        ("example.test/bare", "v1.0.0", "no go-import meta tags"),
        ("example.test/none", "v1.0.0", "404 Not Found"),
        ("example.test/svn", "v1.0.0", "GOVCS disallows using svn"),
        ("github.com/o", "v1.0.0", "invalid github.com import path"),
    ] {
        for kinds in [&Kind::ALL[..], &[Kind::Mod]] {
            let wanted = wanted(module, version, kinds, None);
            match direct.fetch(&wanted, &FetchContext::default()).await {
                Err(UpstreamError::NotFound { reason }) => {
                    assert!(reason.contains(said) && reason.contains(module), "{reason}");
                    assert!(
                        !reason.contains(place.folder.path().to_str().unwrap()),
                        "{reason}"
                    );
                }
                other => panic!("{module}@{version}: {other:?}"),
            }
        }
    }
    assert!(matches!(
        resolve(&direct, "example.test/greet", "nobranch").await,
        Err(UpstreamError::NotFound { .. })
    ));
    assert!(matches!(
        versions(&direct, "example.test/gone").await,
        Err(UpstreamError::NotFound { .. })
    ));
}

#[tokio::test]
async fn what_was_not_reached_is_never_not_found() {
    let place = place!();
    releases(&place.repository("example.test/greet"), "example.test/greet");
    place.repository("example.test/locked");
    for (path, status) in [
        ("example.test/broken", 500),
        ("example.test/shut", 403),
        ("example.test/many", 429),
    ] {
        place.domain.page(path, status, "no");
    }
    let direct = place.direct();
    let unavailable = |result: Result<Fetched, UpstreamError>, what: &str| match result {
        Err(UpstreamError::Unavailable { reason, .. }) => reason,
        other => panic!("{what}: {other:?}"),
    };
    for module in [
        "example.test/broken",
        "example.test/shut",
        "example.test/many",
        "nowhere.test/m",
        "nowhere.test/m.git",
    ] {
        unavailable(fetch(&direct, module, "v1.0.0").await, module);
    }
    place.host.unplug();
    let said = unavailable(fetch(&direct, "example.test/greet", "v1.0.0").await, "unplugged");
    assert!(said.contains("onnect"), "{said}");
    let list = versions(&direct, "example.test/greet").await;
    assert!(matches!(list, Err(UpstreamError::Unavailable { .. })), "{list:?}");
    let query = resolve(&direct, "example.test/greet", "main").await;
    assert!(
        matches!(query, Err(UpstreamError::Unavailable { .. })),
        "{query:?}"
    );
    place.host.plug();
    assert!(
        fetch(&direct, "example.test/greet", "v1.0.0").await.is_ok(),
        "trouble passes"
    );
}

#[tokio::test]
async fn a_401_is_not_found_only_if_the_page_of_the_repository_says_so() {
    let place = place!();
    for (name, page) in [("absent", 404), ("private", 200), ("shy", 401)] {
        place.domain.import(
            &format!("example.test/{name}"),
            "git",
            &format!("https://code.test/{name}"),
        );
        place
            .domain
            .page(&format!("code.test/{name}/info/refs"), 401, "who are you?");
        place.domain.page(&format!("code.test/{name}"), page, "");
    }
    let environment: HashMap<_, _> = place.domain.environment().into_iter().collect();
    let settings = http_client::Settings::from_lookup(|name| environment.get(name).cloned()).unwrap();
    let direct = place
        .direct()
        .asking_pages(http_client::Client::new(&settings).unwrap());
    let absent = fetch(&direct, "example.test/absent", "v1.0.0").await;
    assert!(
        matches!(absent, Err(UpstreamError::NotFound { .. })),
        "{absent:?}"
    );
    let again = versions(&direct, "example.test/absent").await;
    assert!(
        matches!(again, Err(UpstreamError::NotFound { .. })),
        "where go names no address: {again:?}"
    );
    for name in ["private", "shy"] {
        let trouble = fetch(&direct, &format!("example.test/{name}"), "v1.0.0").await;
        assert!(
            matches!(trouble, Err(UpstreamError::Unavailable { .. })),
            "{name}: {trouble:?}"
        );
    }
    let unasked = fetch(&place.direct(), "example.test/absent", "v1.0.0").await;
    assert!(
        matches!(unasked, Err(UpstreamError::Unavailable { .. })),
        "{unasked:?}"
    );
}

#[tokio::test]
async fn without_a_go_command_the_sentence_says_what_to_install() {
    let Some(place) = Place::new() else {
        skip_or_fail!("there is no go command here")
    };
    let settings = GoSettings {
        program: "no-go-here".into(),
        ..place.settings()
    };
    match fetch(&GoCommand::open(settings).unwrap(), "example.test/m", "v1.0.0").await {
        Err(UpstreamError::Unsupported { reason }) => assert!(reason.contains("install Go"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_git_the_sentence_names_it() {
    let place = place!();
    releases(&place.repository("example.test/greet"), "example.test/greet");
    let go = which("go");
    let empty = place.folder.path().join("bin");
    fs::create_dir(&empty).unwrap();
    let environment = [("PATH".into(), empty.into())];
    let domain = place
        .domain
        .environment()
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()));
    let environment = Environment::select(environment.into_iter().chain(domain));
    let settings = GoSettings {
        program: go,
        environment,
        ..place.settings()
    };
    let direct = GoCommand::open(settings).unwrap();
    for module in ["example.test/greet", "example.test/greet.git"] {
        match fetch(&direct, module, "v1.0.0").await {
            Err(UpstreamError::Unsupported { reason }) => {
                assert!(reason.contains("git is not installed"), "{reason}");
            }
            other => panic!("{module}: {other:?}"),
        }
    }
}

fn which(program: &str) -> PathBuf {
    let found = std::env::split_paths(&search_path())
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    found.unwrap()
}

#[tokio::test]
async fn a_module_for_a_newer_go_gives_its_mod_and_says_what_its_zip_needs() {
    let place = place!();
    let repository = place.repository("example.test/new");
    let commit = Commit::at(1_600_000_000).file("go.mod", "module example.test/new\n\ngo 1.999\n");
    repository.tag("v1.0.0", &repository.commit("main", &commit));
    let direct = place.direct();
    let only_mod = wanted("example.test/new", "v1.0.0", &[Kind::Mod], None);
    let fetched = direct.fetch(&only_mod, &FetchContext::default()).await.unwrap();
    assert!(text(fetched.go_mod).ends_with("go 1.999\n"));
    match fetch(&direct, "example.test/new", "v1.0.0").await {
        Err(UpstreamError::Unsupported { reason }) => {
            assert!(reason.contains("requires go >= 1.999"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}
