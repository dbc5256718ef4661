//! That a large zip goes in and out through little memory.

use super::{Place, Samples};
use crate::store::{Inserted, Part};
use futures::TryStreamExt;
use sha2::Digest;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// The zip's size.
const LARGE: u64 = 300 << 20;

/// How much more memory the process may have meanwhile: other tests run beside this one.
const LITTLE: u64 = 100 << 20;

pub(super) async fn a_large_zip_streams_in_bounded_memory(place: &dyn Place) {
    if place.is_memory() {
        return;
    }
    let (store, samples) = (place.open().await, Samples::new());
    let file = samples
        .zip(&Samples::module("example.com/large", "v1.0.0"), 0, LARGE)
        .await;
    let size = file.body().size();
    assert!(size > LARGE, "the sample was compressed to {size} bytes");
    let memory = Memory::watch();
    assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
    let content = store
        .open(file.file(), Part::Whole)
        .await
        .unwrap()
        .expect("it was inserted");
    assert_eq!((content.size, content.range.clone()), (size, 0..size));
    let hasher = content
        .into_stream()
        .try_fold(sha2::Sha256::new(), async |hasher, chunk| {
            Ok(hasher.chain_update(chunk))
        });
    let sha256: [u8; 32] = hasher.await.unwrap().finalize().into();
    assert_eq!(
        sha256,
        file.body().sha256().0,
        "other bytes came out than went in"
    );
    assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::Same);
    let half = store
        .open(file.file(), Part::From(size / 2))
        .await
        .unwrap()
        .expect("it was inserted");
    let half = half
        .into_stream()
        .try_fold(0, async |sum, chunk| Ok(sum + chunk.len() as u64));
    assert_eq!(half.await.unwrap(), size - size / 2);
    if let Some(growth) = memory.growth() {
        assert!(
            growth < LITTLE,
            "{} MiB of memory for a zip of {} MiB",
            growth >> 20,
            size >> 20
        );
    }
}

/// Watches how much anonymous memory the process has; nothing is known of it where there is no `/proc`.
struct Memory {
    before: Option<u64>,
    peak: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
    watcher: JoinHandle<()>,
}

impl Memory {
    fn watch() -> Self {
        let (peak, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (watched, stop) = (Arc::clone(&peak), Arc::clone(&done));
        let watcher = std::thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                watched.fetch_max(anonymous_memory().unwrap_or(0), Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        Self {
            before: anonymous_memory(),
            peak,
            done,
            watcher,
        }
    }

    /// How many bytes more than before there were at the worst moment.
    fn growth(self) -> Option<u64> {
        self.done.store(true, Ordering::SeqCst);
        self.watcher.join().expect("reading a number does not panic");
        Some(self.peak.load(Ordering::SeqCst).saturating_sub(self.before?))
    }
}

/// The process' `RssAnon`: what it holds itself, without the pages of files, which cost nothing while memory is short.
fn anonymous_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim_end().parse().ok()?;
    Some(kibibytes << 10)
}
