//! The workflows, as GitHub reads them.

use crate::house::{actionlint, at, command, done, text};
use std::fs;
use testkit::skip_or_fail;

fn workflows() -> Vec<String> {
    let names = fs::read_dir(at(".github/workflows"))
        .expect("the folder")
        .flatten();
    let mut names: Vec<String> = names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn actionlint_has_nothing_to_say() {
    let actionlint = match actionlint() {
        Ok(path) => path,
        Err(reason) => skip_or_fail!("{reason}"),
    };
    let files = workflows()
        .into_iter()
        .map(|name| at(".github/workflows").join(name));
    done(command(actionlint, files));
}

#[test]
fn actions_of_others_are_pinned_and_have_no_more_rights_than_they_need() {
    for name in workflows() {
        let text = text(&format!(".github/workflows/{name}"));
        assert!(
            text.contains("\npermissions: {}\n"),
            "{name}: rights are given to each job"
        );
        for line in text.lines().filter_map(|line| line.split_once("uses: ")) {
            let used = line.1;
            let pinned = used.split_once('@').is_some_and(|(_, behind)| {
                let (hash, version) = behind.split_once(" # v").unwrap_or_default();
                hash.len() == 40 && hash.chars().all(|c| c.is_ascii_hexdigit()) && !version.is_empty()
            });
            assert!(pinned || used.starts_with("./"), "{name}: {used}");
        }
    }
}
