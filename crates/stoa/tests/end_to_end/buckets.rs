//! A mirror over a bucket; its large zips served by the bucket itself; and other stores that are moved in from.

use crate::world::{small_world, stoa};
use std::{fs, path::Path};
use testkit::{
    bucket::{BucketServer, TestBucket},
    client::Ask,
    go::GoCommand,
    module::{Module, fixtures},
    proxy::FakeUpstream,
    skip_or_fail,
    stoa::Stoa,
};

/// A `go` that has downloaded nothing yet.
fn fresh() -> GoCommand {
    GoCommand::find().unwrap()
}

/// A mirror over this bucket.
fn over(bucket: &TestBucket) -> Stoa {
    let stoa = stoa().environment("STOA_STORAGE__URL", bucket.url());
    bucket
        .variables()
        .into_iter()
        .fold(stoa, |stoa, (name, value)| stoa.environment(&name, value))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_keeps_what_was_fetched_and_another_process_serves_it() {
    if GoCommand::find().is_none() {
        skip_or_fail!("there is no go command")
    }
    for server in BucketServer::ALL {
        let bucket = match TestBucket::fresh(server).await {
            Ok(bucket) => bucket,
            Err(why) => skip_or_fail!("{why}"),
        };
        let upstream = small_world();
        let first = over(&bucket).upstream(&upstream.url()).start();
        let download = ["mod", "download", "-json", "example.test/Upper@v1.0.0"];
        let told = fresh()
            .proxy(&first.url())
            .succeed(first.setup().folder(), download);
        let sum = |told: &str| {
            told.split("\"Sum\": \"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .to_owned()
        };
        drop(first);
        upstream.unplug();

        let second = over(&bucket).upstream("off").start();
        let again = fresh()
            .proxy(&second.url())
            .succeed(second.setup().folder(), download);
        assert_eq!(sum(&told), sum(&again), "{server:?}");
        let list = second.get("/example.test/!upper/@v/list").await;
        assert_eq!(
            (list.status, list.text().as_str()),
            (200, "v1.0.0\n"),
            "{server:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_is_told_in_a_sentence() {
    let bucket = match TestBucket::fresh(BucketServer::SeaweedFs).await {
        Ok(bucket) => bucket,
        Err(why) => skip_or_fail!("{why}"),
    };
    // SeaweedFS makes a bucket that is written to; moto does not.
    let moto = match TestBucket::fresh(BucketServer::Moto).await {
        Ok(bucket) => bucket,
        Err(why) => skip_or_fail!("{why}"),
    };
    let wrong = over(&moto).environment(
        "STOA_STORAGE__URL",
        moto.url().replacen(moto.name(), "nowhere", 1),
    );
    let finished = wrong.run(["serve"]);
    assert_eq!(finished.code, 69, "{finished}");
    assert!(
        finished.stderr.contains("storage.url: s3://nowhere/"),
        "{finished}"
    );
    assert!(finished.stderr.contains("there is no such bucket"), "{finished}");
    let denied = over(&bucket)
        .environment("AWS_SECRET_ACCESS_KEY", "canary")
        .run(["serve"]);
    assert_eq!(denied.code, 69, "{denied}");
    assert!(
        denied.stderr.contains("refuses the credentials") && !denied.stderr.contains("canary"),
        "{denied}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_zip_is_served_by_the_bucket_and_go_follows() {
    if GoCommand::find().is_none() {
        skip_or_fail!("there is no go command")
    }
    let large = Module::new("example.test/large", "v1.0.0").weighing(3, 1);
    for server in [BucketServer::SeaweedFs, BucketServer::Azurite] {
        let bucket = match TestBucket::fresh(server).await {
            Ok(bucket) => bucket,
            Err(why) => skip_or_fail!("{why}"),
        };
        let upstream = FakeUpstream::serving(fixtures().into_iter().chain([large.clone()]));
        let stoa = over(&bucket)
            .environment("STOA_STORAGE__REDIRECT_OVER", "1MiB")
            .upstream(&upstream.url())
            .start();
        let folder = stoa.setup().folder().to_owned();
        fresh()
            .proxy(&stoa.url())
            .succeed(&folder, ["mod", "download", "example.test/large@v1.0.0"]);

        let ask = || Ask::get(&format!("{}/example.test/large/@v/v1.0.0.zip", stoa.url()));
        let redirect = ask().send().await.unwrap();
        assert_eq!(redirect.status, 302, "{server:?}");
        assert_eq!(redirect.header("cache-control"), "no-store");
        let link = redirect.header("location").to_owned();
        let size = Ask::get(&link).send().await.unwrap().body.len();
        // HEAD is answered here: a link is signed for one method.
        let head = ask().method("HEAD").send().await.unwrap();
        assert_eq!(
            (head.status, head.header("content-length")),
            (200, size.to_string().as_str())
        );
        // A small part is not worth the way; a large one is, and the client brings its range along.
        let part = ask().header("range", "bytes=-100").send().await.unwrap();
        assert_eq!((part.status, part.body.len()), (206, 100));
        let rest = ask().header("range", "bytes=1000000-").send().await.unwrap();
        assert_eq!(rest.status, 302);
        let rest = Ask::get(rest.header("location"))
            .header("range", "bytes=1000000-")
            .send()
            .await
            .unwrap();
        assert_eq!((rest.status, rest.body.len()), (206, size - 1_000_000));
        let past = ask().header("range", "bytes=999999999-").send().await.unwrap();
        assert_eq!(past.status, 416);
        let same = ask()
            .header("if-none-match", head.header("etag"))
            .send()
            .await
            .unwrap();
        assert_eq!(same.status, 304);
        for path in [
            "/example.test/large/@v/v1.0.0.mod",
            "/example.test/greet/@v/v1.0.0.zip",
        ] {
            assert_eq!(stoa.get(path).await.status, 200, "{path}");
        }
        drop(stoa);

        // Off unless somebody turns it on.
        let stoa = over(&bucket).upstream(&upstream.url()).start();
        let answer = stoa.get("/example.test/large/@v/v1.0.0.zip").await;
        assert_eq!((answer.status, answer.body.len()), (200, size));
    }
}

/// Lays modules out as Athens does: names as they are written.
fn athens(folder: &Path, modules: &[Module]) {
    for module in modules {
        let versions = folder.join(&module.path).join("@v");
        fs::create_dir_all(&versions).unwrap();
        for (extension, bytes) in [
            ("info", module.info()),
            ("mod", module.go_mod()),
            ("zip", module.zip()),
        ] {
            fs::write(versions.join(format!("{}.{extension}", module.version)), bytes).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_store_has_is_checked_kept_and_served_from_here() {
    if GoCommand::find().is_none() {
        skip_or_fail!("there is no go command")
    }
    let bucket = match TestBucket::fresh(BucketServer::SeaweedFs).await {
        Ok(bucket) => bucket,
        Err(why) => skip_or_fail!("{why}"),
    };
    // One store is the folder of an Athens, the other a bucket of ours.
    let old = tempfile::tempdir().unwrap();
    let written: Vec<Module> = fixtures()
        .into_iter()
        .filter(|module| module.path == "example.test/Upper")
        .collect();
    athens(old.path(), &written);
    let upstream = small_world();
    let filler = over(&bucket).upstream(&upstream.url()).start();
    assert_eq!(filler.get("/example.test/greet/@v/v1.1.0.zip").await.status, 200);
    drop(filler);

    let also = format!("file:{},{}&env=OLD_", old.path().display(), bucket.url());
    let renamed = bucket
        .variables()
        .into_iter()
        .fold(stoa(), |stoa, (name, value)| {
            stoa.environment(&format!("OLD_{name}"), value)
        });
    let new = renamed
        .environment("STOA_STORAGE__ALSO", &also)
        .upstream("off")
        .start();
    let folder = new.setup().folder().to_owned();
    for version in ["example.test/Upper@v1.0.0", "example.test/greet@v1.1.0"] {
        fresh()
            .proxy(&new.url())
            .succeed(&folder, ["mod", "download", version]);
    }
    assert_eq!(new.get("/example.test/!upper/@v/list").await.text(), "v1.0.0\n");
    assert!(
        new.get("/example.test/greet/@latest")
            .await
            .text()
            .contains("v1.1.0")
    );
    let absent = new.get("/example.test/greet/@v/v1.0.0.info").await;
    assert_eq!(absent.status, 404, "{}", absent.text());
    assert!(
        new.setup()
            .store()
            .join("example.test/!upper/@v/v1.0.0.zip")
            .is_file()
    );

    // From now on it is here.
    let new = new.kill().without("STOA_STORAGE__ALSO").start();
    for path in [
        "/example.test/!upper/@v/v1.0.0.zip",
        "/example.test/greet/@v/v1.1.0.zip",
    ] {
        assert_eq!(new.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_athens_has_on_its_disk_is_listed_kept_and_served_from_here() {
    let old = tempfile::tempdir().unwrap();
    let modules: Vec<Module> = fixtures()
        .into_iter()
        .filter(|module| module.path == "example.test/Upper")
        .collect();
    for module in &modules {
        let folder = old.path().join(&module.path).join(&module.version);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}.info", module.version)), module.info()).unwrap();
        fs::write(folder.join("go.mod"), module.go_mod()).unwrap();
        fs::write(folder.join("source.zip"), module.zip()).unwrap();
    }
    let new = stoa()
        .environment("STOA_STORAGE__ALSO", format!("file:{}", old.path().display()))
        .upstream("off")
        .start();
    assert_eq!(new.get("/example.test/!upper/@v/list").await.text(), "v1.0.0\n");
    for kind in ["info", "mod", "zip"] {
        let path = modules[0].url_path(kind);
        let answer = new.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert!(
            new.setup().store().join(path.trim_start_matches('/')).is_file(),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_store_has_goes_through_the_checks_and_its_trouble_is_not_absence() {
    let old = tempfile::tempdir().unwrap();
    let module = Module::new("example.test/m", "v1.0.0");
    athens(old.path(), &[module]);
    let zip = old.path().join("example.test/m/@v/v1.0.0.zip");
    fs::write(&zip, "no zip at all").unwrap();
    let also = format!("file:{}", old.path().display());
    let stoa = stoa()
        .environment("STOA_STORAGE__ALSO", &also)
        .upstream("off")
        .start();
    let answer = stoa.get("/example.test/m/@v/v1.0.0.zip").await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(!stoa.setup().store().join("example.test/m/@v/v1.0.0.zip").exists());
    // An empty file is no answer that there is none.
    fs::write(&zip, "").unwrap();
    let stoa = stoa.restart();
    let answer = stoa.get("/example.test/m/@v/v1.0.0.zip").await;
    assert_eq!(answer.status / 100, 5, "{}", answer.text());
    assert_eq!(stoa.get("/example.test/m/@v/v1.0.0.mod").await.status, 200);
}
