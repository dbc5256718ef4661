//! Where a request goes, how far that address is trusted, and the credentials bound to it.

use crate::credentials::Credentials;
use std::fmt;
use url::{Host, Url};

/// An address with the trust and the credentials that belong to it. Prints without credentials and without a query,
/// which may hold a signature.
#[derive(Clone)]
pub struct Destination {
    url: Url,
    trust: Trust,
    credentials: Option<Credentials>,
    anonymous: bool,
    unverified_tls: bool,
}

/// How far an address is trusted: what it may resolve to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Written in the configuration: it may be anywhere.
    Configured,
    /// Learned from the network for a module that the configuration calls private: it may be in the private network,
    /// or on this machine.
    LearnedPrivate,
    /// Learned from the network: it must be public.
    Learned,
}

/// Why a text is no destination; says nothing of the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDestination {
    /// No URL with a host.
    #[error("the address is no URL")]
    Syntax,
    /// Neither `https` nor `http`.
    #[error("the address is neither https nor http")]
    Scheme,
    /// A password would travel in clear over a network. The go command refuses it too.
    #[error("the address holds credentials, which are not sent over plain http: use https")]
    CredentialsInClear,
}

impl Destination {
    /// An address written in the configuration; user name and password in it become its credentials.
    pub fn configured(text: &str) -> Result<Self, InvalidDestination> {
        let mut destination = Self::learned(text, Trust::Configured)?;
        let written = Url::parse(text).map_err(|_| InvalidDestination::Syntax)?;
        if let Some(credentials) = Credentials::from_userinfo(&written) {
            if !may_carry_credentials(&destination.url) {
                return Err(InvalidDestination::CredentialsInClear);
            }
            destination.credentials = Some(credentials);
        }
        Ok(destination)
    }

    /// An address learned from the network; a user name and password in it are dropped.
    pub fn learned(text: &str, trust: Trust) -> Result<Self, InvalidDestination> {
        let mut url = Url::parse(text).map_err(|_| InvalidDestination::Syntax)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(InvalidDestination::Scheme);
        }
        drop_userinfo(&mut url).map_err(|()| InvalidDestination::Syntax)?;
        url.set_fragment(None);
        Ok(Self {
            url,
            trust,
            credentials: None,
            anonymous: false,
            unverified_tls: false,
        })
    }

    /// The same host and trust, with a path below this one's. The path is percent-encoded already.
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        let mut below = self.clone();
        let base = self.url.path();
        below
            .url
            .set_path(&format!("{}/{path}", base.strip_suffix('/').unwrap_or(base)));
        below
    }

    /// With these credentials in place of its own. They are sent only where [`Credentials`] may travel: over https,
    /// or to this machine.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// With no credentials at all, those of the netrc file included: whoever named this address is a stranger to it.
    #[must_use]
    pub fn anonymously(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// With any certificate accepted, which only the `GOINSECURE` patterns of the configuration may ask for. The
    /// credentials are not sent then.
    #[must_use]
    pub fn with_unverified_tls(mut self) -> Self {
        self.unverified_tls = true;
        self
    }

    /// The address, without credentials.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// How far it is trusted.
    pub fn trust(&self) -> Trust {
        self.trust
    }

    /// Host and port, for sentences.
    pub fn host(&self) -> String {
        authority(&self.url)
    }

    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.anonymous
    }

    pub(crate) fn accepts_any_certificate(&self) -> bool {
        self.unverified_tls
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = Some(self.url.path())
            .filter(|path| *path != "/")
            .unwrap_or_default();
        write!(f, "{}://{}{path}", self.url.scheme(), authority(&self.url))
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?})", self.trust)
    }
}

/// Host and port of an address, without the port that goes without saying.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether two addresses have the same scheme, host and port.
pub(crate) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Whether credentials may be sent there: over https, or over plain http to this machine.
pub(crate) fn may_carry_credentials(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
}

/// Takes user name and password out of an address.
pub(crate) fn drop_userinfo(url: &mut Url) -> Result<(), ()> {
    url.set_username("")?;
    url.set_password(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_put_below_the_base() {
        for (base, expected) in [
            ("https://a.test", "https://a.test/m/@v/list"),
            ("https://a.test/", "https://a.test/m/@v/list"),
            ("https://a.test/x/y", "https://a.test/x/y/m/@v/list"),
            ("https://a.test/x/y/?key=1", "https://a.test/x/y/m/@v/list?key=1"),
        ] {
            let destination = Destination::configured(base).unwrap().below("m/@v/list");
            assert_eq!(destination.url().as_str(), expected);
        }
        let kept = Destination::configured("https://a.test")
            .unwrap()
            .below("a%21b/%25c");
        assert_eq!(kept.url().path(), "/a%21b/%25c");
    }

    #[test]
    fn credentials_are_parted_from_the_address() {
        let destination =
            Destination::configured("https://user:canary@a.test:8443/x?token=canary#f").unwrap();
        assert!(destination.credentials().is_some());
        assert_eq!(destination.to_string(), "https://a.test:8443/x");
        assert!(!format!("{destination:?}").contains("canary"));
        let learned = Destination::learned("https://user:canary@a.test/", Trust::Learned).unwrap();
        assert!(learned.credentials().is_none());
        assert_eq!(learned.url().as_str(), "https://a.test/");
    }

    #[test]
    fn credentials_do_not_travel_in_clear() {
        for refused in [
            "http://user:canary@a.test",
            "http://user@10.0.0.1/",
            "http://canary@[2001:db8::1]/",
        ] {
            assert_eq!(
                Destination::configured(refused).unwrap_err(),
                InvalidDestination::CredentialsInClear
            );
        }
        for taken in [
            "http://user:pass@127.0.0.1:3000",
            "http://u:p@[::1]/x",
            "http://u:p@localhost/",
        ] {
            assert!(Destination::configured(taken).unwrap().credentials().is_some());
        }
    }

    #[test]
    fn other_schemes_are_refused() {
        assert_eq!(
            Destination::configured("ftp://a.test").unwrap_err(),
            InvalidDestination::Scheme
        );
        assert_eq!(
            Destination::configured("file:///srv").unwrap_err(),
            InvalidDestination::Scheme
        );
        assert_eq!(
            Destination::configured("nothing").unwrap_err(),
            InvalidDestination::Syntax
        );
        assert_eq!(
            Destination::configured("https://").unwrap_err(),
            InvalidDestination::Syntax
        );
    }
}
