//! Simple case folding: which letters a file system that ignores case may take for each other.
//!
//! Go compares the names in a zip under Unicode's *simple* case folding (`unicode.SimpleFold`): `K`, `k` and the
//! Kelvin sign are one letter, `s` and the long `ſ` too, but `ß` and `ss` are not. The standard library has the full
//! case mappings of the current Unicode; where such a mapping is a single letter it is the simple one, and taking the
//! upper case, then the lower case, brings every letter of a class to the same one. The few where that is not so
//! are listed below. A test compares the outcome with the whole table of `regex-syntax`, another with `go` itself.

use std::borrow::Cow;

/// The text with each letter as the one that stands for its class.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(fold_character).collect())
}

fn fold_character(character: char) -> char {
    match character {
        character if character.is_ascii() => character.to_ascii_lowercase(),
        // Their mappings are those of Turkish alone: in folding they are letters by themselves.
        'ı' | 'İ' => character,
        // Two spellings of one letter, which no mapping joins since the upper case of both takes more than a letter.
        '\u{1fd3}' => '\u{0390}',
        '\u{1fe3}' => '\u{03b0}',
        '\u{fb05}' => '\u{fb06}',
        _ => single(single(character, char::to_uppercase), char::to_lowercase),
    }
}

/// The mapped letter if the mapping is a single one, else the letter itself.
fn single<M: Iterator<Item = char>>(character: char, mapping: impl Fn(char) -> M) -> char {
    let mut mapped = mapping(character);
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

    #[test]
    fn letters_that_are_one_when_case_is_ignored_fold_to_one() {
        for class in [
            "Kk\u{212a}",
            "Ssſ",
            "ΣσςΣ",
            "Åå\u{212b}",
            "ǅǄǆ",
            "ẞß",
            "Μμµ",
            "ᏸᏰ",
            "აᲐ",
            "Ιι\u{1fbe}",
        ] {
            let folded: Vec<_> = class.chars().map(fold_character).collect();
            assert!(
                folded.windows(2).all(|pair| pair[0] == pair[1]),
                "{class}: {folded:?}"
            );
        }
        for (one, other) in [
            ("ß", "ss"),
            ("ı", "i"),
            ("İ", "i"),
            ("é", "e"),
            ("ŉ", "ʼn"),
            ("a_", "a-"),
        ] {
            assert_ne!(fold(one), fold(other));
        }
        assert_eq!(fold("plain/name.go"), "plain/name.go");
        assert_eq!(fold("READ\u{212a}ſ.md"), "readks.md");
    }

    /// Every character against Unicode's own table, as `regex-syntax` has it: two characters fold to one exactly if
    /// the table puts them into one class.
    #[test]
    fn the_classes_are_those_of_unicode() {
        let assigned = regex_syntax::parse(r"\p{age=16.0}").unwrap();
        let HirKind::Class(Class::Unicode(assigned)) = assigned.kind() else {
            panic!("{assigned:?}")
        };
        let is_assigned = |c: char| {
            assigned
                .iter()
                .any(|range| (range.start()..=range.end()).contains(&c))
        };
        let mut compared = 0;
        for character in '\0'..=char::MAX {
            let mut class = ClassUnicode::new([ClassUnicodeRange::new(character, character)]);
            class.try_case_fold_simple().unwrap();
            let members: Vec<char> = class
                .iter()
                .flat_map(|range| range.start()..=range.end())
                .collect();
            for &member in &members {
                assert_eq!(
                    fold_character(member),
                    fold_character(character),
                    "{member:?} and {character:?}"
                );
            }
            let folded = fold_character(character);
            // Letters of a Unicode newer than the table's are not in it, and so have no class to compare with.
            if !members.contains(&folded) {
                let newer = !is_assigned(character) || !is_assigned(folded);
                assert!(
                    newer,
                    "{character:?} folds to {folded:?}, outside its class {members:?}"
                );
            }
            compared += usize::from(members.len() > 1);
        }
        assert!(compared > 2800, "{compared}");
    }
}
