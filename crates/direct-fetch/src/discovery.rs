//! From a module path to the repository it lies in.
//!
//! Three ways, in the go command's order (Go modules reference, "Finding a repository for a module path"): hosts it knows by
//! heart, paths that name their repository (`example.com/repo.git/sub`), and else the page `https://PATH?go-get=1`, whose
//! `go-import` tags name it. What a page says is believed only if the page of the prefix it names says the same.
//!
//! Everything learned here comes from the network, so nothing is followed blindly: pages are asked for by the guarded
//! client, repository addresses must have a scheme that encrypts (unless `direct.insecure` says otherwise), GOVCS rules
//! are applied before any version control program is thought of, and a [`Repository`] carries how far its addresses are
//! trusted. Pages are remembered for a while, those without an answer more briefly; trouble never is.

pub mod address;
pub mod hosts;
pub mod import;
mod page;
mod pages;
pub mod rules;
pub mod vcs;

pub use address::RepositoryAddress;
pub use rules::VcsRules;
pub use vcs::Vcs;

use crate::status::settles_nothing;
use http_client::{Client, Destination, Trust};
use import::GoImport;
use pages::{Page, Pages};
use proxy_core::{
    module::{ModulePath, Patterns},
    upstream::{FetchContext, UpstreamError},
};
use std::time::Duration;
use tokio::net::TcpStream;

/// How long a host that is only asked whether it is there may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a [`Discovery`] needs to know.
#[derive(Clone, Debug)]
pub struct DiscoverySettings {
    /// Asks for the pages.
    pub client: Client,
    /// Which modules are private: their addresses may be internal, and GOVCS calls them private.
    pub private: Patterns,
    /// Which modules may come over http or unverified TLS.
    pub insecure: Patterns,
    /// Which version control may be used for what.
    pub vcs: VcsRules,
    /// How long pages are believed.
    pub lifetimes: PageLifetimes,
}

/// How long pages are believed.
#[derive(Clone, Copy, Debug)]
pub struct PageLifetimes {
    /// A page with `go-import` tags.
    pub found: Duration,
    /// A page without any.
    pub absent: Duration,
}

impl Default for PageLifetimes {
    fn default() -> Self {
        // Repositories move rarely, and who moves one keeps the old one for a while; a page that was just put up
        // should be seen soon.
        Self {
            found: Duration::from_secs(10 * 60),
            absent: Duration::from_secs(60),
        }
    }
}

/// Where a module's repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// What it is reached by.
    pub vcs: Vcs,
    /// The import path of the repository's root (or of its subfolder): the module path begins with it.
    pub root: String,
    /// The module's place below the root's, as a `go-import` tag's fourth field says; empty where it says nothing.
    pub subfolder: String,
    /// The addresses, in the order in which they are to be tried. There is more than one only where a path names its
    /// repository without a scheme.
    pub addresses: Vec<RepositoryAddress>,
    /// How far the addresses are trusted.
    pub trust: Trust,
    /// Whether unverified TLS is accepted.
    pub insecure: bool,
}

impl Repository {
    /// Whether its host may be shown who asks. Anybody's page can name any repository, and whoever asks this server for a
    /// module of theirs must not get what only this server may read: so the module is a private one, or the host's own.
    pub fn is_at_home(&self, address: &RepositoryAddress) -> bool {
        let host = self.root.split('/').next().unwrap_or_default();
        self.trust == Trust::LearnedPrivate || address.host().eq_ignore_ascii_case(host)
    }
}

/// Settled: there is no repository for the path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NoRepository {
    /// Why, in the go command's words.
    pub reason: String,
}

impl NoRepository {
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

impl From<NoRepository> for UpstreamError {
    fn from(error: NoRepository) -> Self {
        Self::not_found(error.reason)
    }
}

/// Finds repositories, and remembers what it was told. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Discovery {
    settings: std::sync::Arc<DiscoverySettings>,
    pages: Pages,
}

/// How a module may be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Access {
    private: bool,
    insecure: bool,
}

impl Access {
    fn trust(self) -> Trust {
        if self.private {
            Trust::LearnedPrivate
        } else {
            Trust::Learned
        }
    }
}

impl Discovery {
    /// A discovery that knows no page yet.
    pub fn new(settings: DiscoverySettings) -> Self {
        let pages = Pages::new(settings.client.clone(), settings.lifetimes);
        Self {
            settings: std::sync::Arc::new(settings),
            pages,
        }
    }

    /// Finds a module's repository. `NotFound` is settled; anything else is trouble on the way to a page.
    pub async fn find(&self, path: &ModulePath, context: &FetchContext) -> Result<Repository, UpstreamError> {
        let access = Access {
            private: self.settings.private.matches(path.as_str()),
            insecure: self.settings.insecure.matches(path.as_str()),
        };
        let repository = match hosts::by_path(path.as_str(), access.insecure)? {
            Some(named) => Repository {
                vcs: named.vcs,
                root: named.root,
                subfolder: String::new(),
                addresses: named.addresses,
                trust: access.trust(),
                insecure: access.insecure,
            },
            None => self.by_page(path.as_str(), access, context).await?,
        };
        // A private repository is one whose root matches, as GOVCS has it.
        let private = self.settings.private.matches(&repository.root);
        self.settings
            .vcs
            .check(repository.vcs, &repository.root, private)?;
        Ok(repository)
    }

    /// Whether a program may be run whose connections cannot be guarded: for a private repository, or where a rule of the
    /// operator's own allows it.
    pub fn may_run(&self, repository: &Repository) -> bool {
        let private = self.settings.private.matches(&repository.root);
        private || self.settings.vcs.names(repository.vcs, &repository.root, private)
    }

    /// Whether the netrc file has something for the host of an address.
    pub fn knows(&self, address: &RepositoryAddress) -> bool {
        self.settings.client.knows(address.url())
    }

    /// Lets the guard judge an address that another program is about to connect to. The `go` command looks the name up
    /// once more, so for it this is weaker than a request of our own; `git` is judged for, and told the addresses, at
    /// each run.
    pub async fn judge(
        &self,
        repository: &Repository,
        address: &RepositoryAddress,
    ) -> Result<(), UpstreamError> {
        let destination = Destination::learned(&address.origin(), repository.trust)
            .map_err(|error| NoRepository::because(format!("{}: {error}", repository.root)))?;
        self.settings.client.judge(&destination).await?;
        Ok(())
    }

    /// Whether the host of an address, which the guard let pass, answers at all: for programs that do not tell a host that
    /// is away from one that has nothing.
    pub async fn reach(
        &self,
        repository: &Repository,
        address: &RepositoryAddress,
        context: &FetchContext,
    ) -> Result<(), UpstreamError> {
        let away =
            |what: String| UpstreamError::unavailable(format!("{}: {address}: {what}", repository.root));
        if address.is_http() {
            let page = Destination::learned(address.url().as_str(), repository.trust)
                .map_err(|error| NoRepository::because(format!("{}: {error}", repository.root)))?;
            let page = if repository.insecure {
                page.with_unverified_tls()
            } else {
                page
            };
            let page = if repository.trust == Trust::LearnedPrivate {
                page
            } else {
                page.anonymously()
            };
            let status = self.settings.client.send(page, context).await?.status();
            return if settles_nothing(status.as_u16()) {
                Err(away(status.to_string()))
            } else {
                Ok(())
            };
        }
        let (host, port) = address.host_and_port();
        match tokio::time::timeout(PATIENCE, TcpStream::connect((host, port))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(away(error.kind().to_string())),
            Err(_) => Err(away("it does not answer".to_owned())),
        }
    }

    async fn by_page(
        &self,
        path: &str,
        access: Access,
        context: &FetchContext,
    ) -> Result<Repository, UpstreamError> {
        let unrecognized =
            |reason: String| NoRepository::because(format!("unrecognized import path \"{path}\": {reason}"));
        let page = self.pages.get(path, access, context).await?;
        let import = found_on(&page, path).map_err(unrecognized)?;
        if import.prefix != path {
            let authority = self.pages.get(&import.prefix, access, context).await?;
            if let Some(settled) = authority.without_tags() {
                return Err(unrecognized(settled).into());
            }
            if import::matching(&authority.imports, path).ok() != Some(import) {
                let reason = format!(
                    "{} and {} disagree about go-import for {}",
                    page.address, authority.address, import.prefix
                );
                return Err(unrecognized(reason).into());
            }
        }
        let repository =
            said_by(import, access).map_err(|reason| unrecognized(format!("{}: {reason}", page.address)))?;
        Ok(repository)
    }
}

/// The tag of a page that speaks for a path.
fn found_on<'a>(page: &'a Page, path: &str) -> Result<&'a GoImport, String> {
    if let Some(settled) = page.without_tags() {
        return Err(settled);
    }
    import::matching(&page.imports, path).map_err(|why| format!("parse {}: {why}", page.address))
}

/// The repository that a tag names, if it may be used.
fn said_by(import: &GoImport, access: Access) -> Result<Repository, String> {
    let subfolder = match import.subfolder.as_str() {
        folder if folder.starts_with('/') => Err("leading slash"),
        folder if folder.starts_with('-') => Err("leading hyphen"),
        folder => Ok(folder.to_owned()),
    };
    let subfolder = subfolder.map_err(|why| format!("invalid subdirectory {:?}: {why}", import.subfolder))?;
    let vcs = Vcs::named(&import.vcs).ok_or_else(|| format!("unknown vcs {:?}", import.vcs))?;
    let address = RepositoryAddress::parse(&import.repository, access.insecure)
        .map_err(|why| format!("invalid repo root {:?}: {why}", import.repository))?;
    Ok(Repository {
        vcs,
        root: import.prefix.clone(),
        subfolder,
        addresses: vec![address],
        trust: access.trust(),
        insecure: access.insecure,
    })
}
