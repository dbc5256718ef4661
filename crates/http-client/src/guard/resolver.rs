//! The rule kept where connections are made: a resolver that hands out only addresses within reach.

use super::Reach;
use crate::names::Names;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use url::{Host, Url};

/// Refused by the guard: nothing was sent.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{host} is at {address}, and an address learned from the network must be public")]
pub(crate) struct OutOfReach {
    /// The host, as it was named.
    pub(crate) host: String,
    /// One of its addresses that may not be reached; there is none that may.
    pub(crate) address: IpAddr,
}

/// A resolver with a reach.
#[derive(Debug)]
pub(crate) struct GuardedResolver {
    pub(crate) names: Arc<dyn Names>,
    pub(crate) reach: Reach,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, reach) = (Arc::clone(&self.names), self.reach);
        Box::pin(async move {
            let addresses = names.lookup(name.as_str()).await?;
            let addresses = within_reach(name.as_str(), addresses, reach)?;
            if addresses.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no addresses").into());
            }
            // The port comes from the URL.
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Judges a host that no resolver of ours will be asked for: a literal address, which needs none, and
/// (`by_name`) a name that a forward proxy will resolve. A name that is not known here is the forward proxy's business.
/// Gives the addresses it looked at.
pub(crate) async fn judge(
    url: &Url,
    by_name: bool,
    reach: Reach,
    names: &dyn Names,
) -> Result<Vec<IpAddr>, OutOfReach> {
    let (host, addresses) = match url.host() {
        Some(Host::Ipv4(address)) => (address.to_string(), vec![address.into()]),
        Some(Host::Ipv6(address)) => (address.to_string(), vec![address.into()]),
        Some(Host::Domain(name)) if by_name && reach != Reach::Everywhere => {
            (name.to_owned(), names.lookup(name).await.unwrap_or_default())
        }
        _ => return Ok(Vec::new()),
    };
    // A forward proxy picks the address itself, so all of them must be in reach.
    match addresses.iter().find(|address| !reach.covers(**address)) {
        Some(address) => Err(OutOfReach {
            host,
            address: *address,
        }),
        None => Ok(addresses),
    }
}

/// Keeps the addresses within reach; an error if there were some and none is.
fn within_reach(host: &str, addresses: Vec<IpAddr>, reach: Reach) -> Result<Vec<IpAddr>, OutOfReach> {
    let (allowed, refused): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| reach.covers(*address));
    match refused.first() {
        Some(address) if allowed.is_empty() => Err(OutOfReach {
            host: host.to_owned(),
            address: *address,
        }),
        _ => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn only_addresses_within_reach_are_handed_out() {
        let mixed = || addresses(&["10.0.0.1", "8.8.8.8", "169.254.169.254", "2606:4700::1111"]);
        let given = |reach| within_reach("mixed.test", mixed(), reach).unwrap();
        assert_eq!(given(Reach::Public), addresses(&["8.8.8.8", "2606:4700::1111"]));
        assert_eq!(
            given(Reach::Internal),
            addresses(&["10.0.0.1", "8.8.8.8", "2606:4700::1111"])
        );
        assert_eq!(given(Reach::Everywhere), mixed());
        let refused = within_reach("inside.test", addresses(&["10.0.0.1"]), Reach::Public).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "inside.test is at 10.0.0.1, and an address learned from the network must be public"
        );
        assert!(
            within_reach("empty.test", Vec::new(), Reach::Public)
                .unwrap()
                .is_empty()
        );
    }
}
