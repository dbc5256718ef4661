//! The house of these tests: three nodes, what they share, and twenty versions that none of them has.

use std::{any::Any, path::PathBuf};
use testkit::{
    chaos::Chaos,
    module::{Module, incompressible},
    proxy::FakeUpstream,
    stoa::{Stoa, StoaProcess},
};

pub(crate) const NODES: usize = 3;
pub(crate) const VERSIONS: usize = 20;

/// What nodes share: settings, and what can be made to go wrong between them and it.
#[derive(Default)]
pub(crate) struct Shared {
    settings: Vec<(String, String)>,
    kept: Vec<Box<dyn Any + Send + Sync>>,
    /// Between the nodes and the store, and the words by which a request is known that creates a module file.
    pub(crate) store: Option<(Chaos, String)>,
    /// Between the nodes and the lease service, where that is another than the store.
    pub(crate) leases: Option<Chaos>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// With this in the environment of every node.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this kept until the test ends.
    pub(crate) fn keeping(mut self, kept: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(kept));
        self
    }

    pub(crate) fn with_a_store_behind(mut self, chaos: Chaos, creating: String) -> Self {
        self.store = Some((chaos, creating));
        self
    }

    pub(crate) fn with_leases_behind(mut self, chaos: Chaos) -> Self {
        self.leases = Some(chaos);
        self
    }

    /// A node that shares this, not yet started. The checksum database is off: it does not know the modules of tests.
    pub(crate) fn node(&self, upstream: &FakeUpstream) -> Stoa {
        let node = Stoa::new(env!("CARGO_BIN_EXE_stoa"))
            .upstream(&upstream.url())
            .environment("STOA_CHECKSUMS__DATABASE", "off");
        self.settings
            .iter()
            .fold(node, |node, (name, value)| node.environment(name, value))
    }

    /// As many nodes as there are, running.
    pub(crate) fn nodes(&self, upstream: &FakeUpstream) -> Vec<StoaProcess> {
        (0..NODES).map(|_| self.node(upstream).start()).collect()
    }
}

/// A node whose clock is ten minutes ahead; its monotonic clock goes on as it should, as clocks do that are set wrong.
pub(crate) fn ten_minutes_ahead(node: Stoa) -> Result<Stoa, String> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let library = folders
        .map(|folder| folder.path().join("faketime/libfaketime.so.1"))
        .find(|library| library.exists());
    let library: PathBuf = library.ok_or("libfaketime is not here: cargo xtask services installs it")?;
    Ok(node
        .environment("LD_PRELOAD", library)
        .environment("FAKETIME", "+10m")
        .environment("FAKETIME_DONT_FAKE_MONOTONIC", "1"))
}

/// Versions that nobody has yet, each of a module of its own.
pub(crate) fn modules() -> Vec<Module> {
    let module = |number: usize| {
        Module::new(&format!("example.test/cold{number}"), &format!("v1.{number}.0"))
            .file("ballast.bin", incompressible(300_000, number as u64))
    };
    (0..VERSIONS).map(module).collect()
}

/// An upstream that has them, each also as its branch `main`.
pub(crate) fn upstream_of(modules: &[Module]) -> FakeUpstream {
    let upstream = FakeUpstream::serving(modules.iter().cloned());
    for module in modules {
        upstream.name(&module.path, "main", &module.version);
    }
    upstream
}

/// The sum of a counter over all its labels, as a node's metrics have it.
pub(crate) async fn counted(node: &StoaProcess, name: &str) -> f64 {
    let metrics = node.get("/metrics").await.text();
    let lines = metrics.lines().filter(|line| line.starts_with(name));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}
