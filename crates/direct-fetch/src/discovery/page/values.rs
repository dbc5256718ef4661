//! What the parts of a page mean: references in a text, and the words of an XML declaration.

use bstr::ByteSlice as _;

/// What a declaration says behind a word and `=`, in quotes; `None` for nothing.
pub(super) fn said<'a>(declaration: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let mut rest = declaration;
    loop {
        let (_, behind) = rest.split_once_str(word)?;
        let (quote, behind) = behind.split_first()?;
        rest = behind;
        if matches!(quote, b'"' | b'\'') {
            let value = &rest[..rest.find_byte(*quote)?];
            return Some(value).filter(|value| !value.is_empty());
        }
    }
}

/// Whether a charset is UTF-8 or part of it. The dotted capital I is an I to go, which is all the difference from ASCII.
pub(super) fn is_ours(charset: &[u8]) -> bool {
    charset.eq_ignore_ascii_case(b"utf-8") || charset.replace("\u{130}", "i").eq_ignore_ascii_case(b"ascii")
}

/// What is shown of a value that may be as long as the page.
pub(super) fn shortened(value: &[u8]) -> String {
    value.chars().take(40).collect()
}

/// The character of a number. One that is half of a character only is unknown, not absent.
pub(super) fn numbered(digits: &[u8], base: u32) -> Option<char> {
    let number = u64::from_str_radix(str::from_utf8(digits).ok()?, base).ok()?;
    let number = u32::try_from(number)
        .ok()
        .filter(|number| *number <= u32::from(char::MAX))?;
    Some(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER))
}

/// The character of a name, of the five that XML has.
pub(super) fn named(name: &[u8]) -> Option<char> {
    match name {
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"amp" => Some('&'),
        b"apos" => Some('\''),
        b"quot" => Some('"'),
        _ => None,
    }
}
