//! A folder with module files in it, and what looks after them.

use futures::future::join_all;
use proxy_core::{
    checksums::NoDatabase,
    file::{Body, Kind, ModuleFile},
    mirror::ingest::Ingest,
    module::ModuleVersion,
    scrub::{Depth, Fault, Inspected, Inspector, Repair},
    store::{Catalog, Inserted, conformance::Samples},
    verify::Unverified,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Arc,
};
use storage_fs::FsStore;
use testkit::module::Module;

/// A folder, and what looks after it.
pub(crate) struct House {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: FsStore,
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = FsStore::open(folder.path()).unwrap();
        Self { folder, store }
    }

    pub(crate) fn ingest(&self) -> Ingest {
        Ingest {
            store: Arc::new(self.store.clone()),
            records: Arc::new(self.store.clone()),
            checksums: Arc::new(NoDatabase),
            spool: self.store.spool().clone(),
            feed: None,
        }
    }

    /// Keeps all three files of a version, and records them.
    pub(crate) async fn keep(&self, module: &Module) {
        for (kind, bytes) in [
            (Kind::Info, module.info().to_vec()),
            (Kind::Mod, module.go_mod().to_vec()),
            (Kind::Zip, module.zip().to_vec()),
        ] {
            let file = Unverified::new(name(module, kind), Body::from_bytes(bytes));
            let inserted = self.ingest().insert(file, "a test", None).await.unwrap();
            assert_eq!(inserted, Inserted::New);
        }
    }

    pub(crate) fn inspector(&self, depth: Depth) -> Inspector {
        Inspector {
            store: Arc::new(self.store.clone()),
            records: Arc::new(self.store.clone()),
            spool: self.store.spool().clone(),
            quarantine: Some(Arc::new(self.store.clone())),
            depth,
        }
    }

    pub(crate) fn repair(&self) -> Repair {
        Repair {
            store: Arc::new(self.store.clone()),
            records: Arc::new(self.store.clone()),
            quarantine: Arc::new(self.store.clone()),
        }
    }

    pub(crate) async fn inspect(&self, file: &ModuleFile) -> Inspected {
        self.inspector(Depth::Whole).inspect(file).await.unwrap().unwrap()
    }

    /// Everything that is listed, page by page.
    pub(crate) async fn listed(&self) -> Vec<ModuleFile> {
        let mut files: Vec<ModuleFile> = Vec::new();
        loop {
            let page = self.store.files(files.last(), 100).await.unwrap();
            if page.is_empty() {
                return files;
            }
            files.extend(page);
        }
    }

    /// The faults of every file.
    pub(crate) async fn faults(&self, depth: Depth) -> BTreeMap<String, String> {
        let (inspector, files) = (self.inspector(depth), self.listed().await);
        let mut faults = BTreeMap::new();
        for files in files.chunks(64) {
            let inspected = join_all(files.iter().map(|file| inspector.inspect(file))).await;
            for inspected in inspected {
                for fault in inspected.unwrap().unwrap().faults {
                    let (name, fault) = match &fault {
                        Fault::Damaged(corrupt) => (corrupt.file().tree_path(), fault.to_string()),
                        Fault::Torn { zip, .. } => (zip.tree_path(), fault.to_string()),
                        Fault::SumBeside { zip, .. } => {
                            (zip.tree_path().replace(".zip", ".ziphash"), fault.to_string())
                        }
                        other => (other.to_string(), other.to_string()),
                    };
                    faults.insert(name, fault);
                }
            }
        }
        faults
    }

    /// Overwrites a file in place, as rot does.
    pub(crate) fn overwrite(&self, file: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.folder.path().join(file);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(&path, bytes).unwrap();
    }

    pub(crate) fn set_aside(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        collect(&self.folder.path().join(".stoa/damaged"), &mut found);
        found
    }
}

fn collect(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.insert(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
}

pub(crate) fn version(module: &Module) -> ModuleVersion {
    Samples::module(&module.path, &module.version)
}

pub(crate) fn name(module: &Module, kind: Kind) -> ModuleFile {
    ModuleFile::new(version(module), kind)
}
