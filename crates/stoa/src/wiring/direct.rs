//! Version control: our own reader of git, and the `go` command for the rest.

use super::no_direct::NoDirect;
use crate::{
    config::{Config, DirectGit, environment::Environment, storage_url::StorageUrl},
    exit::Failure,
};
use direct_fetch::{
    GoCommand, GoSettings, Limits,
    credentials::RepositoryCredentials,
    direct::{Direct, DirectParts, OpenProxy},
    discovery::{Discovery, DiscoverySettings, PageLifetimes, VcsRules},
    git::{Git, GitSettings, TransportChoice},
};
use download_protocol::upstream::ProxyUpstream;
use http_client::{Client, Trust};
use proxy_core::{module::Patterns, spool::Spool, upstream::Upstream};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The credentials of private repositories, if there is a file of them.
pub(super) fn credentials(
    config: &Config,
    environment: &Environment,
) -> Result<RepositoryCredentials, Failure> {
    let Some(file) = &config.direct.credentials else {
        return Ok(RepositoryCredentials::default());
    };
    let environment = environment.clone();
    let variables = Arc::new(move |name: &str| environment.get(name).map(str::to_owned));
    RepositoryCredentials::open(file, variables).map_err(|error| Failure::Usage(error.to_string()))
}

/// Version control. If its folder cannot be made, whatever needs it fails with a sentence, and the rest is served.
pub(super) fn open(
    config: &Config,
    environment: &Environment,
    client: Client,
    credentials: RepositoryCredentials,
    spool: &Spool,
) -> Arc<dyn Upstream> {
    let mut failure = "direct.cache: it must be set where there is no home folder".to_owned();
    for cache in folders(config) {
        let opened = open_in(
            &cache,
            config,
            environment,
            client.clone(),
            credentials.clone(),
            spool,
        );
        match opened {
            Ok(direct) => return direct,
            Err(error) => failure = format!("direct.cache: {} cannot be used: {error}", cache.display()),
        }
    }
    tracing::warn!("{failure}; nothing is fetched from version control");
    Arc::new(NoDirect)
}

fn open_in(
    cache: &Path,
    config: &Config,
    environment: &Environment,
    client: Client,
    credentials: RepositoryCredentials,
    spool: &Spool,
) -> io::Result<Arc<dyn Upstream>> {
    let environment = direct_fetch::Environment::select(environment.variables());
    let limits = Limits {
        silence: config.lifetimes.silence,
        ..Limits::default()
    };
    let go = GoCommand::open(GoSettings {
        program: "go".into(),
        cache: cache.to_owned(),
        environment: environment.clone(),
        private: config.upstream.private_text.clone(),
        insecure: config.direct.insecure.clone(),
        vcs: config.direct.vcs.clone(),
        spool: spool.clone(),
        limits,
    })?;
    let go = go
        .asking_pages(client.clone())
        .with_credentials(credentials.clone());
    let transport = match config.direct.git {
        DirectGit::Auto => TransportChoice::Auto,
        DirectGit::BuiltIn => TransportChoice::BuiltIn,
        DirectGit::Command => TransportChoice::Command,
    };
    let git = GitSettings {
        cache: cache.to_owned(),
        cache_limit: limits.cache,
        program: "git".into(),
        environment: environment.for_git(&cache.join("home")),
        silence: limits.silence,
        duration: limits.duration,
        growth: limits.growth,
        unfolded: MOST_UNFOLDED,
        transport,
    };
    let discovery = Discovery::new(DiscoverySettings {
        client: client.clone(),
        private: config.upstream.private.clone(),
        // Both were checked with the configuration.
        insecure: Patterns::parse(&config.direct.insecure).map_err(io::Error::other)?,
        vcs: VcsRules::parse(&config.direct.vcs).map_err(io::Error::other)?,
        lifetimes: PageLifetimes::default(),
    });
    Ok(Arc::new(Direct::new(DirectParts {
        discovery,
        git: Git::open(git, client.clone(), spool.clone())?,
        go,
        credentials,
        proxies: Arc::new(LearnedProxies(client)),
    })))
}

/// What a fetch may unfold to, in bytes: the whole history of the largest repositories, which only hosts send that can
/// leave nothing out.
const MOST_UNFOLDED: u64 = 64 << 30;

/// Opens the proxies that `mod` tags name.
#[derive(Debug)]
struct LearnedProxies(Client);

impl OpenProxy for LearnedProxies {
    fn open(&self, address: &str, trust: Trust, anonymously: bool) -> Result<Arc<dyn Upstream>, String> {
        let proxy =
            ProxyUpstream::learned(self.0.clone(), address, trust).map_err(|error| error.to_string())?;
        Ok(Arc::new(if anonymously { proxy.anonymously() } else { proxy }))
    }
}

/// Where version control may keep what it can fetch again: where the configuration says, else beside a file store,
/// else (its parent may be read-only) where this user's programs keep such things.
fn folders(config: &Config) -> Vec<PathBuf> {
    if let Some(folder) = &config.direct.cache {
        return vec![folder.clone()];
    }
    let beside = match &config.storage {
        StorageUrl::File(folder) => folder.file_name().map(|name| {
            let mut name = name.to_owned();
            name.push("-cache");
            folder.with_file_name(name).join("direct")
        }),
        StorageUrl::Memory | StorageUrl::Bucket(_) | StorageUrl::Postgres(_) => None,
    };
    let of_user = config.cache_folder.as_ref().map(|folder| folder.join("direct"));
    [beside, of_user].into_iter().flatten().collect()
}
