//! Forward proxies: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, read as the go command reads them.
//!
//! We must know ourselves whether a request goes through one, since the guard then judges differently; so the choice is
//! made here and not inside the HTTP library, whose own reading lacks ports in `NO_PROXY` and the rule that this
//! machine is never reached through a proxy.

use std::{fmt, net::IpAddr};
use url::{Host, Url};

/// Which forward proxy, if any, stands before an address.
#[derive(Clone, Default)]
pub struct ForwardProxies {
    http: Option<Url>,
    https: Option<Url>,
    direct: Vec<Exception>,
}

/// One entry of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    Everything,
    Network {
        address: IpAddr,
        prefix: u32,
    },
    Address {
        address: IpAddr,
        port: Option<u16>,
    },
    /// The name without a leading dot; with one, only what is below it.
    Domain {
        name: String,
        itself: bool,
        port: Option<u16>,
    },
}

/// Why a value names no forward proxy; says nothing of the value, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value is no address of an http, https or socks5 proxy")]
pub struct InvalidProxy;

impl ForwardProxies {
    /// Takes the values of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`; empty is none. A proxy without a scheme is http.
    pub fn new(http: &str, https: &str, no_proxy: &str) -> Result<Self, InvalidProxy> {
        Ok(Self {
            http: parse_proxy(http)?,
            https: parse_proxy(https)?,
            direct: no_proxy
                .split(',')
                .filter_map(|entry| Exception::parse(entry.trim()))
                .collect(),
        })
    }

    /// The proxy before an address. This machine is never reached through one.
    pub(crate) fn before(&self, url: &Url) -> Option<&Url> {
        let proxy = match url.scheme() {
            "https" => self.https.as_ref()?,
            _ => self.http.as_ref()?,
        };
        let port = url.port_or_known_default()?;
        let host = url.host()?;
        let this_machine = match host {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
            Host::Domain(name) => name == "localhost",
        };
        let excepted = this_machine || self.direct.iter().any(|exception| exception.holds(&host, port));
        (!excepted).then_some(proxy)
    }
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        let entry = entry.to_ascii_lowercase();
        if entry.is_empty() {
            return None;
        }
        if entry == "*" {
            return Some(Self::Everything);
        }
        if let Some((address, prefix)) = entry.split_once('/') {
            let address = address.parse().ok()?;
            let prefix = prefix.parse().ok().filter(|prefix| *prefix <= width(address))?;
            return Some(Self::Network { address, prefix });
        }
        if let Ok(address) = entry.trim_matches(['[', ']']).parse() {
            return Some(Self::Address { address, port: None });
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (entry.as_str(), None),
        };
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return Some(Self::Address { address, port });
        }
        let name = host.strip_prefix('*').unwrap_or(host);
        let (name, itself) = name.strip_prefix('.').map_or((name, true), |name| (name, false));
        (!name.is_empty()).then(|| Self::Domain {
            name: name.to_owned(),
            itself,
            port,
        })
    }

    fn holds(&self, host: &Host<&str>, port: u16) -> bool {
        let literal = match *host {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(_) => None,
        };
        match (self, host) {
            (Self::Everything, _) => true,
            (Self::Network { address, prefix }, _) => {
                literal.is_some_and(|host| is_within(host, *address, *prefix))
            }
            (Self::Address { address, port: only }, _) => {
                literal == Some(*address) && only.is_none_or(|only| only == port)
            }
            (
                Self::Domain {
                    name,
                    itself,
                    port: only,
                },
                Host::Domain(host),
            ) => {
                let below = host.strip_suffix(name.as_str());
                only.is_none_or(|only| only == port)
                    && below.is_some_and(|below| {
                        if below.is_empty() {
                            *itself
                        } else {
                            below.ends_with('.')
                        }
                    })
            }
            (Self::Domain { .. }, _) => false,
        }
    }
}

fn parse_proxy(text: &str) -> Result<Option<Url>, InvalidProxy> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let url = if text.contains("://") {
        Url::parse(text)
    } else {
        Url::parse(&format!("http://{text}"))
    };
    let known = |url: &Url| matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") && url.has_host();
    url.ok().filter(known).map(Some).ok_or(InvalidProxy)
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Whether an address lies in a network.
fn is_within(address: IpAddr, network: IpAddr, prefix: u32) -> bool {
    // Both as 128 bits, the address at the top; a shift by the whole width is "no bits to compare".
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    address.is_ipv4() == network.is_ipv4()
        && (bits(address) ^ bits(network))
            .checked_shr(128 - prefix)
            .is_none_or(|difference| difference == 0)
}

impl fmt::Debug for ForwardProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |url: &Option<Url>| url.as_ref().map(crate::destination::authority);
        f.debug_struct("ForwardProxies")
            .field("http", &host(&self.http))
            .field("https", &host(&self.https))
            .field("direct", &self.direct)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(no_proxy: &str, url: &str) -> bool {
        let proxies = ForwardProxies::new("proxy.test:3128", "http://proxy.test:3128", no_proxy).unwrap();
        proxies.before(&Url::parse(url).unwrap()).is_some()
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let proxies = ForwardProxies::new("one.test:3128", "https://two.test", "").unwrap();
        let before = |url| proxies.before(&Url::parse(url).unwrap()).map(Url::as_str);
        assert_eq!(before("http://a.test/"), Some("http://one.test:3128/"));
        assert_eq!(before("https://a.test/"), Some("https://two.test/"));
        let only_https = ForwardProxies::new("", "two.test", "").unwrap();
        assert!(
            only_https
                .before(&Url::parse("http://a.test/").unwrap())
                .is_none()
        );
    }

    #[test]
    fn this_machine_is_reached_directly() {
        for url in ["http://localhost:3000/", "https://127.0.0.9/", "http://[::1]:80/"] {
            assert!(!proxied("", url), "{url}");
        }
        assert!(proxied("", "http://localhost.test/"));
    }

    #[test]
    fn exceptions_are_read_as_go_reads_them() {
        for (no_proxy, direct, through) in [
            ("*", "http://a.test/", None),
            ("a.test", "http://a.test/", Some("http://ba.test/")),
            ("a.test", "http://sub.a.test/", Some("http://a.test.other/")),
            (".a.test", "http://sub.a.test/", Some("http://a.test/")),
            ("*.a.test", "http://sub.a.test/", Some("http://a.test/")),
            (
                " b.test , A.test:8080 ",
                "http://a.test:8080/",
                Some("http://a.test/"),
            ),
            ("a.test:443", "https://a.test/", Some("http://a.test/")),
            ("10.0.0.0/8", "http://10.9.8.7/", Some("http://11.0.0.1/")),
            ("0.0.0.0/0", "http://11.0.0.1/", Some("http://[2001:db8::1]/")),
            ("fd00::/8", "http://[fd12::1]/", Some("http://[fe80::1]/")),
            ("10.1.2.3", "http://10.1.2.3:99/", Some("http://10.1.2.4/")),
            ("10.1.2.3:99", "http://10.1.2.3:99/", Some("http://10.1.2.3/")),
            ("[fd12::1]:99", "http://[fd12::1]:99/", Some("http://[fd12::1]/")),
        ] {
            assert!(!proxied(no_proxy, direct), "{no_proxy}: {direct}");
            assert!(
                through.is_none_or(|through| proxied(no_proxy, through)),
                "{no_proxy}: {through:?}"
            );
        }
        assert!(proxied("10.0.0.0/99,,x:y,.", "http://a.test/"));
    }

    #[test]
    fn passwords_are_in_no_message() {
        let refusal = ForwardProxies::new("ftp://user:canary@", "", "").unwrap_err();
        assert!(!format!("{refusal} {refusal:?}").contains("canary"));
        let proxies = ForwardProxies::new("http://user:canary@proxy.test", "", "").unwrap();
        assert!(!format!("{proxies:?}").contains("canary"));
    }
}
