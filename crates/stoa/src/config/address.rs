//! Addresses: where to listen, below which prefix, and where others reach a server.

use std::{fmt, path::PathBuf};
use url::{Host, Url};

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    /// On a port of one address, of all addresses a name has, or of every address of the machine.
    Tcp {
        /// A name or an address, without brackets.
        host: String,
        /// The port; 0 lets the system choose.
        port: u16,
    },
    /// On a socket in the file system.
    Unix(PathBuf),
}

/// The prefix below which everything is served: empty, or `/go` without a slash at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BasePath(String);

/// Reads `127.0.0.1:3000`, `[::1]:3000`, `localhost:3000`, `:3000` or `unix:/run/stoa.sock`.
pub(crate) fn listen(text: &str) -> Result<Listen, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return if path.is_empty() {
            Err("unix: needs the path of a socket behind it".into())
        } else {
            Ok(Listen::Unix(path.into()))
        };
    }
    let wrong = || format!("{text:?} is not an address such as 127.0.0.1:3000 or unix:/run/stoa.sock");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().map_err(|_| wrong())?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => {
            let host = bracketed.strip_suffix(']').ok_or_else(wrong)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| wrong())?;
            host
        }
        None if host.is_empty() => "0.0.0.0",
        None => {
            Host::parse(host).map_err(|_| wrong())?;
            host
        }
    };
    Ok(Listen::Tcp {
        host: host.into(),
        port,
    })
}

/// Reads a prefix; slashes at its end make no difference.
pub(crate) fn base_path(text: &str) -> Result<BasePath, String> {
    let wrong = |why: &str| Err(format!("{text:?} {why}"));
    let trimmed = text.trim_end_matches('/');
    if !text.starts_with('/') {
        return wrong("does not begin with a slash, as in /go");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    for element in trimmed.split('/').skip(1) {
        if element.is_empty() || element == "." || element == ".." {
            return wrong("has an empty element, or one of dots");
        }
        if !element.chars().all(plain) {
            return wrong("holds characters other than letters, digits and -._~");
        }
    }
    Ok(BasePath(trimmed.into()))
}

/// Reads the http or https address of a server, which holds no credentials.
pub(crate) fn web_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("it is not an http or https address ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("it is not an http or https address".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds credentials, which do not belong here".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has a query or a fragment, which do not belong here".into());
    }
    Ok(url)
}

/// The address of a server as clients write it: without a slash at its end, and with every letter escaped that would mean
/// something else in a GOPROXY list, in a shell, or in the files that builds are described in.
pub(crate) fn as_written(url: &Url) -> String {
    let mut text = String::new();
    for letter in url.as_str().trim_end_matches('/').chars() {
        if letter.is_ascii_alphanumeric() || "-._~:/[]%".contains(letter) {
            text.push(letter);
        } else {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                text.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    text
}

impl BasePath {
    /// The prefix, empty for the root.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listen_addresses_name_a_port_or_a_socket() {
        for (text, shown) in [
            ("127.0.0.1:3000", "127.0.0.1:3000"),
            ("localhost:0", "localhost:0"),
            ("[::1]:80", "[::1]:80"),
            (":3000", "0.0.0.0:3000"),
            ("unix:/run/stoa.sock", "unix:/run/stoa.sock"),
            ("unix:///run/stoa.sock", "unix:/run/stoa.sock"),
            ("unix:stoa.sock", "unix:stoa.sock"),
        ] {
            assert_eq!(listen(text).expect(text).to_string(), shown);
        }
        for text in [
            "",
            "3000",
            "localhost",
            "host:",
            "host:99999",
            "::1:80",
            "[::1:80",
            "a b:80",
            "unix:",
        ] {
            assert!(listen(text).is_err(), "{text}");
        }
    }

    #[test]
    fn base_paths_are_plain_prefixes() {
        for (text, prefix) in [
            ("/", ""),
            ("/go", "/go"),
            ("/go/", "/go"),
            ("/a/b-c_d.e~f", "/a/b-c_d.e~f"),
        ] {
            assert_eq!(base_path(text).expect(text).as_str(), prefix);
        }
        for text in ["", "go", "//go", "/a//b", "/../x", "/a b", "/%2e", "/a?b", "/é"] {
            assert!(base_path(text).is_err(), "{text}");
        }
    }

    #[test]
    fn web_addresses_hold_no_credentials() {
        assert!(web_url("https://go.example.com/mirror").is_ok());
        for text in ["", "go.example.com", "ftp://x", "https://u:p@x", "https://x/?q=1"] {
            let error = web_url(text).expect_err(text);
            assert!(!error.contains("u:p"), "{error}");
        }
    }

    #[test]
    fn what_means_something_else_elsewhere_is_escaped() {
        for (url, written) in [
            ("https://go.example.com/mirror/", "https://go.example.com/mirror"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            (
                "https://x/a,b|c'd$e;f&g(h)!",
                "https://x/a%2Cb%7Cc%27d%24e%3Bf%26g%28h%29%21",
            ),
            ("https://x/é%20/", "https://x/%C3%A9%20"),
        ] {
            assert_eq!(as_written(&web_url(url).expect(url)), written);
        }
    }
}
