//! `cargo xtask book`: the pages of `docs/` as a site, by mdBook, in `target/book`.
//!
//! The pages link to files of the tree beside them. On a site there is no tree, so those links are written as links to
//! where the tree can be read: the host that shows the commit, or this folder.

use crate::{
    Failure,
    step::{program, step},
    tidy::joined,
    tree::{cargo, files, root},
};
use std::{fs, path::Path, process::Command};

const USAGE: &str = "usage: cargo xtask book [--source URL]   (where the files of the tree can be read)";

/// The version that the pages were looked at with.
const MDBOOK: &str = "mdbook@0.5.4";

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let source = match arguments {
        [] => format!("file://{}", root().display()),
        ["--source", url] => url.trim_end_matches('/').to_owned(),
        _ => return Err(USAGE.to_owned()),
    };
    let tools = root().join("target/tools");
    let mdbook = tools.join("bin/mdbook");
    if !mdbook.exists() {
        let install = ["install", "--locked", "--root", "target/tools", MDBOOK];
        program("installing mdbook by cargo", cargo().args(install))?;
    }
    let pages = root().join("target/book-pages");
    step("pages", || lay_out(&pages, &source))?;
    let site = root().join("target/book");
    program(
        "mdbook",
        Command::new(mdbook)
            .arg("build")
            .arg(&pages)
            .arg("--dest-dir")
            .arg(&site),
    )?;
    println!("{}", site.join("index.html").display());
    Ok(())
}

/// A copy of `docs/` whose links out of it lead to the source.
fn lay_out(pages: &Path, source: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", pages.display());
    match fs::remove_dir_all(pages) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    for (path, text) in files()? {
        let Some(below) = path.strip_prefix("docs/") else {
            continue;
        };
        let page = pages.join(below);
        if let Some(folder) = page.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let text = if below.ends_with(".md") {
            outward(&path, &text, source)
        } else {
            text
        };
        fs::write(&page, text).map_err(failed)?;
    }
    Ok(())
}

/// A page whose links to files outside the book lead to the source. What looks like a link in a block of code is none.
fn outward(page: &str, text: &str, source: &str) -> String {
    let mut fenced = false;
    let mut written = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        fenced ^= line.trim_start().starts_with("```");
        let mut parts = line.split("](");
        written.push_str(parts.next().unwrap_or_default());
        for part in parts {
            written.push_str("](");
            match part.split_once(')') {
                Some((link, behind)) if !fenced => {
                    written.push_str(&outward_link(page, link, source));
                    written.push(')');
                    written.push_str(behind);
                }
                _ => written.push_str(part),
            }
        }
    }
    written
}

fn outward_link(page: &str, link: &str, source: &str) -> String {
    let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
    if target.is_empty() || link.contains(':') {
        return link.to_owned();
    }
    let path = joined(page, target);
    if path == "docs" || path.starts_with("docs/") {
        return link.to_owned();
    }
    let anchor = if anchor.is_empty() {
        String::new()
    } else {
        format!("#{anchor}")
    };
    format!("{source}/{path}{anchor}")
}

#[cfg(test)]
mod tests {
    use super::outward;

    #[test]
    fn only_links_out_of_the_book_are_written_anew() {
        let page = "[a](../a.md) [b](b.md#c) [c](../README.md#d) [e](#e) [f](https://f.test/f)\n```\n[g](../../g)\n```\n[h](../../crates/h) end";
        assert_eq!(
            outward("docs/install/page.md", page, "https://source.test/tree"),
            "[a](../a.md) [b](b.md#c) [c](../README.md#d) [e](#e) [f](https://f.test/f)\n```\n[g](../../g)\n```\n[h](https://source.test/tree/crates/h) end"
        );
        assert_eq!(
            outward("docs/page.md", "[a](../README.md#first)", "file:///tree"),
            "[a](file:///tree/README.md#first)"
        );
    }
}
