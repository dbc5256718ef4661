//! A zip that disagrees with anything known is refused, and nothing of it is kept.

use crate::world::{mirror_of, stoa, sum_by_go};
use bytes::Bytes;
use std::fs;
use testkit::{
    go::GoCommand,
    module::{Module, ZipWriting, zip_of},
    proxy::{Action, FakeUpstream},
    skip_or_fail,
    stoa::StoaProcess,
};

fn module() -> Module {
    Module::new("example.test/sound", "v1.0.0").file("data.txt", "as it was made\n")
}

fn other() -> Module {
    module().file("data.txt", "as somebody else would have it\n")
}

/// Where the store keeps the zip.
fn kept_zip(stoa: &StoaProcess) -> std::path::PathBuf {
    stoa.setup().store().join("example.test/sound/@v/v1.0.0.zip")
}

/// Serves these bytes as the zip: they are refused and not kept, and once the right ones come they are served.
async fn is_refused(zip: Bytes, why: &str) {
    let upstream = FakeUpstream::serving([module()]);
    let path = module().url_path("zip");
    upstream.when(&path, Action::bytes(zip));
    let stoa = mirror_of(&upstream);
    let answer = stoa.get(&path).await;
    assert_eq!(answer.status, 502, "{why}: {}", answer.text());
    assert!(answer.header("cache-control").contains("no-store"), "{why}");
    assert!(answer.header("content-type").starts_with("text/plain"), "{why}");
    assert!(!kept_zip(&stoa).exists(), "{why}");
    upstream.behave();
    let healed = stoa.get(&path).await;
    assert_eq!(healed.status, 200, "{why}: {}", healed.text());
    assert_eq!(healed.body, module().zip());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_whose_bytes_were_flipped() {
    let mut flipped = module().zip_stored().to_vec();
    let at = flipped
        .windows(9)
        .position(|window| window == b"as it was")
        .unwrap();
    flipped[at] ^= 0x20;
    is_refused(Bytes::from(flipped), "CRC").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_cut_short() {
    let zip = module().zip();
    is_refused(zip.slice(..zip.len() - 30), "no directory").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_of_another_version() {
    let mut wrong = module();
    wrong.version = "v1.0.1".to_owned();
    is_refused(wrong.zip(), "prefix").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_that_climbs_out() {
    let entries = [(
        "example.test/sound@v1.0.0/../../evil".to_owned(),
        Bytes::from("x"),
    )];
    is_refused(zip_of(entries, ZipWriting::Deflated), "name").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_with_two_names_for_one_file() {
    let twice = module().file("README", "a").file("readme", "b");
    is_refused(twice.zip(), "case").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_whose_go_mod_is_another() {
    is_refused(module().requiring("example.test/evil", "v1.0.0").zip(), "go.mod").await;
}

/// The zip was kept once and its file was lost: what comes now must have the recorded sum.
#[tokio::test(flavor = "multi_thread")]
async fn a_zip_of_another_sum_than_recorded() {
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command here")
    };
    let upstream = FakeUpstream::serving([module()]);
    let recorded = sum_by_go(go, &upstream.url(), &module());
    let stoa = mirror_of(&upstream);
    let path = module().url_path("zip");
    assert_eq!(stoa.get(&path).await.status, 200);
    let kept = kept_zip(&stoa);
    let stopped = stoa.kill();
    for file in [kept.with_extension("ziphash"), kept] {
        fs::remove_file(file).unwrap();
    }

    upstream.when(&path, Action::bytes(other().zip()));
    let stoa = stopped.start();
    both_sums_are_named(&stoa, &path, &recorded).await;
    upstream.behave();
    assert_eq!(stoa.get(&path).await.body, module().zip());
}

/// The store is somebody's module cache that knows a sum for a zip it no longer has.
#[tokio::test(flavor = "multi_thread")]
async fn a_zip_of_another_sum_than_adopted() {
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command here")
    };
    let upstream = FakeUpstream::serving([module()]);
    let adopted = sum_by_go(go, &upstream.url(), &module());
    let setup = stoa().upstream(&upstream.url());
    let folder = setup.store().join("example.test/sound/@v");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("v1.0.0.info"), module().info()).unwrap();
    fs::write(folder.join("v1.0.0.mod"), module().go_mod()).unwrap();
    fs::write(folder.join("v1.0.0.ziphash"), &adopted).unwrap();

    let path = module().url_path("zip");
    upstream.when(&path, Action::bytes(other().zip()));
    let stoa = setup.start();
    both_sums_are_named(&stoa, &path, &adopted).await;
    upstream.behave();
    assert_eq!(stoa.get(&path).await.body, module().zip());
}

async fn both_sums_are_named(stoa: &StoaProcess, path: &str, known: &str) {
    let Some(go) = GoCommand::find() else { return };
    let false_one = sum_by_go(go, &FakeUpstream::serving([other()]).url(), &other());
    let answer = stoa.get(path).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    for sum in [known, &false_one] {
        assert!(answer.text().contains(sum), "{sum} is not in {}", answer.text());
        stoa.wait_for_log(sum);
    }
    assert!(!kept_zip(stoa).exists());
}
