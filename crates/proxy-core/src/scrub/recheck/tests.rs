//! The recheck of what was kept at first sight: what it puts off, and what ends a round.

use super::*;
use crate::{lease::LocalLeases, module::ModulePath, scrub::Depth, spool::Spool, store::MemoryStore};
use async_trait::async_trait;

const NAME: &str = "sums.example.test";

/// Answers as the path of a module says: it knows, does not, is silent, cannot prove it, or contradicts itself.
#[derive(Debug, Default)]
struct ByName {
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl ChecksumAuthority for ByName {
    fn name(&self) -> &str {
        NAME
    }
    fn speaks_for(&self, _path: &ModulePath) -> bool {
        true
    }
    async fn sums(&self, module: &ModuleVersion) -> Result<Option<Sums>, ChecksumError> {
        let path = module.path().as_str();
        self.asked.lock().unwrap().push(path.to_owned());
        let (name, reason) = (NAME.to_owned(), "so its name says".to_owned());
        if path.contains("silent") {
            Err(ChecksumError::Unavailable { name, reason })
        } else if path.contains("unproven") {
            Err(ChecksumError::Unproven { name, reason })
        } else if path.contains("forked") {
            Err(ChecksumError::Untrustworthy { name, reason })
        } else {
            let sum = H1::of_go_mod(b"module m\n");
            Ok(Some(Sums {
                zip: sum,
                go_mod: sum,
            }))
        }
    }
}

struct World {
    recheck: Recheck,
    authority: Arc<ByName>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn pending(names: &[&str]) -> Self {
        let store = Arc::new(MemoryStore::new());
        let folder = tempfile::tempdir().unwrap();
        let pending = Pending::new(Arc::clone(&store) as _);
        for name in names {
            let module = ModuleVersion::parse(&format!("example.test/{name}"), "v1.0.0").unwrap();
            pending.add(&module).await.unwrap();
        }
        let authority = Arc::new(ByName::default());
        let inspector = Inspector {
            store: Arc::clone(&store) as _,
            records: Arc::clone(&store) as _,
            spool: Spool::open(folder.path()).unwrap(),
            quarantine: None,
            depth: Depth::Whole,
        };
        let repair = Repair {
            store: Arc::clone(&store) as _,
            records: Arc::clone(&store) as _,
            quarantine: store,
        };
        let leases = Arc::new(LocalLeases::new());
        Self {
            recheck: Recheck::new(pending, Arc::clone(&authority) as _, inspector, repair, leases),
            authority,
            _folder: folder,
        }
    }

    fn left(&self) -> Vec<String> {
        let left = self.recheck.pending.here().into_iter();
        left.map(|module| module.path().as_str().replace("example.test/", ""))
            .collect()
    }

    fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.authority.asked.lock().unwrap());
        asked
            .into_iter()
            .map(|path| path.replace("example.test/", ""))
            .collect()
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_does_not_keep_the_others_waiting() {
    let world = World::pending(&["a-silent", "b-unproven", "c-right", "d-silent", "e-right"]).await;
    world.recheck.round().await;
    assert_eq!(world.left(), ["a-silent", "b-unproven", "d-silent"]);
    assert_eq!(world.asked().len(), 5);
    // They were answered for by others, so it is they that are put off, each time for longer.
    world.recheck.round().await;
    assert_eq!(world.asked(), <[String; 0]>::default());
    tokio::time::advance(PUT_OFF).await;
    world.recheck.round().await;
    assert_eq!(world.asked(), ["a-silent", "b-unproven", "d-silent"]);
    tokio::time::advance(PUT_OFF).await;
    world.recheck.round().await;
    assert!(!world.asked().contains(&"b-unproven".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn several_without_an_answer_end_the_round_and_come_last_in_the_next() {
    let names = ["a-silent", "b-silent", "c-silent", "d-right", "e-right"];
    let world = World::pending(&names).await;
    world.recheck.round().await;
    assert_eq!(world.asked(), names[..3]);
    world.recheck.round().await;
    assert_eq!(world.left(), names[..3]);
    assert_eq!(world.asked()[..2], names[3..]);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_contradicts_itself_ends_the_round() {
    let world = World::pending(&["a-right", "b-forked", "c-right"]).await;
    world.recheck.round().await;
    assert_eq!(world.asked(), ["a-right", "b-forked"]);
    assert_eq!(world.left(), ["b-forked", "c-right"]);
}
