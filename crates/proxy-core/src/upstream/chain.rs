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

/// Why a text is no GOPROXY list: one sentence, without the credentials an entry may hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidList {
    /// Nothing but separators and blanks.
    #[error("the list of proxies has no entries")]
    Empty,
    /// A bare word that is neither `direct` nor `off`, or a path.
    #[error(
        "entry {position} of the list of proxies has no scheme: write https://, http:// or file:// in front"
    )]
    NoScheme {
        /// Which entry, counted from 1.
        position: usize,
    },
    /// A scheme that no proxy is spoken to with.
    #[error("entry {position} of the list of proxies has the scheme {scheme:?}, not https, http or file")]
    OtherScheme {
        /// Which entry, counted from 1.
        position: usize,
        /// Its scheme.
        scheme: String,
    },
    /// A scheme, and no host behind it; of `file`, no absolute path.
    #[error("entry {position} of the list of proxies names no {missing}")]
    Incomplete {
        /// Which entry, counted from 1.
        position: usize,
        /// What is not there.
        missing: &'static str,
    },
}

/// Reads GOPROXY syntax: each entry with the separator behind it (`,` where none is).
///
/// As the go command reads it: entries are trimmed and empty ones skipped, what follows `direct` or `off` is ignored,
/// and an entry without a scheme that looks like a host name gets `https://` (Go modules reference, "Environment
/// variables", and `proxyList` of `cmd/go`).
pub fn parse_list(list: &str) -> Result<Vec<(Entry, Separator)>, InvalidList> {
    let mut entries = Vec::new();
    for piece in list.split_inclusive([',', '|']) {
        let (text, separator) = match piece.strip_suffix('|') {
            Some(text) => (text, Separator::OnAnyFailure),
            None => (piece.strip_suffix(',').unwrap_or(piece), Separator::OnNotFound),
        };
        let last = match text.trim() {
            "" => continue,
            "direct" => Entry::Direct,
            "off" => Entry::Off,
            proxy => {
                entries.push((Entry::Proxy(complete(proxy, entries.len() + 1)?), separator));
                continue;
            }
        };
        entries.push((last, separator));
        break;
    }
    if entries.is_empty() {
        Err(InvalidList::Empty)
    } else {
        Ok(entries)
    }
}

/// Gives a host its `https://`, and refuses what is no address of a proxy.
fn complete(entry: &str, position: usize) -> Result<String, InvalidList> {
    let address = if entry.contains(['.', ':', '/']) && !entry.contains(":/") && !entry.starts_with('/') {
        format!("https://{entry}")
    } else {
        entry.to_owned()
    };
    let Some((scheme, rest)) = address.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return Err(InvalidList::NoScheme { position });
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => {
            let host = rest
                .strip_prefix("//")
                .unwrap_or_default()
                .split(['/', '?', '#'])
                .next()
                .unwrap_or_default();
            let host = host.rsplit_once('@').map_or(host, |(_credentials, host)| host);
            if host.is_empty() || host.starts_with(':') {
                return Err(InvalidList::Incomplete {
                    position,
                    missing: "host",
                });
            }
        }
        "file" => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if !path.starts_with('/') {
                return Err(InvalidList::Incomplete {
                    position,
                    missing: "absolute path",
                });
            }
        }
        _ => {
            return Err(InvalidList::OtherScheme {
                position,
                scheme: scheme.to_owned(),
            });
        }
    }
    Ok(address)
}

/// Whether the text may stand before the `:` of an address (RFC 3986, section 3.1).
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// The upstreams in order.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// Stores that are asked before any origin, for private modules too: they are the operator's own.
    pub also: Vec<Arc<dyn Upstream>>,
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

#[cfg(test)]
mod tests {
    use super::{Entry::*, InvalidList, Separator::*, *};

    fn proxy(address: &str, separator: Separator) -> (Entry, Separator) {
        (Proxy(address.to_owned()), separator)
    }

    #[test]
    fn lists_are_read_as_go_reads_them() {
        let table = [
            ("direct", vec![(Direct, OnNotFound)]),
            ("off", vec![(Off, OnNotFound)]),
            (
                "https://a.test,direct",
                vec![proxy("https://a.test", OnNotFound), (Direct, OnNotFound)],
            ),
            (
                "https://a.test|https://b.test",
                vec![
                    proxy("https://a.test", OnAnyFailure),
                    proxy("https://b.test", OnNotFound),
                ],
            ),
            (
                " https://a.test , ,|, direct ",
                vec![proxy("https://a.test", OnNotFound), (Direct, OnNotFound)],
            ),
            (
                "https://a.test|,direct",
                vec![proxy("https://a.test", OnAnyFailure), (Direct, OnNotFound)],
            ),
            ("direct,https://a.test", vec![(Direct, OnNotFound)]),
            ("off|https://a.test,nonsense", vec![(Off, OnAnyFailure)]),
            ("a.test", vec![proxy("https://a.test", OnNotFound)]),
            (
                "a.test/deep/er",
                vec![proxy("https://a.test/deep/er", OnNotFound)],
            ),
            (
                "localhost:8080",
                vec![proxy("https://localhost:8080", OnNotFound)],
            ),
            (
                "user:pass@a.test",
                vec![proxy("https://user:pass@a.test", OnNotFound)],
            ),
            (
                "http://user:pass@a.test:81/x",
                vec![proxy("http://user:pass@a.test:81/x", OnNotFound)],
            ),
            ("HTTP://a.test", vec![proxy("HTTP://a.test", OnNotFound)]),
            ("file:///srv/tree", vec![proxy("file:///srv/tree", OnNotFound)]),
            ("file:/srv/tree", vec![proxy("file:/srv/tree", OnNotFound)]),
            ("http://[::1]:8080", vec![proxy("http://[::1]:8080", OnNotFound)]),
        ];
        for (list, expected) in table {
            assert_eq!(parse_list(list), Ok(expected), "{list}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused_in_a_sentence() {
        let other = |scheme: &str| InvalidList::OtherScheme {
            position: 1,
            scheme: scheme.to_owned(),
        };
        let table = [
            ("", InvalidList::Empty),
            (" ,|, ", InvalidList::Empty),
            ("proxy", InvalidList::NoScheme { position: 1 }),
            ("a.test,Direct", InvalidList::NoScheme { position: 2 }),
            ("/srv/tree", InvalidList::NoScheme { position: 1 }),
            ("//a.test/x", InvalidList::NoScheme { position: 1 }),
            ("ftp://a.test", other("ftp")),
            ("git+ssh://a.test", other("git+ssh")),
            (
                "https://",
                InvalidList::Incomplete {
                    position: 1,
                    missing: "host",
                },
            ),
            (
                "http://:80/x",
                InvalidList::Incomplete {
                    position: 1,
                    missing: "host",
                },
            ),
            (
                "https://user:pass@/x",
                InvalidList::Incomplete {
                    position: 1,
                    missing: "host",
                },
            ),
            (
                "https:/a.test",
                InvalidList::Incomplete {
                    position: 1,
                    missing: "host",
                },
            ),
            (
                "file://srv/tree",
                InvalidList::Incomplete {
                    position: 1,
                    missing: "absolute path",
                },
            ),
        ];
        for (list, expected) in table {
            assert_eq!(parse_list(list), Err(expected), "{list}");
        }
    }

    #[test]
    fn credentials_are_in_no_refusal() {
        for list in [
            "ftp://user:canary@a.test",
            "://user:canary@a.test",
            "//user:canary@a.test",
            "https://user:canary@",
        ] {
            let refusal = parse_list(list).unwrap_err();
            assert!(
                !format!("{refusal} {refusal:?}").contains("canary"),
                "{list}: {refusal}"
            );
        }
    }
}
