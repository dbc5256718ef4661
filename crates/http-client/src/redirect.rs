//! Where a redirect may lead.
//!
//! A redirect comes from the network, so where it leads is *learned*: it must be public, or it may be internal if the
//! configured address that sent it is internal itself (an upstream on this machine may well keep its files beside it).
//! Only while it stays on the configured scheme, host and port is it still that address, with its trust and its
//! credentials; once it has left, it does not come back. It never leads from https to http.

use crate::{
    credentials::Credentials,
    destination::{authority, drop_userinfo, same_origin},
    error::Error,
    guard::Reach,
};
use http::{HeaderMap, StatusCode, header};
use url::Url;

/// As many as the go command follows.
pub(crate) const MOST_HOPS: usize = 10;

/// One address on the way of a request.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    pub(crate) url: Url,
    pub(crate) reach: Reach,
    pub(crate) credentials: Option<Credentials>,
}

/// Where the answer leads, if it is a redirect.
pub(crate) fn location(from: &Url, status: StatusCode, headers: &HeaderMap) -> Result<Option<Url>, Error> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let host = authority(from);
    let location = headers
        .get(header::LOCATION)
        .and_then(|location| str::from_utf8(location.as_bytes()).ok());
    let mut to = location
        .and_then(|location| from.join(location).ok())
        .ok_or_else(|| Error::malformed(&host, "a redirect that leads nowhere"))?;
    match (from.scheme(), to.scheme()) {
        (_, "https") | ("http", "http") => {}
        (_, "http") => return Err(Error::refused(format!("{host} redirects from https to http"))),
        _ => return Err(Error::refused(format!("{host} redirects to what is not http"))),
    }
    drop_userinfo(&mut to).map_err(|()| Error::malformed(&host, "a redirect that leads nowhere"))?;
    to.set_fragment(None);
    Ok(Some(to))
}

impl Hop {
    /// The next address. `internal` says whether the one before is known to be in our own network.
    pub(crate) fn next(self, to: Url, internal: bool) -> Self {
        if same_origin(&self.url, &to) {
            return Self { url: to, ..self };
        }
        let reach = match self.reach {
            Reach::Everywhere if internal => Reach::Internal,
            Reach::Everywhere => Reach::Public,
            reach => reach,
        };
        Self {
            url: to,
            reach,
            credentials: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn leads(from: &str, to: &str) -> Result<Option<String>, Error> {
        let headers = HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_str(to).unwrap())]);
        let to = location(&Url::parse(from).unwrap(), StatusCode::FOUND, &headers)?;
        Ok(to.map(String::from))
    }

    fn hop(reach: Reach) -> Hop {
        let url = Url::parse("https://a.test/x").unwrap();
        Hop {
            url,
            reach,
            credentials: Some(Credentials::basic("user", "canary")),
        }
    }

    #[test]
    fn locations_are_read_from_where_they_stand() {
        assert_eq!(
            leads("https://a.test/x/y", "../z").unwrap().unwrap(),
            "https://a.test/z"
        );
        assert_eq!(
            leads("http://a.test/", "https://u:p@b.test/#f").unwrap().unwrap(),
            "https://b.test/"
        );
        assert!(matches!(
            leads("https://a.test/", "http://a.test/"),
            Err(Error::Refused { .. })
        ));
        assert!(matches!(
            leads("http://a.test/", "file:///etc/passwd"),
            Err(Error::Refused { .. })
        ));
        assert!(matches!(
            leads("http://a.test/", "http://"),
            Err(Error::Malformed { .. })
        ));
        let from = Url::parse("http://a.test/").unwrap();
        assert!(location(&from, StatusCode::FOUND, &HeaderMap::new()).is_err());
        assert!(
            location(&from, StatusCode::NOT_MODIFIED, &HeaderMap::new())
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn the_configured_origin_stays_what_it_is() {
        for to in ["https://a.test/elsewhere", "https://A.test:443/"] {
            let next = hop(Reach::Everywhere).next(Url::parse(to).unwrap(), true);
            assert_eq!(
                (next.reach, next.credentials.is_some()),
                (Reach::Everywhere, true),
                "{to}"
            );
        }
    }

    #[test]
    fn every_other_origin_is_learned_and_gets_no_credentials() {
        for to in ["https://b.test/", "https://a.test:8443/", "https://sub.a.test/"] {
            let to = Url::parse(to).unwrap();
            for (reach, internal, expected) in [
                (Reach::Everywhere, false, Reach::Public),
                (Reach::Everywhere, true, Reach::Internal),
                (Reach::Internal, false, Reach::Internal),
                (Reach::Public, true, Reach::Public),
            ] {
                let next = hop(reach).next(to.clone(), internal);
                assert_eq!(
                    (next.reach, next.credentials.is_some()),
                    (expected, false),
                    "{to}"
                );
                let back = next.next(Url::parse("https://a.test/x").unwrap(), internal);
                assert_eq!(
                    (back.reach, back.credentials.is_some()),
                    (expected, false),
                    "{to} and back"
                );
            }
        }
    }
}
