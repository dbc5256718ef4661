//! The connections: one pool for each way of connecting, so that no request rides on a connection that a laxer rule
//! opened.

use crate::{
    destination::authority,
    error::Error,
    guard::{
        Reach,
        resolver::{GuardedResolver, OutOfReach, judge},
    },
    names::Names,
    proxies::ForwardProxies,
    settings::{Settings, SettingsError},
    via,
};
use reqwest::{Certificate, ClientBuilder};
use std::{error::Error as StdError, net::IpAddr, sync::Arc, time::Duration};
use url::Url;

/// The HTTP library's clients, and who decides which of them sends a request.
#[derive(Debug)]
pub(crate) struct Transport {
    proxies: ForwardProxies,
    names: Arc<dyn Names>,
    checked: Pools,
    unchecked: Pools,
}

/// One client for each way to connect.
#[derive(Debug)]
struct Pools {
    public: reqwest::Client,
    internal: reqwest::Client,
    everywhere: reqwest::Client,
    by_proxy: reqwest::Client,
}

impl Transport {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        if !via::is_pseudonym(&settings.own_id) {
            return Err(SettingsError::OwnId);
        }
        let roots = Certificate::from_pem_bundle(&settings.extra_roots)
            .map_err(|error| SettingsError::Certificates(Some(Arc::new(error))))?;
        if roots.is_empty() && !settings.extra_roots.is_empty() {
            return Err(SettingsError::Certificates(None));
        }
        Ok(Self {
            proxies: settings.forward_proxies.clone(),
            names: Arc::clone(&settings.names),
            checked: Pools::new(settings, &|client| client.tls_certs_merge(roots.iter().cloned()))?,
            unchecked: Pools::new(settings, &|client| client.tls_danger_accept_invalid_certs(true))?,
        })
    }

    /// The client to send a request with, once the guard has let it pass.
    pub(crate) async fn client(
        &self,
        url: &Url,
        reach: Reach,
        any_certificate: bool,
    ) -> Result<&reqwest::Client, Error> {
        let by_proxy = self.is_proxied(url);
        judge(url, by_proxy, reach, self.names.as_ref())
            .await
            .map_err(|refused| out_of_reach(&refused))?;
        let pools = if any_certificate {
            &self.unchecked
        } else {
            &self.checked
        };
        Ok(match reach {
            _ if by_proxy => &pools.by_proxy,
            Reach::Public => &pools.public,
            Reach::Internal => &pools.internal,
            Reach::Everywhere => &pools.everywhere,
        })
    }

    /// Judges an address that somebody else will connect to; gives the addresses of its host that are known here.
    pub(crate) async fn judge(&self, url: &Url, reach: Reach) -> Result<Vec<IpAddr>, Error> {
        judge(url, true, reach, self.names.as_ref())
            .await
            .map_err(|refused| out_of_reach(&refused))
    }

    /// Whether a forward proxy stands before the address.
    pub(crate) fn is_proxied(&self, url: &Url) -> bool {
        self.proxies.before(url).is_some()
    }

    /// Whether the address is known here to lie in our own network, and nowhere else.
    pub(crate) async fn is_internal(&self, url: &Url) -> bool {
        let addresses = match url.host() {
            Some(url::Host::Ipv4(address)) => vec![address.into()],
            Some(url::Host::Ipv6(address)) => vec![address.into()],
            Some(url::Host::Domain(name)) => self.names.lookup(name).await.unwrap_or_default(),
            None => Vec::new(),
        };
        !addresses.is_empty() && addresses.into_iter().all(crate::guard::is_internal)
    }
}

impl Pools {
    fn new(settings: &Settings, tls: &dyn Fn(ClientBuilder) -> ClientBuilder) -> Result<Self, SettingsError> {
        let build = |builder: ClientBuilder| {
            tls(builder)
                .build()
                .map_err(|error| SettingsError::Setup(Arc::new(error.without_url())))
        };
        let direct = |reach| {
            let resolver = GuardedResolver {
                names: Arc::clone(&settings.names),
                reach,
            };
            build(bare(settings).no_proxy().dns_resolver(resolver))
        };
        let proxies = settings.forward_proxies.clone();
        let by_proxy = reqwest::Proxy::custom(move |url| proxies.before(url).cloned());
        Ok(Self {
            public: direct(Reach::Public)?,
            internal: direct(Reach::Internal)?,
            everywhere: direct(Reach::Everywhere)?,
            by_proxy: build(bare(settings).proxy(by_proxy))?,
        })
    }
}

/// Everything decided by us is switched off in the library: redirects, decoding, the environment.
fn bare(settings: &Settings) -> ClientBuilder {
    reqwest::Client::builder()
        .user_agent(&settings.user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .connect_timeout(settings.timeouts.connect)
        .pool_idle_timeout(Duration::from_secs(60))
        // Finds out that a quiet HTTP/2 connection is dead before the silence budget of a request on it is spent.
        .http2_keep_alive_interval(Duration::from_secs(10))
        .http2_keep_alive_timeout(Duration::from_secs(10))
}

/// Reads what the library says of a request that got no answer.
pub(crate) fn failure(url: &Url, error: reqwest::Error) -> Error {
    let error = error.without_url();
    if let Some(refused) = chain(&error).find_map(|error| error.downcast_ref::<OutOfReach>()) {
        return out_of_reach(refused);
    }
    let (host, reason) = (authority(url).into(), cause(&error).into());
    Error::Unreachable {
        host,
        reason,
        source: Some(Arc::new(error)),
    }
}

/// What is at the bottom of an error of the library, in words for a person.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut cause = chain(error).last().map(ToString::to_string).unwrap_or_default();
    if let Some(number) = cause.find(" (os error") {
        cause.truncate(number);
    }
    cause
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(Some(error as &(dyn StdError + 'static)), |error| {
        (*error).source()
    })
}

fn out_of_reach(refused: &OutOfReach) -> Error {
    Error::refused(refused.to_string())
}
