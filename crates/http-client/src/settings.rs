//! What a client is made of.

use crate::{
    names::{Names, SystemNames},
    netrc::NetrcFile,
    proxies::{ForwardProxies, InvalidProxy},
};
use std::{io, path::Path, sync::Arc, time::Duration};

/// What a [`Client`](crate::Client) is made of. This crate reads no environment: see [`Settings::from_lookup`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// How this mirror calls itself in `Via`, so that a request that comes back to it is recognised.
    pub own_id: Arc<str>,
    /// What `User-Agent` says.
    pub user_agent: String,
    /// The forward proxies to go through.
    pub forward_proxies: ForwardProxies,
    /// Certificate authorities trusted besides the system's, as PEM.
    pub extra_roots: Vec<u8>,
    /// Passwords by host, read again when they change.
    pub netrc: NetrcFile,
    /// Who looks names up.
    pub names: Arc<dyn Names>,
    /// How long things may take.
    pub timeouts: Timeouts,
}

/// How long things may take. There is no limit on a whole transfer: as long as bytes come, they are welcome.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Name, connection and TLS handshake.
    pub connect: Duration,
    /// From the request to the head of its answer. A proxy that fetches first answers late.
    pub head: Duration,
    /// Between two pieces of a body.
    pub idle: Duration,
}

/// Why the values do not make a client.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file that a variable names cannot be read.
    #[error("the file that {variable} names cannot be read")]
    Unreadable {
        /// The environment variable.
        variable: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A variable with a value that means nothing.
    #[error("{variable}: {source}")]
    ForwardProxy {
        /// The environment variables it came from.
        variable: &'static str,
        /// Why not.
        source: InvalidProxy,
    },
    /// No certificates where certificates should be.
    #[error("the extra certificate authorities are not PEM certificates")]
    Certificates(#[source] Option<Arc<dyn std::error::Error + Send + Sync>>),
    /// A name that no `Via` header can hold (RFC 9110, section 7.6.3).
    #[error("the mirror's own id may hold only letters, digits and a few signs")]
    OwnId,
    /// A user agent that no header can hold, or a TLS library that does not start.
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl Default for Timeouts {
    fn default() -> Self {
        let silence = Duration::from_secs(30);
        Self {
            connect: Duration::from_secs(10),
            head: silence,
            idle: silence,
        }
    }
}

impl Default for Settings {
    /// The system's names and certificates, no forward proxy, no passwords, and a made-up id: two mirrors of the same
    /// name in one chain would take each other for a circle.
    fn default() -> Self {
        Self {
            own_id: format!("stoa-{:016x}", rand::random::<u64>()).into(),
            user_agent: concat!("Stoa/", env!("CARGO_PKG_VERSION")).to_owned(),
            forward_proxies: ForwardProxies::default(),
            extra_roots: Vec::new(),
            netrc: NetrcFile::default(),
            names: Arc::new(SystemNames),
            timeouts: Timeouts::default(),
        }
    }
}

impl Settings {
    /// Takes what the environment says of outgoing connections: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` (or their
    /// lower-case forms), `SSL_CERT_FILE`, and the netrc file (`NETRC`, else `.netrc` in `HOME`). The caller looks the
    /// variables up; the files they name are read here, the certificates once.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let either = |upper: &str| {
            set(upper)
                .or_else(|| set(&upper.to_ascii_lowercase()))
                .unwrap_or_default()
        };
        let forward_proxies =
            ForwardProxies::new(&either("HTTP_PROXY"), &either("HTTPS_PROXY"), &either("NO_PROXY")).map_err(
                |source| SettingsError::ForwardProxy {
                    variable: "HTTP_PROXY or HTTPS_PROXY",
                    source,
                },
            )?;
        let extra_roots = match set("SSL_CERT_FILE") {
            Some(path) => read(Path::new(&path), "SSL_CERT_FILE")?,
            None => Vec::new(),
        };
        let netrc = |path: &Path, variable| {
            NetrcFile::open(path).map_err(|source| SettingsError::Unreadable { variable, source })
        };
        let netrc = match (set("NETRC"), set("HOME")) {
            (Some(path), _) => netrc(Path::new(&path), "NETRC")?,
            (None, Some(home)) => netrc(&Path::new(&home).join(".netrc"), "HOME")?,
            (None, None) => NetrcFile::default(),
        };
        Ok(Self {
            forward_proxies,
            extra_roots,
            netrc,
            ..Self::default()
        })
    }
}

fn read(path: &Path, variable: &'static str) -> Result<Vec<u8>, SettingsError> {
    std::fs::read(path).map_err(|source| SettingsError::Unreadable { variable, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    fn from(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_lookup(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_is_the_default() {
        let settings = from(&[]).unwrap();
        assert!(
            settings
                .forward_proxies
                .before(&Url::parse("http://a.test").unwrap())
                .is_none()
        );
        assert!(settings.extra_roots.is_empty());
    }

    #[test]
    fn proxies_are_taken_in_either_case() {
        let settings = from(&[
            ("http_proxy", "one.test"),
            ("HTTPS_PROXY", "two.test"),
            ("no_proxy", "b.test"),
        ])
        .unwrap();
        let before = |url| {
            settings
                .forward_proxies
                .before(&Url::parse(url).unwrap())
                .map(Url::as_str)
        };
        assert_eq!(before("http://a.test"), Some("http://one.test/"));
        assert_eq!(before("https://a.test"), Some("http://two.test/"));
        assert_eq!(before("https://b.test"), None);
        assert!(matches!(
            from(&[("HTTP_PROXY", "http://")]),
            Err(SettingsError::ForwardProxy { .. })
        ));
    }

    #[test]
    fn named_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".netrc"), "machine a.test login u password p").unwrap();
        std::fs::write(folder.path().join("roots.pem"), "pem").unwrap();
        let home = folder.path().to_str().unwrap();
        let url = Url::parse("https://a.test").unwrap();
        assert!(
            from(&[("HOME", home)])
                .unwrap()
                .netrc
                .now()
                .for_machine(&url)
                .is_some()
        );
        let other = format!("{home}/missing");
        assert!(
            from(&[("HOME", home), ("NETRC", &other)])
                .unwrap()
                .netrc
                .now()
                .for_machine(&url)
                .is_none()
        );
        let roots = format!("{home}/roots.pem");
        assert_eq!(from(&[("SSL_CERT_FILE", &roots)]).unwrap().extra_roots, b"pem");
        let missing = from(&[("SSL_CERT_FILE", &other)]).unwrap_err();
        assert!(!missing.to_string().contains(home), "{missing}");
    }
}
