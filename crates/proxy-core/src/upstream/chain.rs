//! The chain: upstreams in the order of a GOPROXY list.

use super::Upstream;
use crate::module::Patterns;
use std::sync::Arc;

/// What stands between two entries of a GOPROXY list: after which failures the next one is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// `,`: only after "not found" (404, 410).
    OnNotFound,
    /// `|`: after any failure of the upstream's own.
    OnAnyFailure,
}

/// One entry of a GOPROXY list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A proxy's address.
    Proxy(String),
    /// Version control.
    Direct,
    /// Nothing: every request ends here, as not found.
    Off,
}

/// Reads GOPROXY syntax: each entry with the separator behind it. What follows `direct` or `off` is ignored.
pub fn parse_list(_list: &str) -> Result<Vec<(Entry, Separator)>, String> {
    todo!()
}

/// The upstreams in order.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// What is asked for modules that are not private.
    pub links: Vec<Link>,
    /// Which modules are private: they are asked of `direct` only.
    pub private: Patterns,
    /// Where private modules are fetched from.
    pub direct: Option<Arc<dyn Upstream>>,
}

/// One upstream in its place.
#[derive(Clone, Debug)]
pub struct Link {
    /// The upstream; `None` is `off`.
    pub upstream: Option<Arc<dyn Upstream>>,
    /// After which of its failures the next one is asked.
    pub separator: Separator,
}
