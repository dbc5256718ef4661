//! Lists of module path patterns (`GOPRIVATE`).

mod glob;

use glob::Glob;

/// A comma-separated list of globs, matched against the leading elements of a path.
///
/// A glob with two slashes is matched against the first three elements of a path, so `*.corp.example,github.com/us`
/// covers every module below those. Within a glob, `*` and `?` do not cross a slash. (`go help module-private`.)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns(Vec<Glob>);

impl Patterns {
    /// Takes GOPRIVATE syntax; a malformed glob is an error here, though Go would let it never match.
    ///
    /// Unlike Go we drop blanks around a glob: with them it could match no path, and a name would leak.
    pub fn parse(list: &str) -> Result<Self, String> {
        list.split(',')
            .map(str::trim)
            .map(|glob| glob.strip_suffix('/').unwrap_or(glob))
            .filter(|glob| !glob.is_empty())
            .map(|glob| Glob::parse(glob).ok_or_else(|| format!("malformed pattern {glob:?}")))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether any pattern matches the path or an ancestor of it.
    pub fn matches(&self, path: &str) -> bool {
        self.0
            .iter()
            .any(|glob| leading_elements(path, glob.elements()).is_some_and(|prefix| glob.matches(prefix)))
    }

    /// Whether there is no pattern at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The first so many elements of a path, if it has as many.
fn leading_elements(path: &str, count: usize) -> Option<&str> {
    let mut slashes = path.match_indices('/').map(|(at, _)| at);
    match slashes.nth(count - 1) {
        Some(end) => path.get(..end),
        None => (path.matches('/').count() + 1 == count).then_some(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_leading_elements() {
        for (list, path, expected) in [
            ("", "example.test/m", false),
            (",,", "example.test/m", false),
            ("example.test", "example.test/m", true),
            ("example.test", "example.test", true),
            ("example.test", "example.testing/m", false),
            ("example.test/m", "example.test", false),
            ("example.test/m", "example.test/m/v2", true),
            ("example.test/m/", "example.test/m/v2", true),
            ("*.corp.test,github.com/us", "git.corp.test/x", true),
            ("*.corp.test, github.com/us", "github.com/us/x", true),
            ("*.corp.test,github.com/us", "github.com/them/x", false),
            ("*", "example.test/m", true),
            ("*/m", "example.test/x", false),
            ("none", "example.test/m", false),
            ("example.test/[a-m]", "example.test/c", true),
            ("example.test/[^a-m]", "example.test/c", false),
        ] {
            assert_eq!(
                Patterns::parse(list).unwrap().matches(path),
                expected,
                "{list} {path}"
            );
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for list in ["[", "a,[b", "[]", "[-a]", "[a-]", "a\\", "[a,b]", "[^]"] {
            assert!(Patterns::parse(list).is_err(), "{list}");
        }
        assert!(Patterns::parse("").unwrap().is_empty());
        assert!(Patterns::parse(" , /").unwrap().is_empty());
    }
}
