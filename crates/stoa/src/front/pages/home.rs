//! The first page: what this server is, and the lines to paste to use it.
//!
//! It is one document: its style and its script stand in it, and the policy it is sent with names their sums, so that a
//! browser runs nothing else. Everything that is not ours is escaped by the template, and all of it can be read without
//! the script.

use super::{client_address::ClientAddress, page};
use crate::{
    build_info::BuildInfo,
    config::{Config, address::BasePath},
    front::internal_error,
};
use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use download_protocol::Body;
use http::{HeaderName, HeaderValue, Response, StatusCode, header, request::Parts};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;
use url::Url;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const STYLE: &str = include_str!("home.css");
const SCRIPT: &str = include_str!("home.js");

/// Nothing is loaded from anywhere; the picture in the browser's tab is part of the page.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let sum = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        sum(STYLE),
        sum(SCRIPT)
    );
    HeaderValue::from_str(&policy).expect("sums in base64 may stand in a header")
});

const OTHER_HEADERS: [(HeaderName, &str); 2] = [
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// The pages that the first one leads to, where they are served.
const PAGES: &[(&str, &str)] = &[
    ("/catalog", "Catalog"),
    ("/index", "Index"),
    ("/scrub", "Scrub"),
    ("/version", "Version"),
    ("/metrics", "Metrics"),
    ("/healthz", "Health"),
];

/// What the first page tells, apart from what a request brings.
#[derive(Debug)]
pub(crate) struct Home {
    /// The address by which clients reach us, base path included, if somebody said so.
    public_url: Option<Url>,
    /// `http` or `https`.
    scheme: &'static str,
    base_path: BasePath,
    private: Private,
    /// The checksum databases served below `/sumdb/`.
    relayed: Vec<String>,
}

/// What may be said of `upstream.private`.
#[derive(Debug, PartialEq, Eq)]
enum Private {
    /// There are no patterns.
    None,
    /// There are, and they name what should stay inside.
    Some,
    /// There are, and `catalog.private` lets everybody know: as a word for a shell.
    Shown(String),
}

#[derive(Template)]
#[template(path = "home.html")]
struct Document<'a> {
    version: &'a str,
    build: String,
    /// The address to paste.
    address: String,
    /// The same as a word for a shell.
    word: String,
    /// Whether it is one, or only stands for one.
    known: bool,
    here_only: bool,
    private: &'a Private,
    relayed: &'a [String],
    scrub: &'a str,
    links: Vec<Link>,
    style: &'static str,
    script: &'static str,
}

struct Link {
    href: String,
    text: &'static str,
}

impl Home {
    /// The first page of this configuration, for a server that relays these checksum databases.
    pub(crate) fn new<'a>(config: &Config, relayed: impl Iterator<Item = &'a str>) -> Self {
        Self {
            public_url: config.public_url.clone(),
            scheme: if config.tls.is_some() { "https" } else { "http" },
            base_path: config.base_path.clone(),
            private: match config.upstream.private_text.as_str() {
                _ if config.upstream.private.is_empty() => Private::None,
                patterns if config.catalog_private => Private::Shown(shell_word(patterns)),
                _ => Private::Some,
            },
            relayed: relayed.map(str::to_owned).collect(),
        }
    }

    /// Answers a request for it. `serves` knows which other pages there are; `scrub` says how far the check of everything
    /// that is kept has come.
    pub(super) fn answer(
        &self,
        request: &Parts,
        serves: impl Fn(&str) -> bool,
        scrub: &str,
    ) -> Response<Body> {
        let Ok(text) = self.document(request, serves, scrub).render() else {
            // Writing to a string cannot fail, and the template does nothing else.
            return internal_error();
        };
        let mut response = page(StatusCode::OK, HTML, text);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
        for (name, value) in OTHER_HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    fn document<'a>(
        &'a self,
        request: &Parts,
        serves: impl Fn(&str) -> bool,
        scrub: &'a str,
    ) -> Document<'a> {
        let build = BuildInfo::this();
        let base_path = self.base_path.as_str();
        let found = match &self.public_url {
            Some(url) => Some(ClientAddress::public(url)),
            None => ClientAddress::of_request(request, self.scheme, base_path),
        };
        let known = found.is_some();
        let ClientAddress {
            text: address,
            here_only,
        } = found.unwrap_or_else(|| ClientAddress {
            text: format!("{}://address-of-this-mirror{base_path}", self.scheme),
            here_only: false,
        });
        // Where the public address is another one, what is in front of us may have cut the base path off.
        let root = match &self.public_url {
            Some(_) => address.as_str(),
            None => base_path,
        };
        let link = |&(path, text): &(&str, _)| Link {
            href: format!("{root}{path}"),
            text,
        };
        Document {
            version: build.version,
            build: build.to_string(),
            word: shell_word(&address),
            known,
            here_only,
            private: &self.private,
            relayed: &self.relayed,
            scrub,
            links: PAGES.iter().filter(|(path, _)| serves(path)).map(link).collect(),
            style: STYLE,
            script: SCRIPT,
            address,
        }
    }
}

/// Text as one word of a shell's line, in quotes where it needs them.
fn shell_word(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._:/,%@+".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_more_into_it() {
        for (text, word) in [
            ("http://127.0.0.1:3000/go", "http://127.0.0.1:3000/go"),
            ("http://[::1]:3000", "'http://[::1]:3000'"),
            ("git.example.com,corp.example", "git.example.com,corp.example"),
            ("*.corp.example/[a-z]*", "'*.corp.example/[a-z]*'"),
            ("it's; $(date)", r"'it'\''s; $(date)'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }

    #[test]
    fn the_page_says_what_this_server_does_and_escapes_what_is_not_ours() {
        let request = http::Request::get("/")
            .body(())
            .expect("a request")
            .into_parts()
            .0;
        let home = |private, relayed: &[&str]| Home {
            public_url: None,
            scheme: "https",
            base_path: BasePath::default(),
            private,
            relayed: relayed.iter().map(|&name| name.to_owned()).collect(),
        };
        let text = |home: Home| {
            let document = home.document(&request, |path| path == "/version", "off");
            document.render().expect("a page")
        };
        let plain = text(home(Private::None, &[]));
        assert!(plain.contains("None is relayed here"));
        assert!(plain.contains("treats no module as private"));
        assert!(plain.contains("GOPROXY=https://address-of-this-mirror</code>"));
        assert!(plain.contains("The address is missing"));
        assert!(plain.contains("href=\"/version\"") && !plain.contains("/catalog"));
        let told = text(home(Private::Shown("'<b>&'".into()), &["sum.test", "<i>"]));
        assert!(told.contains("GOPRIVATE=&#39;&#60;b&#62;&#38;&#39; GONOPROXY=none"));
        assert!(told.contains("<code>sum.test</code>, <code>&#60;i&#62;</code> are relayed here"));
        let kept_quiet = text(home(Private::Some, &["sum.test"]));
        assert!(kept_quiet.contains("<code>sum.test</code> is relayed here"));
        assert!(kept_quiet.contains("GOPRIVATE=git.example.com GONOPROXY=none"));
    }
}
