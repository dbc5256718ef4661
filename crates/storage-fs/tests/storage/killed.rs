//! `kill -9` while files are inserted, judged from outside the process.

use super::{
    processes::{Order, Process},
    tree::files_below,
};
use proxy_core::{
    records::{RecordKey, RecordStore},
    store::{Inserted, ModuleStore, conformance::Samples},
    verify::Verified,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{collections::BTreeMap, fs, path::Path, time::Duration};
use storage_fs::FsStore;

/// How often the process is killed: enough to notice that something is wrong.
const KILLS: u32 = 20;

/// How often where the machine is there for just that (`cargo xtask torture`): enough to find where.
const MANY_KILLS: u32 = 250;

/// How long after it began to insert the process is killed, at most: longer than it takes for a few versions.
const LONGEST: Duration = Duration::from_millis(80);

/// How many versions a process has at hand before it says that it is ready, so that from then on it inserts.
const AT_HAND: u32 = 6;

/// The files of one round, in the order they are inserted; the same bytes in every process.
async fn files_of(samples: &Samples, number: u32) -> Vec<Verified> {
    let (module, large) = (
        version("example.com/m", number),
        version("example.com/large", number),
    );
    let size = [0, 3_000, 70_000, 1_500_000][number as usize % 4];
    vec![
        samples.info(&module, number).await,
        samples.go_mod(&module, 0, 0).await,
        samples.zip(&module, number, size).await,
        samples
            .go_mod(&large, number, 50_000 * (1 + number as usize % 7))
            .await,
    ]
}

fn version(path: &str, number: u32) -> proxy_core::module::ModuleVersion {
    Samples::module(path, &format!("v1.0.{number}"))
}

fn count_key() -> RecordKey {
    RecordKey::parse("count").unwrap()
}

#[tokio::test]
async fn a_process_killed_at_any_moment_leaves_whole_files_and_nothing_that_grows() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let (mut random, kills) = (StdRng::seed_from_u64(seed), kills());
    let (folder, samples) = (tempfile::tempdir().unwrap(), Samples::new());
    let mut expected: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let (mut next, mut known, mut halfway) = (0, 0, 0);
    for kill in 0..kills {
        let mut process = Process::start("killed::inserts_until_it_is_killed", folder.path(), next);
        process.go();
        // Not waiting for anything: the moment is the point.
        std::thread::sleep(random.random_range(Duration::ZERO..LONGEST));
        process.kill();

        while known <= next + 2 * AT_HAND {
            expect(&samples, known, &mut expected).await;
            known += 1;
        }
        let complete = check(folder.path(), &expected);
        halfway += u32::from(files_below(&folder.path().join(".stoa/.staging")).len() > 1);
        next = complete;
        let store = FsStore::open(folder.path()).unwrap();
        let staged = files_below(&folder.path().join(".stoa/.staging"));
        assert_eq!(
            staged.len(),
            1,
            "after kill {kill}, opening left more than our own lock: {staged:?}"
        );
        if let Some(record) = RecordStore::read(&store, &count_key()).await.unwrap() {
            let count = String::from_utf8(record.bytes.to_vec()).unwrap();
            assert_eq!(
                count,
                count[..8].repeat(5_000),
                "after kill {kill}, a record is not whole"
            );
        }
    }
    println!("{kills} kills, {halfway} of them with something staged, {next} versions kept");
    assert!(next > 0, "no process ever came to insert anything");
}

#[expect(
    clippy::disallowed_methods,
    reason = "how `cargo xtask torture` tells its tests to take their time"
)]
fn kills() -> u32 {
    if std::env::var_os("STOA_TORTURE").is_some() {
        MANY_KILLS
    } else {
        KILLS
    }
}

/// Adds what a round puts into the tree.
async fn expect(samples: &Samples, number: u32, expected: &mut BTreeMap<String, Vec<u8>>) {
    for file in files_of(samples, number).await {
        let path = file.file().tree_path();
        if let (Some(stem), Some(sum)) = (path.strip_suffix(".zip"), file.h1()) {
            expected.insert(format!("{stem}.ziphash"), sum.to_string().into_bytes());
        }
        expected.insert(path, file.body().read_to_bytes().unwrap().to_vec());
    }
}

/// Looks at every file there is, as somebody who knows nothing of stores; the number of complete rounds.
fn check(folder: &Path, expected: &BTreeMap<String, Vec<u8>>) -> u32 {
    let found: Vec<String> = files_below(folder)
        .into_iter()
        .filter(|file| !file.starts_with(".stoa/"))
        .collect();
    for file in &found {
        let right = expected
            .get(file)
            .unwrap_or_else(|| panic!("nobody inserted {file}"));
        assert!(
            fs::read(folder.join(file)).unwrap() == *right,
            "{file} is not whole, or not right"
        );
    }
    let there = |file: String| found.binary_search(&file).is_ok();
    let complete = |number: &u32| {
        let stem = format!("example.com/m/@v/v1.0.{number}");
        let [info, go_mod, zip] = ["info", "mod", "zip"].map(|kind| there(format!("{stem}.{kind}")));
        assert!(!go_mod || info, "{stem} has a .mod and no .info before it");
        assert!(!zip || go_mod, "{stem} has a .zip and no .mod before it");
        zip && there(format!("example.com/large/@v/v1.0.{number}.mod"))
    };
    (0..).take_while(complete).count() as u32
}

/// What the process to be killed runs. As a test it lives to the end, and its folder is as expected.
#[tokio::test(flavor = "multi_thread")]
async fn inserts_until_it_is_killed() {
    let order = Order::read();
    let (store, first) = (FsStore::open(&order.folder).unwrap(), order.number);
    let samples = Samples::spooled_in(store.spool().clone());
    let mut at_hand = Vec::new();
    for number in first..first + AT_HAND {
        at_hand.push(files_of(&samples, number).await);
    }
    order.await_start();
    for (files, number) in at_hand.into_iter().zip(first..) {
        for file in files {
            assert_ne!(store.insert(file).await.unwrap(), Inserted::Other);
        }
        let count = RecordStore::read(&store, &count_key()).await.unwrap();
        let expected = count.map(|record| record.revision);
        let bytes = format!("{number:08}").repeat(5_000);
        let _ = store
            .write(&count_key(), bytes.into(), expected.as_ref())
            .await
            .unwrap();
    }
    if let Some(alone) = order.alone {
        let mut expected = BTreeMap::new();
        for number in 0..AT_HAND {
            expect(&samples, number, &mut expected).await;
        }
        assert_eq!(check(alone.path(), &expected), AT_HAND);
    }
}
