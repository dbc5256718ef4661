//! What keeps names apart.

use super::{
    Place, Samples,
    reading::{assert_kept, whole},
};
use crate::{
    file::{Kind, ModuleFile},
    module::{ModulePath, Version},
    store::{Inserted, ModuleStore},
};

pub(super) async fn paths_that_differ_in_case_stay_apart(place: &dyn Place) {
    let (store, samples) = (place.open().await, Samples::new());
    let names = [
        ("example.com/Azure", "v1.0.0-RC1"),
        ("example.com/azure", "v1.0.0-RC1"),
        ("example.com/AZURE", "v1.0.0-RC1"),
        ("example.com/Azure", "v1.0.0-rc1"),
    ];
    let modules = names.map(|(path, version)| Samples::module(path, version));
    for (salt, module) in modules.iter().enumerate() {
        for kind in Kind::ALL {
            let file = samples.of_kind(module, kind, salt as u32).await;
            assert_eq!(
                whole(&*store, file.file()).await,
                None,
                "{} is somebody else's",
                file.file()
            );
            assert_eq!(
                store.insert(file.clone()).await.unwrap(),
                Inserted::New,
                "{}",
                file.file()
            );
        }
    }
    for (salt, module) in modules.iter().enumerate() {
        for kind in Kind::ALL {
            assert_kept(&*store, &samples.of_kind(module, kind, salt as u32).await).await;
        }
    }
    assert_eq!(
        versions(&*store, "example.com/Azure").await,
        ["v1.0.0-RC1", "v1.0.0-rc1"]
    );
    assert_eq!(versions(&*store, "example.com/azure").await, ["v1.0.0-RC1"]);
}

pub(super) async fn versions_are_those_of_the_exact_path(place: &dyn Place) {
    let (store, samples) = (place.open().await, Samples::new());
    let listed = [
        ("example.com/a", "v1.0.0"),
        ("example.com/a", "v1.1.0-pre"),
        ("example.com/a", "v2.0.0+incompatible"),
        ("example.com/a", "v0.0.0-20260102030405-0123456789ab"),
        ("example.com/a/v2", "v2.0.0"),
        ("example.com/a/b", "v1.2.0"),
        ("example.com/a-b", "v1.3.0"),
        ("example.com/ab", "v1.4.0"),
        ("example.com/a.b", "v1.5.0"),
        ("sub.example.com/a", "v1.6.0"),
    ];
    for (path, version) in listed {
        let info = samples.info(&Samples::module(path, version), 0).await;
        assert_eq!(store.insert(info).await.unwrap(), Inserted::New);
    }
    // A version is listed by its `.info`; a `.mod` or a `.zip` alone does not list it.
    for (kind, version) in [(Kind::Mod, "v1.7.0"), (Kind::Zip, "v1.8.0")] {
        let alone = samples
            .of_kind(&Samples::module("example.com/a", version), kind, 0)
            .await;
        assert_eq!(store.insert(alone).await.unwrap(), Inserted::New);
    }
    for (path, _) in listed {
        let mut expected: Vec<&str> = listed
            .iter()
            .filter(|(of, _)| *of == path)
            .map(|(_, version)| *version)
            .collect();
        expected.sort_unstable();
        assert_eq!(versions(&*store, path).await, expected, "{path}");
    }
    for path in [
        "example.com",
        "example.com/a/v3",
        "example.com/b",
        "sub.example.com",
    ] {
        assert_eq!(versions(&*store, path).await, [""; 0], "{path}");
    }
}

pub(super) async fn every_legal_name_is_kept_as_it_is(place: &dyn Place) {
    let (store, samples) = (place.open().await, Samples::new());
    // As long as a name may be, and as long as one gets in the tree, where a capital takes two letters.
    let long = format!("example.com/{0}/{0}/{0}", "a".repeat(255));
    let capitals = format!("v1.0.0-{}", "A".repeat(116));
    let names = [
        ("github.com/Azure/azure-sdk-for-go", "v68.0.0+incompatible"),
        ("gopkg.in/yaml.v3", "v3.0.1"),
        ("example.com/~user/_x.y-z", "v1.0.0"),
        ("example.com/~user/_x.y-z/v2", "v2.0.0-RC.1.0A"),
        ("example.com/m", "v1.2.3-0.20260102030405-0123456789ab"),
        ("example.com/m", "v0.0.0-20260102030405-0123456789ab"),
        (&long, "v1.0.0"),
        ("example.com/m", &capitals),
    ];
    for (salt, (path, version)) in names.iter().enumerate() {
        for kind in Kind::ALL {
            let file = samples
                .of_kind(&Samples::module(path, version), kind, salt as u32)
                .await;
            assert_eq!(
                store.insert(file).await.unwrap(),
                Inserted::New,
                "{path}@{version}"
            );
        }
    }
    let reopened = place.open().await;
    for (salt, (path, version)) in names.iter().enumerate() {
        let module = Samples::module(path, version);
        for kind in Kind::ALL {
            let file = samples.of_kind(&module, kind, salt as u32).await;
            assert_kept(&*reopened, &file).await;
            assert_eq!(file.file(), &ModuleFile::new(module.clone(), kind));
        }
        assert!(
            versions(&*reopened, path)
                .await
                .iter()
                .any(|listed| listed == version),
            "{path}@{version}"
        );
    }
}

/// The versions listed, as texts in alphabetical order.
pub(super) async fn versions(store: &dyn ModuleStore, path: &str) -> Vec<String> {
    let path = ModulePath::parse(path).expect("a sample's path is valid");
    let mut versions: Vec<String> = store
        .versions(&path)
        .await
        .unwrap()
        .iter()
        .map(Version::as_str)
        .map(str::to_owned)
        .collect();
    versions.sort_unstable();
    versions
}
