//! Opening: many at once, with fewer rights, over TLS, and what is refused.

use crate::place::Schema;
use futures::future::join_all;
use proxy_core::{
    lease::Leases,
    records::{RecordKey, RecordStore, Written},
    store::{Feed, Inserted, ModuleStore, conformance::Samples},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use storage_postgres::{OpenError, PostgresStore, PostgresUrl};
use testkit::postgres::{Cluster, Servers};

/// How often it is tried: a race that is lost once in a while is lost.
const ROUNDS: u32 = 10;

async fn open_at_once(fresh: fn() -> Result<Schema, String>) {
    for _ in 0..ROUNDS {
        let schema = match fresh() {
            Ok(schema) => schema,
            Err(why) => testkit::skip_or_fail!("{why}"),
        };
        let url = schema.url("&max_connections=2");
        let opened = join_all((0..8).map(|_| {
            let url = url.clone();
            tokio::spawn(async move { PostgresStore::connect(&url).await })
        }));
        for store in opened.await {
            store.unwrap().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_at_once_make_one_schema() {
    open_at_once(Schema::direct).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_at_once_behind_a_pooler_make_one_schema() {
    open_at_once(Schema::pooled).await;
}

#[tokio::test]
async fn a_schema_from_the_future_is_refused_if_it_must_be_known() {
    let schema = match Schema::direct() {
        Ok(schema) => schema,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    schema.store().await;
    let mut owner = schema.owner().await;
    // One that only added something is no trouble.
    let added = format!(
        "INSERT INTO {}.migrations (number, needs) VALUES (1000, 1)",
        schema.name()
    );
    sqlx::raw_sql(AssertSqlSafe(added))
        .execute(&mut owner)
        .await
        .unwrap();
    schema.store().await;
    let changed = format!(
        "INSERT INTO {}.migrations (number, needs) VALUES (1001, 1001)",
        schema.name()
    );
    sqlx::raw_sql(AssertSqlSafe(changed))
        .execute(&mut owner)
        .await
        .unwrap();
    let error = PostgresStore::connect(&schema.url("")).await.unwrap_err();
    assert!(matches!(error, OpenError::Newer), "{error:?}");
}

#[tokio::test]
async fn certificates_are_verified_in_full() {
    let (schema, servers) = match (Schema::direct(), Servers::find()) {
        (Ok(schema), Ok(servers)) => (schema, servers),
        (Err(why), _) | (_, Err(why)) => testkit::skip_or_fail!("{why}"),
    };
    let root = format!("&sslmode=verify-full&sslrootcert={}", servers.authority.display());
    let store = PostgresStore::connect(&schema.url(&root)).await.unwrap();
    let info = Samples::new()
        .info(&Samples::module("example.com/m", "v1.0.0"), 0)
        .await;
    assert_eq!(store.insert(info).await.unwrap(), Inserted::New);
    // No root that would vouch for it.
    let error = PostgresStore::connect(&schema.url("&sslmode=verify-full"))
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::NotLetIn(_)), "{error:?}");
    // The same machine by a name that the certificate does not have.
    let renamed = |mode: &str| {
        let url = servers.direct.replace("127.0.0.1", "0.0.0.0");
        let root = servers.authority.display();
        PostgresUrl::parse(&format!(
            "{url}?schema={}&sslmode={mode}&sslrootcert={root}",
            schema.name()
        ))
        .unwrap()
    };
    PostgresStore::connect(&renamed("verify-ca")).await.unwrap();
    let error = PostgresStore::connect(&renamed("verify-full")).await.unwrap_err();
    assert!(matches!(error, OpenError::NotLetIn(_)), "{error:?}");
}

#[tokio::test]
async fn who_is_not_let_in_is_told_so_without_the_password() {
    let servers = match Servers::find() {
        Ok(servers) => servers,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    let wrong = servers.direct.replace("stoa:stoa@", "stoa:canary@");
    let error = PostgresStore::connect(&PostgresUrl::parse(&wrong).unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::NotLetIn(_)), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("canary"));
    let nowhere = format!("{}_no_such_database", servers.direct);
    let error = PostgresStore::connect(&PostgresUrl::parse(&nowhere).unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::NotLetIn(_)), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let port = testkit::port::Port::reserve();
    let url = format!("postgres://u@{}/d?connect_timeout=1", port.address());
    let error = PostgresStore::connect(&PostgresUrl::parse(&url).unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_read_is_neither_made_nor_written() {
    let cluster = match tokio::task::block_in_place(Cluster::start) {
        Ok(cluster) => cluster,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    let url = PostgresUrl::parse(&cluster.url()).unwrap();
    let error = PostgresStore::connect_to_read(&url).await.unwrap_err();
    assert!(matches!(error, OpenError::Missing), "{error:?}");
    let mut owner = PgConnection::connect(&cluster.url()).await.unwrap();
    let made: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_namespace WHERE nspname = 'stoa'")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(made, 0, "reading made a schema");

    let store = PostgresStore::connect(&url).await.unwrap();
    let module = Samples::module("example.com/m", "v1.0.0");
    let info = Samples::new().info(&module, 0).await;
    assert_eq!(store.insert(info).await.unwrap(), Inserted::New);
    let grants = "CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA stoa TO reader; \
                  GRANT SELECT ON ALL TABLES IN SCHEMA stoa TO reader;";
    sqlx::raw_sql(grants).execute(&mut owner).await.unwrap();
    let url = cluster.url().replace("stoa@", "reader@");
    let reader = PostgresStore::connect_to_read(&PostgresUrl::parse(&url).unwrap())
        .await
        .unwrap();
    assert_eq!(reader.versions(module.path()).await.unwrap().len(), 1);
}

/// What `docs/storage/postgres.md` grants to an account that runs nodes and owns nothing.
const GRANTS: &str = "\
CREATE ROLE node LOGIN;
GRANT USAGE ON SCHEMA stoa TO node;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA stoa TO node;
GRANT UPDATE ON stoa.clock, stoa.records, stoa.leases TO node;
GRANT DELETE ON stoa.records, stoa.leases TO node;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA stoa TO node;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA stoa TO node;
";

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_owns_nothing_can_run_nodes_and_make_no_schema() {
    let cluster = match tokio::task::block_in_place(Cluster::start) {
        Ok(cluster) => cluster,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    let owner = PostgresUrl::parse(&cluster.url()).unwrap();
    PostgresStore::connect(&owner).await.unwrap();
    let mut connection = PgConnection::connect(&cluster.url()).await.unwrap();
    sqlx::raw_sql(GRANTS).execute(&mut connection).await.unwrap();

    let url = cluster.url().replace("stoa@", "node@");
    let node = PostgresStore::connect(&PostgresUrl::parse(&url).unwrap())
        .await
        .unwrap();
    let (samples, module) = (Samples::new(), Samples::module("example.com/m", "v1.0.0"));
    let info = samples.info(&module, 0).await;
    assert_eq!(node.insert(info.clone()).await.unwrap(), Inserted::New);
    assert_eq!(node.since(None, 10).await.unwrap().len(), 1);
    let key = RecordKey::parse("seen/example.com/m@v1.0.0").unwrap();
    let Written::Done(revision) = node.write(&key, "one".into(), None).await.unwrap() else {
        panic!("nobody else writes");
    };
    assert!(matches!(
        node.write(&key, "two".into(), Some(&revision)).await.unwrap(),
        Written::Done(_)
    ));
    RecordStore::remove(&node, &key).await.unwrap();
    let held = node.leases().acquire(&module).await;
    let leases: i64 = sqlx::query_scalar("SELECT count(*) FROM stoa.leases")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(leases, 1);
    drop(held);

    let elsewhere = PostgresUrl::parse(&format!("{url}?schema=elsewhere")).unwrap();
    let error = PostgresStore::connect(&elsewhere).await.unwrap_err();
    assert!(matches!(error, OpenError::NotAllowed(_)), "{error:?}");
}
