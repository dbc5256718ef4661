//! Rot: bits flipped in kept files are named, every one and no other, and what is set aside comes back.

use crate::house::{House, name, version};
use futures::future::join_all;
use proxy_core::{
    file::{Body, Kind, ModuleFile},
    module::{ModulePath, Version},
    records::{RecordKey, RecordStore},
    scrub::{Depth, Fault, Inspector, Repair},
    seen,
    store::{Content, Inserted, ModuleStore, ModuleStoreExt, Part, StoreError},
    verify::{Unverified, Verified},
};
use rand::seq::IteratorRandom;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
};
use storage_fs::FsStore;
use testkit::module::Module;

/// One bit each in 1,000 of 2,400 files: every kind of file, at any place, the dates in a zip and the sum beside it
/// included.
#[tokio::test(flavor = "multi_thread")]
async fn every_flipped_bit_is_named_and_no_other_file() {
    let house = House::new();
    let modules: Vec<Module> = (0..600)
        .map(|number| {
            Module::new(
                &format!("example.test/Mod{}/m", number % 40),
                &format!("v1.{number}.0"),
            )
        })
        .collect();
    for modules in modules.chunks(8) {
        join_all(modules.iter().map(|module| house.keep(module))).await;
    }
    assert_eq!(house.faults(Depth::Bytes).await, BTreeMap::new());
    let files: Vec<String> = house.listed().await.iter().map(ModuleFile::tree_path).collect();
    assert_eq!(files.len(), 1800);
    let sums: Vec<String> = files
        .iter()
        .filter_map(|file| Some(format!("{}.ziphash", file.strip_suffix(".zip")?)))
        .collect();
    let files = files.into_iter().chain(sums);
    let chosen: BTreeSet<String> = files
        .into_iter()
        .sample(&mut rand::rng(), 1000)
        .into_iter()
        .collect();
    for file in &chosen {
        house.overwrite(file, |bytes| {
            let bit = rand::random_range(0..bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        });
    }
    for depth in [Depth::Bytes, Depth::Whole] {
        let named: BTreeSet<String> = house.faults(depth).await.into_keys().collect();
        assert_eq!(named, chosen, "{depth:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_aside_is_a_miss_and_comes_back_as_it_was() {
    let house = House::new();
    let module = Module::new("example.test/m", "v1.0.0");
    house.keep(&module).await;
    for (kind, right) in [
        (Kind::Zip, module.zip().to_vec()),
        (Kind::Mod, module.go_mod().to_vec()),
        (Kind::Info, module.info().to_vec()),
    ] {
        let file = name(&module, kind);
        house.overwrite(&file.tree_path(), |bytes| bytes[0] ^= 1);
        let damaged = house.inspect(&file).await;
        let [Fault::Damaged(corrupt)] = &damaged.faults[..] else {
            panic!("{:?}", damaged.faults)
        };
        let sum = corrupt.found().unwrap();
        house.repair().mend(&damaged.faults[0]).await.unwrap();
        assert!(!house.store.contains(&file).await.unwrap());
        let aside = format!("v1.0.0.{kind}.{sum}");
        assert!(house.set_aside().contains(&aside), "{:?}", house.set_aside());
        // Its version lacks only what was set aside.
        assert_eq!(
            house.faults(Depth::Whole).await,
            BTreeMap::new(),
            "without the .{kind}"
        );

        // Other bytes do not take its place, even if they pass every rule.
        let other = match kind {
            Kind::Info => br#"{"Version":"v1.0.0","Time":"2001-01-01T00:00:00Z"}"#.to_vec(),
            Kind::Mod => b"module example.test/m\n\n// another\n".to_vec(),
            Kind::Zip => module.clone().file("more.go", "package m\n").zip().to_vec(),
        };
        let other = Unverified::new(file.clone(), Body::from_bytes(other));
        assert!(house.ingest().insert(other, "a test", None).await.is_err());
        let same = Unverified::new(file.clone(), Body::from_bytes(right));
        let healed = house.ingest().insert(same, "a test", None).await.unwrap();
        assert_eq!(healed, Inserted::New);
        let inspected = house.inspect(&file).await;
        assert!(inspected.faults.is_empty() && inspected.healed, "{inspected:?}");
        house.repair().settle(&file, &inspected).await.unwrap();
        assert!(!house.inspect(&file).await.healed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_without_the_others_is_torn_until_what_is_missing_is_a_miss() {
    let house = House::new();
    let module = Module::new("example.test/m", "v1.0.0");
    house.keep(&module).await;
    let go_mod = name(&module, Kind::Mod).tree_path();
    fs::remove_file(house.folder.path().join(go_mod)).unwrap();
    let zip = name(&module, Kind::Zip);
    let inspected = house.inspect(&zip).await;
    let [
        fault @ Fault::Torn {
            missing: Kind::Mod, ..
        },
    ] = &inspected.faults[..]
    else {
        panic!("{:?}", inspected.faults)
    };
    house.repair().mend(fault).await.unwrap();
    assert_eq!(house.faults(Depth::Whole).await, BTreeMap::new());
    assert!(house.store.contains(&zip).await.unwrap());
}

/// A store in which somebody else mends a fault while a zip of its version is read.
#[derive(Debug)]
struct Meanwhile {
    store: FsStore,
    repair: Repair,
    fault: Fault,
}

#[async_trait::async_trait]
impl ModuleStore for Meanwhile {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        if file.kind == Kind::Zip {
            self.repair.mend(&self.fault).await?;
        }
        self.store.open(file, part).await
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        self.store.versions(path).await
    }

    async fn insert(&self, file: Verified) -> Result<Inserted, StoreError> {
        self.store.insert(file).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_aside_while_its_zip_is_read_makes_nothing_torn() {
    let house = House::new();
    let module = Module::new("example.test/m", "v1.0.0");
    house.keep(&module).await;
    let go_mod = name(&module, Kind::Mod);
    house.overwrite(&go_mod.tree_path(), |bytes| bytes[0] ^= 1);
    let damaged = house.inspect(&go_mod).await;
    let inspector = Inspector {
        store: Arc::new(Meanwhile {
            store: house.store.clone(),
            repair: house.repair(),
            fault: damaged.faults[0].clone(),
        }),
        ..house.inspector(Depth::Whole)
    };
    let inspected = inspector
        .inspect(&name(&module, Kind::Zip))
        .await
        .unwrap()
        .unwrap();
    assert!(
        !house.store.contains(&go_mod).await.unwrap(),
        "it was set aside meanwhile"
    );
    assert!(inspected.faults.is_empty(), "{:?}", inspected.faults);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_without_records_is_held_against_the_rules_and_recorded() {
    let house = House::new();
    let module = Module::new("example.test/m", "v1.0.0").file("a.go", "package m\n");
    let other = Module::new("example.test/other", "v1.0.0").file("a.go", "package other\n");
    for module in [&module, &other] {
        let folder = house.folder.path().join(&module.path).join("@v");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("v1.0.0.info"), module.info()).unwrap();
        fs::write(folder.join("v1.0.0.mod"), module.go_mod()).unwrap();
        fs::write(folder.join("v1.0.0.zip"), module.zip()).unwrap();
        // What Go's own cache has besides.
        fs::write(folder.join("v1.0.0.lock"), "").unwrap();
        fs::write(folder.join("list"), "v1.0.0\n").unwrap();
    }
    for file in house.listed().await {
        let inspected = house.inspect(&file).await;
        assert!(inspected.faults.is_empty(), "{:?}", inspected.faults);
        house.repair().settle(&file, &inspected).await.unwrap();
    }
    let seen = seen::read(&house.store, &version(&module), Kind::Zip)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (seen.from.as_str(), seen.size),
        ("adopted", module.zip().len() as u64)
    );

    // Of one that is not recorded yet, the zip's own sums tell which of two files that disagree has changed.
    let key = RecordKey::parse("seen/example.test/other@v1.0.0").unwrap();
    house.store.remove(&key).await.unwrap();
    house.overwrite("example.test/other/@v/v1.0.0.mod", |bytes| {
        bytes.extend_from_slice(b"// more\n");
    });
    let named: Vec<String> = house.faults(Depth::Whole).await.into_keys().collect();
    assert_eq!(named, ["example.test/other/@v/v1.0.0.mod"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_a_files_name_and_is_no_file_is_damage() {
    let house = House::new();
    let module = Module::new("example.test/m", "v1.0.0");
    house.keep(&module).await;
    let path = |kind| house.folder.path().join(name(&module, kind).tree_path());
    for kind in Kind::ALL {
        fs::remove_file(path(kind)).unwrap();
    }
    fs::create_dir(path(Kind::Zip)).unwrap();
    fs::write(path(Kind::Mod), "").unwrap();
    std::os::unix::fs::symlink("nowhere", path(Kind::Info)).unwrap();
    let faults = house.faults(Depth::Bytes).await;
    assert_eq!(faults.len(), 3, "{faults:?}");
    for kind in Kind::ALL {
        let file = name(&module, kind);
        let inspected = house.inspect(&file).await;
        for fault in &inspected.faults {
            house.repair().mend(fault).await.unwrap();
        }
        assert!(
            fs::symlink_metadata(path(kind)).is_err(),
            "the .{kind} is still there"
        );
    }
    assert_eq!(house.listed().await, []);
    house.keep(&module).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotten_sum_beside_a_zip_goes_with_it() {
    let house = House::new();
    let module = Module::new("example.test/m", "v1.0.0");
    house.keep(&module).await;
    let zip = name(&module, Kind::Zip);
    house.overwrite(&zip.tree_path(), |bytes| bytes[40] ^= 4);
    house.overwrite("example.test/m/@v/v1.0.0.ziphash", |bytes| {
        bytes[10] = if bytes[10] == b'A' { b'B' } else { b'A' };
    });
    let inspected = house.inspect(&zip).await;
    let [Fault::SumBeside { .. }, damaged @ Fault::Damaged(_)] = &inspected.faults[..] else {
        panic!("{:?}", inspected.faults)
    };
    house.repair().mend(damaged).await.unwrap();
    assert_eq!(house.set_aside().len(), 2, "{:?}", house.set_aside());
    let again = Unverified::new(zip, Body::from_bytes(module.zip()));
    assert_eq!(
        house.ingest().insert(again, "a test", None).await.unwrap(),
        Inserted::New
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotten_sum_beside_a_sound_zip_is_written_anew() {
    let house = House::new();
    let module = Module::new("example.test/m", "v1.0.0");
    house.keep(&module).await;
    let path = house.folder.path().join("example.test/m/@v/v1.0.0.ziphash");
    let right = fs::read(&path).unwrap();
    house.overwrite("example.test/m/@v/v1.0.0.ziphash", |bytes| bytes[1] ^= 1);
    let zip = name(&module, Kind::Zip);
    let inspected = house.inspect(&zip).await;
    let [fault @ Fault::SumBeside { .. }] = &inspected.faults[..] else {
        panic!("{:?}", inspected.faults)
    };
    house.repair().mend(fault).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), right);
    assert_eq!(house.set_aside().len(), 1);
    assert!(house.inspect(&zip).await.faults.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotten_record_is_told_and_made_anew() {
    let house = House::new();
    let module = Module::new("example.test/m", "v1.0.0");
    house.keep(&module).await;
    house.overwrite(".stoa/seen/example.test/m@v1.0.0", |bytes| bytes[0] ^= 1);
    let go_mod = name(&module, Kind::Mod);
    let inspected = house.inspect(&go_mod).await;
    let [fault @ Fault::Record { .. }] = &inspected.faults[..] else {
        panic!("{:?}", inspected.faults)
    };
    house.repair().mend(fault).await.unwrap();
    for file in house.listed().await {
        let inspected = house.inspect(&file).await;
        assert!(inspected.faults.is_empty() && inspected.unrecorded.is_some());
        house.repair().settle(&file, &inspected).await.unwrap();
        assert!(house.inspect(&file).await.unrecorded.is_none());
    }
}
