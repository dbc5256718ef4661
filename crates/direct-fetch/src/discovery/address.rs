//! Addresses of repositories, and which may be used.
//!
//! The go command takes any scheme but `file` from a page that came over https, plain http included. Here a scheme
//! must encrypt and say who answers, unless `direct.insecure` names the module: what a page says over https should not be
//! fetched in clear. Schemes that run programs (`ext::…`) are no addresses at all.

use std::fmt;
use url::Url;

/// The address of a repository: a URL whose scheme may be used, with a host. Prints without a password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RepositoryAddress {
    url: Url,
    written: String,
}

/// Why a text is no address that may be used, as a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// It names no scheme.
    #[error("no scheme")]
    NoScheme,
    /// It names a folder of whoever fetches.
    #[error("file scheme disallowed")]
    File,
    /// Its scheme encrypts nothing.
    #[error("its scheme is not encrypted, and direct.insecure does not name the module")]
    InClear,
    /// Its scheme is not one of those used for repositories.
    #[error("its scheme is not https or ssh")]
    Scheme,
    /// It is no URL with a host.
    #[error("it is no URL with a host")]
    Syntax,
}

/// Schemes that encrypt and say who answers.
const SECURE: &[&str] = &["https", "ssh", "git+ssh", "svn+ssh"];
/// Schemes that do neither.
const IN_CLEAR: &[&str] = &["http", "svn"];

impl RepositoryAddress {
    /// Reads an address; those in clear are taken only if `insecure`.
    pub fn parse(text: &str, insecure: bool) -> Result<Self, InvalidAddress> {
        let scheme = text
            .split_once("://")
            .map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            None if text.to_ascii_lowercase().starts_with("file:") => return Err(InvalidAddress::File),
            None => return Err(InvalidAddress::NoScheme),
            Some("file") => return Err(InvalidAddress::File),
            Some(scheme) if SECURE.contains(&scheme) => {}
            Some(scheme) if IN_CLEAR.contains(&scheme) && insecure => {}
            Some(scheme) if IN_CLEAR.contains(&scheme) => return Err(InvalidAddress::InClear),
            Some(_) => return Err(InvalidAddress::Scheme),
        }
        let url = Url::parse(text).map_err(|_| InvalidAddress::Syntax)?;
        // A host that begins with a dash could be read as a flag by ssh, and control characters as anything.
        let host = url.host_str().unwrap_or_default();
        if host.is_empty()
            || host.starts_with('-')
            || url.username().starts_with('-')
            || text.contains(is_odd)
        {
            return Err(InvalidAddress::Syntax);
        }
        let written = text.to_owned();
        Ok(Self { url, written })
    }

    /// The scheme.
    pub fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// As it was written, for people, and for whoever compares with the go command. Like what prints, without a password.
    pub fn written(&self) -> String {
        if self.url.password().is_some() {
            self.to_string()
        } else {
            self.written.clone()
        }
    }

    /// Whether the built-in client can fetch it.
    pub fn is_http(&self) -> bool {
        matches!(self.scheme(), "https" | "http")
    }

    /// Whether ssh is run to reach it.
    pub fn is_ssh(&self) -> bool {
        matches!(self.scheme(), "ssh" | "git+ssh" | "svn+ssh")
    }

    /// The whole address, with the user and password it may hold: for whoever connects, and for nobody else.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host's name, without a port.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The host, and the port a program connects to unless it is told another.
    pub(super) fn host_and_port(&self) -> (&str, u16) {
        let usual = match self.scheme() {
            "svn" => 3690,
            "https" => 443,
            "http" => 80,
            _ => 22,
        };
        let host = self.url.host_str().unwrap_or_default();
        (host.trim_matches(['[', ']']), self.url.port().unwrap_or(usual))
    }

    /// The host and port as an https address, for the guard: whatever the scheme, that is where a program connects.
    pub(super) fn origin(&self) -> String {
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("https://{}{port}/", self.url.host_str().unwrap_or_default())
    }
}

fn is_odd(c: char) -> bool {
    c.is_control() || c.is_whitespace()
}

impl fmt::Display for RepositoryAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.url.clone();
        // A user name alone (`ssh://git@host`) is part of an address; a password never is. Where it cannot be taken
        // out there is none.
        if shown.password().is_some() {
            let _ = shown.set_password(None);
            let _ = shown.set_username("");
        }
        // The go command writes addresses as it read them, and so without the slash that a URL of a host alone has.
        let text = shown.as_str();
        f.write_str(if shown.path() == "/" {
            text.trim_end_matches('/')
        } else {
            text
        })
    }
}

impl fmt::Debug for RepositoryAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_that_encrypt_are_taken_and_others_only_where_allowed() {
        for text in [
            "https://h.test/r",
            "ssh://git@h.test:2222/r",
            "git+ssh://h.test/r",
            "HTTPS://h.test/r",
        ] {
            assert!(RepositoryAddress::parse(text, false).is_ok(), "{text}");
        }
        for (text, secure, insecure) in [
            ("http://127.0.0.1:8000/r", Err(InvalidAddress::InClear), Ok(())),
            (
                "git://h.test/r",
                Err(InvalidAddress::Scheme),
                Err(InvalidAddress::Scheme),
            ),
            (
                "file:///srv/r",
                Err(InvalidAddress::File),
                Err(InvalidAddress::File),
            ),
            (
                "file:/srv/r",
                Err(InvalidAddress::File),
                Err(InvalidAddress::File),
            ),
            (
                "h.test/r",
                Err(InvalidAddress::NoScheme),
                Err(InvalidAddress::NoScheme),
            ),
            (
                "git@h.test:r",
                Err(InvalidAddress::NoScheme),
                Err(InvalidAddress::NoScheme),
            ),
            (
                "ext::sh -c touch%20x://",
                Err(InvalidAddress::Scheme),
                Err(InvalidAddress::Scheme),
            ),
            (
                "https://",
                Err(InvalidAddress::Syntax),
                Err(InvalidAddress::Syntax),
            ),
            (
                "ssh://-oProxyCommand=x/r",
                Err(InvalidAddress::Syntax),
                Err(InvalidAddress::Syntax),
            ),
            (
                "ssh://-l@h.test/r",
                Err(InvalidAddress::Syntax),
                Err(InvalidAddress::Syntax),
            ),
        ] {
            assert_eq!(
                RepositoryAddress::parse(text, false).map(|_| ()),
                secure,
                "{text}"
            );
            assert_eq!(
                RepositoryAddress::parse(text, true).map(|_| ()),
                insecure,
                "{text}"
            );
        }
    }

    #[test]
    fn a_password_never_prints() {
        let address = RepositoryAddress::parse("https://user:canary@h.test/r", false).unwrap();
        assert_eq!(
            format!("{address} {address:?}"),
            "https://h.test/r https://h.test/r"
        );
        let address = RepositoryAddress::parse("ssh://git@h.test/r", false).unwrap();
        assert_eq!(address.to_string(), "ssh://git@h.test/r");
    }
}
