//! Quoted strings, as Go source writes them.

/// Reads a string in `"` or backticks (Go's `strconv.Unquote`); `None` if it is malformed.
///
/// Bytes that escapes make (`\xff`) and that are no UTF-8 become the replacement character: no name can hold either.
pub(super) fn unquote(quoted: &str) -> Option<String> {
    if let Some(rest) = quoted.strip_prefix('`') {
        let raw = rest.strip_suffix('`')?;
        return (!raw.contains('`')).then(|| raw.replace('\r', ""));
    }
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' | '\n' => return None,
            '\\' => characters = read_escape(characters.as_str(), &mut bytes)?.chars(),
            _ => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads what stands behind a backslash; gives what comes after it.
fn read_escape<'t>(text: &'t str, bytes: &mut Vec<u8>) -> Option<&'t str> {
    let (letter, rest) = text.split_at_checked(1)?;
    let plain = match letter {
        "a" => 0x07,
        "b" => 0x08,
        "f" => 0x0c,
        "n" => b'\n',
        "r" => b'\r',
        "t" => b'\t',
        "v" => 0x0b,
        "\\" => b'\\',
        "\"" => b'"',
        "x" => {
            let (byte, rest) = number(rest, 2, 16)?;
            bytes.push(u8::try_from(byte).ok()?);
            return Some(rest);
        }
        "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" => {
            let (byte, rest) = number(text, 3, 8)?;
            bytes.push(u8::try_from(byte).ok()?);
            return Some(rest);
        }
        "u" | "U" => {
            let (code, rest) = number(rest, if letter == "u" { 4 } else { 8 }, 16)?;
            let character = char::from_u32(code)?;
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(rest);
        }
        _ => return None,
    };
    bytes.push(plain);
    Some(rest)
}

/// Takes a number of exactly so many digits off the front.
fn number(text: &str, digits: usize, radix: u32) -> Option<(u32, &str)> {
    let (number, rest) = text.split_at_checked(digits)?;
    if !number.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    Some((u32::from_str_radix(number, radix).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_as_go_reads_them() {
        for (quoted, expected) in [
            (r#""""#, ""),
            (r#""a b""#, "a b"),
            (r#""\a\b\f\n\r\t\v\\\"""#, "\x07\x08\x0c\n\r\t\x0b\\\""),
            (r#""\x41\101\u00e9\U0001F389""#, "AAé🎉"),
            ("`a\\n\"\r`", "a\\n\""),
            (r#""\xff""#, "\u{fffd}"),
        ] {
            assert_eq!(unquote(quoted).as_deref(), Some(expected), "{quoted}");
        }
        for quoted in [
            "",
            "a",
            "\"",
            "`",
            "\"a",
            "a\"",
            "\"a\"b\"",
            "`a`b`",
            r#""\'""#,
            r#""\q""#,
            r#""\x4""#,
            r#""\x+1""#,
            r#""\400""#,
            r#""\08""#,
            r#""\ud800""#,
            r#""\U00110000""#,
            "\"a\nb\"",
            "'a'",
            r#""a\""#,
            "\"\\é\"",
        ] {
            assert_eq!(unquote(quoted), None, "{quoted}");
        }
    }
}
