//! The values that are written as the `go` command writes them: GOPROXY, GOPRIVATE, GOSUMDB and GOVCS.

use checksum_db::DatabaseSetting;
use direct_fetch::discovery::VcsRules;
use proxy_core::{
    module::Patterns,
    upstream::chain::{Entry, Separator, parse_list},
};
use url::Url;

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

/// Reads GOSUMDB syntax; `None` is `off`.
pub(crate) fn checksum_database(text: &str) -> Result<Option<DatabaseSetting>, String> {
    DatabaseSetting::parse(text).map_err(|error| error.to_string())
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
    // What remains (a pattern twice, an empty name) is for who applies the rules to say.
    VcsRules::parse(text).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_known_or_come_with_a_key() {
        assert!(checksum_database("off").expect("off").is_none());
        let golang = checksum_database("sum.golang.org")
            .expect("a known name")
            .expect("one");
        assert_eq!(golang.key.name(), "sum.golang.org");
        for text in [
            "",
            "sums.example.com",
            "https://u:canary@host",
            "sum.golang.org ftp://u:canary@host",
        ] {
            let error = checksum_database(text).expect_err(text);
            assert!(!error.contains("canary"), "{error}");
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
