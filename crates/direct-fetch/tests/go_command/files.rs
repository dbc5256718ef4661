//! What comes of a version, and what stays of it on disk.

use crate::place::{executable, fetch, files_below, releases, resolve, text, versions, wanted, whole};
use direct_fetch::{GoCommand, GoSettings};
use proxy_core::{
    file::Kind,
    info::Info,
    upstream::{FetchContext, Upstream as _, UpstreamError},
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use testkit::{git::Commit, module::Module};

#[tokio::test]
async fn a_version_comes_with_all_its_files_and_leaves_only_its_clone() {
    let place = place!();
    let [first, ..] = releases(&place.repository("example.test/greet"), "example.test/greet");
    let direct = place.direct();
    let fetched = fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap();
    let info = text(fetched.info);
    let origin = place.host.repository_url("example.test-greet");
    assert_eq!(
        info,
        format!(
            r#"{{"Version":"v1.0.0","Time":"2020-09-13T12:26:40Z","Origin":{{"VCS":"git","URL":"{origin}","Hash":"{first}","Ref":"refs/tags/v1.0.0"}}}}"#
        )
    );
    assert_eq!(text(fetched.go_mod), "module example.test/greet\n\ngo 1.21\n");
    assert_eq!(&whole(fetched.zip).read_to_bytes().unwrap()[..2], b"PK");
    assert_eq!(fetched.from, format!("{origin} at {first}"));

    let left = files_below(&place.folder.path().join("cache/go"));
    assert!(
        left.iter().any(|file| file.contains("cache/vcs")),
        "the clone stays: {left:?}"
    );
    let zips: Vec<_> = left
        .iter()
        .filter(|file| file.contains(".zip") || file.ends_with("greet.go"))
        .collect();
    assert!(zips.is_empty(), "neither zip nor unpacked tree stays: {zips:?}");
    assert!(
        !place.folder.path().join("home/.config").exists(),
        "nothing is written into the home folder"
    );
}

#[tokio::test]
async fn a_cache_folder_may_be_named_from_the_working_folder() {
    let place = place!();
    releases(&place.repository("example.test/greet"), "example.test/greet");
    let here = std::env::current_dir().unwrap();
    let up = here.components().skip(1).map(|_| "..").collect::<PathBuf>();
    let cache = up
        .join(place.folder.path().strip_prefix("/").unwrap())
        .join("relative");
    assert!(cache.is_relative());
    let direct = GoCommand::open(GoSettings {
        cache,
        ..place.settings()
    })
    .unwrap();
    fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap();
}

#[tokio::test]
async fn a_second_version_and_the_zip_after_the_mod_use_the_same_clone() {
    let place = place!();
    releases(&place.repository("example.test/greet"), "example.test/greet");
    let direct = place.direct();
    let only_mod = wanted("example.test/greet", "v1.1.0", &[Kind::Mod], None);
    let fetched = direct.fetch(&only_mod, &FetchContext::default()).await.unwrap();
    assert!(fetched.zip.is_none(), "no zip is made for a .mod");
    let info = Info::parse(text(fetched.info).as_bytes()).unwrap();
    place.host.unplug();
    let zip = wanted("example.test/greet", "v1.1.0", &[Kind::Zip], Some(info));
    let fetched = direct.fetch(&zip, &FetchContext::default()).await.unwrap();
    assert!(whole(fetched.zip).size() > 0, "the clone had it already");
}

#[tokio::test]
async fn a_damaged_clone_heals_with_the_next_question() {
    let place = place!();
    releases(&place.repository("example.test/greet"), "example.test/greet");
    let direct = place.direct();
    fetch(&direct, "example.test/greet", "v1.0.0").await.unwrap();
    let objects = files_below(&place.folder.path().join("cache/go"));
    let objects: Vec<_> = objects
        .iter()
        .filter(|file| file.contains("cache/vcs") && file.contains("/objects/"))
        .collect();
    assert!(!objects.is_empty());
    for object in objects {
        executable(Path::new(object));
        fs::write(object, "damaged").unwrap();
    }
    // The .info that go remembers names a commit that it can no longer read.
    let damaged = fetch(&direct, "example.test/greet", "v1.0.0").await;
    assert!(
        matches!(damaged, Err(UpstreamError::Unavailable { .. })),
        "{damaged:?}"
    );
    let healed = async {
        while fetch(&direct, "example.test/greet", "v1.0.0").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), healed)
        .await
        .unwrap();
}

#[tokio::test]
async fn queries_lists_and_latest() {
    let place = place!();
    let repository = place.repository("example.test/greet");
    let [first, second, third] = releases(&repository, "example.test/greet");
    let direct = place.direct();
    let module = "example.test/greet";
    let branch = resolve(&direct, module, "main").await.unwrap();
    assert_eq!(
        branch.version.as_str(),
        format!("v1.1.1-0.20200913123000-{}", &third[..12])
    );
    assert_eq!(branch.origin.unwrap().hash, Some(third));
    assert_eq!(
        resolve(&direct, module, "latest").await.unwrap().version.as_str(),
        "v1.1.0"
    );
    assert_eq!(
        resolve(&direct, module, "v1.0").await.unwrap().version.as_str(),
        "v1.0.0"
    );
    assert_eq!(
        resolve(&direct, module, &first[..12])
            .await
            .unwrap()
            .version
            .as_str(),
        "v1.0.0"
    );
    assert_eq!(
        resolve(&direct, module, &second).await.unwrap().version.as_str(),
        "v1.1.0"
    );
    assert_eq!(versions(&direct, module).await.unwrap(), ["v1.0.0", "v1.1.0"]);
    let empty = place.repository("example.test/untagged");
    empty.commit(
        "main",
        &Commit::at(1_600_000_000).module(&Module::new("example.test/untagged", "x"), ""),
    );
    assert_eq!(versions(&direct, "example.test/untagged").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_go_mod_above_the_cache_and_the_users_settings_change_nothing() {
    let place = place!();
    releases(&place.repository("example.test/greet"), "example.test/greet");
    fs::write(place.folder.path().join("go.mod"), "this is no go.mod\n").unwrap();
    fs::create_dir_all(place.folder.path().join("home/.config/git")).unwrap();
    fs::write(
        place.folder.path().join("home/.config/git/attributes"),
        "*.go eol=crlf\n",
    )
    .unwrap();
    fs::write(
        place.folder.path().join("home/.gitconfig"),
        "[core]\n\tautocrlf = true\n",
    )
    .unwrap();
    let plain = fetch(&place.direct(), "example.test/greet", "v1.0.0")
        .await
        .unwrap();
    let zip = whole(plain.zip).read_to_bytes().unwrap();
    fs::remove_dir_all(place.folder.path().join("home")).unwrap();
    let cache = place.folder.path().join("other");
    let other = GoCommand::open(GoSettings {
        cache,
        ..place.settings()
    })
    .unwrap();
    let again = fetch(&other, "example.test/greet", "v1.0.0").await.unwrap();
    assert_eq!(whole(again.zip).read_to_bytes().unwrap(), zip);
}
