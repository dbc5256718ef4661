//! What the database itself refuses, to the owner of everything in it too, and what it lets through.

use crate::place::Schema;
use proxy_core::{
    file::{Kind, Sha256},
    store::{Inserted, ModuleStore, ModuleStoreExt, Part, StoreError, conformance::Samples},
    verify::Verified,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use storage_postgres::PostgresStore;

/// A schema with one version in it, whose zip has three rows.
async fn filled(schema: &Schema) -> (PostgresStore, Vec<Verified>) {
    let (store, samples) = (schema.store().await, Samples::new());
    let module = Samples::module("example.com/m", "v1.0.0");
    let files = vec![
        samples.info(&module, 0).await,
        samples.go_mod(&module, 0, 0).await,
        samples.zip(&module, 0, 1_200_000).await,
    ];
    for file in &files {
        assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
    }
    (store, files)
}

async fn run(owner: &mut PgConnection, statement: String) -> Result<u64, sqlx::Error> {
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(owner).await?;
    Ok(done.rows_affected())
}

/// The tables of a schema that triggers guard; everything that has a column of bytes but the records is among them.
async fn tables(owner: &mut PgConnection, schema: &str) -> Vec<String> {
    let listed = format!(
        "SELECT DISTINCT table_name::text FROM information_schema.columns \
         WHERE table_schema = '{schema}' AND (data_type = 'bytea' OR table_name = 'feed') AND table_name <> 'records'"
    );
    let rows = sqlx::raw_sql(AssertSqlSafe(listed))
        .fetch_all(owner)
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn nothing_that_holds_a_module_file_is_updated_deleted_or_truncated_by_its_owner() {
    let schema = match Schema::direct() {
        Ok(schema) => schema,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    let ((store, files), mut owner) = (filled(&schema).await, schema.owner().await);
    let name = schema.name();
    let mut guarded = tables(&mut owner, name).await;
    guarded.sort();
    assert_eq!(guarded, ["chunks", "damaged", "feed", "files"]);
    // One row for each, so that a trigger for each row has one to refuse.
    let aside = format!(
        "INSERT INTO {name}.damaged (content, name, size, sha256, chunk, reason) VALUES (-1, 'x', 1, '', 1, '')"
    );
    run(&mut owner, aside).await.unwrap();
    for table in &guarded {
        let column = if table == "feed" { "path" } else { "content" };
        for statement in [
            format!("UPDATE {name}.{table} SET {column} = {column}"),
            format!("DELETE FROM {name}.{table}"),
            format!("TRUNCATE {name}.{table}"),
            format!("TRUNCATE {name}.{table} CASCADE"),
            format!("WITH gone AS (DELETE FROM {name}.{table} RETURNING 1) SELECT count(*) FROM gone"),
        ] {
            let error = run(&mut owner, statement.clone()).await.expect_err(&statement);
            assert!(
                error.to_string().contains("kept for ever"),
                "{statement}: {error}"
            );
        }
    }
    for file in &files {
        let kept = store.read(file.file()).await.unwrap().unwrap();
        assert_eq!(Sha256::of(&kept), file.body().sha256());
    }
}

/// The function is no way around: it takes away what was read, and nothing else.
#[tokio::test]
async fn the_function_takes_only_what_was_read() {
    let schema = match Schema::direct() {
        Ok(schema) => schema,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    let ((store, files), mut owner) = (filled(&schema).await, schema.owner().await);
    let name = schema.name();
    let path = files[1].file().tree_path();
    let content: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT content FROM {name}.files WHERE name = $1"
    )))
    .bind(&path)
    .fetch_one(&mut owner)
    .await
    .unwrap();
    let sum = files[1].body().sha256();
    for (content, sums) in [
        (content, "NULL".to_owned()),
        (content, "'{}'".to_owned()),
        (
            content,
            format!(r"ARRAY['\x{}'::bytea]", Sha256::of(b"something else")),
        ),
        (content, format!(r"ARRAY['\x{sum}'::bytea, '\x{sum}'::bytea]")),
        (content + 1, format!(r"ARRAY['\x{sum}'::bytea]")),
    ] {
        let call = format!("SELECT {name}.set_aside('{path}', {content}, {sums}, NULL, 'by hand')");
        run(&mut owner, call).await.unwrap();
        assert!(store.contains(files[1].file()).await.unwrap(), "{content} {sums}");
    }
    let call =
        format!(r"SELECT {name}.set_aside('{path}', {content}, ARRAY['\x{sum}'::bytea], NULL, 'by hand')");
    run(&mut owner, call).await.unwrap();
    assert!(!store.contains(files[1].file()).await.unwrap());
    // The bytes are still at hand.
    let left: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT count(*) FROM {name}.damaged d JOIN {name}.chunks c USING (content) WHERE d.name = $1"
    )))
    .bind(&path)
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert_eq!(left, 1);
    // A version that is back is no second time in the feed.
    owner.close().await.unwrap();
}

/// As rot would, past the triggers.
async fn damage(schema: &Schema, statement: &str) {
    let (mut owner, name) = (schema.owner().await, schema.name());
    let text = format!(
        "ALTER TABLE {name}.chunks DISABLE TRIGGER kept; {}; ALTER TABLE {name}.chunks ENABLE ALWAYS TRIGGER kept",
        statement.replace("{name}", name)
    );
    run(&mut owner, text).await.unwrap();
}

#[tokio::test]
async fn rows_that_do_not_add_up_are_damage_and_never_a_shorter_file() {
    let schema = match Schema::direct() {
        Ok(schema) => schema,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    let (store, files) = filled(&schema).await;
    let corrupt = |error: StoreError| assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    // The whole of a small file.
    let of = |kind| format!("content = (SELECT content FROM {{name}}.files WHERE kind = '{kind}')");
    damage(
        &schema,
        &format!(
            "UPDATE {{name}}.chunks SET bytes = substring(bytes FROM 2) WHERE {}",
            of("mod")
        ),
    )
    .await;
    corrupt(store.open(files[1].file(), Part::Whole).await.unwrap_err());
    assert!(store.contains(files[1].file()).await.unwrap());
    // A row of a large one grows, then is gone.
    let zip = files[2].file();
    for statement in [
        format!(
            "UPDATE {{name}}.chunks SET bytes = bytes || 'x' WHERE number = 1 AND {}",
            of("zip")
        ),
        format!("DELETE FROM {{name}}.chunks WHERE number = 1 AND {}", of("zip")),
    ] {
        damage(&schema, &statement).await;
        assert_eq!(zip.kind, Kind::Zip);
        let opened = store.open(zip, Part::Whole).await.unwrap().unwrap();
        assert_eq!(opened.size, files[2].body().size());
        corrupt(opened.into_bytes().await.unwrap_err());
        // What lies before is still itself.
        let start = store
            .open(zip, Part::Span { first: 0, last: 99 })
            .await
            .unwrap()
            .unwrap();
        assert_eq!(start.into_bytes().await.unwrap().len(), 100);
    }
}

#[tokio::test]
async fn a_name_cannot_be_given_to_less_than_its_bytes() {
    let schema = match Schema::direct() {
        Ok(schema) => schema,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    let (_store, mut owner) = (schema.store().await, schema.owner().await);
    let name = schema.name();
    let call = format!(
        "INSERT INTO {name}.chunks VALUES (7, 0, 'abc'); \
         SELECT {name}.keep('n', 'p', 'v', 'zip', 4, decode(repeat('00', 32), 'hex'), 7, 3)"
    );
    let error = run(&mut owner, call).await.unwrap_err();
    assert!(error.to_string().contains("4 bytes has 3"), "{error}");
}

/// Of two inserts of one name at the same moment, the second waits at the key that ON CONFLICT names. Any other unique
/// index that holds what the name says would refuse it, now and then.
#[tokio::test]
async fn a_race_for_a_name_meets_one_unique_index_alone() {
    let schema = match Schema::direct() {
        Ok(schema) => schema,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    let (_store, mut owner) = (schema.store().await, schema.owner().await);
    let unique = format!(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index \
         WHERE indrelid = '{}.files'::regclass AND indisunique ORDER BY 1",
        schema.name()
    );
    let rows = sqlx::raw_sql(AssertSqlSafe(unique))
        .fetch_all(&mut owner)
        .await
        .unwrap();
    let columns: Vec<_> = rows
        .iter()
        .map(|row| row.get::<String, _>(0).split_once('(').unwrap().1.to_owned())
        .collect();
    // A content has a number of its own, which nobody else can have.
    assert_eq!(columns, ["content)", "name)"]);
}
