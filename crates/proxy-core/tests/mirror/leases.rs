//! Mirrors that share a store and its leases: one fetches, the others wait for it, and waiting costs them nothing.

use super::*;
use origin::Mood;
use proxy_core::lease::RecordLeases;
use testkit::module::Module;
use tokio::time::{Instant, sleep};

const V1: &str = "example.test/m@v1.0.0";

fn module() -> Module {
    Module::new("example.test/m", "v1.0.0")
}

/// A node over this store, with leases in its records.
fn node(store: &Arc<MemoryStore>, origin: &Arc<Origin>) -> Arc<House> {
    let leases = RecordLeases::new(Arc::clone(store) as _);
    Arc::new(House::sharing(Arc::clone(store), origin, leases))
}

fn ask(node: &Arc<House>, kind: Kind) -> tokio::task::JoinHandle<Result<(Vec<u8>, Cache), MirrorError>> {
    let node = Arc::clone(node);
    tokio::spawn(async move { node.file(V1, kind).await })
}

#[tokio::test]
async fn nodes_that_share_leases_fetch_once() {
    let (store, origin) = (Arc::default(), Origin::with(&[module()]));
    origin.feel(Mood::Hanging);
    let nodes = [
        node(&store, &origin),
        node(&store, &origin),
        node(&store, &origin),
    ];
    let asked = nodes.each_ref().map(|node| ask(node, Kind::Zip));
    origin.was_asked(&format!("zip {V1}")).await;
    origin.feel(Mood::Well);
    for asked in asked {
        assert_eq!(asked.await.unwrap().unwrap().0, module().zip());
    }
    assert_eq!(
        origin.times_asked(&format!("zip {V1}")),
        1,
        "{:?}",
        origin.asked()
    );
}

#[tokio::test]
async fn who_waits_has_its_file_as_soon_as_anybody_has_stored_it() {
    let (store, stuck, other) = (
        Arc::default(),
        Origin::with(&[module()]),
        Origin::with(&[module()]),
    );
    other.branch("main", "v1.0.0");
    stuck.feel(Mood::Hanging);
    let nodes = [node(&store, &stuck), node(&store, &stuck), node(&store, &other)];
    let zip = ask(&nodes[0], Kind::Zip);
    stuck.was_asked(&format!("zip {V1}")).await;
    let info = ask(&nodes[1], Kind::Info);
    assert_eq!(
        nodes[2].query("example.test/m", "main").await.unwrap().0,
        "v1.0.0"
    );
    assert!(info.await.unwrap().is_ok());
    assert_eq!(
        stuck.times_asked(&format!("info {V1}")),
        1,
        "only by the one that is stuck"
    );
    stuck.feel(Mood::Well);
    assert!(zip.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_leaves_patience_with_the_origin() {
    let (store, origin) = (Arc::default(), Origin::with(&[module()]));
    let (holder, node) = (RecordLeases::new(Arc::clone(&store) as _), node(&store, &origin));
    let held = holder.acquire(&module_version(V1)).await;
    let asked = ask(&node, Kind::Zip);
    sleep(Duration::from_secs(300)).await;
    assert!(origin.asked().is_empty(), "another has the lease");
    drop(held);
    assert!(
        asked.await.unwrap().is_ok(),
        "the wait was not the origin's silence"
    );
}

#[tokio::test(start_paused = true)]
async fn nodes_before_a_dead_origin_do_not_add_up_their_patience() {
    let (store, origin) = (Arc::default(), Origin::with(&[module()]));
    origin.feel(Mood::Hanging);
    let nodes = [(); 3].map(|()| node(&store, &origin));
    let began = Instant::now();
    let asked = nodes.each_ref().map(|node| ask(node, Kind::Zip));
    for asked in asked {
        assert!(asked.await.unwrap().is_err());
    }
    let lasted = began.elapsed();
    assert!(lasted <= Duration::from_secs(42), "{lasted:?}");
}
