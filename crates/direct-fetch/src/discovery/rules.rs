//! GOVCS: which version control may be used for what.
//!
//! Version control programs were written for people who trust the server. Only Git and Mercurial have had their attack
//! surface looked at for strangers' servers, so only they are allowed for public repositories, unless the operator says
//! otherwise (`go help vcs`).

use super::{NoRepository, Vcs};
use proxy_core::module::Patterns;

/// Rules in GOVCS syntax: `pattern:vcs|vcs,…`; the first whose pattern matches decides.
#[derive(Clone, Debug)]
pub struct VcsRules {
    rules: Vec<Rule>,
    /// How many of them the operator wrote; the default ones follow.
    own: usize,
}

#[derive(Clone, Debug)]
struct Rule {
    applies: Applies,
    allowed: Vec<String>,
}

#[derive(Clone, Debug)]
enum Applies {
    Private,
    Public,
    To(Patterns),
}

impl Default for VcsRules {
    fn default() -> Self {
        let rule = |applies, allowed: &[&str]| Rule {
            applies,
            allowed: allowed.iter().map(|name| (*name).to_owned()).collect(),
        };
        let rules = vec![
            rule(Applies::Private, &["all"]),
            rule(Applies::Public, &["git", "hg"]),
        ];
        Self { rules, own: 0 }
    }
}

impl VcsRules {
    /// Reads rules; they stand before the default ones. The error is a phrase.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut rules = Vec::new();
        let mut seen: Vec<(&str, &str)> = Vec::new();
        let list = list.trim();
        for item in list.split(',').map(str::trim).filter(|_| !list.is_empty()) {
            if item.is_empty() {
                return Err("empty entry".into());
            }
            let (pattern, allowed) = item
                .split_once(':')
                .ok_or_else(|| format!("malformed entry (missing colon): {item:?}"))?;
            let (pattern, allowed) = (pattern.trim(), allowed.trim());
            if pattern.is_empty() {
                return Err(format!("empty pattern: {item:?}"));
            }
            if allowed.is_empty() {
                return Err(format!("empty list of version control: {item:?}"));
            }
            if matches!(pattern, "." | "..") || pattern.starts_with("./") || pattern.starts_with("../") {
                return Err(format!("relative pattern: {pattern:?}"));
            }
            if let Some((_, before)) = seen.iter().find(|(other, _)| *other == pattern) {
                return Err(format!("unreachable pattern: {item:?} after {before:?}"));
            }
            seen.push((pattern, item));
            let allowed: Vec<String> = allowed.split('|').map(|name| name.trim().to_owned()).collect();
            if allowed.iter().any(String::is_empty) {
                return Err(format!("empty name of version control: {item:?}"));
            }
            let applies = match pattern {
                "private" => Applies::Private,
                "public" => Applies::Public,
                pattern => Applies::To(Patterns::parse(pattern)?),
            };
            rules.push(Rule { applies, allowed });
        }
        let own = rules.len();
        rules.extend(Self::default().rules);
        Ok(Self { rules, own })
    }

    /// Whether this version control may be used for a repository whose root has this import path. A proxy that a
    /// `mod` tag names involves none, and is always allowed.
    pub fn allows(&self, vcs: Vcs, root: &str, private: bool) -> bool {
        vcs == Vcs::Proxy
            || self
                .deciding(root, private)
                .is_some_and(|(_, rule)| rule.allows(vcs))
    }

    /// Whether it is a rule of the operator's own that allows it.
    pub fn names(&self, vcs: Vcs, root: &str, private: bool) -> bool {
        self.deciding(root, private)
            .is_some_and(|(at, rule)| at < self.own && rule.allows(vcs))
    }

    fn deciding(&self, root: &str, private: bool) -> Option<(usize, &Rule)> {
        self.rules
            .iter()
            .enumerate()
            .find(|(_, rule)| match &rule.applies {
                Applies::Private => private,
                Applies::Public => !private,
                Applies::To(patterns) => patterns.matches(root),
            })
    }

    pub(super) fn check(&self, vcs: Vcs, root: &str, private: bool) -> Result<(), NoRepository> {
        if self.allows(vcs, root, private) {
            return Ok(());
        }
        let what = if private { "private" } else { "public" };
        Err(NoRepository::because(format!(
            "GOVCS disallows using {vcs} for {what} {root}; see 'go help vcs'"
        )))
    }
}

impl Rule {
    fn allows(&self, vcs: Vcs) -> bool {
        self.allowed
            .iter()
            .any(|name| name == "all" || name == vcs.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_strangers_servers_are_reached_by_git_and_hg_only() {
        for rules in [VcsRules::default(), VcsRules::parse(" ").unwrap()] {
            for (vcs, public, private) in [
                (Vcs::Git, true, true),
                (Vcs::Mercurial, true, true),
                (Vcs::Subversion, false, true),
                (Vcs::Fossil, false, true),
                (Vcs::Bazaar, false, true),
                (Vcs::Proxy, true, true),
            ] {
                assert_eq!(rules.allows(vcs, "e.test/r", false), public, "{vcs}");
                assert_eq!(rules.allows(vcs, "e.test/r", true), private, "{vcs}");
            }
        }
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let rules = VcsRules::parse("e.test/a:off, e.test:svn|git,public:hg").unwrap();
        assert!(!rules.allows(Vcs::Git, "e.test/a/b", true));
        assert!(rules.allows(Vcs::Subversion, "e.test/c", false));
        assert!(!rules.allows(Vcs::Mercurial, "e.test/c", false));
        assert!(!rules.allows(Vcs::Git, "o.test/r", false));
        assert!(rules.allows(Vcs::Git, "o.test/r", true));
        let refused = rules.check(Vcs::Git, "e.test/a", false).unwrap_err();
        assert_eq!(
            refused.reason,
            "GOVCS disallows using git for public e.test/a; see 'go help vcs'"
        );
    }

    #[test]
    fn a_rule_of_the_operators_own_is_told_from_a_default() {
        let rules = VcsRules::parse("e.test:svn,public:git|fossil").unwrap();
        assert!(rules.names(Vcs::Subversion, "e.test/r", false));
        assert!(rules.names(Vcs::Fossil, "y.test/r", false));
        assert!(!rules.names(Vcs::Mercurial, "e.test/r", false));
        assert!(
            rules.allows(Vcs::Mercurial, "y.test/r", true) && !rules.names(Vcs::Mercurial, "y.test/r", true)
        );
    }

    #[test]
    fn malformed_rules_are_errors() {
        for list in [
            "git",
            "a:git,,b:hg",
            ":git",
            "a:",
            "a:git|",
            "./a:git",
            "a:git,a:hg",
            ",",
        ] {
            assert!(VcsRules::parse(list).is_err(), "{list}");
        }
    }
}
