//! `go-import` tags, and which one speaks for a path.

use std::collections::HashSet;

/// One tag: `<meta name="go-import" content="prefix vcs repository [subfolder]">`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoImport {
    /// The import path of the repository's root.
    pub prefix: String,
    /// The kind of version control, as written.
    pub vcs: String,
    /// The repository's address, as written.
    pub repository: String,
    /// The folder in it, empty where none is named.
    pub subfolder: String,
}

impl GoImport {
    /// Reads the `content` of a tag; `None` unless it has three or four fields.
    pub fn parse(content: &str) -> Option<Self> {
        let mut fields = content.split_whitespace().map(str::to_owned);
        let import = Self {
            prefix: fields.next()?,
            vcs: fields.next()?,
            repository: fields.next()?,
            subfolder: fields.next().unwrap_or_default(),
        };
        fields.next().is_none().then_some(import)
    }

    fn is_proxy(&self) -> bool {
        self.vcs == "mod"
    }
}

/// The tags of a page in the order in which they are looked at: those that name a proxy first, and no other of the
/// same prefix beside them.
pub fn in_order(tags: Vec<GoImport>) -> Vec<GoImport> {
    let (proxies, others): (Vec<_>, Vec<_>) = tags.into_iter().partition(GoImport::is_proxy);
    let prefixes: HashSet<_> = proxies.iter().map(|proxy| proxy.prefix.clone()).collect();
    let others = others
        .into_iter()
        .filter(|other| !prefixes.contains(&other.prefix));
    let others: Vec<_> = others.collect();
    proxies.into_iter().chain(others).collect()
}

/// The tag that speaks for a path, of tags [`in_order`]: exactly one must, but that a proxy's stands above the rest.
pub fn matching<'a>(imports: &'a [GoImport], path: &str) -> Result<&'a GoImport, String> {
    let mut matching = imports.iter().filter(|import| is_below(path, &import.prefix));
    let Some(first) = matching.next() else {
        let mismatches = imports
            .iter()
            .map(|import| format!("meta tag {} did not match import path {path}", import.prefix));
        return Err(format!(
            "no go-import meta tags ({})",
            mismatches.collect::<Vec<_>>().join(", ")
        ));
    };
    match matching.next() {
        Some(second) if !first.is_proxy() || second.is_proxy() => {
            Err(format!("multiple meta tags match import path \"{path}\""))
        }
        _ => Ok(first),
    }
}

/// Whether a path is a prefix or lies below it, by whole elements.
fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(content: &str) -> GoImport {
        GoImport::parse(content).unwrap()
    }

    #[test]
    fn a_tag_has_three_or_four_fields() {
        assert_eq!(import(" e.test/r  git\thttps://h/r ").subfolder, "");
        assert_eq!(import("e.test/r git https://h/r sub/dir").subfolder, "sub/dir");
        for content in ["", "e.test/r git", "e.test/r git https://h/r sub more"] {
            assert_eq!(GoImport::parse(content), None, "{content}");
        }
    }

    #[test]
    fn exactly_one_tag_speaks_for_a_path() {
        let git = import("e.test/r git https://h/r");
        let other = import("e.test/r git https://h/s");
        let wider = import("e.test git https://h/all");
        let found = |tags: &[&GoImport], path: &str| {
            let tags = in_order(tags.iter().map(|tag| (*tag).clone()).collect());
            matching(&tags, path).cloned()
        };
        assert_eq!(
            found(&[&git, &import("e.test/s git https://h/s")], "e.test/r/sub"),
            Ok(git.clone())
        );
        assert!(
            found(&[&git, &other], "e.test/r")
                .unwrap_err()
                .starts_with("multiple meta tags")
        );
        assert!(found(&[&git, &wider], "e.test/r").is_err());
        assert!(
            found(&[&git], "e.test/rest")
                .unwrap_err()
                .contains("did not match import path e.test/rest")
        );
        assert_eq!(found(&[], "e.test/r").unwrap_err(), "no go-import meta tags ()");
    }

    #[test]
    fn a_proxy_stands_above_version_control() {
        let git = import("e.test/r git https://h/r");
        let proxy = import("e.test/r mod https://p/");
        let wider = import("e.test mod https://p/");
        assert_eq!(in_order(vec![git.clone(), proxy.clone()]), vec![proxy.clone()]);
        let tags = in_order(vec![git.clone(), wider.clone()]);
        assert_eq!(tags, [wider.clone(), git]);
        assert_eq!(matching(&tags, "e.test/r"), Ok(&wider));
        assert!(matching(&[wider, proxy], "e.test/r").is_err(), "two proxies");
    }
}
