//! Where the `git` command connects to: to addresses that the guard has judged, and to no others.
//!
//! A program looks names up by itself, and a name that was public when it was judged may lead inside a moment later
//! (DNS rebinding). So the name is looked up and judged once more for each run, and the program is told the addresses:
//! curl by `http.curloptResolve` (git 2.37), ssh by `HostName`. Two things have the last word all the same, since
//! whoever runs this server wrote them: a forward proxy, and what the account's ssh configuration says of a host.

use super::{Remote, host_key};
use crate::git::session::Session;
use http_client::{Client, Destination};
use proxy_core::upstream::UpstreamError;
use std::{ffi::OsString, net::IpAddr};
use tokio::process::Command;
use url::Url;

/// The other end of one run of `git`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pinned {
    /// The address that `git` is given.
    pub(super) url: String,
    /// Settings for `git` that say where that is.
    pub(super) settings: Vec<String>,
    /// The same for `ssh`.
    pub(super) ssh: Option<Ssh>,
}

/// Where `ssh` connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ssh {
    /// Instead of the host's name.
    pub(super) address: IpAddr,
    /// The name by which `known_hosts` knows it.
    pub(super) known_as: String,
}

/// What `ssh` would make of a host (`ssh -G`).
#[derive(Debug, Default, PartialEq, Eq)]
struct Configured {
    host: String,
    port: Option<u16>,
    /// Somebody else makes the connection, or the host has another name in `known_hosts`.
    by_other_means: bool,
}

/// The port of `ssh`, which `known_hosts` leaves out.
const SSH_PORT: u16 = 22;

impl Pinned {
    /// Looks the host of an address up, and lets the guard judge where it lies. `configured` asks `ssh` what the account's
    /// configuration makes of a host.
    pub(super) fn find(
        url: &str,
        remote: &Remote,
        client: &Client,
        session: &Session,
        configured: impl FnOnce(&Url) -> Option<Vec<u8>>,
    ) -> Result<Self, UpstreamError> {
        let pinned = Self {
            url: url.to_owned(),
            ..Self::default()
        };
        let invalid = || UpstreamError::not_found(format!("{url}: its host is none that can be judged"));
        let parsed = Url::parse(url).map_err(|_| invalid())?;
        let http = matches!(parsed.scheme(), "http" | "https");
        let host = host_key::host(&parsed);
        if !host.chars().all(is_of_hosts) {
            return Err(invalid());
        }
        let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
        let scheme = if http { parsed.scheme() } else { "https" };
        let origin = format!("{scheme}://{}{port}/", parsed.host_str().unwrap_or_default());
        let destination = Destination::learned(&origin, remote.trust).map_err(|_| invalid())?;
        let judged = session.wait(client.judge(&destination));
        let Some(addresses) = judged.transpose()? else {
            session.check()?;
            return Ok(pinned);
        };
        // A literal address is where it says that it is.
        if host.parse::<IpAddr>().is_ok() {
            return Ok(pinned);
        }
        if http {
            return match destination.url().port_or_known_default() {
                Some(port) if !addresses.is_empty() => Ok(Self {
                    settings: curl_settings(host, port, &addresses),
                    ..pinned
                }),
                _ if client.is_proxied(&destination) => Ok(pinned),
                _ => Err(unknown(url)),
            };
        }
        let configured = configured(&parsed).map(|said| Configured::read(&said));
        match (configured, addresses.first()) {
            // Without ssh there is nothing to pin: git will say so.
            (None, _) => Ok(pinned),
            (Some(configured), _)
                if configured.by_other_means || !configured.host.eq_ignore_ascii_case(host) =>
            {
                Ok(pinned)
            }
            (Some(configured), Some(address)) => Ok(Self {
                ssh: Some(Ssh {
                    address: *address,
                    known_as: known_as(&configured),
                }),
                ..pinned
            }),
            (Some(_), None) => Err(unknown(url)),
        }
    }
}

impl Ssh {
    /// The options for the shell in which `git` starts `ssh`.
    pub(super) fn options(&self) -> String {
        format!(
            " -o HostName={} -o 'HostKeyAlias={}'",
            self.address, self.known_as
        )
    }
}

impl Configured {
    fn read(said: &[u8]) -> Self {
        let mut configured = Self::default();
        for line in String::from_utf8_lossy(said).lines() {
            match line.trim_end().split_once(' ') {
                Some(("hostname", host)) => host.clone_into(&mut configured.host),
                Some(("port", port)) => configured.port = port.parse().ok(),
                Some(("proxycommand" | "proxyjump" | "hostkeyalias", _)) => configured.by_other_means = true,
                _ => {}
            }
        }
        configured
    }
}

/// The command that says what the account's configuration makes of a host.
pub(super) fn ask_ssh(url: &Url, environment: &[(OsString, OsString)]) -> Command {
    let mut command = Command::new("ssh");
    command
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .arg("-G");
    if let Some(port) = url.port() {
        command.arg("-p").arg(port.to_string());
    }
    if !url.username().is_empty() {
        command.arg("-l").arg(url.username());
    }
    command.arg("--").arg(host_key::host(url));
    command
}

/// What `ssh` is pinned by goes into a shell, and a name with anything else in it is none.
fn is_of_hosts(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':')
}

/// As `ssh` writes it: with the port, unless it is the usual one.
fn known_as(configured: &Configured) -> String {
    match configured.port {
        Some(port) if port != SSH_PORT => format!("[{}]:{port}", configured.host),
        _ => configured.host.clone(),
    }
}

/// `http.curloptResolve` for a host; curl may or may not leave out the dot at the end of a name.
fn curl_settings(host: &str, port: u16, addresses: &[IpAddr]) -> Vec<String> {
    let addresses: Vec<_> = addresses
        .iter()
        .map(|address| match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        })
        .collect();
    let addresses = addresses.join(",");
    let mut names = vec![host];
    names.extend(host.strip_suffix('.'));
    let setting = |name| format!("http.curloptResolve={name}:{port}:{addresses}");
    names.into_iter().map(setting).collect()
}

fn unknown(url: &str) -> UpstreamError {
    UpstreamError::unavailable(format!("{url}: the name of its host is not known here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_says_is_read() {
        let plain = Configured::read(b"user git\nhostname h.test\nport 2222\nproxyusefdpass no\n");
        assert_eq!(
            plain,
            Configured {
                host: "h.test".into(),
                port: Some(2222),
                by_other_means: false
            }
        );
        assert_eq!(known_as(&plain), "[h.test]:2222");
        let usual = Configured::read(b"hostname h.test\nport 22\n");
        assert_eq!(known_as(&usual), "h.test");
        for means in ["proxycommand nc x", "proxyjump j.test", "hostkeyalias other"] {
            let said = format!("hostname h.test\nport 22\n{means}\n");
            assert!(Configured::read(said.as_bytes()).by_other_means, "{means}");
        }
    }

    #[test]
    fn curl_is_told_every_address() {
        let addresses = ["192.0.2.1", "2001:db8::1"].map(|address| address.parse().unwrap());
        assert_eq!(
            curl_settings("h.test", 443, &addresses),
            ["http.curloptResolve=h.test:443:192.0.2.1,[2001:db8::1]"]
        );
        assert_eq!(
            curl_settings("h.test.", 80, &addresses[..1]),
            [
                "http.curloptResolve=h.test.:80:192.0.2.1",
                "http.curloptResolve=h.test:80:192.0.2.1"
            ]
        );
    }

    #[test]
    fn nothing_of_a_name_is_for_the_shell() {
        for odd in ["h.test;x", "h'x", "$(x)", "h%2etest", "h x"] {
            assert!(!odd.chars().all(is_of_hosts), "{odd}");
        }
    }
}
