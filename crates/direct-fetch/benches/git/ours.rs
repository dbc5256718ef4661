//! What we take: the native reader alone, and a whole mirror before it that checks and keeps.

use crate::{
    report::{Cost, Meter},
    world::{MODULE, World},
};
use async_trait::async_trait;
use direct_fetch::{
    credentials::Shown,
    git::{Git, GitSettings, Place, Source, TransportChoice},
};
use futures::future::join_all;
use http_client::{Client, Settings, Trust};
use proxy_core::{
    checksums::NoDatabase,
    file::{Body, Kind, ModuleFile},
    info::Info,
    lease::LocalLeases,
    mirror::{Lifetimes, Mirror, MirrorParts},
    module::{ModulePath, ModuleVersion, Query, Version},
    policy::Caller,
    spool::Spool,
    store::Part,
    upstream::{
        FetchContext, Fetched, Incoming, Upstream, UpstreamError, Wanted,
        chain::{Chain, Link, Separator},
    },
};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use storage_fs::FsStore;
use tempfile::TempDir;

/// How long anything may take: it only ends what hangs.
const PATIENCE: Duration = Duration::from_secs(900);

/// The native reader, with one repository instead of discovery.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    git: Git,
    source: Source,
}

impl Reader {
    pub(crate) fn new(url: String, built_in: bool, folder: &Path, spool: &Spool) -> Self {
        let settings = GitSettings {
            cache: folder.join("cache"),
            cache_limit: 4 << 30,
            program: "git".into(),
            environment: [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/nonexistent")]
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
            silence: PATIENCE,
            duration: PATIENCE,
            growth: 4 << 30,
            unfolded: 64 << 30,
            transport: if built_in {
                TransportChoice::BuiltIn
            } else {
                TransportChoice::Command
            },
        };
        let mut client = Settings::from_lookup(|_| None).expect("nothing is set");
        // The host packs before it says a word, and shares this machine.
        client.timeouts.head = PATIENCE;
        client.timeouts.idle = PATIENCE;
        let client = Client::new(&client).expect("a client");
        let path = ModulePath::parse(MODULE).expect("a path");
        Self {
            git: Git::open(settings, client, spool.clone()).expect("caches can be made"),
            source: Source {
                url,
                place: Place::new(path, MODULE, "").expect("a place"),
                trust: Trust::LearnedPrivate,
                unverified_tls: false,
                shown: Shown::Own,
            },
        }
    }

    /// All files of a version.
    pub(crate) async fn version(&self, version: &str) -> Fetched {
        let wanted = Wanted {
            module: module(version),
            kinds: Kind::ALL.to_vec(),
            pinned: None,
        };
        let fetched = self.fetch(&wanted, &FetchContext::default()).await;
        fetched.expect("the version is there")
    }
}

#[async_trait]
impl Upstream for Reader {
    async fn resolve(
        &self,
        _: &ModulePath,
        query: &Query,
        context: &FetchContext,
    ) -> Result<Info, UpstreamError> {
        self.git.resolve(&self.source, query, context).await
    }

    async fn versions(&self, _: &ModulePath, context: &FetchContext) -> Result<Vec<Version>, UpstreamError> {
        self.git.versions(&self.source, context).await
    }

    async fn fetch(&self, wanted: &Wanted, context: &FetchContext) -> Result<Fetched, UpstreamError> {
        self.git.fetch(&self.source, wanted, context).await
    }
}

/// A mirror before the reader, over a store on this disk.
pub(crate) struct Mirrored<'a> {
    world: &'a World,
    mirror: Mirror,
    _folder: TempDir,
}

impl<'a> Mirrored<'a> {
    pub(crate) fn new(world: &'a World, built_in: bool) -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        let store = FsStore::open(folder.path().join("store")).expect("a store can be made");
        let reader = Reader::new(world.url(), built_in, folder.path(), store.spool());
        let link = Link {
            upstream: Some(Arc::new(reader)),
            separator: Separator::OnNotFound,
        };
        let mirror = Mirror::new(MirrorParts {
            spool: store.spool().clone(),
            records: Arc::new(store.clone()),
            store: Arc::new(store),
            chain: Chain {
                links: vec![link],
                ..Chain::default()
            },
            leases: Arc::new(LocalLeases::default()),
            checksums: Arc::new(NoDatabase),
            lifetimes: Lifetimes::default(),
            feed: None,
        });
        Self {
            world,
            mirror,
            _folder: folder,
        }
    }

    /// Each after the other; the first is not counted, since it brings what all have in common.
    pub(crate) async fn one_by_one(&self, versions: &[String]) -> Cost {
        self.get(&versions[0]).await;
        let meter = Meter::start(&self.world.host);
        for version in &versions[1..] {
            self.get(version).await;
        }
        meter.stop().each(versions.len() - 1)
    }

    pub(crate) async fn together(&self, versions: &[String]) -> Cost {
        let meter = Meter::start(&self.world.host);
        join_all(versions.iter().map(|version| self.get(version))).await;
        meter.stop()
    }

    async fn get(&self, version: &str) {
        let zip = ModuleFile::new(module(version), Kind::Zip);
        let served = self.mirror.file(&zip, Part::Nothing, &Caller::anonymous()).await;
        served.expect("the version is there");
    }
}

/// One version with nothing cached, through a mirror.
pub(crate) async fn fresh(world: &World, built_in: bool, versions: &[String]) -> Cost {
    let mut costs = Vec::new();
    for version in versions {
        let mirrored = Mirrored::new(world, built_in);
        let meter = Meter::start(&world.host);
        mirrored.get(version).await;
        costs.push(meter.stop());
    }
    Cost::best(costs.into_iter())
}

/// All at once, neither checked nor kept.
pub(crate) async fn together(world: &World, built_in: bool, versions: &[String]) -> Cost {
    let (_folder, reader) = reader(world, built_in);
    let meter = Meter::start(&world.host);
    join_all(versions.iter().map(|version| reader.version(version))).await;
    meter.stop()
}

/// The list, by a reader that has never seen the repository.
pub(crate) async fn list(world: &World, built_in: bool) -> Cost {
    let (_folder, reader) = reader(world, built_in);
    let path = ModulePath::parse(MODULE).expect("a path");
    let meter = Meter::start(&world.host);
    let versions = reader.versions(&path, &FetchContext::default()).await;
    let cost = meter.stop();
    assert_eq!(versions.expect("there is a list").len(), crate::world::TAGS + 1);
    cost
}

/// Where the time of versions goes once their objects are here.
pub(crate) async fn parts(world: &World, versions: &[String]) {
    let (_folder, reader) = reader(world, true);
    join_all(versions.iter().map(|version| reader.version(version))).await;
    let (mut making, mut busy, mut checking, mut bytes) = (Duration::ZERO, Duration::ZERO, Duration::ZERO, 0);
    for version in versions {
        let (start, busy_before) = (Instant::now(), processor_time());
        let zip = zip_of(reader.version(version).await);
        making += start.elapsed();
        busy += processor_time() - busy_before;
        bytes += zip.size();
        let module = module(version);
        let start = Instant::now();
        let checked = tokio::task::spawn_blocking(move || proxy_core::zip::check(&module, &zip)).await;
        checked.expect("it ends").expect("it is a module zip");
        checking += start.elapsed();
    }
    let each = |time: Duration| time.as_secs_f64() * 1e3 / versions.len() as f64;
    println!(
        "\na version whose objects are here: made in {:.0} ms ({:.0} ms of processor time), checked in {:.0} ms, {} as a zip",
        each(making),
        each(busy),
        each(checking),
        crate::report::size(bytes / versions.len() as u64)
    );
}

/// How long this process has kept processors busy, in hundredths of a second as the kernel counts it (see `proc_pid_stat(5)`).
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields = after_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn reader(world: &World, built_in: bool) -> (TempDir, Reader) {
    let folder = TempDir::new().expect("a folder can be made");
    let spool = Spool::open(&folder.path().join("spool")).expect("a spool can be made");
    let reader = Reader::new(world.url(), built_in, folder.path(), &spool);
    (folder, reader)
}

pub(crate) fn zip_of(fetched: Fetched) -> Body {
    match fetched.zip {
        Some(Incoming::Whole(zip)) => zip,
        _ => panic!("version control gives whole zips"),
    }
}

fn module(version: &str) -> ModuleVersion {
    let version = Version::parse(version).expect("a version");
    ModuleVersion::new(ModulePath::parse(MODULE).expect("a path"), version).expect("they fit")
}
