//! What a memory before a store spares the store, and what it never claims.

use async_trait::async_trait;
use futures::{future::join_all, stream};
use proxy_core::{
    file::ModuleFile,
    module::{ModulePath, Version},
    store::{
        CacheLimits, CachedStore, Content, ContentBytes, Inserted, MemoryStore, ModuleStore, ModuleStoreExt,
        Part, StoreError, conformance::Samples,
    },
    verify::Verified,
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Counts how often it is opened, and how often what it opened is read. It gives streams, as a store elsewhere does.
#[derive(Debug, Default)]
struct Counted {
    store: MemoryStore,
    opened: AtomicUsize,
    read: Arc<AtomicUsize>,
}

#[async_trait]
impl ModuleStore for Counted {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let Some(mut content) = self.store.open(file, part).await? else {
            return Ok(None);
        };
        let (read, bytes) = (Arc::clone(&self.read), content.bytes);
        content.bytes = ContentBytes::Stream(Box::pin(stream::once(async move {
            read.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            let ContentBytes::Memory(bytes) = bytes else {
                panic!("not in memory")
            };
            Ok(bytes)
        })));
        Ok(Some(content))
    }
    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        self.store.versions(path).await
    }
    async fn insert(&self, file: Verified) -> Result<Inserted, StoreError> {
        self.store.insert(file).await
    }
}

fn before(counted: &Arc<Counted>, file: u64, total: u64) -> CachedStore {
    CachedStore::new(
        Arc::clone(counted) as Arc<dyn ModuleStore>,
        CacheLimits { file, total },
    )
}

async fn go_mod(version: &str, salt: u32, size: usize) -> Verified {
    Samples::new()
        .go_mod(&Samples::module("example.com/m", version), salt, size)
        .await
}

async fn opened(store: &CachedStore, file: &Verified, part: Part) -> Content {
    store
        .open(file.file(), part)
        .await
        .unwrap()
        .expect("it was inserted")
}

#[tokio::test]
async fn a_file_is_read_once_and_its_parts_are_slices_of_it() {
    let counted = Arc::new(Counted::default());
    let file = go_mod("v1.0.0", 0, 1000).await;
    let _ = counted.insert(file.clone()).await.unwrap();
    let store = before(&counted, 1000, 1 << 20);
    let ContentBytes::Memory(whole) = opened(&store, &file, Part::Whole).await.bytes else {
        panic!("not in memory")
    };
    for _ in 0..10 {
        let part = opened(&store, &file, Part::From(10)).await;
        assert_eq!(part.validator.unwrap().0, file.body().sha256().to_string().into());
        let ContentBytes::Memory(bytes) = part.bytes else {
            panic!("not in memory")
        };
        assert_eq!(bytes.as_ptr(), whole[10..].as_ptr());
    }
    assert_eq!(counted.opened.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_part_or_a_look_brings_in_the_whole() {
    for part in [Part::Last(1), Part::Nothing] {
        let counted = Arc::new(Counted::default());
        let file = go_mod("v1.0.0", 0, 1000).await;
        let _ = counted.insert(file.clone()).await.unwrap();
        let store = before(&counted, 1000, 1 << 20);
        let first = opened(&store, &file, part).await.validator;
        let asked = counted.opened.load(Ordering::SeqCst);
        assert_eq!(opened(&store, &file, Part::Whole).await.validator, first);
        assert_eq!(counted.opened.load(Ordering::SeqCst), asked, "{part:?}");
    }
}

#[tokio::test]
async fn a_crowd_reads_a_file_once() {
    let counted = Arc::new(Counted::default());
    let file = go_mod("v1.0.0", 0, 100_000).await;
    let _ = counted.insert(file.clone()).await.unwrap();
    let store = before(&counted, 1 << 20, 1 << 20);
    let crowd = (0..50).map(|_| opened(&store, &file, Part::Last(1)));
    assert_eq!(join_all(crowd).await.len(), 50);
    assert_eq!(counted.read.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_was_inserted_is_not_read_again() {
    let counted = Arc::new(Counted::default());
    let store = before(&counted, 1000, 1 << 20);
    let file = go_mod("v1.0.0", 0, 1000).await;
    assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
    assert!(store.contains(file.file()).await.unwrap());
    assert_eq!(counted.opened.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_was_offered_where_other_bytes_stand_is_not_what_is_kept() {
    let counted = Arc::new(Counted::default());
    let (kept, other) = (go_mod("v1.0.0", 0, 1000).await, go_mod("v1.0.0", 1, 1000).await);
    // Another process inserts; this one knows nothing of it.
    let _ = counted.insert(kept.clone()).await.unwrap();
    let store = before(&counted, 1000, 1 << 20);
    assert_eq!(store.insert(other).await.unwrap(), Inserted::Other);
    assert_eq!(
        store.read(kept.file()).await.unwrap(),
        kept.body().bytes().cloned()
    );
}

#[tokio::test]
async fn a_file_over_the_limit_stays_below() {
    let counted = Arc::new(Counted::default());
    let store = before(&counted, 1000, 1 << 20);
    let file = go_mod("v1.0.0", 0, 1001).await;
    assert_eq!(store.insert(file.clone()).await.unwrap(), Inserted::New);
    for asked in 1..4 {
        assert_eq!(opened(&store, &file, Part::Whole).await.size, 1001);
        assert_eq!(counted.opened.load(Ordering::SeqCst), asked);
    }
}

#[tokio::test]
async fn no_more_is_held_than_the_limit() {
    let counted = Arc::new(Counted::default());
    let store = before(&counted, 10_000, 100_000);
    let mut files = Vec::new();
    for number in 0..200 {
        files.push(go_mod(&format!("v1.0.{number}"), 0, 5_000).await);
        let _ = store.insert(files[number].clone()).await.unwrap();
    }
    for file in &files {
        assert_eq!(
            store.read(file.file()).await.unwrap(),
            file.body().bytes().cloned()
        );
    }
    // 100 kB hold fewer than twenty of these.
    let asked = counted.opened.load(Ordering::SeqCst);
    assert!(asked > 200 - 40, "only {asked} of 200 were not in memory");
}
