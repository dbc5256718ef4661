//! A folder that the real `go` command filled opens as a store, and the store is a proxy to it.

use proxy_core::{
    file::{Kind, ModuleFile},
    module::ModulePath,
    store::{Inserted, ModuleStore, ModuleStoreExt, conformance::Samples},
};
use std::fs;
use storage_fs::FsStore;
use testkit::{go::GoCommand, module::Module, proxy::FakeUpstream, skip_or_fail};

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_of_the_go_command_opens_as_a_store() {
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command")
    };
    let modules = [
        Module::new("example.test/Upper/m", "v1.0.0"),
        Module::new("example.test/Upper/m", "v1.1.0-RC1"),
        Module::new("example.test/m/v2", "v2.0.0"),
    ];
    let upstream = FakeUpstream::serving(modules.clone());
    let go = go.proxy(&upstream.url());
    let here = tempfile::tempdir().unwrap();
    for module in &modules {
        go.succeed(
            here.path(),
            ["mod", "download", &format!("{}@{}", module.path, module.version)],
        );
    }
    let cache = go.module_cache().join("cache/download");
    let folder = cache.join("example.test/!upper/m/@v");
    // What a `go` command that was killed leaves behind.
    for leftover in [
        "v1.2.0.zip123456.tmp",
        "v1.3.0.zip.partial",
        "v1.4.0.info.tmp",
        "master.info",
        "v2.0.0.info",
        ".info",
    ] {
        fs::write(folder.join(leftover), "half").unwrap();
    }

    let store = FsStore::open(&cache).unwrap();
    for module in &modules {
        for kind in Kind::ALL {
            let file = ModuleFile::new(Samples::module(&module.path, &module.version), kind);
            let kept = store
                .read(&file)
                .await
                .unwrap()
                .expect("the go command downloaded it");
            assert!(kept == fs::read(cache.join(file.tree_path())).unwrap());
        }
    }
    let versions = async |path| {
        let mut versions = store.versions(&ModulePath::parse(path).unwrap()).await.unwrap();
        versions.sort();
        versions.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(versions("example.test/Upper/m").await, ["v1.0.0", "v1.1.0-RC1"]);
    assert_eq!(versions("example.test/m/v2").await, ["v2.0.0"]);
    assert_eq!(versions("example.test/m").await, [""; 0]);

    // It goes on as a store, and the `go` command goes on with it.
    let (samples, more) = (Samples::new(), Samples::module("example.test/Upper/m", "v1.5.0"));
    let files = [
        samples.info(&more, 0).await,
        samples.go_mod(&more, 0, 0).await,
        samples.zip(&more, 0, 5000).await,
    ];
    for file in files {
        assert_eq!(store.insert(file).await.unwrap(), Inserted::New);
    }
    let go = go.proxy("off");
    go.succeed(here.path(), ["mod", "download", "example.test/Upper/m@v1.5.0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_is_a_proxy_to_the_go_command() {
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command")
    };
    let (folder, samples) = (tempfile::tempdir().unwrap(), Samples::new());
    let store = FsStore::open(folder.path()).unwrap();
    let module = Samples::module("example.test/Upper/m", "v1.0.0-RC1");
    let zip = samples.zip(&module, 0, 5000).await;
    for file in [
        samples.info(&module, 0).await,
        samples.go_mod(&module, 0, 0).await,
        zip.clone(),
    ] {
        assert_eq!(store.insert(file).await.unwrap(), Inserted::New);
    }
    let go = go.proxy(&format!("file://{}", folder.path().display()));
    let here = tempfile::tempdir().unwrap();
    let told = go.succeed(
        here.path(),
        ["mod", "download", "-json", "example.test/Upper/m@v1.0.0-RC1"],
    );
    assert!(told.contains(&zip.h1().unwrap().to_string()), "{told}");
}
