//! Module paths: what is let in is a folder name everywhere, and is written as it was read.

use super::stays_inside;
use crate::{Target, Verdict};
use proxy_core::module::{
    ModulePath,
    path::{MAX_ELEMENT, MAX_PATH, check_file_path, check_import_path},
};

pub(crate) const PATH: Target = Target {
    name: "path",
    run,
    longest: 1200,
    words: &[
        "/",
        ".",
        "-",
        "~1",
        "..",
        "con",
        "aux.",
        "/v2",
        "/v1",
        "/v0",
        ".v3",
        "-unstable",
        "gopkg.in/",
        "example.test",
        "!a",
        "A",
        "@",
        "\\",
    ],
};

fn run(data: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(data);
    if let Ok(path) = ModulePath::unescape(&text) {
        assert_eq!(path.escaped(), text, "a path has one escaped form");
        check(&path);
    }
    let parsed = ModulePath::parse(&text);
    if let Ok(path) = &parsed {
        assert_eq!(path.as_str(), text);
        check(path);
    }
    let _ = (check_file_path(&text), check_import_path(&text));
    parsed.is_ok().into()
}

fn check(path: &ModulePath) {
    let escaped = path.escaped();
    assert_eq!(ModulePath::unescape(&escaped).as_ref(), Ok(path));
    assert_eq!(ModulePath::parse(path.as_str()).as_ref(), Ok(path));
    assert!(escaped.len() <= MAX_PATH && escaped.split('/').all(|element| element.len() <= MAX_ELEMENT));
    assert!(stays_inside(&escaped), "{escaped} can be a folder");
    assert!(escaped.is_ascii() && !escaped.contains('@') && escaped.to_lowercase() == escaped);
    assert_eq!(
        check_import_path(path.as_str()),
        Ok(()),
        "a module path is an import path"
    );
    assert_eq!(
        check_file_path(path.as_str()),
        Ok(()),
        "a module path can stand in a zip"
    );
    let (prefix, major) = path.split_major();
    assert_eq!(format!("{prefix}{major}"), path.as_str());
}
