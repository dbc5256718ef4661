//! Arguments: the only way a module path, a version or a query becomes part of a command line.
//!
//! No shell is involved, so the danger is a value that a program reads as a flag, or hands to another program that
//! does: version strings that began with `-` or held `:` have been used to run code through `hg` and `git`
//! (CVE-2025-68119). Hence three fences: a value is joined to a module path, which never begins with `-`; `--` stands
//! before it; and a query may hold only characters that no version control command gives a meaning.

use proxy_core::{
    module::{ModulePath, ModuleVersion, Query},
    upstream::UpstreamError,
};

/// The last argument of a `go` command line: `path`, `path@version` or `path@query`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target(String);

/// The longest query worth asking for: the longest branch name a file system can hold.
const LONGEST_QUERY: usize = 255;

impl Target {
    /// A module, for its versions.
    pub(crate) fn all_versions(path: &ModulePath) -> Result<Self, UpstreamError> {
        Self::checked(path, None)
    }

    /// One version.
    pub(crate) fn version(module: &ModuleVersion) -> Result<Self, UpstreamError> {
        Self::checked(module.path(), Some(module.version().as_str()))
    }

    /// A query.
    pub(crate) fn query(path: &ModulePath, query: &Query) -> Result<Self, UpstreamError> {
        let text = query.as_str();
        // `go` gives these words meanings that belong to a build, not to an origin.
        if matches!(text, "upgrade" | "patch" | "none") {
            return Err(refused(path, text, "the word has no meaning outside a build"));
        }
        Self::checked(path, Some(text))
    }

    /// The argument.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The module path alone.
    pub(crate) fn module(&self) -> &str {
        self.0.split('@').next().unwrap_or(&self.0)
    }

    /// The repository that the path names by itself, without its suffix, and the program that reaches it:
    /// `host/repo.git/sub` is `host/repo`, by `git` (cmd/go, `go help importpath`).
    pub(crate) fn named_repository(&self) -> Option<(&str, &'static str)> {
        const SUFFIXES: [(&str, &str); 5] = [
            (".git", "git"),
            (".hg", "hg"),
            (".svn", "svn"),
            (".fossil", "fossil"),
            (".bzr", "bzr"),
        ];
        let module = self.module();
        let ends = module.match_indices('/').map(|(at, _)| at).chain([module.len()]);
        ends.filter_map(|end| module.get(..end)).find_map(|root| {
            SUFFIXES
                .iter()
                .find_map(|(suffix, program)| Some((root.strip_suffix(suffix)?, *program)))
        })
    }

    fn checked(path: &ModulePath, at: Option<&str>) -> Result<Self, UpstreamError> {
        let name = path.as_str();
        if name.contains("...") {
            return Err(UpstreamError::not_found(format!(
                "{name}: the go command reads this path as a pattern"
            )));
        }
        if name.starts_with('-') || name.is_empty() {
            return Err(UpstreamError::not_found("malformed module path"));
        }
        let Some(at) = at else {
            return Ok(Self(name.to_owned()));
        };
        if let Some(rule) = unsafe_query(at) {
            return Err(refused(name, at, rule));
        }
        Ok(Self(format!("{name}@{at}")))
    }
}

/// The rule a query breaks, if it breaks one.
fn unsafe_query(query: &str) -> Option<&'static str> {
    // No `@`, `^`, `~`, `:`, `{`, `*`, `?`, `[` or `\`: git and hg give them meanings in revisions. No blanks, quotes,
    // `<`, `>` or `|`, though Go would take some of them: comparisons are for a build to resolve.
    let safe = |c: char| c.is_ascii_alphanumeric() || "._-/+#,=()%&".contains(c);
    if query.is_empty() {
        Some("it is empty")
    } else if query.len() > LONGEST_QUERY {
        Some("it is too long")
    } else if query.starts_with('-') {
        Some("it begins with a dash")
    } else if query.starts_with("refs/") {
        // `go` knows no full names either; in its complaints they mean something else.
        Some("it is the full name of a ref")
    } else if query.contains("..") || query.split('/').any(|part| part.starts_with('-')) {
        Some("it is no name of a branch, tag or commit")
    } else if !query.chars().all(safe) {
        Some("it holds characters that are not passed on to version control")
    } else {
        None
    }
}

fn refused(path: impl std::fmt::Display, query: &str, rule: &str) -> UpstreamError {
    let shown: String = query.chars().filter(char::is_ascii_graphic).take(64).collect();
    UpstreamError::not_found(format!("{path}@{shown}: invalid version: {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ModulePath {
        ModulePath::parse(text).unwrap()
    }

    #[test]
    fn ordinary_names_pass() {
        let module = path("example.test/m");
        for query in [
            "main",
            "v1",
            "feature/slash",
            "0123abc",
            "release-1.2",
            "a,b(c)",
            "v1.2.3+meta",
            "HEAD",
            "rel#7",
        ] {
            let target = Target::query(&module, &Query::Revision(query.into())).unwrap();
            assert_eq!(target.as_str(), format!("example.test/m@{query}"));
        }
        assert_eq!(
            Target::query(&module, &Query::Latest).unwrap().as_str(),
            "example.test/m@latest"
        );
    }

    #[test]
    fn hostile_names_are_not_found_before_any_process() {
        let module = path("example.test/m");
        let long = "a".repeat(300);
        for query in [
            "--upload-pack=touch",
            "-oProxyCommand=x",
            "-",
            "ext::sh",
            "a b",
            "a\0b",
            "main~1",
            "main^",
            "a:b",
            "@{u}",
            "..",
            "refs/heads/main",
            "a..b",
            "origin/--x",
            "<v2",
            ">=v1",
            "a\nb",
            "$(x)",
            "`x`",
            "a;b",
            "a|b",
            "é",
            "",
            "upgrade",
            "patch",
            "none",
            long.as_str(),
        ] {
            let refused = Target::query(&module, &Query::Revision(query.into()));
            assert!(
                matches!(refused, Err(UpstreamError::NotFound { .. })),
                "{query:?}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_path_may_name_its_repository() {
        let named = |text: &str| {
            Target::all_versions(&path(text))
                .unwrap()
                .named_repository()
                .map(|(r, p)| (r.to_owned(), p))
        };
        assert_eq!(
            named("example.test/r.git/sub/v2"),
            Some(("example.test/r".into(), "git"))
        );
        assert_eq!(
            named("example.test/a/r.hg"),
            Some(("example.test/a/r".into(), "hg"))
        );
        assert_eq!(named("example.test/git/x.gitx"), None);
    }

    #[test]
    fn a_path_that_go_reads_as_a_pattern_is_not_found() {
        assert!(matches!(
            Target::all_versions(&path("example.test/a...b")),
            Err(UpstreamError::NotFound { .. })
        ));
    }
}
