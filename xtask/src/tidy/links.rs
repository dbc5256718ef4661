//! Links between our pages lead somewhere.

use crate::tree;

pub(super) fn check(files: &[(String, String)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".md")) {
        for link in links(text) {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let page = if target.is_empty() {
                path.clone()
            } else {
                joined(path, target)
            };
            let exists = target.is_empty() || tree::root().join(&page).exists();
            let text = files.iter().find(|(path, _)| *path == page).map(|(_, text)| text);
            let leads = anchor.is_empty() || text.is_none_or(|text| has_heading(text, anchor));
            if !exists || !leads {
                complaints.push(format!("{path}: the link to {link} leads nowhere"));
            }
        }
    }
    complaints
}

/// The links of a page that stay in the tree. Code is no text: what looks like a link there is none.
pub(super) fn links(text: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        let parts = line
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'))
            .map(|(link, _)| link);
        // Paths of Rust items are rustdoc's to check: a crate's page may be its documentation.
        found.extend(parts.filter(|link| !["://", "mailto:", "::"].iter().any(|part| link.contains(part))));
    }
    found
}

/// A path as seen from a page, from the top of the tree.
pub(crate) fn joined(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether a page has a heading of this anchor, made as GitHub and mdBook make them. A remark in code is no heading.
fn has_heading(text: &str, anchor: &str) -> bool {
    let slug = |heading: &str| -> String {
        let kept = heading.trim().to_lowercase();
        kept.chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    };
    let mut fenced = false;
    let mut headings = text.lines().filter(|line| {
        fenced ^= line.trim_start().starts_with("```");
        !fenced && line.starts_with('#')
    });
    headings.any(|line| slug(line.trim_start_matches('#')) == anchor)
}

#[cfg(test)]
mod tests {
    use super::{check, joined};

    #[test]
    fn links_are_seen_from_their_page() {
        assert_eq!(joined("docs/a.md", "../README.md"), "README.md");
        assert_eq!(joined("README.md", "docs/"), "docs");
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let page = "# One, two\n```sh\n# three\n```\n[a](Cargo.toml) [b](no/such.md) [c](#one-two) [d](#three) [e](https://example.test/x) [f](a::B)\n";
        let complaints = check(&[("README.md".to_owned(), page.to_owned())]);
        assert_eq!(
            complaints,
            [
                "README.md: the link to no/such.md leads nowhere",
                "README.md: the link to #three leads nowhere"
            ]
        );
    }
}
