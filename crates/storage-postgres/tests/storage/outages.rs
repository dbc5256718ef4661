//! A way to the database that breaks, and one that comes back.

use crate::place::Schema;
use proxy_core::{
    records::{RecordKey, RecordStore},
    store::{Inserted, ModuleStore, ModuleStoreExt, StoreError, conformance::Samples},
};
use storage_postgres::PostgresStore;

/// The server has done it, and nobody hears of that: it is done all the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_insert_whose_answer_is_lost_is_new() {
    let schema = match Schema::direct() {
        Ok(schema) => schema,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    let between = schema.between();
    let store = PostgresStore::connect(&schema.url_through(&between))
        .await
        .unwrap();
    let (samples, module) = (Samples::new(), Samples::module("example.com/m", "v1.0.0"));
    for file in [
        samples.info(&module, 0).await,
        samples.zip(&module, 0, 2_000_000).await,
    ] {
        // The whole of a statement; a transaction begins with a longer word that starts alike.
        between.lose_answers("COMMIT\0", 1);
        assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
        assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::Same);
        let kept = ModuleStoreExt::read(&store, file.file()).await.unwrap().unwrap();
        assert!(kept == file.body().read_to_bytes().unwrap());
    }
    assert_eq!(between.lost(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_trouble_that_passes() {
    let schema = match Schema::direct() {
        Ok(schema) => schema,
        Err(why) => testkit::skip_or_fail!("{why}"),
    };
    let between = schema.between();
    let store = PostgresStore::connect(&schema.url_through(&between))
        .await
        .unwrap();
    let (samples, module) = (Samples::new(), Samples::module("example.com/m", "v1.0.0"));
    let file = samples.info(&module, 0).await;
    let key = RecordKey::parse("seen/example.com/m@v1.0.0").unwrap();
    between.refuse();
    let away = |error: StoreError| assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    away(store.insert(file.clone()).await.unwrap_err());
    away(store.contains(file.file()).await.unwrap_err());
    away(store.versions(module.path()).await.unwrap_err());
    away(RecordStore::read(&store, &key).await.unwrap_err());
    between.behave();
    assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
    // Connections that lie idle are lost without a word, and nobody notices.
    for _ in 0..3 {
        between.cut();
        assert!(store.contains(file.file()).await.unwrap());
    }
}
