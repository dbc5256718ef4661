//! Another proxy as our upstream: over HTTP, or as a GOPROXY tree on a disk.

mod list;
mod source;

pub use source::InvalidAddress;

use async_trait::async_trait;
use bytes::Bytes;
use http_client::{Client, Trust};
use proxy_core::{
    file::{Body, Kind, ModuleFile},
    info::Info,
    module::{ModulePath, ModuleVersion, Query, Version},
    upstream::{FetchContext, Fetched, Incoming, Upstream, UpstreamError, Wanted},
};
use source::Source;

/// The longest list of versions accepted, in bytes; the longest there is, of `golang.org/toolchain`, has not one MiB.
const LONGEST_LIST: u64 = 16 << 20;

/// Another proxy as our upstream. Prints without credentials.
#[derive(Debug)]
pub struct ProxyUpstream {
    source: Source,
}

impl ProxyUpstream {
    /// A proxy written in the configuration: `https://…` or `http://…`, with credentials if it wants some, or `file:///…`,
    /// a folder laid out as a proxy serves it.
    pub fn configured(client: Client, address: &str) -> Result<Self, InvalidAddress> {
        Ok(Self {
            source: Source::configured(client, address)?,
        })
    }

    /// A proxy that the network names (a `go-import` of the kind `mod`): only over HTTP.
    pub fn learned(client: Client, address: &str, trust: Trust) -> Result<Self, InvalidAddress> {
        Ok(Self {
            source: Source::learned(client, address, trust)?,
        })
    }

    /// The same, shown nothing of who asks: for a proxy that a stranger's module names.
    #[must_use]
    pub fn anonymously(mut self) -> Self {
        self.source = self.source.anonymously();
        self
    }

    /// A small file, whole.
    async fn document(
        &self,
        module: &ModuleVersion,
        kind: Kind,
        context: &FetchContext,
    ) -> Result<Bytes, UpstreamError> {
        let file = ModuleFile::new(module.clone(), kind);
        self.source
            .document(&file.tree_path(), kind.facts().max_size, context)
            .await
    }

    /// Reads an answer that names a version of the module.
    fn info(&self, path: &ModulePath, json: &[u8]) -> Result<Info, UpstreamError> {
        let info = Info::parse(json).map_err(|error| self.malformed(path, &error.to_string()))?;
        match path.check_version(&info.version) {
            Ok(()) => Ok(info),
            Err(reason) => {
                let version = &info.version;
                Err(self.malformed(
                    path,
                    &format!("version {version} does not fit the module path: {reason}"),
                ))
            }
        }
    }

    /// What `latest` means where the proxy knows lists and no `@latest`.
    async fn latest_of_list(
        &self,
        path: &ModulePath,
        context: &FetchContext,
    ) -> Result<Option<Version>, UpstreamError> {
        let versions = self.versions(path, context).await?;
        let (incompatible, mut compatible): (Vec<_>, Vec<_>) =
            versions.into_iter().partition(Version::is_incompatible);
        if let (Some(latest), false) = (list::latest(&compatible), incompatible.is_empty()) {
            // Once a module has a go.mod, a major version without one was published by mistake.
            let module = ModuleVersion::new(path.clone(), latest.clone())
                .map_err(|error| self.malformed(path, &error.to_string()))?;
            let go_mod = self.document(&module, Kind::Mod, context).await?;
            if go_mod == format!("module {path}\n") {
                compatible.extend(incompatible);
            }
        } else {
            compatible.extend(incompatible);
        }
        Ok(list::latest(&compatible).cloned())
    }

    fn malformed(&self, what: &impl std::fmt::Display, reason: &str) -> UpstreamError {
        UpstreamError::malformed(format!(
            "{} sent a broken answer for {what}: {reason}",
            self.source.name()
        ))
    }
}

#[async_trait]
impl Upstream for ProxyUpstream {
    async fn resolve(
        &self,
        path: &ModulePath,
        query: &Query,
        context: &FetchContext,
    ) -> Result<Info, UpstreamError> {
        let root = path.escaped();
        let limit = Kind::Info.facts().max_size;
        let asked = match query {
            Query::Latest => format!("{root}/@latest"),
            Query::Revision(_) => format!("{root}/@v/{}.info", query.escaped()),
        };
        let absent = match self.source.document(&asked, limit, context).await {
            Ok(json) => return self.info(path, &json),
            Err(error @ UpstreamError::NotFound { .. }) if *query == Query::Latest => error,
            Err(error) => return Err(error),
        };
        // The endpoint is optional; the go command then chooses from the list, and so do we.
        let Some(version) = self.latest_of_list(path, context).await? else {
            return Err(absent);
        };
        let json = self
            .source
            .document(&format!("{root}/@v/{}.info", version.escaped()), limit, context)
            .await?;
        self.info(path, &json)
            .and_then(|info| match info.version == version {
                true => Ok(info),
                false => Err(self.malformed(path, &format!("the .info of {version} names {}", info.version))),
            })
    }

    async fn versions(
        &self,
        path: &ModulePath,
        context: &FetchContext,
    ) -> Result<Vec<Version>, UpstreamError> {
        let text = self
            .source
            .document(&format!("{}/@v/list", path.escaped()), LONGEST_LIST, context)
            .await?;
        Ok(list::parse(path, &text))
    }

    async fn fetch(&self, wanted: &Wanted, context: &FetchContext) -> Result<Fetched, UpstreamError> {
        let module = &wanted.module;
        let wants = |kind| wanted.kinds.contains(&kind);
        let small = async |kind| match wants(kind) {
            true => self.document(module, kind, context).await.map(Some),
            false => Ok(None),
        };
        // Both are asked at once, and only then the zip, which nobody wants if one of them is not there.
        let (info, go_mod) = futures::join!(small(Kind::Info), small(Kind::Mod));
        let (info, go_mod) = (info?, go_mod?);
        if let Some(json) = &info {
            let named = self.info(module.path(), json)?.version;
            if named != *module.version() {
                return Err(self.malformed(module, &format!("the .info names {named}")));
            }
        }
        let zip = match wants(Kind::Zip) {
            true => Some(self.zip(module, context).await?),
            false => None,
        };
        let whole = |bytes: Bytes| Incoming::Whole(Body::from_bytes(bytes));
        Ok(Fetched {
            info: info.map(whole),
            go_mod: go_mod.map(whole),
            zip,
            from: self.source.to_string(),
        })
    }
}

impl ProxyUpstream {
    async fn zip(&self, module: &ModuleVersion, context: &FetchContext) -> Result<Incoming, UpstreamError> {
        let file = ModuleFile::new(module.clone(), Kind::Zip);
        let (size, chunks) = self.source.stream(&file.tree_path(), context).await?;
        let limit = Kind::Zip.facts().max_size;
        if size.is_some_and(|size| size > limit) {
            return Err(self.malformed(&file, &format!("it is longer than {limit} bytes")));
        }
        Ok(Incoming::Stream { size, chunks })
    }
}
