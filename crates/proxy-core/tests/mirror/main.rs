//! The mirror over the reference store, with an origin in the same process that counts and misbehaves.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

mod leases;
mod lists_and_queries;
mod misses;
mod origin;
mod outages;
mod races;

use origin::{Origin, module_version};
use proxy_core::{
    checksums::NoDatabase,
    file::{Kind, ModuleFile},
    lease::{Leases, LocalLeases},
    mirror::{Cache, Lifetimes, Mirror, MirrorError, MirrorParts},
    module::{ModulePath, Query},
    policy::Caller,
    spool::Spool,
    store::{MemoryStore, Part},
    upstream::{
        KeptUpstream, Upstream,
        chain::{Chain, Link, Separator},
    },
};
use std::{sync::Arc, time::Duration};

/// A mirror with everything a test may want to look at.
struct House {
    mirror: Mirror,
    store: Arc<MemoryStore>,
    _spool: tempfile::TempDir,
}

impl House {
    fn new(origin: &Arc<Origin>) -> Self {
        Self::over(Arc::default(), origin)
    }

    /// A mirror over a store that others may use as well.
    fn over(store: Arc<MemoryStore>, origin: &Arc<Origin>) -> Self {
        Self::sharing(store, origin, LocalLeases::default())
    }

    /// The same with leases that others may use as well.
    fn sharing(store: Arc<MemoryStore>, origin: &Arc<Origin>, leases: impl Leases) -> Self {
        Self::with(store, origin, leases, Vec::new())
    }

    /// A mirror that moves in from this store.
    fn moving_in(origin: &Arc<Origin>, from: &Arc<MemoryStore>) -> Self {
        let also = KeptUpstream::new("the old one", vec![Arc::clone(from) as _]);
        Self::with(
            Arc::default(),
            origin,
            LocalLeases::default(),
            vec![Arc::new(also)],
        )
    }

    fn with(
        store: Arc<MemoryStore>,
        origin: &Arc<Origin>,
        leases: impl Leases,
        also: Vec<Arc<dyn Upstream>>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let link = Link {
            upstream: Some(Arc::clone(origin) as _),
            separator: Separator::OnNotFound,
        };
        let mirror = Mirror::new(MirrorParts {
            store: Arc::clone(&store) as _,
            records: Arc::clone(&store) as _,
            chain: Chain {
                also,
                links: vec![link],
                ..Chain::default()
            },
            leases: Arc::new(leases),
            checksums: Arc::new(NoDatabase),
            spool: Spool::open(folder.path()).unwrap(),
            lifetimes: Lifetimes {
                fresh: Duration::ZERO,
                absent: Duration::from_secs(30),
                ..Lifetimes::default()
            },
            feed: None,
        });
        Self {
            mirror,
            store,
            _spool: folder,
        }
    }

    async fn file(&self, name: &str, kind: Kind) -> Result<(Vec<u8>, Cache), MirrorError> {
        self.file_for(name, kind, &Caller::anonymous()).await
    }

    async fn file_for(
        &self,
        name: &str,
        kind: Kind,
        caller: &Caller,
    ) -> Result<(Vec<u8>, Cache), MirrorError> {
        let file = ModuleFile::new(module_version(name), kind);
        let served = self.mirror.file(&file, Part::Whole, caller).await?;
        Ok((served.answer.into_bytes().await?.to_vec(), served.cache))
    }

    /// The list, its lines joined by spaces.
    async fn list(&self, path: &str) -> Result<(String, Cache), MirrorError> {
        let path = ModulePath::parse(path).unwrap();
        let served = self.mirror.versions(&path, &Caller::anonymous()).await?;
        let versions: Vec<_> = served.answer.versions().iter().map(ToString::to_string).collect();
        Ok((versions.join(" "), served.cache))
    }

    /// The version a query leads to.
    async fn query(&self, path: &str, query: &str) -> Result<(String, Cache), MirrorError> {
        let (path, query) = (ModulePath::parse(path).unwrap(), parse_query(query));
        let served = self.mirror.query(&path, &query, &Caller::anonymous()).await?;
        Ok((served.answer.0.version().to_string(), served.cache))
    }
}

fn parse_query(query: &str) -> Query {
    if query == "latest" {
        Query::Latest
    } else {
        Query::parse(query).unwrap()
    }
}
