//! Whole folders: listed to their end, and looked after in rounds.

use crate::house::House;
use proxy_core::{
    file::ModuleFile,
    scrub::{Depth, Patrol, PatrolParts},
    store::{Catalog, Corrupt, Quarantine, StoreError},
};
use std::{fs, sync::Arc, time::Duration};
use storage_fs::FsStore;
use testkit::module::Module;

/// A folder that has more entries than are held at once is listed all the same, in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_folder_is_listed_whole() {
    let house = House::new();
    let folder = house.folder.path().join("example.test/m/@v");
    fs::create_dir_all(&folder).unwrap();
    for number in 0..1500 {
        fs::write(folder.join(format!("v1.{number}.0.info")), "x").unwrap();
        fs::write(folder.join(format!("v1.{number}.0.mod")), "x").unwrap();
    }
    for number in 0..1200 {
        let folder = house.folder.path().join(format!("example.test/n{number}/@v"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("v1.0.0.mod"), "x").unwrap();
    }
    let names: Vec<String> = house.listed().await.iter().map(ModuleFile::tree_path).collect();
    assert_eq!(names.len(), 4200);
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
    let one_page = house.store.files(None, 10_000).await.unwrap();
    assert_eq!(one_page.len(), 4200);
}

/// A patrol that is ended halfway goes on where it was, and finds what is damaged.
#[tokio::test(flavor = "multi_thread")]
async fn a_patrol_finds_damage_and_its_round_outlives_the_process() {
    let house = House::new();
    for number in 0..30 {
        house
            .keep(&Module::new("example.test/m", &format!("v1.{number}.0")))
            .await;
    }
    let damaged = "example.test/m/@v/v1.29.0.zip";
    house.overwrite(damaged, |bytes| bytes[50] ^= 1);
    let patrol = |catalog: Arc<dyn Catalog>| {
        Patrol::new(PatrolParts {
            catalog,
            inspector: house.inspector(Depth::Whole),
            repair: house.repair(),
            every: Duration::from_secs(3600),
            rate: 1 << 30,
            still: Duration::from_millis(300),
        })
    };
    // One that comes to a catalog that fails after the first page.
    let failing = Arc::new(Failing(house.store.clone()));
    let first = patrol(Arc::clone(&failing) as _);
    let status = first.status();
    let running = tokio::spawn(first.run());
    while status.read().0.files == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    running.abort();
    let _ = running.await;
    let after_the_first_page = status.read().0.files;
    assert_eq!(after_the_first_page, 32);

    // The next process takes the round over where it was, once it has seen it stand still.
    let second = patrol(Arc::new(house.store.clone()));
    let status = second.status();
    let running = tokio::spawn(second.run());
    while status.read().0.ended.is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    running.abort();
    let (tally, _) = status.read();
    assert_eq!(
        (tally.files, tally.damaged, tally.faults, tally.unread),
        (90, 1, 0, 0)
    );
    assert!(!house.folder.path().join(damaged).exists());
    assert_eq!(house.set_aside().len(), 1);
}

/// A damaged file that cannot be set aside is told, and those behind it are found all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_set_aside_does_not_end_the_round() {
    let house = House::new();
    let names: Vec<String> = (0..3)
        .map(|number| format!("example.test/m/@v/v1.{number}.0.zip"))
        .collect();
    for (number, name) in names.iter().enumerate() {
        house
            .keep(&Module::new("example.test/m", &format!("v1.{number}.0")))
            .await;
        house.overwrite(name, |bytes| bytes[50] ^= 1);
    }
    let mut repair = house.repair();
    repair.quarantine = Arc::new(Reluctant {
        below: Arc::clone(&repair.quarantine),
        keeps: names[0].clone(),
    });
    let patrol = Patrol::new(PatrolParts {
        catalog: Arc::new(house.store.clone()),
        inspector: house.inspector(Depth::Whole),
        repair,
        every: Duration::from_secs(3600),
        rate: 1 << 30,
        still: Duration::from_millis(300),
    });
    let status = patrol.status();
    let running = tokio::spawn(patrol.run());
    let ended = async {
        while status.read().0.ended.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let outcome = tokio::time::timeout(Duration::from_secs(60), ended).await;
    running.abort();
    assert!(outcome.is_ok(), "the round never ended: {:?}", status.read());
    let (tally, _) = status.read();
    assert_eq!((tally.files, tally.damaged, tally.unmended), (9, 3, 1));
    assert!(house.folder.path().join(&names[0]).exists());
    assert_eq!(house.set_aside().len(), 2);
}

/// Does not set one file aside.
#[derive(Debug)]
struct Reluctant {
    below: Arc<dyn Quarantine>,
    keeps: String,
}

#[async_trait::async_trait]
impl Quarantine for Reluctant {
    async fn set_aside(&self, file: Corrupt) -> Result<(), StoreError> {
        if file.file().tree_path() == self.keeps {
            return Err(StoreError::unavailable("it is held fast"));
        }
        self.below.set_aside(file).await
    }
}

/// Lists one page and no more.
#[derive(Debug)]
struct Failing(FsStore);

#[async_trait::async_trait]
impl Catalog for Failing {
    async fn files(&self, after: Option<&ModuleFile>, limit: usize) -> Result<Vec<ModuleFile>, StoreError> {
        match after {
            None => self.0.files(None, limit).await,
            Some(_) => Err(StoreError::unavailable("it was asked twice")),
        }
    }
}
