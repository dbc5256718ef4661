//! Encodings besides UTF-8, as git writes them (`working-tree-encoding`).
//!
//! git asks the C library of its machine, so what some names mean is not the same everywhere. Here are those whose every
//! character is known to be the one that GNU's library writes. A module that asks for another is refused: bytes that are
//! nearly right would be a wrong sum for ever. A name that no library has leaves the bytes as they are.

use bstr::{BStr, ByteSlice as _};

/// How text is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Encoding {
    /// It stays as it is.
    Same,
    /// Units of 16 bits, behind a byte order mark or not. Without pairs there is nothing beyond U+FFFF.
    Utf16 { big: bool, mark: bool, pairs: bool },
    /// Units of 32 bits.
    Utf32 { big: bool, mark: bool },
    /// One byte a character, which is its number, up to this one.
    Plain(char),
    /// One byte a character, by a table.
    Table(&'static encoding_rs::Encoding),
}

/// Tables in which the library and GNU's agree about every character, and what their names begin with there. Other
/// names of theirs mean something else to GNU's.
const TABLES: [(&str, &[&str]); 20] = [
    ("ISO-8859-2", &["ISO-8859-", "ISO8859-"]),
    ("ISO-8859-3", &["ISO-8859-", "ISO8859-"]),
    ("ISO-8859-4", &["ISO-8859-", "ISO8859-"]),
    ("ISO-8859-5", &["ISO-8859-", "ISO8859-"]),
    ("ISO-8859-6", &["ISO-8859-", "ISO8859-"]),
    ("ISO-8859-7", &["ISO-8859-", "ISO8859-"]),
    ("ISO-8859-8", &["ISO-8859-", "ISO8859-"]),
    ("ISO-8859-10", &["ISO-8859-", "ISO8859-"]),
    ("ISO-8859-13", &["ISO-8859-", "ISO8859-"]),
    ("ISO-8859-14", &["ISO-8859-", "ISO8859-"]),
    ("ISO-8859-15", &["ISO-8859-", "ISO8859-"]),
    ("ISO-8859-16", &["ISO-8859-", "ISO8859-"]),
    ("KOI8-R", &["KOI8-R"]),
    ("IBM866", &["IBM866", "CP866"]),
    ("windows-1250", &["WINDOWS-", "CP"]),
    ("windows-1251", &["WINDOWS-", "CP"]),
    ("windows-1252", &["WINDOWS-", "CP"]),
    ("windows-1253", &["WINDOWS-", "CP"]),
    ("windows-1254", &["WINDOWS-", "CP"]),
    ("windows-1257", &["WINDOWS-", "CP"]),
];

/// How names without a digit begin that some library may have. All others have digits, or three letters at most.
const BEGINNINGS: [&str; 36] = [
    "ARABIC", "ARMSCII", "ASCII", "BALTIC", "BIG", "CHINESE", "CN-", "CP", "CS", "CUBA", "CYRILLIC", "DEC",
    "EBCDIC", "ECMA", "EUC", "GB", "GEORGIAN", "GREEK", "HEBREW", "HP", "INIS", "ISO", "JOHAB", "JP", "KOI",
    "KOREAN", "LATIN", "MAC", "MS", "NA", "RUSCII", "SHIFT", "SJIS", "THAI", "U", "VISCII",
];

/// Names of no common beginning.
const OTHERS: [&str; 5] = ["TCVN", "TSCII", "WCHAR_T", "WINBALTRIM", "WINDOWS"];

/// Whether some library may know an encoding of this name, in upper case.
fn may_exist(name: &[u8]) -> bool {
    name.len() <= 3
        || name.iter().any(u8::is_ascii_digit)
        || BEGINNINGS
            .iter()
            .chain(&OTHERS)
            .any(|begin| name.starts_with_str(begin))
}

impl Encoding {
    /// What a name stands for; `None` where it is not known exactly.
    ///
    /// Without a byte order in the name, UTF-16 and UTF-32 are what git makes of them on Linux: little-endian behind a
    /// byte order mark.
    pub(super) fn of(name: &BStr) -> Option<Self> {
        let utf16 = |big, mark| Self::Utf16 {
            big,
            mark,
            pairs: true,
        };
        let ucs2 = |big| Self::Utf16 {
            big,
            mark: false,
            pairs: false,
        };
        let utf32 = |big, mark| Self::Utf32 { big, mark };
        let name = name.to_ascii_uppercase();
        Some(match name.as_slice() {
            b"" | b"UTF-8" | b"UTF8" => Self::Same,
            b"UTF-16" | b"UTF16" | b"UTF-16LE-BOM" => utf16(false, true),
            b"UTF-16BE-BOM" => utf16(true, true),
            b"UTF-16LE" | b"UTF16LE" => utf16(false, false),
            b"UTF-16BE" | b"UTF16BE" => utf16(true, false),
            b"UCS-2" | b"UCS2" | b"UCS-2LE" => ucs2(false),
            b"UCS-2BE" => ucs2(true),
            b"UTF-32" | b"UTF32" => utf32(false, true),
            b"UTF-32LE" | b"UTF32LE" => utf32(false, false),
            b"UTF-32BE" | b"UTF32BE" => utf32(true, false),
            b"ASCII" | b"US-ASCII" => Self::Plain('\u{7F}'),
            b"ISO-8859-1" | b"ISO8859-1" | b"LATIN1" => Self::Plain('\u{FF}'),
            other if !may_exist(other) => Self::Same,
            other => {
                let encoding = encoding_rs::Encoding::for_label_no_replacement(other)?;
                let (_, begins) = TABLES.iter().find(|(table, _)| *table == encoding.name())?;
                begins.iter().find(|begin| other.starts_with_str(begin))?;
                Self::Table(encoding)
            }
        })
    }

    /// Writes a text; `None` leaves it as it is, as git does with what cannot be written. Nothing stays nothing,
    /// without a mark.
    pub(super) fn write(self, text: &str) -> Option<Vec<u8>> {
        if text.is_empty() {
            return None;
        }
        match self {
            Self::Same => None,
            Self::Utf16 { pairs: false, .. } if text.chars().any(|one| one > '\u{FFFF}') => None,
            Self::Utf16 { big, mark, .. } => {
                let units = mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
                let bytes = |unit: u16| {
                    if big {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                };
                Some(units.flat_map(bytes).collect())
            }
            Self::Utf32 { big, mark } => {
                let units = mark.then_some('\u{FEFF}').into_iter().chain(text.chars());
                let bytes = |unit: u32| {
                    if big {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                };
                Some(units.map(u32::from).flat_map(bytes).collect())
            }
            Self::Plain(last) => text
                .chars()
                .map(|one| u8::try_from(one).ok().filter(|_| one <= last))
                .collect(),
            Self::Table(table) => {
                // The places that the Windows tables leave free are control characters to the library alone.
                let is_free = |one| matches!(one, '\u{80}'..='\u{9F}');
                if table.name().starts_with("windows-") && text.contains(is_free) {
                    return None;
                }
                let (encoded, _, unmappable) = table.encode(text);
                (!unmappable).then(|| encoded.into_owned())
            }
        }
    }
}
