//! Trees of files: what is chosen for a zip makes one that the check lets in.
//!
//! An input is a path on each line, behind a letter that says what it is: `r`egular file, symbolic `l`ink, or other.

use crate::{Target, Verdict};
use proxy_core::{
    file::{Body, Sha256},
    module::ModuleVersion,
    sums::H1,
    zip::{FileKind, TreeFile, VendorRule, check, from_files, select},
};

pub(crate) const TREE: Target = Target {
    name: "tree",
    run,
    longest: 1500,
    words: &[
        "\nr",
        "\nl",
        "\no",
        "/",
        "vendor/",
        "modules.txt",
        "go.mod",
        "GO.MOD",
        "LICENSE",
        "a",
        "A",
        "\u{212a}",
        "ſ",
        "é",
        "..",
        "con",
        ".git/",
    ],
};

fn run(data: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(data);
    let files: Vec<TreeFile<'_>> = text
        .split('\n')
        .filter_map(|line| {
            let kind = match line.chars().next()? {
                'r' => FileKind::Regular,
                'l' => FileKind::Symlink,
                _ => FileKind::Other,
            };
            let path = line.get(1..)?;
            Some(TreeFile {
                path,
                kind,
                size: path.len() as u64,
            })
        })
        .collect();
    let choices = [VendorRule::Before124, VendorRule::Since124].map(|rule| select(&files, rule));
    for selection in choices.iter().flatten() {
        assert_eq!(
            selection.kept.len() + selection.omitted.len(),
            files.len(),
            "each file is judged once"
        );
        let kept = selection
            .kept
            .iter()
            .map(|&index| (files[index].path, files[index].path.as_bytes()));
        let module = ModuleVersion::parse("example.test/m", "v1.0.0").expect("it is one");
        let zip = from_files(&module, kept.clone()).expect("what was chosen can be written");
        let checked = check(&module, &Body::from_bytes(zip)).expect("what was written is let in");
        let sums = kept.map(|(path, content)| (format!("{module}/{path}"), Sha256::of(content)));
        assert_eq!(H1::of_files(sums), Ok(checked.h1));
    }
    choices.iter().any(Result::is_ok).into()
}
