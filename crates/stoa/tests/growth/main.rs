//! What a store of many versions costs, in requests to its backend: the same for a hundred as for a thousand where it
//! should not grow, and a request a page where it must.
//!
//! Times are for `cargo xtask bench growth`; counts are the same on every machine.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod backends;
mod counted;

use backends::Backend;
use counted::{Counted, Requests};
use proxy_core::{
    file::ModuleFile,
    lease::LocalLeases,
    mirror::{Lifetimes, Mirror, MirrorParts},
    module::{ModulePath, ModuleVersion, Query},
    policy::Caller,
    spool::Spool,
    store::{Catalog, Feed, RecordFeed, conformance::Samples},
    upstream::chain::Chain,
};
use std::sync::Arc;
use tempfile::TempDir;
use testkit::bucket::BucketServer;

/// Versions of one module.
const OF_A_MODULE: usize = 100;

/// Files in the page of the catalog that is asked for.
const PAGE: usize = 50;

/// What each thing costs with so many versions in the store.
#[derive(Debug)]
struct Costs {
    list: Requests,
    latest: Requests,
    catalog_page: Requests,
    index_start: Requests,
    index_end: Requests,
    start_up: Requests,
    /// What the server was asked for the list, and for the page of the catalog, where somebody counts it.
    served: [usize; 2],
}

async fn costs_of(backend: &dyn Backend, count: usize) -> Costs {
    let folder = TempDir::with_prefix("stoa-growth-").unwrap();
    fill(backend, count).await;
    let store = Counted::over(backend.open().await);
    let mirror = Mirror::new(MirrorParts {
        store: store.clone(),
        records: store.clone(),
        chain: Chain::default(),
        leases: Arc::new(LocalLeases::new()),
        checksums: Arc::new(proxy_core::checksums::NoDatabase),
        spool: Spool::open(folder.path()).unwrap(),
        lifetimes: Lifetimes::default(),
        feed: None,
    });
    let caller = Caller::anonymous();
    let path = ModulePath::parse(&module_path(0)).unwrap();
    store.requests();
    backend.served();

    let list = mirror.versions(&path, &caller).await.unwrap();
    assert_eq!(list.answer.versions().len(), OF_A_MODULE);
    let list = store.requests();
    let served_list = backend.served();

    let latest = mirror.query(&path, &Query::Latest, &caller).await.unwrap();
    assert_eq!(latest.answer.0, version(OF_A_MODULE - 1));
    let latest = store.requests();
    backend.served();

    // The first page finds out in which order a bucket lists; that is asked once a process.
    assert_eq!(store.files(None, 1).await.unwrap().len(), 1);
    store.requests();
    backend.served();
    let middle = ModuleFile::new(version(count / 2), proxy_core::file::Kind::Info);
    let files = store.files(Some(&middle), PAGE).await.unwrap();
    assert_eq!(files.len(), PAGE);
    let catalog_page = store.requests();
    let served_page = backend.served();

    // A feed that this process has not read before, as when a server starts.
    let feed = || RecordFeed::new(store.clone());
    let reader: Arc<dyn Feed> = match store.native_feed() {
        Some(feed) => feed,
        None => Arc::new(feed()),
    };
    let start = reader.since(None, 2000).await.unwrap();
    assert_eq!(start.len(), count.min(2000));
    let index_start = store.requests();
    let end = reader
        .since(start.last().map(|entry| entry.when), 2000)
        .await
        .unwrap();
    assert_eq!(end, start[start.len() - 1..]);
    let index_end = store.requests();

    if store.native_feed().is_none() {
        assert_eq!(feed().catch_up(&*store).await.unwrap(), 0);
    }
    let start_up = store.requests();
    Costs {
        list,
        latest,
        catalog_page,
        index_start,
        index_end,
        start_up,
        served: [served_list, served_page],
    }
}

/// Puts so many versions into a store, many at a time, and their entries into its feed. Of each its `.info` alone: that
/// is what lists are made of.
async fn fill(backend: &dyn Backend, count: usize) {
    let store = Counted::over(backend.open().await);
    let (samples, feed) = (Arc::new(Samples::new()), RecordFeed::new(store.clone()));
    let mut inserting = tokio::task::JoinSet::new();
    for number in 0..count {
        if inserting.len() >= 32 {
            inserting.join_next().await.unwrap().unwrap();
        }
        let (store, samples, feed) = (store.clone(), Arc::clone(&samples), feed.clone());
        inserting.spawn(async move {
            let module = version(number);
            let info = samples.info(&module, 0).await;
            let _ = proxy_core::store::ModuleStore::insert(&*store, info)
                .await
                .unwrap();
            feed.announce(module);
        });
    }
    inserting.join_all().await;
    if store.native_feed().is_none() {
        feed.append_announced().await.unwrap();
    }
}

fn version(number: usize) -> ModuleVersion {
    let path = module_path(number / OF_A_MODULE);
    ModuleVersion::parse(&path, &format!("v1.{}.0", number % OF_A_MODULE)).unwrap()
}

fn module_path(number: usize) -> String {
    format!("example.com/owner{:03}/m{number}", number % 50)
}

/// Asks a backend, skipping it where what it needs is not here.
fn assert_growth(backends: Result<[Box<dyn Backend>; 2], String>) {
    let [small, large] = match backends {
        Ok(backends) => backends,
        Err(why) => return testkit::skip::skipped(&why),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    let (few, many) =
        runtime.block_on(async { (costs_of(&*small, 100).await, costs_of(&*large, 1000).await) });
    let name = large.name();
    assert_eq!(few.list, many.list, "a list costs the same on {name}");
    assert!(many.list.files <= 1 && many.list.all() <= 3, "{:?}", many.list);
    assert_eq!(few.latest, many.latest, "@latest costs the same on {name}");
    assert!(many.latest.all() <= 5, "{:?}", many.latest);
    assert_eq!(
        few.catalog_page, many.catalog_page,
        "a page of the catalog costs the same on {name}"
    );
    assert_eq!(many.catalog_page.all(), 1, "{:?}", many.catalog_page);
    let [list, page] = many.served;
    assert!(list <= 1, "a list is one request to the server of {name}: {list}");
    assert!(
        page <= large.requests_a_page(),
        "a page of {name} is {page} requests to the server"
    );
    // A thousand versions fill a page of the feed, so there is a look at the next one.
    assert!(
        many.index_start.all() <= few.index_start.all() + 2,
        "{:?}",
        many.index_start
    );
    assert!(many.index_end.all() <= 3, "{:?}", many.index_end);
    // A thousand files in pages of a thousand, which may be short, the empty one behind them, and two pages of the feed.
    assert!(many.start_up.all() <= 2 + 1 + 2, "{:?}", many.start_up);
    assert_eq!(
        many.start_up.files, 0,
        "no file is looked at one by one on {name}"
    );
}

#[test]
fn memory_grows_by_pages() {
    assert_growth(Ok([backends::memory(), backends::memory()]));
}

#[test]
fn a_disk_grows_by_pages() {
    assert_growth(Ok([backends::disk(), backends::disk()]));
}

#[test]
fn postgres_grows_by_pages() {
    assert_growth(two(backends::postgres));
}

#[test]
fn seaweedfs_grows_by_pages() {
    assert_growth(two(|| backends::bucket(BucketServer::SeaweedFs)));
}

#[test]
fn moto_grows_by_pages() {
    assert_growth(two(|| backends::bucket(BucketServer::Moto)));
}

#[test]
fn azurite_grows_by_pages() {
    assert_growth(two(|| backends::bucket(BucketServer::Azurite)));
}

#[test]
fn fake_gcs_grows_by_pages() {
    assert_growth(two(|| backends::bucket(BucketServer::FakeGcs)));
}

fn two(fresh: impl Fn() -> Result<Box<dyn Backend>, String>) -> Result<[Box<dyn Backend>; 2], String> {
    Ok([fresh()?, fresh()?])
}
