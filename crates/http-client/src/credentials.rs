//! Credentials: a user name and password that never print.

use http::HeaderValue;
use percent_encoding::percent_decode_str;
use std::fmt;
use url::Url;

/// A user name and password for one host. They travel only over https, or over plain http to this machine; they are
/// dropped when a redirect leads to another scheme, host or port; they never print.
#[derive(Clone)]
pub struct Credentials {
    header: HeaderValue,
    secrets: [String; 2],
}

impl Credentials {
    /// HTTP Basic authentication (RFC 7617); tokens of code hosts are passwords there.
    pub fn basic(user: &str, password: &str) -> Self {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
        let mut header = HeaderValue::try_from(format!("Basic {encoded}"))
            .expect("base64 is made of characters that a header may hold");
        header.set_sensitive(true);
        // A lone user name is a token more often than not.
        let secret = if password.is_empty() { user } else { password };
        Self {
            header,
            secrets: [secret.to_owned(), encoded],
        }
    }

    /// What an address holds between `//` and `@`, percent-decoded.
    pub(crate) fn from_userinfo(url: &Url) -> Option<Self> {
        if url.username().is_empty() && url.password().is_none() {
            return None;
        }
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Some(Self::basic(
            &decode(url.username()),
            &decode(url.password().unwrap_or_default()),
        ))
    }

    /// The value of `Authorization`.
    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// Whether a text gives them away, as the error page of a server that echoes its request does.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        self.secrets
            .iter()
            .any(|secret| !secret.is_empty() && text.contains(secret.as_str()))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_decoded_credentials() {
        let url = Url::parse("https://us%40er:p%3Ass@a.test/").unwrap();
        let credentials = Credentials::from_userinfo(&url).unwrap();
        assert_eq!(credentials.header(), "Basic dXNAZXI6cDpzcw==");
        assert!(Credentials::from_userinfo(&Url::parse("https://a.test/").unwrap()).is_none());
    }

    #[test]
    fn they_do_not_print_and_know_themselves() {
        let credentials = Credentials::basic("user", "canary");
        let printed = format!("{credentials:?} {:?}", credentials.header());
        assert!(!credentials.are_in(&printed), "{printed}");
        assert!(credentials.are_in("you sent canary"));
        assert!(credentials.are_in("Authorization: Basic dXNlcjpjYW5hcnk="));
        assert!(!credentials.are_in("the user"));
    }
}
