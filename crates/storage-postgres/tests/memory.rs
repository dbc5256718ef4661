//! A zip of 400 MB goes in and out in little memory: in a process of its own, so that nothing else is measured.

use futures::TryStreamExt;
use proxy_core::store::{Inserted, ModuleStore, Part, conformance::Samples};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use storage_postgres::{PostgresStore, PostgresUrl};
use testkit::postgres::{Servers, fresh_word};

/// The zip's size, in bytes.
const HUGE: u64 = 400 << 20;

/// The most anonymous memory that the process may ever have, in bytes.
const LIMIT: u64 = 100_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_hundred_megabytes_go_in_and_out_in_one_hundred() {
    let servers = match Servers::find() {
        Ok(servers) => servers,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    let (schema, samples) = (fresh_word(), Samples::new());
    let url = format!("{}?schema={schema}", servers.direct);
    let store = PostgresStore::connect(&PostgresUrl::parse(&url).unwrap())
        .await
        .unwrap();
    let file = samples
        .zip(&Samples::module("example.com/huge", "v1.0.0"), 0, HUGE)
        .await;
    let size = file.body().size();
    assert!(size > HUGE);

    let (peak, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let watcher = {
        let (peak, done) = (Arc::clone(&peak), Arc::clone(&done));
        std::thread::spawn(move || {
            while !done.load(Ordering::SeqCst) {
                peak.fetch_max(anonymous_memory(), Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
            }
        })
    };
    assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
    let within = peak.load(Ordering::SeqCst);
    let opened = store.open(file.file(), Part::Whole).await.unwrap().unwrap();
    assert_eq!(opened.size, size);
    let streamed = opened
        .into_stream()
        .try_fold(0, async |sum, chunk| Ok(sum + chunk.len() as u64));
    assert_eq!(streamed.await.unwrap(), size);
    done.store(true, Ordering::SeqCst);
    watcher.join().unwrap();
    let peak = peak.load(Ordering::SeqCst);
    println!("at most {within} bytes while it went in, {peak} in all");
    assert!(
        peak > 0 && peak < LIMIT,
        "{peak} bytes of memory for a zip of {size}"
    );

    let mut owner = PgConnection::connect(&servers.direct).await.unwrap();
    let drop = format!("DROP SCHEMA {schema} CASCADE");
    sqlx::raw_sql(AssertSqlSafe(drop))
        .execute(&mut owner)
        .await
        .unwrap();
}

/// The process' `RssAnon`, in bytes.
fn anonymous_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .unwrap_or_default();
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim_end().parse().unwrap_or(0);
    kibibytes << 10
}
