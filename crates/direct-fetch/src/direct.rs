//! `direct`: version control as an upstream, whatever kind it is.
//!
//! The repository is found first, by ourselves and under the guard. Then
//!
//! | what it is | who fetches |
//! |---|---|
//! | git | [`Git`], which needs no Go toolchain |
//! | another proxy (a `mod` tag) | an upstream that [`OpenProxy`] makes, since this crate does not speak that protocol |
//! | anything else | the [`GoCommand`], if the module is private or a rule of `direct.vcs` allows it: the connections of that command cannot be guarded |

mod reached;

use crate::{
    GoCommand,
    credentials::{RepositoryCredentials, Shown, WITHHELD},
    discovery::{Discovery, Repository, RepositoryAddress, Vcs},
    git::{Git, Place, Source},
};
use async_trait::async_trait;
use http_client::Trust;
use proxy_core::{
    info::Info,
    module::{ModulePath, Query, Version},
    upstream::{FetchContext, Fetched, Upstream, UpstreamError, Wanted},
};
use reached::Reached;
use std::{fmt::Debug, sync::Arc};

/// What a [`Direct`] is made of.
#[derive(Clone, Debug)]
pub struct DirectParts {
    /// Finds repositories.
    pub discovery: Discovery,
    /// Fetches from git repositories.
    pub git: Git,
    /// Fetches from others.
    pub go: GoCommand,
    /// What private repositories are reached with.
    pub credentials: RepositoryCredentials,
    /// Opens the proxies that `mod` tags name.
    pub proxies: Arc<dyn OpenProxy>,
}

/// Opens a proxy that a page named.
pub trait OpenProxy: Debug + Send + Sync {
    /// An upstream for the proxy at this address, trusted so far, and perhaps shown nothing of who asks; the error is a
    /// phrase.
    fn open(&self, address: &str, trust: Trust, anonymously: bool) -> Result<Arc<dyn Upstream>, String>;
}

/// Version control as an upstream. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Direct(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: DirectParts,
    reached: Reached,
}

/// Who fetches a module.
enum Way {
    Git(Source),
    Proxy(Arc<dyn Upstream>),
    Go(GoCommand),
}

impl Direct {
    /// Puts it together.
    pub fn new(parts: DirectParts) -> Self {
        Self(Arc::new(Inner {
            parts,
            reached: Reached::default(),
        }))
    }

    async fn way(&self, path: &ModulePath, context: &FetchContext) -> Result<Way, UpstreamError> {
        let parts = &self.0.parts;
        let repository = parts.discovery.find(path, context).await?;
        match repository.vcs {
            Vcs::Git => {
                let address = self.0.reached.address(self, path, &repository, context).await?;
                Ok(Way::Git(self.source(path, &repository, &address)?))
            }
            Vcs::Proxy => {
                let address = first_address(&repository)?;
                let anonymously = !repository.is_at_home(address);
                let opened = parts
                    .proxies
                    .open(address.url().as_str(), repository.trust, anonymously);
                let refused =
                    |why| UpstreamError::not_found(format!("{path}: invalid proxy {address}: {why}"));
                opened.map(Way::Proxy).map_err(refused)
            }
            vcs => {
                if !parts.discovery.may_run(&repository) {
                    let reason = format!(
                        "{path}: {vcs} repositories are fetched only for private modules and where direct.vcs names them"
                    );
                    return Err(UpstreamError::not_found(reason));
                }
                let address = first_address(&repository)?;
                if repository.trust != Trust::LearnedPrivate && address.is_ssh() {
                    let reason =
                        format!("{path}: {address} is asked by ssh, for modules of upstream.private only");
                    return Err(UpstreamError::Unsupported {
                        reason: reason.into(),
                    });
                }
                parts.discovery.judge(&repository, address).await?;
                if !parts.go.finds(vcs.name()) {
                    let reason = format!("{path}: {vcs} is not installed beside this server").into();
                    return Err(UpstreamError::Unsupported { reason });
                }
                // Of a Subversion host that is away go says that it has no such revision, and no tags.
                if vcs == Vcs::Subversion {
                    parts.discovery.reach(&repository, address, context).await?;
                }
                Ok(Way::Go(parts.go.clone()))
            }
        }
    }

    /// A module in a git repository at one address.
    fn source(
        &self,
        path: &ModulePath,
        repository: &Repository,
        address: &RepositoryAddress,
    ) -> Result<Source, UpstreamError> {
        let place = Place::new(path.clone(), &repository.root, &repository.subfolder)
            .map_err(|outside| UpstreamError::not_found(outside.to_string()))?;
        let shown = self.shown(repository, address)?;
        Ok(Source {
            url: address.written(),
            place,
            trust: repository.trust,
            unverified_tls: repository.insecure,
            shown,
        })
    }

    fn shown(&self, repository: &Repository, address: &RepositoryAddress) -> Result<Shown, UpstreamError> {
        let access = self.0.parts.credentials.for_repository(address);
        let access = access.map_err(|error| UpstreamError::unavailable(error.to_string()))?;
        if repository.is_at_home(address) {
            return Ok(access.into());
        }
        if !address.is_http() {
            let reason = format!("{}: {address} is asked by ssh, and {WITHHELD}", repository.root).into();
            return Err(UpstreamError::Unsupported { reason });
        }
        Ok(Shown::Nothing {
            withheld: access.is_some() || self.0.parts.discovery.knows(address),
        })
    }
}

#[async_trait]
impl Upstream for Direct {
    async fn resolve(
        &self,
        path: &ModulePath,
        query: &Query,
        context: &FetchContext,
    ) -> Result<Info, UpstreamError> {
        let asked = || format!("{path}@{}", query.as_str());
        match self.way(path, context).await? {
            Way::Git(source) => {
                let resolved = self.0.parts.git.resolve(&source, query, context).await;
                resolved.map_err(|error| naming(error, &asked()))
            }
            Way::Proxy(proxy) => proxy.resolve(path, query, context).await,
            Way::Go(go) => go.resolve(path, query, context).await,
        }
    }

    async fn versions(
        &self,
        path: &ModulePath,
        context: &FetchContext,
    ) -> Result<Vec<Version>, UpstreamError> {
        match self.way(path, context).await? {
            Way::Git(source) => {
                let versions = self.0.parts.git.versions(&source, context).await;
                versions.map_err(|error| naming(error, path.as_str()))
            }
            Way::Proxy(proxy) => proxy.versions(path, context).await,
            Way::Go(go) => go.versions(path, context).await,
        }
    }

    async fn fetch(&self, wanted: &Wanted, context: &FetchContext) -> Result<Fetched, UpstreamError> {
        match self.way(wanted.module.path(), context).await? {
            Way::Git(source) => {
                let fetched = self.0.parts.git.fetch(&source, wanted, context).await;
                fetched.map_err(|error| naming(error, &wanted.module.to_string()))
            }
            Way::Proxy(proxy) => proxy.fetch(wanted, context).await,
            Way::Go(go) => go.fetch(wanted, context).await,
        }
    }
}

fn first_address(repository: &Repository) -> Result<&RepositoryAddress, UpstreamError> {
    let none = || UpstreamError::not_found(format!("{}: its repository has no address", repository.root));
    repository.addresses.first().ok_or_else(none)
}

/// The error with what was asked in front of it, as the go command has it.
fn naming(error: UpstreamError, asked: &str) -> UpstreamError {
    let name = |reason: Arc<str>| -> Arc<str> {
        if reason.contains(asked) {
            reason
        } else {
            format!("{asked}: {reason}").into()
        }
    };
    match error {
        UpstreamError::NotFound { reason } => UpstreamError::NotFound { reason: name(reason) },
        UpstreamError::Unavailable { reason, retry_after } => UpstreamError::Unavailable {
            reason: name(reason),
            retry_after,
        },
        UpstreamError::TimedOut { reason } => UpstreamError::TimedOut { reason: name(reason) },
        UpstreamError::Malformed { reason } => UpstreamError::Malformed { reason: name(reason) },
        UpstreamError::Unsupported { reason } => UpstreamError::Unsupported { reason: name(reason) },
        other => other,
    }
}
