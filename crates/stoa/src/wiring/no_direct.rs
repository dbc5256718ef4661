//! What stands in for version control where its folder cannot be made.

use async_trait::async_trait;
use proxy_core::{
    info::Info,
    module::{ModulePath, Query, Version},
    upstream::{FetchContext, Fetched, Upstream, UpstreamError, Wanted},
};

/// Answers that this server cannot do it: trouble, never "not found".
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoDirect;

fn unsupported() -> UpstreamError {
    UpstreamError::Unsupported {
        reason: "this mirror cannot fetch from version control: its operator must set direct.cache to a folder that can be \
                 written"
            .into(),
    }
}

#[async_trait]
impl Upstream for NoDirect {
    async fn resolve(&self, _: &ModulePath, _: &Query, _: &FetchContext) -> Result<Info, UpstreamError> {
        Err(unsupported())
    }

    async fn versions(&self, _: &ModulePath, _: &FetchContext) -> Result<Vec<Version>, UpstreamError> {
        Err(unsupported())
    }

    async fn fetch(&self, _: &Wanted, _: &FetchContext) -> Result<Fetched, UpstreamError> {
        Err(unsupported())
    }
}
