//! Rust files: each opens with what it is for, few are long, none is unfinished. Crates: each has its page.

use std::collections::BTreeSet;

/// Longer than this, a file is two.
const LONGEST: usize = 600;

/// Nine files in ten are shorter than this.
const LONG: usize = 400;

pub(super) fn check(files: &[(String, String)]) -> Vec<String> {
    let sources: Vec<_> = files.iter().filter(|(path, _)| path.ends_with(".rs")).collect();
    let mut complaints = Vec::new();
    for (path, text) in &sources {
        // A crate may open with its page instead.
        if !text.starts_with("//!") && !text.starts_with("#![doc = include_str!(") {
            complaints.push(format!("{path}: opens without `//!` saying what it is for"));
        }
        let lines = text.lines().count();
        if lines > LONGEST {
            complaints.push(format!(
                "{path}: {lines} lines; split it where a reader changes the subject"
            ));
        }
        complaints.extend(unfinished(path, text));
    }
    let long = sources
        .iter()
        .filter(|(_, text)| text.lines().count() >= LONG)
        .count();
    if long * 10 > sources.len() {
        complaints.push(format!(
            "{long} of {} Rust files have {LONG} lines or more; one in ten may",
            sources.len()
        ));
    }
    complaints.extend(crates_without_page(files));
    complaints
}

/// Marks of work that was left open. They are put together here, so that this file does not show them.
fn unfinished(path: &str, text: &str) -> Vec<String> {
    let marks = [
        ["todo", "!("],
        ["unimplemented", "!("],
        ["#[", "ignore"],
        ["FIX", "ME"],
        ["XX", "X"],
    ];
    let marks = marks.map(|halves| halves.concat());
    let lines = text.lines().zip(1..);
    let found = |line: &str| marks.iter().find(|mark| line.contains(mark.as_str())).cloned();
    lines
        .filter_map(|(line, number)| Some(format!("{path}:{number}: unfinished: {}", found(line)?)))
        .collect()
}

fn crates_without_page(files: &[(String, String)]) -> Vec<String> {
    let names: BTreeSet<_> = files
        .iter()
        .filter_map(|(path, _)| path.strip_prefix("crates/")?.split('/').next())
        .collect();
    let missing = |name: &&str| {
        !files
            .iter()
            .any(|(path, _)| *path == format!("crates/{name}/README.md"))
    };
    names
        .into_iter()
        .filter(missing)
        .map(|name| format!("crates/{name}: has no README.md"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;

    fn file(path: &str, text: &str) -> (String, String) {
        (path.to_owned(), text.to_owned())
    }

    #[test]
    fn a_good_crate_is_left_alone() {
        let files = [
            file("crates/a/src/lib.rs", "//! A.\n"),
            file("crates/a/README.md", "# a\n"),
        ];
        assert!(check(&files).is_empty());
    }

    #[test]
    fn each_fault_is_found() {
        let long = format!("//! Long.\n{}", "\n".repeat(700));
        let open = ["//! Open.\nfn f() { ", "todo", "!() }\n"].concat();
        let files = [
            file("crates/a/src/lib.rs", "fn f() {}\n"),
            file("crates/a/src/long.rs", &long),
            file("crates/a/src/open.rs", &open),
        ];
        let complaints = check(&files).join("\n");
        for part in [
            "lib.rs: opens without",
            "long.rs: 701 lines",
            "open.rs:2: unfinished",
            "1 of 3",
            "a: has no README",
        ] {
            assert!(complaints.contains(part), "{part} is not in\n{complaints}");
        }
    }
}
