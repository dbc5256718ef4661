//! Wiring: from a configuration and a store to a mirror that serves.

mod direct;
mod leases;
mod no_direct;
mod upkeep;

pub(crate) use upkeep::Upkeep;

use crate::{
    build_info::BuildInfo,
    config::{Config, environment::Environment},
    exit::Failure,
    open_store::{Storage, open_also},
};
use checksum_db::{Database, DatabaseParts};
use download_protocol::{DownloadService, Redirects, upstream::ProxyUpstream};
use http_client::{Client, Settings};
use proxy_core::{
    checksums::{ChecksumAuthority, ChecksumRelay, FirstSight, NoDatabase, Pending},
    mirror::{Mirror, MirrorParts},
    records::RecordStore,
    store::{CacheLimits, CachedStore, Catalog, Feed, MemoryStore, ModuleStore, RecordFeed},
    upstream::{
        Upstream,
        chain::{Chain, Entry, Link},
    },
};
use std::{sync::Arc, time::Duration};

/// For so long `latest` of the checksum database may be older than what it signed before: there are caches between it
/// and us.
const CACHED_HEADS: Duration = Duration::from_secs(60 * 60);

/// What serves.
pub(crate) struct Wired {
    /// The mirror itself.
    pub(crate) mirror: Mirror,
    /// The protocol in front of it.
    pub(crate) downloads: DownloadService,
    /// Lists everything that is kept, where the store can.
    pub(crate) catalog: Option<Arc<dyn Catalog>>,
    /// Lists versions in the order in which they were kept.
    pub(crate) feed: KeptFeed,
    /// What goes on behind it.
    pub(crate) upkeep: Upkeep,
}

/// The feed of a store.
#[derive(Clone)]
pub(crate) enum KeptFeed {
    /// The store orders its inserts itself.
    Native(Arc<dyn Feed>),
    /// Its records hold the order, and somebody has to write it down.
    InRecords(RecordFeed),
}

impl KeptFeed {
    /// The feed of this store.
    pub(crate) fn of(storage: &Storage) -> Self {
        match &storage.feed {
            Some(feed) => Self::Native(Arc::clone(feed)),
            None => Self::InRecords(RecordFeed::new(Arc::clone(&storage.records))),
        }
    }

    /// To read.
    pub(crate) fn reader(&self) -> Arc<dyn Feed> {
        match self {
            Self::Native(feed) => Arc::clone(feed),
            Self::InRecords(feed) => Arc::new(feed.clone()),
        }
    }

    /// To be told of new versions, where that is needed.
    pub(crate) fn in_records(&self) -> Option<&RecordFeed> {
        match self {
            Self::Native(_) => None,
            Self::InRecords(feed) => Some(feed),
        }
    }
}

/// Everything that can be wrong with the upstreams without asking them.
pub(crate) fn check(config: &Config, environment: &Environment) -> Result<(), Failure> {
    direct::credentials(config, environment)?;
    leases::check(config)?;
    proxies(config, &client(config, environment, &own_id())?).map(drop)
}

/// The proxies of the chain, in its order; `None` where it names something else.
pub(crate) fn upstreams(
    config: &Config,
    environment: &Environment,
) -> Result<Vec<Option<Arc<dyn Upstream>>>, Failure> {
    proxies(config, &client(config, environment, &own_id())?)
}

/// The checksum database of the configuration, if it has one, remembering nothing: to see whether it answers.
pub(crate) fn checksum_relay(
    config: &Config,
    environment: &Environment,
) -> Result<Option<Arc<dyn ChecksumRelay>>, Failure> {
    let client = client(config, environment, &own_id())?;
    let records: Arc<dyn RecordStore> = Arc::new(MemoryStore::new());
    let database = database(config, &client, &records, Vec::new());
    Ok(database.map(|database| Arc::new(database) as Arc<dyn ChecksumRelay>))
}

/// Puts everything together. Blocks shortly.
pub(crate) fn wire(config: &Config, environment: &Environment, storage: Storage) -> Result<Wired, Failure> {
    wire_beside(config, environment, storage, Vec::new())
}

/// The same, with other mirrors' records of the checksum database to look at before it is asked.
pub(crate) fn wire_beside(
    config: &Config,
    environment: &Environment,
    storage: Storage,
    beside: Vec<Arc<dyn RecordStore>>,
) -> Result<Wired, Failure> {
    let own_id = own_id();
    let client = client(config, environment, &own_id)?;
    let proxies = proxies(config, &client)?;
    let credentials = direct::credentials(config, environment)?;
    let leases = leases::leases(config, &storage)?;
    let feed = KeptFeed::of(&storage);
    let database = database(config, &client, &storage.records, beside);
    let authority: Option<Arc<dyn ChecksumAuthority>> = database
        .clone()
        .map(|database| Arc::new(database) as Arc<dyn ChecksumAuthority>);
    let pending = Pending::new(Arc::clone(&storage.records));
    let cached = memory(config, &storage.modules);
    let upkeep = Upkeep::new(
        config,
        &storage,
        cached.as_ref(),
        authority.as_ref(),
        &pending,
        &leases,
    )?;
    let also = open_also(config)?;
    let mirror = Mirror::new(MirrorParts {
        store: cached.map_or_else(
            || Arc::clone(&storage.modules),
            |cached| cached as Arc<dyn ModuleStore>,
        ),
        records: storage.records,
        chain: chain(config, also, proxies, || {
            direct::open(config, environment, client, credentials, &storage.spool)
        }),
        leases,
        checksums: match authority {
            Some(authority) if config.checksums.first_sight => Arc::new(FirstSight::new(authority, pending)),
            Some(authority) => authority,
            None => Arc::new(NoDatabase),
        },
        spool: storage.spool.clone(),
        lifetimes: config.lifetimes,
        feed: feed.in_records().cloned(),
    });
    let relays = database.map(|database| Arc::new(database) as Arc<dyn ChecksumRelay>);
    let downloads = DownloadService::new(mirror.clone(), relays.into_iter().collect(), own_id);
    let downloads = match (config.redirect_over, storage.links) {
        (Some(over), Some(links)) => downloads.redirecting(Redirects { links, over }),
        (Some(_), None) => {
            tracing::warn!("storage.redirect_over: this store cannot sign links; zips are sent from here");
            downloads
        }
        (None, _) => downloads,
    };
    Ok(Wired {
        mirror,
        downloads,
        catalog: storage.catalog,
        feed,
        upkeep,
    })
}

/// The checksum database of this configuration by itself, keeping what it proves in these records.
pub(crate) fn authority(
    config: &Config,
    environment: &Environment,
    records: &Arc<dyn RecordStore>,
) -> Result<Option<Arc<dyn ChecksumAuthority>>, Failure> {
    let client = client(config, environment, &own_id())?;
    let database = database(config, &client, records, Vec::new());
    Ok(database.map(|database| Arc::new(database) as Arc<dyn ChecksumAuthority>))
}

/// What this process calls itself in `Via`. Two nodes behind one address are two, or a request from one that reaches
/// the other would look like a loop.
fn own_id() -> String {
    format!("stoa-{:08x}", rand::random::<u32>())
}

fn client(config: &Config, environment: &Environment, own_id: &str) -> Result<Client, Failure> {
    let wrong = |error: http_client::SettingsError| Failure::Usage(error.to_string());
    let mut settings =
        Settings::from_lookup(|name| environment.get(name).map(str::to_owned)).map_err(wrong)?;
    settings.own_id = own_id.into();
    settings.user_agent = format!("Stoa/{}", BuildInfo::this().version);
    settings.timeouts.head = config.lifetimes.silence;
    settings.timeouts.idle = config.lifetimes.silence;
    Client::new(&settings).map_err(wrong)
}

/// The checksum database, if there is one. Private modules are none of its business, and neither are those to skip.
fn database(
    config: &Config,
    client: &Client,
    records: &Arc<dyn RecordStore>,
    beside: Vec<Arc<dyn RecordStore>>,
) -> Option<Database> {
    let setting = config.checksums.database.as_ref()?;
    Some(Database::new(DatabaseParts {
        setting,
        chain: &config.upstream.chain,
        client: client.clone(),
        records: Arc::clone(records),
        beside,
        exempt: vec![config.upstream.private.clone(), config.checksums.skip.clone()],
        absent: config.lifetimes.absent,
        grace: CACHED_HEADS,
    }))
}

/// The proxies of the chain, in its order; `None` where it names something else.
fn proxies(config: &Config, client: &Client) -> Result<Vec<Option<Arc<dyn Upstream>>>, Failure> {
    let entries = config.upstream.chain.iter().enumerate();
    entries
        .map(|(position, (entry, _))| match entry {
            Entry::Proxy(address) => match ProxyUpstream::configured(client.clone(), address) {
                Ok(upstream) => Ok(Some(Arc::new(upstream) as Arc<dyn Upstream>)),
                Err(error) => Err(Failure::Usage(format!(
                    "upstream.chain: entry {}: {error}",
                    position + 1
                ))),
            },
            Entry::Direct | Entry::Off => Ok(None),
        })
        .collect()
}

fn chain(
    config: &Config,
    also: Vec<Arc<dyn Upstream>>,
    proxies: Vec<Option<Arc<dyn Upstream>>>,
    direct: impl FnOnce() -> Arc<dyn Upstream>,
) -> Chain {
    let entries = &config.upstream.chain;
    let wants_direct =
        !config.upstream.private.is_empty() || entries.iter().any(|(entry, _)| *entry == Entry::Direct);
    let direct = wants_direct.then(direct);
    let link = |((entry, separator), proxy): (&(Entry, _), Option<Arc<dyn Upstream>>)| Link {
        upstream: if *entry == Entry::Direct {
            direct.clone()
        } else {
            proxy
        },
        separator: *separator,
    };
    Chain {
        also,
        links: entries.iter().zip(proxies).map(link).collect(),
        private: config.upstream.private.clone(),
        direct: direct.clone(),
    }
}

/// The memory before the store, if there is to be one.
fn memory(config: &Config, store: &Arc<dyn ModuleStore>) -> Option<Arc<CachedStore>> {
    let limits = CacheLimits {
        total: config.limits.memory_cache,
        ..CacheLimits::default()
    };
    (limits.total > 0).then(|| Arc::new(CachedStore::new(Arc::clone(store), limits)))
}
