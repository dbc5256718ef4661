//! The values that are written as the `go` command writes them: GOPROXY, GOPRIVATE, GOSUMDB and GOVCS.

use base64::{Engine, engine::general_purpose::STANDARD};
use proxy_core::{
    module::Patterns,
    upstream::chain::{Entry, Separator, parse_list},
};
use url::Url;

/// The checksum databases whose key the `go` command knows (`cmd/go/internal/modfetch/key.go`).
pub(crate) const KNOWN_DATABASES: &[&str] = &["sum.golang.org", "sum.golang.google.cn"];

/// What GOVCS may name besides patterns (Go modules reference, "Controlling version control tools with GOVCS").
const VERSION_CONTROL: &[&str] = &["all", "off", "git", "hg", "svn", "bzr", "fossil"];

/// The entries of a list separated by commas, without blanks; empty ones are left out.
pub(crate) fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

/// Reads GOPROXY syntax. Errors do not repeat an entry: it may hold a password.
pub(crate) fn chain(text: &str) -> Result<Vec<(Entry, Separator)>, String> {
    let list = parse_list(text).map_err(|error| error.to_string())?;
    for (position, (entry, _)) in list.iter().enumerate() {
        if let Entry::Proxy(address) = entry {
            Url::parse(address).map_err(|error| format!("entry {} is no address ({error})", position + 1))?;
        }
    }
    Ok(list)
}

/// Writes a list in GOPROXY syntax; what follows the last entry does not matter and is left out.
pub(crate) fn write_chain(list: &[(Entry, Separator)]) -> String {
    let mut text = String::new();
    for (position, (entry, separator)) in list.iter().enumerate() {
        text.push_str(match entry {
            Entry::Proxy(address) => address,
            Entry::Direct => "direct",
            Entry::Off => "off",
        });
        if position + 1 < list.len() {
            text.push(if *separator == Separator::OnAnyFailure {
                '|'
            } else {
                ','
            });
        }
    }
    text
}

/// Reads GOPRIVATE syntax.
pub(crate) fn patterns(text: &str) -> Result<Patterns, String> {
    Patterns::parse(text).map_err(|error| error.to_string())
}

/// Checks GOSUMDB syntax: `off`, or a known name or a key, and perhaps an address. The key's hash is not checked.
pub(crate) fn checksum_database(text: &str) -> Result<(), String> {
    let mut words = text.split_whitespace();
    let (name, address) = (words.next().unwrap_or_default(), words.next());
    if words.next().is_some() {
        return Err("it has more than two words: a name or key, and an address".into());
    }
    if let Some(address) = address {
        let url = Url::parse(address).map_err(|error| format!("its second word is no address ({error})"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("its address is neither http nor https".into());
        }
    }
    match name {
        "" => Err("it is empty; write off for no checksum database".into()),
        "off" if address.is_none() => Ok(()),
        name if KNOWN_DATABASES.contains(&name) => Ok(()),
        key if is_verifier_key(key) => Ok(()),
        name => Err(format!(
            "{name:?} is neither off, nor a database that go knows ({}), nor a key such as name+hash+key",
            KNOWN_DATABASES.join(", ")
        )),
    }
}

/// Checks GOVCS syntax: `pattern:git|hg` entries, separated by commas.
pub(crate) fn vcs(text: &str) -> Result<(), String> {
    for entry in entries(text) {
        let (pattern, names) = entry
            .split_once(':')
            .ok_or_else(|| format!("{entry:?} is not of the form pattern:git|hg"))?;
        if pattern.trim().is_empty() {
            return Err(format!("{entry:?} has no pattern before its colon"));
        }
        if !matches!(pattern.trim(), "public" | "private") {
            patterns(pattern.trim())?;
        }
        if let Some(unknown) = names
            .split('|')
            .map(str::trim)
            .find(|name| !VERSION_CONTROL.contains(name))
        {
            return Err(format!(
                "{unknown:?} is not one of {}",
                VERSION_CONTROL.join(", ")
            ));
        }
    }
    Ok(())
}

/// `<name>+<8 hex digits>+<base64 of an algorithm byte and a 32-byte Ed25519 key>` (`golang.org/x/mod/sumdb/note`).
fn is_verifier_key(text: &str) -> bool {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    const ED25519: u8 = 1;
    !name.is_empty()
        && hash.len() == 8
        && hash.chars().all(|c| c.is_ascii_hexdigit())
        && STANDARD
            .decode(key)
            .is_ok_and(|key| key.len() == 33 && key.first() == Some(&ED25519))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of `sum.golang.org`, as `go` has it built in.
    const KEY: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

    #[test]
    fn databases_are_known_or_come_with_a_key() {
        let with_address = format!("{KEY} https://sums.example.com/x");
        for text in [
            "off",
            "sum.golang.org",
            "sum.golang.org https://example.com",
            KEY,
            &with_address,
        ] {
            assert_eq!(checksum_database(text), Ok(()), "{text}");
        }
        let bad_address = format!("{KEY} sums.example.com");
        for text in [
            "",
            "sums.example.com",
            "off https://x",
            "n+12345678+short",
            &bad_address,
            "a b c",
        ] {
            assert!(checksum_database(text).is_err(), "{text}");
        }
    }

    #[test]
    fn chains_keep_their_separators_and_hide_their_entries() {
        let text = "https://a.example,https://b.example|direct";
        assert_eq!(write_chain(&chain(text).expect(text)), text);
        for text in [
            "",
            ",",
            "https://u:canary@:99999,direct",
            "https://u:canary@ex ample/",
        ] {
            let error = chain(text).expect_err(text);
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn version_control_is_named_for_patterns() {
        for text in ["", "private:all,public:git|hg", "github.com/*:git, *:off"] {
            assert_eq!(vcs(text), Ok(()), "{text}");
        }
        for text in ["git", ":git", "public:", "public:cvs"] {
            assert!(vcs(text).is_err(), "{text}");
        }
    }
}
