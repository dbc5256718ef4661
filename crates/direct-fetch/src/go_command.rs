//! `direct` by the `go` command: the operator's own `go`, in a cage.
//!
//! | question | command |
//! |---|---|
//! | a query, `latest` | `go list -m -json -- path@query` |
//! | the versions | `go list -m -versions -retracted -json -- path` (retracted ones stay in a proxy's list; clients filter) |
//! | `.info` and `.mod` | `go list -m -json -- path@version`, which makes no zip |
//! | the `.zip` too | `go mod download -json -- path@version` |
//!
//! What `go` wrote into its module cache is copied into the spool, so that nothing later can change or delete it; the
//! zip and the source tree that `go` unpacked are removed then, the clone stays. **The connections of `go` and `git` are
//! their own**: they are not guarded against addresses learned from the network as this program's are. What tells a
//! refusal from trouble is `outcome`.

pub(crate) mod answer;
pub(crate) mod arguments;
pub(crate) mod environment;
pub(crate) mod module_cache;
pub(crate) mod outcome;
pub(crate) mod process_group;
pub(crate) mod progress;
pub(crate) mod sentence;
mod session;

pub use environment::Environment;

use crate::credentials::RepositoryCredentials;
use arguments::Target;
use async_trait::async_trait;
use environment::Rules;
use http_client::Client;
use module_cache::ModuleCaches;
use proxy_core::{
    file::{Body, Kind},
    info::{Info, zero_time},
    module::{ModulePath, ModuleVersion, Patterns, Query, Version},
    spool::Spool,
    upstream::{FetchContext, Fetched, Incoming, Upstream, UpstreamError, Wanted},
};
use session::Session;
use std::{
    io,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::Semaphore;

/// What a [`GoCommand`] needs to know.
#[derive(Clone, Debug)]
pub struct GoSettings {
    /// The program: `go`, found in the environment's `PATH`, or an absolute path.
    pub program: PathBuf,
    /// A folder for clones and temporary files, which this alone writes; it is made if need be.
    pub cache: PathBuf,
    /// What `go` may see of the server's environment.
    pub environment: Environment,
    /// Which modules are private, in GOPRIVATE syntax.
    pub private: String,
    /// Which modules may come over http or unverified TLS, in GOINSECURE syntax.
    pub insecure: String,
    /// Which version control may be used for what, in GOVCS syntax; empty: as the go command would.
    pub vcs: String,
    /// Where the files go.
    pub spool: Spool,
    /// How much it may take.
    pub limits: Limits,
}

/// How much a `go` of ours may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many may run at once.
    pub parallel: usize,
    /// How long one may show no sign of progress: no output, no growth on disk, no work.
    pub silence: Duration,
    /// How long one may take at all.
    pub duration: Duration,
    /// Bytes one may bring.
    pub growth: u64,
    /// Bytes that all clones may take together between runs; beyond, the oldest go.
    pub cache: u64,
}

/// Version control by the `go` command. Cheap to clone.
#[derive(Clone, Debug)]
pub struct GoCommand(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    settings: GoSettings,
    rules: Rules,
    config: PathBuf,
    /// The configuration of runs that show nothing.
    strangers: PathBuf,
    caches: ModuleCaches,
    running: Arc<Semaphore>,
    pages: OnceLock<Client>,
    private: Patterns,
    credentials: OnceLock<RepositoryCredentials>,
}

impl Default for Limits {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            // Most of the time of a run is waiting for a host.
            parallel: (processors * 2).clamp(4, 16),
            silence: Duration::from_secs(30),
            // The largest repositories of Go modules take a few minutes over a slow line.
            duration: Duration::from_secs(15 * 60),
            growth: 8 << 30,
            cache: 20 << 30,
        }
    }
}

impl GoCommand {
    /// Makes the cache folder ready, and sweeps what earlier processes left, in the background. Blocks shortly.
    ///
    /// Whether there is a `go` to run shows only when it is asked for: until then `direct` may never be needed.
    pub fn open(settings: GoSettings) -> io::Result<Self> {
        // `go` refuses a module cache that is named from where it does not stand.
        let cache = std::path::absolute(&settings.cache)?;
        let config = cache.join("config");
        environment::prepare(&config, &settings.environment)?;
        let strangers = cache.join("strangers");
        environment::stranger::prepare(&strangers)?;
        let caches = ModuleCaches::new(cache.join("go"), settings.limits.cache);
        let swept = caches.clone();
        std::thread::Builder::new()
            .name("direct-sweep".into())
            .spawn(move || swept.sweep())?;
        // A list that cannot be read names nothing private, so less may be reached.
        let private = Patterns::parse(&settings.private).unwrap_or_default();
        let rules = Rules {
            private: settings.private.clone(),
            insecure: settings.insecure.clone(),
            vcs: settings.vcs.clone(),
        };
        let running = Arc::new(Semaphore::new(settings.limits.parallel.max(1)));
        Ok(Self(Arc::new(Inner {
            settings,
            rules,
            config,
            strangers,
            caches,
            running,
            pages: OnceLock::new(),
            private,
            credentials: OnceLock::new(),
        })))
    }

    /// With a client that asks a repository's page whether there is anything at all, where git is answered 401: some
    /// hosts say so of what does not exist. Without one, that is trouble.
    #[must_use]
    pub fn asking_pages(self, client: Client) -> Self {
        // A second client changes nothing.
        let _ = self.0.pages.set(client);
        self
    }

    /// With tokens for private repositories over https, which `git` is given in its environment.
    #[must_use]
    pub fn with_credentials(self, credentials: RepositoryCredentials) -> Self {
        // A second file changes nothing.
        let _ = self.0.credentials.set(credentials);
        self
    }

    /// Whether a version control program is there for `go` to run.
    pub(crate) fn finds(&self, program: &str) -> bool {
        self.0.settings.environment.finds(program)
    }

    /// Fetches one version in a session.
    async fn fetch_in(
        &self,
        session: &Session<'_>,
        wanted: &Wanted,
    ) -> Result<(Info, Fetched), UpstreamError> {
        let module = &wanted.module;
        let target = Target::version(module)?;
        let answer = if wanted.kinds.contains(&Kind::Zip) {
            session.go(&["mod", "download", "-json"], &target).await?
        } else {
            session.go(&["list", "-m", "-json"], &target).await?
        };
        let info_body = session.file(module, Kind::Info).await?;
        let info = read_info(module.path(), &info_body)?;
        if answer.version != module.version().as_str() || info.version != *module.version() {
            let reason = format!("{module}: the go command answered with {}", info.version);
            return Err(UpstreamError::malformed(reason));
        }
        let go_mod = session.file(module, Kind::Mod).await?;
        let zip = match answer.zip {
            Some(_) => Some(session.file(module, Kind::Zip).await?),
            None if wanted.kinds.contains(&Kind::Zip) => {
                return Err(UpstreamError::malformed(format!(
                    "{module}: the go command made no zip"
                )));
            }
            None => None,
        };
        session.discard(module, answer.dir).await;
        let fetched = Fetched {
            info: Some(Incoming::Whole(info_body)),
            go_mod: Some(Incoming::Whole(go_mod)),
            zip: zip.map(Incoming::Whole),
            from: place_of(&info),
        };
        Ok((info, fetched))
    }
}

#[async_trait]
impl Upstream for GoCommand {
    async fn resolve(
        &self,
        path: &ModulePath,
        query: &Query,
        context: &FetchContext,
    ) -> Result<Info, UpstreamError> {
        let target = Target::query(path, query)?;
        let session = Session::enter(&self.0, path, context).await?;
        let answer = session.go(&["list", "-m", "-json"], &target).await?;
        let malformed = |why: String| UpstreamError::malformed(format!("{}: {why}", target.as_str()));
        let version = Version::parse(&answer.version).map_err(|error| malformed(error.to_string()))?;
        let module =
            ModuleVersion::new(path.clone(), version).map_err(|error| malformed(error.to_string()))?;
        let body = session.file(&module, Kind::Info).await?;
        read_info(path, &body)
    }

    async fn versions(
        &self,
        path: &ModulePath,
        context: &FetchContext,
    ) -> Result<Vec<Version>, UpstreamError> {
        let target = Target::all_versions(path)?;
        let session = Session::enter(&self.0, path, context).await?;
        let answer = session
            .go(&["list", "-m", "-versions", "-retracted", "-json"], &target)
            .await?;
        let versions = answer
            .versions
            .iter()
            .filter_map(|version| Version::parse(version).ok());
        Ok(versions.filter(|version| !version.is_pseudo()).collect())
    }

    async fn fetch(&self, wanted: &Wanted, context: &FetchContext) -> Result<Fetched, UpstreamError> {
        let session = Session::enter(&self.0, wanted.module.path(), context).await?;
        let (info, fetched) = self.fetch_in(&session, wanted).await?;
        let Some(moved) = moved(wanted, &info) else {
            return Ok(fetched);
        };
        // The clone may know an older or newer state than the one the stored `.info` was made from.
        let fresh = Session::enter_fresh(&self.0, wanted.module.path(), context).await?;
        let (info, fetched) = self.fetch_in(&fresh, wanted).await?;
        // Named as it was found first, if it is still not the pinned one.
        self::moved(wanted, &info).map_or(Ok(fetched), |_| Err(moved))
    }
}

/// The error, if what was found is not what the stored `.info` was made from.
fn moved(wanted: &Wanted, found: &Info) -> Option<UpstreamError> {
    let pinned = wanted.pinned.as_ref()?;
    let hash = |info: &Info| info.origin.as_ref().and_then(|origin| origin.hash.clone());
    let (pin, here) = match (hash(pinned), hash(found)) {
        (Some(pin), Some(here)) => (pin, here),
        // An `.info` of a proxy may name no commit; its time is the commit's all the same.
        _ if pinned.time == zero_time() => return None,
        _ => (
            format!("a commit of {}", pinned.time),
            format!("a commit of {}", found.time),
        ),
    };
    (pin != here).then(|| UpstreamError::Moved {
        module: wanted.module.clone(),
        pinned: pin.into(),
        found: here.into(),
    })
}

/// Where a version came from, for people.
fn place_of(info: &Info) -> String {
    let Some(origin) = &info.origin else {
        return "version control".to_owned();
    };
    let hash = origin
        .hash
        .as_deref()
        .map(|hash| format!(" at {hash}"))
        .unwrap_or_default();
    sentence::sentence(&format!("{}{hash}", origin.url))
}

fn read_info(path: &ModulePath, body: &Body) -> Result<Info, UpstreamError> {
    let malformed = |why: String| UpstreamError::malformed(format!("{path}: the go command wrote {why}"));
    // A body that is not in memory is far larger than any `.info`.
    let bytes = body
        .bytes()
        .ok_or_else(|| malformed("an .info that is too large".into()))?;
    Info::parse(bytes).map_err(|error| malformed(format!("a {error}")))
}
