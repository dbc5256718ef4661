//! Which database: GOSUMDB syntax.

use crate::note::{InvalidKey, VerifierKey};
use http_client::{Destination, InvalidDestination, Url};

/// The key of the database of the Go project, as the go command has it built in.
const GOLANG: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

/// The same database, where the first name cannot be reached.
const GOLANG_CHINA: (&str, &str) = ("sum.golang.google.cn", "https://sum.golang.google.cn");

/// A database: whom to believe, and perhaps where to ask.
#[derive(Clone, Debug)]
pub struct DatabaseSetting {
    /// The key that signs its heads; its name is the database's.
    pub key: VerifierKey,
    /// The address to ask at; without one, the proxies of the chain are asked whether they relay it, and then it is
    /// asked at its name.
    pub address: Option<Destination>,
    /// The address that is its name.
    pub(crate) named: Destination,
}

/// Why a text names no database. Says nothing of the words, which may hold a password in the wrong place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetting {
    /// Neither one word nor two.
    #[error("it is a name or a key, perhaps with an address behind it, or off")]
    Words,
    /// The first word is neither a known name nor a key.
    #[error(
        "its first word is neither off, nor a database that go knows (sum.golang.org, sum.golang.google.cn), nor a key: {0}"
    )]
    Key(InvalidKey),
    /// The name in the key is not `host` or `host/path`.
    #[error("the name {0:?} in the key is no host, nor a host and a path")]
    Name(String),
    /// The second word is no address.
    #[error("its second word: {0}")]
    Address(#[from] InvalidDestination),
}

impl DatabaseSetting {
    /// Reads `off` (as `None`), a name that the go command knows, or `name+hash+key`, the latter two with or without an
    /// address behind. (Go modules reference, "GOSUMDB".)
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidSetting> {
        let mut words = text.split_whitespace();
        let (Some(first), address, None) = (words.next(), words.next(), words.next()) else {
            return Err(InvalidSetting::Words);
        };
        let (key, address) = match (first, address) {
            ("off", None) => return Ok(None),
            ("sum.golang.org", address) => (GOLANG, address),
            (alias, address) if alias == GOLANG_CHINA.0 => (GOLANG, address.or(Some(GOLANG_CHINA.1))),
            other => other,
        };
        let key: VerifierKey = key.parse().map_err(InvalidSetting::Key)?;
        Ok(Some(Self {
            named: named(key.name()).ok_or_else(|| InvalidSetting::Name(key.name().to_owned()))?,
            address: address.map(Destination::configured).transpose()?,
            key,
        }))
    }
}

/// The address that a database's name is, if it is nothing but a host and a path.
fn named(name: &str) -> Option<Destination> {
    let url = Url::parse(&format!("https://{name}")).ok()?;
    let host_and_path = format!("{}{}", authority(&url)?, url.path().trim_end_matches('/'));
    Destination::configured(url.as_str())
        .ok()
        .filter(|_| host_and_path == name)
}

fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(
        url.port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::checksum_database::Signer;

    fn read(text: &str) -> (String, Option<String>) {
        let setting = DatabaseSetting::parse(text).unwrap().unwrap();
        (
            setting.key.name().to_owned(),
            setting.address.map(|address| address.to_string()),
        )
    }

    #[test]
    fn databases_are_known_or_come_with_a_key() {
        assert!(DatabaseSetting::parse(" off ").unwrap().is_none());
        assert_eq!(read("sum.golang.org"), ("sum.golang.org".into(), None));
        let address = |address: &str| Some(address.to_owned());
        assert_eq!(
            read("sum.golang.google.cn"),
            ("sum.golang.org".into(), address("https://sum.golang.google.cn"))
        );
        let key = Signer::new("sums.example.test/db", 1).key();
        assert_eq!(read(&key), ("sums.example.test/db".into(), None));
        assert_eq!(
            read(&format!("{key} http://127.0.0.1:80/x")),
            ("sums.example.test/db".into(), address("http://127.0.0.1/x"))
        );
        assert_eq!(read(&Signer::new("localhost:8080", 1).key()).0, "localhost:8080");
    }

    #[test]
    fn what_names_no_database_is_refused() {
        let key = Signer::new("sums.example.test", 1).key();
        for text in [
            "",
            "a b c",
            "sums.example.test",
            "off https://a.test",
            "sum.golang.org ftp://a.test",
        ] {
            assert!(DatabaseSetting::parse(text).is_err(), "{text}");
        }
        assert!(DatabaseSetting::parse(&format!("{key} nowhere")).is_err());
        for name in [
            "a.test/",
            "a.test/x?y",
            "u@a.test",
            "a.test#x",
            "A.test",
            "a.test/../b",
            "https://a.test",
            "a.test:443",
        ] {
            let refused = DatabaseSetting::parse(&Signer::new(name, 1).key());
            assert!(
                matches!(refused, Err(InvalidSetting::Name(_))),
                "{name}: {refused:?}"
            );
        }
    }
}
