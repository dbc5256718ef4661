//! The escaping of module paths and versions.
//!
//! Module paths are case-sensitive, but some file systems are not: `github.com/Azure` and `github.com/azure` would
//! share a folder there. So URLs and file names write each upper-case letter as an exclamation mark and its lower
//! case, `github.com/!azure`, and no two paths ever differ in case only. The mark was chosen because no module path
//! can hold one, so nothing else needs escaping. (Go modules reference, "Module proxy"; `golang.org/x/mod/module`.)
//!
//! Unescaping is strict, so that a path has one escaped form and no other: text that is not ASCII, a raw upper-case
//! letter and a mark with anything but `a` to `z` behind it are all refused.

use std::borrow::Cow;

/// Why a text is no escaped form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEscape {
    /// A byte outside ASCII.
    #[error("it is not ASCII")]
    NotAscii,
    /// An upper-case letter that was not escaped.
    #[error("it holds an upper-case letter that is not escaped")]
    UpperCase,
    /// An exclamation mark without a lower-case letter behind it.
    #[error("it holds an exclamation mark without a lower-case letter behind it")]
    LoneMark,
}

/// Writes each upper-case ASCII letter as `!` and its lower case.
///
/// Only for text that holds no `!` of its own, which is true of every module path, version and query.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(escaped_len(text));
    for character in text.chars() {
        if character.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(character.to_ascii_lowercase());
    }
    escaped
}

/// How many bytes [`escape`] would write.
pub(crate) fn escaped_len(text: &str) -> usize {
    text.len() + text.bytes().filter(u8::is_ascii_uppercase).count()
}

/// Reads what [`escape`] wrote; borrows where there is nothing to change.
pub fn unescape(escaped: &str) -> Result<Cow<'_, str>, InvalidEscape> {
    let Some(first) = escaped
        .bytes()
        .position(|byte| byte == b'!' || byte.is_ascii_uppercase() || !byte.is_ascii())
    else {
        return Ok(Cow::Borrowed(escaped));
    };
    let (plain, rest) = escaped.split_at(first);
    let mut text = String::with_capacity(escaped.len());
    text.push_str(plain);
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '!' => match characters.next() {
                Some(letter @ 'a'..='z') => text.push(letter.to_ascii_uppercase()),
                _ => return Err(InvalidEscape::LoneMark),
            },
            'A'..='Z' => return Err(InvalidEscape::UpperCase),
            _ if character.is_ascii() => text.push(character),
            _ => return Err(InvalidEscape::NotAscii),
        }
    }
    Ok(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_case_is_written_with_a_mark_and_read_back() {
        for (text, escaped) in [
            ("", ""),
            ("github.com/azure", "github.com/azure"),
            ("github.com/Azure/azure-SDK", "github.com/!azure/azure-!s!d!k"),
            ("v1.0.0-RC.1+incompatible", "v1.0.0-!r!c.1+incompatible"),
        ] {
            assert_eq!(escape(text), escaped);
            assert_eq!(escaped_len(text), escaped.len());
            assert_eq!(unescape(escaped).unwrap(), text);
        }
        assert!(matches!(unescape("nothing/to/do"), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn a_text_has_one_escaped_form() {
        for (escaped, error) in [
            ("a!", InvalidEscape::LoneMark),
            ("a!!b", InvalidEscape::LoneMark),
            ("a!B", InvalidEscape::LoneMark),
            ("a!1", InvalidEscape::LoneMark),
            ("a!é", InvalidEscape::LoneMark),
            ("github.com/Azure", InvalidEscape::UpperCase),
            ("!azure/B", InvalidEscape::UpperCase),
            ("é", InvalidEscape::NotAscii),
            ("!a\u{212a}", InvalidEscape::NotAscii),
        ] {
            assert_eq!(unescape(escaped), Err(error), "{escaped}");
        }
    }
}
