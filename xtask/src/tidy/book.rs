//! The table of contents of the book names every page of it, once. That its links lead somewhere is checked with all
//! others.

use super::links::{joined, links};

const SUMMARY: &str = "docs/SUMMARY.md";

pub(super) fn check(files: &[(String, String)]) -> Vec<String> {
    let Some((_, summary)) = files.iter().find(|(path, _)| path == SUMMARY) else {
        return vec![format!(
            "{SUMMARY} is missing: it is the table of contents of the book"
        )];
    };
    let listed: Vec<String> = links(summary)
        .into_iter()
        .map(|link| joined(SUMMARY, link))
        .collect();
    let pages = files.iter().map(|(path, _)| path);
    let pages = pages.filter(|path| path.starts_with("docs/") && path.ends_with(".md") && *path != SUMMARY);
    pages
        .filter_map(
            |page| match listed.iter().filter(|listed| *listed == page).count() {
                0 => Some(format!("{page}: {SUMMARY} does not list it")),
                1 => None,
                count => Some(format!("{page}: {SUMMARY} lists it {count} times")),
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_page_that_is_listed_never_or_twice_is_found() {
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let files = [
            file(
                "docs/SUMMARY.md",
                "- [a](a.md)\n  - [b](sub/b.md)\n- [a again](a.md)\n",
            ),
            file("docs/a.md", ""),
            file("docs/sub/b.md", ""),
            file("docs/c.md", ""),
            file("README.md", ""),
        ];
        assert_eq!(
            check(&files),
            [
                "docs/a.md: docs/SUMMARY.md lists it 2 times",
                "docs/c.md: docs/SUMMARY.md does not list it"
            ]
        );
        assert_eq!(check(&[]).len(), 1);
    }
}
