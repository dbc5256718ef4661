//! A zip of 400 MB goes into and out of a bucket, and the process holds little of it. Alone in its process, so that
//! nothing else is counted.

use futures::TryStreamExt;
use proxy_core::store::{Inserted, ModuleStore, Part, conformance::Samples};
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};
use storage_s3::{BucketStore, BucketUrl};
use testkit::{
    bucket::{BucketServer, TestBucket},
    skip_or_fail,
};

/// The zip's size, in bytes.
const LARGE: u64 = 400_000_000;

/// The most that may be held without a file behind it, in bytes.
const LIMIT: u64 = 100_000_000;

static PEAK: AtomicU64 = AtomicU64::new(0);
static DONE: AtomicBool = AtomicBool::new(false);

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_megabytes_go_in_and_out_in_one_hundred() {
    let samples = Samples::new();
    let file = samples
        .zip(&Samples::module("example.com/large", "v1.0.0"), 0, LARGE)
        .await;
    let watch = std::thread::spawn(|| {
        while !DONE.load(Ordering::SeqCst) {
            PEAK.fetch_max(anonymous_memory(), Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    for server in BucketServer::ALL {
        let bucket = match TestBucket::fresh(server).await {
            Ok(bucket) => bucket,
            Err(why) => skip_or_fail!("{why}"),
        };
        let url = BucketUrl::parse(&bucket.url()).unwrap();
        let store = BucketStore::open(&url, bucket.variables()).unwrap();
        PEAK.store(0, Ordering::SeqCst);
        assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
        let content = store.open(file.file(), Part::Whole).await.unwrap().unwrap();
        let count = |count, chunk: bytes::Bytes| async move { Ok(count + chunk.len() as u64) };
        let count = content.into_stream().try_fold(0, count).await.unwrap();
        assert_eq!(count, file.body().size());
        // Reads all of it once more, and compares.
        assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::Same);
        let peak = PEAK.load(Ordering::SeqCst);
        println!("{server:?}: {} MB", peak / 1_000_000);
        assert!(peak < LIMIT, "{server:?}: {peak} bytes were held");
    }
    DONE.store(true, Ordering::SeqCst);
    watch.join().unwrap();
}

/// The process' `RssAnon`.
fn anonymous_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim_end().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
