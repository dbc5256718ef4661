//! What a catalog promises.

use super::{CatalogPlace, Samples};
use crate::{
    file::{Kind, ModuleFile},
    store::{Catalog, Inserted, ModuleStore},
};

/// Versions whose names try the order: neighbours that start alike, capitals, a major version below, signs that sort
/// before and behind a slash, a dot and a hyphen.
const NAMES: &[(&str, &str)] = &[
    ("example.com/m", "v1.0.0"),
    ("example.com/m", "v1.0.0-a"),
    ("example.com/m", "v1.0.0-a.j"),
    ("example.com/m", "v1.0.0-RC1"),
    ("example.com/m", "v1.10.0"),
    ("example.com/m", "v1.2.0"),
    ("example.com/m", "v2.0.0+incompatible"),
    ("example.com/m/v2", "v2.0.0"),
    ("example.com/m-x", "v1.0.0"),
    ("example.com/m.x", "v1.0.0"),
    ("example.com/m/x", "v1.0.0"),
    ("example.com/m0", "v1.0.0"),
    ("example.com/m~x", "v1.0.0"),
    ("example.com/m_x", "v1.0.0"),
    ("example.com/M", "v1.0.0"),
    ("example.com/mm", "v0.0.0-20260102030405-abcdefabcdef"),
    ("example.com/a/b/c/d/e/f", "v1.0.0"),
    ("example.com", "v1.0.0"),
    ("example.com-x.org/m", "v1.0.0"),
    ("a.example.com/m", "v1.0.0"),
    ("zz.example.com/m", "v1.0.0"),
];

pub(super) async fn an_empty_store_has_an_empty_page(place: &dyn CatalogPlace) {
    let (_, catalog) = place.open().await;
    assert_eq!(catalog.files(None, 100).await.unwrap(), []);
    let somewhere = ModuleFile::new(Samples::module("example.com/m", "v1.0.0"), Kind::Mod);
    assert_eq!(catalog.files(Some(&somewhere), 100).await.unwrap(), []);
}

pub(super) async fn every_file_is_listed_once_in_order(place: &dyn CatalogPlace) {
    let (store, catalog) = place.open().await;
    let kept = fill(&*store, NAMES, &Kind::ALL).await;
    for limit in [1, 2, 7, 1000] {
        assert_eq!(all(&*catalog, limit).await, kept, "in pages of {limit}");
    }
    // Another handle, such as another process has, lists the same.
    let (_, other) = place.open().await;
    assert_eq!(all(&*other, 5).await, kept);
}

pub(super) async fn names_sort_by_their_bytes(place: &dyn CatalogPlace) {
    let (store, catalog) = place.open().await;
    fill(&*store, NAMES, &[Kind::Mod]).await;
    let listed = all(&*catalog, 3).await;
    let names: Vec<String> = listed.iter().map(ModuleFile::tree_path).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted);
    // So that files of one version need not be neighbours, and nobody relies on it.
    let middle = "example.com/m/@v/v1.0.0-a.j.mod";
    assert!(names.iter().any(|name| name == middle), "{names:?}");
}

pub(super) async fn pages_go_on_from_any_name(place: &dyn CatalogPlace) {
    let (store, catalog) = place.open().await;
    let kept = fill(&*store, NAMES, &[Kind::Info, Kind::Mod]).await;
    // A cursor need not be kept: it may have been set aside, or be somebody's guess.
    let cursors = NAMES.iter().flat_map(|(path, version)| {
        let module = Samples::module(path, version);
        Kind::ALL.map(|kind| ModuleFile::new(module.clone(), kind))
    });
    for cursor in cursors {
        let listed = catalog.files(Some(&cursor), 1000).await.unwrap();
        let ahead: Vec<ModuleFile> = kept
            .iter()
            .filter(|file| file.tree_path() > cursor.tree_path())
            .cloned()
            .collect();
        assert_eq!(listed, ahead, "behind {cursor}");
    }
}

pub(super) async fn what_is_inserted_meanwhile_disturbs_nothing(place: &dyn CatalogPlace) {
    let (store, catalog) = place.open().await;
    let before = fill(&*store, NAMES, &[Kind::Mod]).await;
    let mut seen = Vec::new();
    let mut round = 0;
    loop {
        let page = catalog.files(seen.last(), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2, "a page of {}", page.len());
        seen.extend(page);
        // One before everything, one behind everything, one in the middle.
        for path in ["0.example.com/new", "zzz.example.com/new", "example.com/m/new"] {
            let version = format!("v1.{round}.0");
            fill(&*store, &[(path, &version)], &[Kind::Mod]).await;
        }
        round += 1;
        assert!(round < 1000, "the catalog has no end");
        // What lies ahead grows by two a round, and a page has two: what was there is seen all the same.
        if seen.len() > 4 * before.len() {
            break;
        }
    }
    let names: Vec<String> = seen.iter().map(ModuleFile::tree_path).collect();
    assert!(
        names.windows(2).all(|pair| pair[0] < pair[1]),
        "not in order, or not once: {names:?}"
    );
    for file in before {
        assert!(seen.contains(&file), "{file} was kept all along and not listed");
    }
}

/// Inserts files of these versions, and gives them in the catalog's order.
async fn fill(store: &dyn ModuleStore, names: &[(&str, &str)], kinds: &[Kind]) -> Vec<ModuleFile> {
    let samples = Samples::new();
    let mut files = Vec::new();
    for (path, version) in names {
        let module = Samples::module(path, version);
        for &kind in kinds {
            let file = samples.of_kind(&module, kind, 0).await;
            files.push(file.file().clone());
            assert_eq!(store.insert(file).await.unwrap(), Inserted::New);
        }
    }
    files.sort_unstable_by_key(ModuleFile::tree_path);
    files
}

/// Everything, page by page.
async fn all(catalog: &dyn Catalog, limit: usize) -> Vec<ModuleFile> {
    let mut files: Vec<ModuleFile> = Vec::new();
    loop {
        let page = catalog.files(files.last(), limit).await.unwrap();
        if page.is_empty() {
            return files;
        }
        assert!(
            page.len() <= limit,
            "a page of {} where {limit} were asked for",
            page.len()
        );
        files.extend(page);
        assert!(files.len() < 10_000, "the catalog has no end");
    }
}
