//! What to say of an ssh host whose key is not believed.
//!
//! `ssh` alone says "Host key verification failed". Whoever runs the server wants the line that is missing from
//! `known_hosts`, so the host is asked for its keys (`ssh-keyscan`, which sends nothing secret). Whether the line is
//! right only a person can tell, who compares it with what the host's owner says.

use proxy_core::upstream::UpstreamError;
use std::{ffi::OsString, net::IpAddr};
use tokio::process::Command;
use url::Url;

/// Kinds of keys, the shortest and best first.
const KINDS: &[&str] = &["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"];
/// The longest line that is shown, in bytes: an RSA key of 2048 bits has 400.
const LONGEST: usize = 480;

/// What `ssh` held against a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distrust {
    /// `known_hosts` holds no key of it.
    Unknown,
    /// `known_hosts` holds another key of it.
    Changed,
}

/// Reads what `ssh` complained of.
pub(super) fn distrust(complaint: &str) -> Option<Distrust> {
    if complaint.contains("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        return Some(Distrust::Changed);
    }
    complaint
        .contains("Host key verification failed")
        .then_some(Distrust::Unknown)
}

/// The command that asks a host for its keys, at this address if there is one.
pub(super) fn scan(url: &Url, address: Option<IpAddr>, environment: &[(OsString, OsString)]) -> Command {
    let mut command = Command::new("ssh-keyscan");
    command
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)));
    command.args(["-T", "5", "-t", "ed25519,ecdsa,rsa"]);
    if let Some(port) = url.port() {
        command.arg("-p").arg(port.to_string());
    }
    let host = address.map_or_else(|| host(url).to_owned(), |address| address.to_string());
    command.arg("--").arg(host);
    command
}

/// The host as `ssh` is told it.
pub(super) fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default().trim_matches(['[', ']'])
}

/// The best of the lines that a host's keys make in `known_hosts`, where it is to be known by this name.
pub(super) fn line(scanned: &[u8], known_as: Option<&str>) -> Option<String> {
    let scanned = String::from_utf8_lossy(scanned);
    let fine = |line: &&str| {
        line.len() <= LONGEST
            && !line.starts_with('#')
            && line.chars().all(|c| c == ' ' || c.is_ascii_graphic())
    };
    let lines: Vec<&str> = scanned.lines().map(str::trim).filter(fine).collect();
    let of_kind = |kind: &&str| lines.iter().find(|line| line.split(' ').nth(1) == Some(*kind));
    let best = KINDS.iter().find_map(of_kind)?;
    Some(match (known_as, best.split_once(' ')) {
        (Some(name), Some((_, key))) => format!("{name} {key}"),
        _ => (*best).to_owned(),
    })
}

/// The trouble, in a sentence that says what to do about it.
pub(super) fn trouble(url: &str, distrust: Distrust, line: Option<&str>) -> UpstreamError {
    UpstreamError::unavailable(match (distrust, line) {
        (Distrust::Changed, _) => format!(
            "{url}: the ssh host key is not the one that known_hosts holds; somebody may stand in between, so nothing was fetched"
        ),
        (Distrust::Unknown, Some(line)) => format!(
            "{url}: the ssh host key is not known; if it is the host's own, add this line to known_hosts: {line}"
        ),
        (Distrust::Unknown, None) => {
            format!("{url}: the ssh host key is not known; add it to known_hosts (ssh-keyscan shows it)")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_key_is_shown_and_nothing_odd() {
        let scanned = b"# h.test:22 SSH-2.0-x\nh.test ssh-rsa AAAAR\nh.test ssh-ed25519 AAAAE\nh.test ecdsa-sha2-nistp256 AAAAC\n";
        assert_eq!(line(scanned, None).as_deref(), Some("h.test ssh-ed25519 AAAAE"));
        assert_eq!(
            line(scanned, Some("[n.test]:23")).as_deref(),
            Some("[n.test]:23 ssh-ed25519 AAAAE")
        );
        assert_eq!(line(b"h.test ssh-ed25519 \x1b[31m\n", None).as_deref(), None);
        assert_eq!(
            line(format!("h ssh-rsa {}", "A".repeat(LONGEST)).as_bytes(), None),
            None
        );
        assert_eq!(line(b"", None), None);
    }

    #[test]
    fn a_changed_key_is_told_from_an_unknown_one() {
        assert_eq!(
            distrust("No ED25519 host key is known for h\nHost key verification failed.\n"),
            Some(Distrust::Unknown)
        );
        let changed = "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n";
        assert_eq!(distrust(changed), Some(Distrust::Changed));
        assert_eq!(distrust("Permission denied (publickey).\n"), None);
    }

    #[test]
    fn a_host_is_scanned_at_its_own_port() {
        let arguments = |url: &str| {
            let command = scan(&Url::parse(url).unwrap(), None, &[]);
            let arguments: Vec<_> = command.as_std().get_args().map(ToOwned::to_owned).collect();
            arguments.join(" ".as_ref()).into_string().unwrap()
        };
        assert!(arguments("ssh://git@h.test/r").ends_with("rsa -- h.test"));
        assert!(arguments("ssh://git@[::1]:2222/r").ends_with("-p 2222 -- ::1"));
    }
}
