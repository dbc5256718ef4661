//! `kill -9` of a node while it inserts, and of the server while nodes do, judged by who knows nothing of stores.

use crate::place::Schema;
use proxy_core::{
    file::Sha256,
    store::{Inserted, ModuleStore, ModuleStoreExt, StoreError, conformance::Samples},
    verify::Verified,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    time::Duration,
};
use storage_postgres::{PostgresStore, PostgresUrl};
use testkit::postgres::Cluster;

/// How often a node is killed.
const KILLS: u32 = 10;

/// How often the server is.
const CRASHES: u32 = 4;

/// How long after it began to insert somebody is killed, at most.
const LONGEST: Duration = Duration::from_millis(400);

/// How many versions a node has at hand before it begins.
const AT_HAND: u32 = 6;

/// What a parent tells a child by: the store, and the first version.
const STORE: &str = "STORAGE_TEST_STORE";
const FIRST: &str = "STORAGE_TEST_FIRST";

/// The files of one round, in the order they are inserted; the same bytes in every process.
async fn files_of(samples: &Samples, number: u32) -> Vec<Verified> {
    let module = Samples::module("example.com/m", &format!("v1.0.{number}"));
    let size = [0, 70_000, 1_500_000, 3_000_000][number as usize % 4];
    vec![
        samples.info(&module, number).await,
        samples.go_mod(&module, 0, 0).await,
        samples.zip(&module, number, size).await,
    ]
}

/// What should be there of these rounds: names and sums.
async fn expect(samples: &Samples, rounds: u32) -> BTreeMap<String, Sha256> {
    let mut expected = BTreeMap::new();
    for number in 0..rounds {
        for file in files_of(samples, number).await {
            expected.insert(file.file().tree_path(), file.body().sha256());
        }
    }
    expected
}

/// Reads every row of a schema by hand, and gives the number of complete rounds.
async fn check(owner: &mut PgConnection, schema: &str, expected: &BTreeMap<String, Sha256>) -> u32 {
    let read = format!(
        "SELECT f.name, f.size, string_agg(c.bytes, '' ORDER BY c.number) AS bytes FROM {schema}.files f \
         LEFT JOIN {schema}.chunks c USING (content) GROUP BY f.name, f.size"
    );
    let mut there = Vec::new();
    for row in sqlx::query(AssertSqlSafe(read))
        .fetch_all(&mut *owner)
        .await
        .unwrap()
    {
        let (name, bytes): (String, Vec<u8>) = (row.get("name"), row.get("bytes"));
        let right = expected
            .get(&name)
            .unwrap_or_else(|| panic!("nobody inserted {name}"));
        assert_eq!(bytes.len() as i64, row.get::<i64, _>("size"), "{name}");
        assert_eq!(Sha256::of(&bytes), *right, "{name} is not whole, or not right");
        there.push(name);
    }
    let orphans = format!(
        "SELECT count(*) FROM {schema}.chunks c \
         WHERE NOT EXISTS (SELECT FROM {schema}.files f WHERE f.content = c.content)"
    );
    let orphans: i64 = sqlx::query_scalar(AssertSqlSafe(orphans))
        .fetch_one(&mut *owner)
        .await
        .unwrap();
    assert_eq!(orphans, 0, "half a file was left behind");
    let feed = format!(
        "SELECT count(*) FROM {schema}.files f FULL JOIN {schema}.feed e ON (f.path, f.version) = (e.path, e.version) \
         AND f.kind = 'info' WHERE (f.kind = 'info' AND e.path IS NULL) OR f.name IS NULL"
    );
    let astray: i64 = sqlx::query_scalar(AssertSqlSafe(feed))
        .fetch_one(owner)
        .await
        .unwrap();
    assert_eq!(astray, 0, "the feed and what is kept differ");
    let complete = |number: &u32| {
        let has = |kind: &str| there.contains(&format!("example.com/m/@v/v1.0.{number}.{kind}"));
        assert!(
            !has("zip") || has("mod"),
            "v1.0.{number} has a .zip and no .mod before it"
        );
        assert!(
            !has("mod") || has("info"),
            "v1.0.{number} has a .mod and no .info before it"
        );
        has("zip")
    };
    (0..).take_while(complete).count() as u32
}

/// A running child. It is killed when this is dropped.
struct Node {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Node {
    fn start(store: &str, first: u32) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "--nocapture", "killed::inserts_until_it_is_killed"]);
        command.env(STORE, store).env(FIRST, first.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut node = Self { child, lines };
        let ready = (&mut node.lines).lines().any(|line| line.unwrap() == "ready");
        assert!(ready, "the node was never ready");
        node
    }

    fn go(&mut self) {
        self.child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_node_killed_at_any_moment_leaves_whole_files_and_nothing_else() {
    let schema = match Schema::direct() {
        Ok(schema) => schema,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    schema.store().await;
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let (mut random, samples) = (StdRng::seed_from_u64(seed), Samples::new());
    let (mut owner, mut next) = (schema.owner().await, 0);
    for _ in 0..KILLS {
        let mut node = Node::start(&schema.text(), next);
        node.go();
        // Not waiting for anything: the moment is the point.
        std::thread::sleep(random.random_range(Duration::ZERO..LONGEST));
        drop(node);
        let expected = expect(&samples, next + AT_HAND).await;
        next = check(&mut owner, schema.name(), &expected).await;
    }
    println!("{KILLS} kills, {next} versions kept");
    // Whoever comes next is not held up by what the dead left.
    let store = schema.store().await;
    for file in files_of(&samples, next).await {
        assert_ne!(store.insert(file).await.unwrap(), Inserted::Other);
    }
}

/// What the node to be killed runs. As a test it has no parent, and there is nothing to do.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "how a test tells its child what to do")]
async fn inserts_until_it_is_killed() {
    let (Ok(store), Ok(first)) = (std::env::var(STORE), std::env::var(FIRST)) else {
        return;
    };
    let first: u32 = first.parse().unwrap();
    let store = PostgresStore::connect(&PostgresUrl::parse(&store).unwrap())
        .await
        .unwrap();
    let samples = Samples::new();
    let mut at_hand = Vec::new();
    for number in first..first + AT_HAND {
        at_hand.extend(files_of(&samples, number).await);
    }
    // On a line of its own, whatever the test runner wrote before.
    println!("\nready");
    std::io::stdin().lock().read_line(&mut String::new()).unwrap();
    for file in at_hand {
        assert_ne!(store.insert(file).await.unwrap(), Inserted::Other);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_crashes_keeps_all_that_it_said_it_keeps() {
    let mut cluster = match tokio::task::block_in_place(Cluster::start) {
        Ok(cluster) => cluster,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let (mut random, samples) = (StdRng::seed_from_u64(seed), Samples::new());
    let store = PostgresStore::connect(&PostgresUrl::parse(&cluster.url()).unwrap())
        .await
        .unwrap();
    let (mut next, mut broken_off) = (0, 0);
    for _ in 0..CRASHES {
        let mut at_hand = Vec::new();
        for number in next..next + AT_HAND {
            at_hand.extend(files_of(&samples, number).await);
        }
        let inserting = {
            let store = store.clone();
            tokio::spawn(async move {
                let mut kept = Vec::new();
                for file in at_hand {
                    match store.insert(file.clone()).await {
                        Ok(inserted) => {
                            assert_ne!(inserted, Inserted::Other);
                            kept.push(file);
                        }
                        Err(error) => return (kept, Some((file, error))),
                    }
                }
                (kept, None)
            })
        };
        tokio::time::sleep(random.random_range(Duration::ZERO..LONGEST)).await;
        tokio::task::block_in_place(|| {
            cluster.crash();
            cluster.start_again();
        });
        let (kept, failed) = inserting.await.unwrap();
        let mut owner = PgConnection::connect(&cluster.url()).await.unwrap();
        let expected = expect(&samples, next + AT_HAND).await;
        next = check(&mut owner, "stoa", &expected).await;
        for file in kept {
            let whole = ModuleStoreExt::read(&store, file.file()).await.unwrap();
            assert!(whole.is_some(), "{} was kept, and is gone", file.file());
        }
        if let Some((file, error)) = failed {
            broken_off += 1;
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
            // The same insert may be tried again.
            assert_ne!(store.insert(file).await.unwrap(), Inserted::Other);
        }
    }
    println!("{CRASHES} crashes, {broken_off} of them in an insert, {next} versions kept");
}
