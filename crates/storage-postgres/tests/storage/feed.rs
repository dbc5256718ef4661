//! The feed holds still, whoever inserts meanwhile.

use crate::place::Schema;
use jiff::Timestamp;
use proxy_core::store::{Feed, FeedEntry, Inserted, ModuleStore, conformance::Samples};
use sqlx::AssertSqlSafe;
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use storage_postgres::PostgresStore;

const WRITERS: u32 = 6;
const VERSIONS: u32 = 40;

/// Reads on from the last moment seen, as whoever follows the feed does.
async fn follow(store: &dyn Feed, seen: &mut Vec<FeedEntry>, limit: usize) -> bool {
    let last = seen.last().map(|entry| entry.when);
    let page = store.since(last, limit).await.unwrap();
    let new = match (page.first(), seen.last()) {
        // It begins with the last one again.
        (Some(first), Some(last)) => {
            assert_eq!(first, last, "what was read has changed");
            &page[1..]
        }
        _ => &page[..],
    };
    seen.extend(new.iter().cloned());
    !new.is_empty()
}

async fn race(fresh: fn() -> Result<Schema, String>) {
    let schema = match fresh() {
        Ok(schema) => schema,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    let nodes: Vec<PostgresStore> = vec![schema.store().await, schema.store().await];
    let done = Arc::new(AtomicBool::new(false));
    let follower = {
        let (store, done) = (schema.store().await, Arc::clone(&done));
        tokio::spawn(async move {
            let mut seen = Vec::new();
            loop {
                let last = done.load(Ordering::SeqCst);
                let more = follow(&store, &mut seen, 7).await;
                if last && !more {
                    return seen;
                }
            }
        })
    };
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = nodes[writer as usize % 2].clone();
            tokio::spawn(async move {
                let samples = Samples::new();
                for version in 0..VERSIONS {
                    // Every other version is everybody's.
                    let path = if version % 2 == 0 {
                        "example.com/all".into()
                    } else {
                        format!("example.com/w{writer}")
                    };
                    let module = Samples::module(&path, &format!("v1.0.{version}"));
                    let inserted = store.insert(samples.info(&module, 0).await).await.unwrap();
                    assert_ne!(inserted, Inserted::Other);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    let seen = follower.await.unwrap();
    let all = nodes[0].since(None, 100_000).await.unwrap();
    assert_eq!(all.len() as u32, VERSIONS / 2 * (WRITERS + 1));
    assert!(
        all.windows(2).all(|pair| pair[0].when < pair[1].when),
        "not strictly in order"
    );
    let modules: HashSet<_> = all.iter().map(|entry| &entry.module).collect();
    assert_eq!(modules.len(), all.len(), "a version comes twice");
    assert_eq!(seen, all, "who followed saw another feed than who asks now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_follows_misses_nothing_while_nodes_insert() {
    race(Schema::direct).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_follows_misses_nothing_behind_a_pooler() {
    race(Schema::pooled).await;
}

/// The database's clock was an hour ahead, and was set right.
#[tokio::test]
async fn a_clock_that_was_set_back_puts_nothing_behind() {
    let schema = match Schema::direct() {
        Ok(schema) => schema,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    let (store, samples) = (schema.store().await, Samples::new());
    let insert = async |number: u32| {
        let module = Samples::module("example.com/m", &format!("v1.0.{number}"));
        assert_eq!(
            store.insert(samples.info(&module, 0).await).await.unwrap(),
            Inserted::New
        );
    };
    insert(0).await;
    let ahead = format!(
        "UPDATE {}.clock SET moment = moment + 3600 * 1000000::bigint",
        schema.name()
    );
    sqlx::raw_sql(AssertSqlSafe(ahead))
        .execute(&mut schema.owner().await)
        .await
        .unwrap();
    insert(1).await;
    insert(2).await;
    let all = store.since(None, 10).await.unwrap();
    let versions: Vec<&str> = all.iter().map(|entry| entry.module.version().as_str()).collect();
    assert_eq!(versions, ["v1.0.0", "v1.0.1", "v1.0.2"]);
    assert!(all[1].when > Timestamp::now());
    assert_eq!(all[2].when.as_microsecond() - all[1].when.as_microsecond(), 1);
    // A moment is a cursor, and it includes its own entry.
    assert_eq!(store.since(Some(all[1].when), 10).await.unwrap(), all[1..]);
    assert_eq!(store.since(Some(all[1].when), 1).await.unwrap(), all[1..2]);
}
