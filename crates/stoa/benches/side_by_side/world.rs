//! What is served: two hundred small modules and three zips of chosen sizes, as files and by both servers.

use crate::nginx::Nginx;
use std::{fs, path::PathBuf};
use tempfile::TempDir;
use testkit::{
    client::{block_on, get},
    module::{Module, incompressible},
    stoa::{Stoa, StoaProcess},
};

/// How many modules a project of the benchmark has.
const MODULES: usize = 200;

/// The modules and a folder that holds them as a GOPROXY tree.
#[derive(Debug)]
pub(crate) struct World {
    folder: TempDir,
    /// What a project requires.
    pub(crate) modules: Vec<Module>,
    /// Zips of 10 kB, 1 MB and 50 MB.
    pub(crate) sized: Vec<(&'static str, Module)>,
}

impl World {
    /// Makes the modules and writes the tree.
    pub(crate) fn make() -> Self {
        let modules: Vec<_> = (0..MODULES).map(small).collect();
        let sized = [("10 kB", 9_500), ("1 MB", 1 << 20), ("50 MB", 50 << 20)].map(|(name, size)| {
            let path = format!("bench.test/sized{size}");
            (
                name,
                Module::new(&path, "v1.0.0").file("ballast.bin", incompressible(size, size as u64)),
            )
        });
        let folder = TempDir::with_prefix("stoa-bench-").expect("a folder can be made");
        let world = Self {
            folder,
            modules,
            sized: sized.into(),
        };
        for module in world
            .modules
            .iter()
            .chain(world.sized.iter().map(|(_, module)| module))
        {
            world.write(module);
        }
        world
    }

    /// The tree, for nginx and for `file://`.
    pub(crate) fn tree(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    fn write(&self, module: &Module) {
        let place = |extension| self.tree().join(&module.url_path(extension)[1..]);
        let list = place("info").with_file_name("list");
        fs::create_dir_all(list.parent().expect("a file has a folder")).expect("a folder can be made");
        for (path, content) in [
            (place("info"), module.info()),
            (place("mod"), module.go_mod()),
            (place("zip"), module.zip_stored()),
            (list, format!("{}\n", module.version).into()),
        ] {
            fs::write(path, content).expect("a file can be written");
        }
    }

    /// An nginx over the tree.
    pub(crate) fn nginx(&self, access_log: bool) -> Nginx {
        Nginx::start(&self.tree(), access_log)
    }

    /// A mirror before this upstream, keeping nothing yet. It writes its log where nobody reads it.
    pub(crate) fn mirror(&self, upstream: &str, access_log: bool) -> Stoa {
        Stoa::new(env!("CARGO_BIN_EXE_stoa"))
            .upstream(upstream)
            .environment("STOA_CHECKSUMS__DATABASE", "off")
            .environment(
                "STOA_TELEMETRY__ACCESS_LOG",
                if access_log { "true" } else { "false" },
            )
    }

    /// Makes a mirror keep the whole world.
    pub(crate) fn warm(&self, stoa: &StoaProcess) {
        let all = self
            .modules
            .iter()
            .chain(self.sized.iter().map(|(_, module)| module));
        let root = module_root;
        let paths = all.flat_map(|module| {
            let files = ["info", "mod", "zip"].map(|extension| module.url_path(extension));
            files.into_iter().chain([format!("{}/@v/list", root(module))])
        });
        for path in paths {
            let answer = block_on(get(&format!("{}{path}", stoa.url()))).expect("the mirror answers");
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
    }
}

/// `/<escaped path>` of a module.
pub(crate) fn module_root(module: &Module) -> String {
    format!("/{}", testkit::module::escaped(&module.path))
}

/// A module of an ordinary size, which some others need.
fn small(number: usize) -> Module {
    let mut module = Module::new(&format!("bench.test/m{number}"), "v1.2.3");
    for file in 0..8 {
        let text = format!("package m{number}\n\n// File {file}.\n").repeat(1 + (number * 7 + file) % 40);
        module = module.file(&format!("f{file}.txt"), text);
    }
    module
}
