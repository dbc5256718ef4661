//! What the elements of a path may hold: one rule for module paths, import paths and files in a module zip.
//!
//! The three kinds share Go's care for file systems (`golang.org/x/mod/module`, `checkElem`): an element is never
//! empty, never only dots, does not end in a dot, and is no device name of Windows.

use super::MAX_ELEMENT;
use crate::module::escape::escaped_len;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Which rules an element obeys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Module,
    Import,
    File,
}

/// Checks the path of a file in a module zip against Go's `module.CheckFilePath`; the error is the rule it breaks.
///
/// Letters of every script are allowed, by the Unicode tables of the crate `unicode-properties` (18.0). Those of a
/// `go` command can be older: it refuses the letters it does not know yet. Length is not limited here; a zip limits
/// names to 64 KiB.
pub fn check_file_path(path: &str) -> Result<(), String> {
    check_elements(path, Kind::File)
}

/// Checks an import path against Go's `module.CheckImportPath`; the error is the rule it breaks.
pub fn check_import_path(path: &str) -> Result<(), String> {
    check_elements(path, Kind::Import)
}

/// Checks a version or query as one element of a file path (Go's rule for the version in a URL).
pub(crate) fn check_version_element(element: &str) -> Result<(), String> {
    check_element(element, Kind::File)
}

/// Checks all of a module path but its major version (the first half of Go's `module.CheckPath`).
pub(super) fn check_module_path(path: &str) -> Result<(), String> {
    check_elements(path, Kind::Module)?;
    let host = path.split_once('/').map_or(path, |(host, _)| host);
    if !host.contains('.') {
        return Err("its first element has no dot, so it names no host".into());
    }
    match host.chars().find(|&character| !allows(HOST, character)) {
        Some(character) => Err(format!(
            "its first element holds {character:?}, which no host name can"
        )),
        None => Ok(()),
    }
}

fn check_elements(path: &str, kind: Kind) -> Result<(), String> {
    if path.is_empty() {
        return Err("it is empty".into());
    }
    if kind != Kind::File && path.starts_with('-') {
        return Err("it starts with a dash".into());
    }
    path.split('/')
        .try_for_each(|element| check_element(element, kind))
}

fn check_element(element: &str, kind: Kind) -> Result<(), String> {
    if element.is_empty() {
        return Err("it has an empty element".into());
    }
    if element.ends_with('.') {
        return Err("an element of it ends in a dot".into());
    }
    if kind == Kind::Module && element.starts_with('.') {
        return Err("an element of it starts with a dot".into());
    }
    let allowed = match kind {
        Kind::Module => MODULE,
        Kind::Import => IMPORT,
        Kind::File => FILE,
    };
    let other_letters = kind == Kind::File;
    let odd = element.chars().find(|&character| match character.is_ascii() {
        true => !allows(allowed, character),
        false => !other_letters || !is_letter(character),
    });
    if let Some(character) = odd {
        return Err(format!("it holds the character {character:?}"));
    }
    let stem = element.split_once('.').map_or(element, |(stem, _)| stem);
    if is_windows_device(stem) {
        return Err(format!("{stem:?} is the name of a device on Windows"));
    }
    if kind != Kind::File && looks_like_short_name(stem) {
        return Err(format!("{stem:?} looks like a short name of Windows"));
    }
    if kind == Kind::Module && escaped_len(element) > MAX_ELEMENT {
        return Err(format!("an element of it is longer than {MAX_ELEMENT} bytes"));
    }
    Ok(())
}

fn is_letter(character: char) -> bool {
    character.general_category_group() == GeneralCategoryGroup::Letter
}

/// `CON`, `PRN`, `AUX`, `NUL`, `COM1`–`COM9` and `LPT1`–`LPT9` in any case: Windows opens a device instead of a file.
fn is_windows_device(stem: &str) -> bool {
    match stem.as_bytes() {
        name @ [_, _, _] => [b"CON", b"PRN", b"AUX", b"NUL"]
            .iter()
            .any(|device| name.eq_ignore_ascii_case(*device)),
        [name @ .., b'1'..=b'9'] => name.eq_ignore_ascii_case(b"COM") || name.eq_ignore_ascii_case(b"LPT"),
        _ => false,
    }
}

/// `LONGNA~1`: on Windows, another name of whatever file starts like it.
fn looks_like_short_name(stem: &str) -> bool {
    stem.rsplit_once('~')
        .is_some_and(|(_, tail)| !tail.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit()))
}

const MODULE: u8 = 1;
const IMPORT: u8 = 2;
const FILE: u8 = 4;
const HOST: u8 = 8;

/// For each ASCII character, the kinds of names it may stand in.
const ALLOWED: [u8; 128] = {
    let mut table = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        let character = byte as u8;
        if character.is_ascii_alphanumeric() {
            table[byte] = MODULE | IMPORT | FILE;
        }
        if character.is_ascii_lowercase() || character.is_ascii_digit() {
            table[byte] |= HOST;
        }
        byte += 1;
    }
    let everywhere = b"-._~";
    let mut index = 0;
    while index < everywhere.len() {
        table[everywhere[index] as usize] |= MODULE | IMPORT | FILE;
        index += 1;
    }
    let in_files = b" !#$%&()+,=@[]^{}";
    let mut index = 0;
    while index < in_files.len() {
        table[in_files[index] as usize] |= FILE;
        index += 1;
    }
    table[b'+' as usize] |= IMPORT;
    table[b'-' as usize] |= HOST;
    table[b'.' as usize] |= HOST;
    table
};

fn allows(kinds: u8, character: char) -> bool {
    ALLOWED
        .get(character as usize)
        .is_some_and(|allowed| allowed & kinds != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_may_hold_letters_of_any_script_and_little_else() {
        for path in [
            "a b.txt",
            "Ünïcode.txt",
            "-dash/.hidden",
            "x~1",
            "a..b",
            "!#$%&()+,-.=@[]^_{}~",
            "日本/語.go",
            "con1",
        ] {
            assert_eq!(check_file_path(path), Ok(()), "{path}");
        }
        for path in [
            "",
            "/a",
            "a/",
            "a//b",
            "..",
            "a/../b",
            "a/.",
            "a.",
            "emoji🎉",
            "combining\u{301}",
            "digit\u{0661}",
            "a:b",
            "a;b",
            "a'b",
            "a\"b",
            "a*b",
            "a<b",
            "a>b",
            "a?b",
            "a\\b",
            "a|b",
            "a`b",
            "a\nb",
            "a\u{7f}b",
            "con",
            "dir/aux.go",
            "com1.x",
            "LpT9",
            "NUL.tar.gz",
        ] {
            assert!(check_file_path(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn import_paths_lie_between_modules_and_files() {
        for path in ["fmt", "a+b/c", "example.test/.hidden", "x/v1"] {
            assert_eq!(check_import_path(path), Ok(()), "{path}");
        }
        for path in ["-x", "a b", "x~1", "aux", "é", "a/..", ""] {
            assert!(check_import_path(path).is_err(), "{path}");
        }
    }
}
