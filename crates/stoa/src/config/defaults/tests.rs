//! The defaults that are found: whose word counts, and which entries name this server.

use super::*;
use crate::config::address::listen;

/// A `go` that says what the test wants.
struct Go {
    set_to: Option<&'static str>,
    built_in: Option<&'static str>,
}

impl GoCommand for Go {
    fn setting(&self, _name: &str) -> Option<String> {
        self.set_to.map(str::to_owned)
    }
    fn proxy_by_default(&self) -> Option<String> {
        self.built_in.map(str::to_owned)
    }
}

const NO_GO: Go = Go {
    set_to: None,
    built_in: None,
};

fn found(goproxy: Option<&str>, go: &Go, own: &str) -> (String, String) {
    let variables = goproxy.map(|list| ("GOPROXY".into(), list.into()));
    let (list, source) = upstream_chain(
        &Environment::new(variables),
        go,
        &listen(own).expect("an address"),
    );
    (list, source.to_string())
}

#[test]
fn the_environment_goes_before_go_env() {
    let go = Go {
        set_to: Some("https://b.example"),
        built_in: None,
    };
    assert_eq!(
        found(Some("https://a.example,direct"), &go, "127.0.0.1:3000").0,
        "https://a.example,direct"
    );
    assert_eq!(found(Some(""), &go, "127.0.0.1:3000").0, "https://b.example");
    assert_eq!(found(None, &go, "127.0.0.1:3000").0, "https://b.example");
    assert_eq!(found(None, &NO_GO, "127.0.0.1:3000").0, "direct");
}

#[test]
fn entries_that_name_this_server_are_left_out() {
    let go = Go {
        set_to: None,
        built_in: Some("https://built-in.example,direct"),
    };
    for (own, entry) in [
        ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("127.0.0.1:3000", "http://127.0.0.1:3000/"),
        ("127.0.0.1:3000", "http://localhost:3000/go/"),
        ("127.0.0.1:3000", "http://0.0.0.0:3000"),
        ("localhost:3000", "http://[::1]:3000"),
        (":3000", "http://127.0.0.1:3000"),
        ("[::]:3000", "http://127.0.0.1:3000"),
        ("0.0.0.0:443", "https://localhost"),
        ("10.1.2.3:80", "http://10.1.2.3"),
        ("mirror.example:3000", "http://MIRROR.example:3000"),
    ] {
        let (list, from) = found(Some(entry), &go, own);
        assert_eq!(list, "https://built-in.example,direct", "{entry} of {own}");
        assert!(from.contains("names only this server"), "{from}");
        let (list, from) = found(Some(&format!("{entry}|https://other.example|direct")), &go, own);
        assert_eq!(list, "https://other.example|direct", "{entry} of {own}");
        assert!(from.contains("without this server"), "{from}");
    }
    assert_eq!(
        found(Some("http://127.0.0.1:3000"), &NO_GO, "127.0.0.1:3000").0,
        "direct"
    );
}

#[test]
fn other_servers_stay() {
    let go = Go {
        set_to: None,
        built_in: Some("https://built-in.example"),
    };
    for (own, entry) in [
        ("127.0.0.1:3000", "http://127.0.0.1:3001"),
        ("127.0.0.1:3000", "http://127.0.0.1.example:3000"),
        ("10.1.2.3:3000", "http://127.0.0.1:3000"),
        ("unix:/run/stoa.sock", "http://127.0.0.1:3000"),
        ("127.0.0.1:3000", "direct"),
    ] {
        assert_eq!(found(Some(entry), &go, own).0, entry, "{entry} of {own}");
    }
}

#[test]
fn the_database_is_the_one_of_go() {
    let of = |variables: Vec<(&str, &str)>, go: &Go| {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        checksum_database(&Environment::new(variables), go).0
    };
    let go = Go {
        set_to: Some("off"),
        built_in: None,
    };
    assert_eq!(of(vec![("GOSUMDB", "sum.golang.org")], &go), "sum.golang.org");
    assert_eq!(of(vec![], &go), "off");
    assert_eq!(of(vec![], &NO_GO), "sum.golang.org");
}
