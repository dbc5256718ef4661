//! By which address a client came: what it must write in GOPROXY to come again.

use crate::config::address::as_written;
use http::{header, request::Parts};
use url::{Host, Url};

/// Set by what ends TLS in front of us. What it says is only repeated to who sent it.
const FORWARDED_SCHEME: &str = "x-forwarded-proto";

/// An address for people to paste.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientAddress {
    /// The address, without a slash at its end.
    pub(super) text: String,
    /// Whether it leads every machine to itself.
    pub(super) here_only: bool,
}

impl ClientAddress {
    /// The public address, base path included.
    pub(super) fn public(url: &Url) -> Self {
        Self {
            text: as_written(url),
            here_only: is_here(url),
        }
    }

    /// The address that the request came to, or nothing if it does not tell, or tells what can be no address: what a
    /// client says of itself is repeated to it only if it can be nothing but a host.
    pub(super) fn of_request(request: &Parts, scheme: &str, base_path: &str) -> Option<Self> {
        let host = request
            .uri
            .authority()
            .map(http::uri::Authority::as_str)
            .or_else(|| request.headers.get(header::HOST)?.to_str().ok())?;
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._:[]".contains(letter);
        if host.is_empty() || !host.chars().all(plain) {
            return None;
        }
        let url = Url::parse(&format!("{}://{host}", forwarded(request).unwrap_or(scheme))).ok()?;
        Some(Self {
            text: as_written(&url) + base_path,
            here_only: is_here(&url),
        })
    }
}

/// The scheme that the client spoke, where something in front of us says so.
fn forwarded(request: &Parts) -> Option<&'static str> {
    match request.headers.get(FORWARDED_SCHEME)?.as_bytes() {
        b"https" => Some("https"),
        b"http" => Some("http"),
        _ => None,
    }
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn came_to(host: &str, forwarded: Option<&str>) -> Option<(String, bool)> {
        let mut request = Request::get("/").header("host", host);
        if let Some(scheme) = forwarded {
            request = request.header(FORWARDED_SCHEME, scheme);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let address = ClientAddress::of_request(&parts, "http", "/go")?;
        Some((address.text, address.here_only))
    }

    #[test]
    fn an_address_is_made_of_the_host_that_was_asked() {
        for (host, forwarded, text, here) in [
            ("go.example.com", None, "http://go.example.com/go", false),
            ("go.example.com:80", None, "http://go.example.com/go", false),
            (
                "GO.example.com:3000",
                None,
                "http://go.example.com:3000/go",
                false,
            ),
            (
                "go.example.com",
                Some("https"),
                "https://go.example.com/go",
                false,
            ),
            (
                "go.example.com",
                Some("javascript"),
                "http://go.example.com/go",
                false,
            ),
            ("10.0.0.7:3000", None, "http://10.0.0.7:3000/go", false),
            ("127.0.0.1:3000", None, "http://127.0.0.1:3000/go", true),
            ("localhost:3000", None, "http://localhost:3000/go", true),
            ("[::1]:3000", None, "http://[::1]:3000/go", true),
            ("[fd00::7]", Some("https"), "https://[fd00::7]/go", false),
        ] {
            assert_eq!(came_to(host, forwarded), Some((text.to_owned(), here)), "{host}");
        }
    }

    #[test]
    fn what_can_be_no_host_is_not_repeated() {
        for host in [
            "",
            "x\"><script>",
            "a b",
            "user@host",
            "host/path",
            "host?q",
            "host#f",
            "a,b",
            "a|b",
            "$(x)",
            "h:99999",
            "a:b:c",
            "[",
            "[::1",
            "::::",
            ":80",
        ] {
            assert_eq!(came_to(host, None), None, "{host}");
        }
    }
}
