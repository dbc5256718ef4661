//! The directives of a `go.mod`, and what those that matter to dependents mean.

use super::{
    GoMod, InvalidGoMod, Retraction,
    lexer::{Lexer, Token},
    quoted::unquote,
};
use crate::module::{path, semver};

/// As many words of a line as any directive has, and one more: what is longer need not be held.
const ENOUGH_WORDS: usize = 8;

/// Reads a whole file: statements, each a line of words or a block.
pub(super) fn read(text: &str) -> Result<GoMod, InvalidGoMod> {
    let mut lexer = Lexer::new(text);
    let mut go_mod = GoMod::default();
    let mut words = Vec::with_capacity(ENOUGH_WORDS);
    loop {
        let start = lexer.place();
        match lexer.next()? {
            Token::EndOfFile => return Ok(go_mod),
            Token::EndOfLine => continue,
            Token::Word(first) => {
                words.clear();
                words.push(first);
            }
        }
        match read_first_line(&mut lexer, &mut words)? {
            Ending::Line => apply(&mut go_mod, &words).map_err(|reason| lexer.error(start, reason))?,
            Ending::EmptyBlock => {}
            Ending::Block => read_block(&mut lexer, &words, &mut go_mod)?,
        }
    }
}

/// How the first line of a statement ended.
enum Ending {
    /// It is all of it.
    Line,
    /// With `()`.
    EmptyBlock,
    /// With `(`.
    Block,
}

/// Reads the words behind the first one.
fn read_first_line<'t>(lexer: &mut Lexer<'t>, words: &mut Vec<&'t str>) -> Result<Ending, InvalidGoMod> {
    let mut token = lexer.next()?;
    while let Token::Word(word) = token {
        token = lexer.next()?;
        if word != "(" {
            push(words, word);
            continue;
        }
        // A parenthesis opens a block only at the end of its line.
        match token {
            Token::EndOfLine | Token::EndOfFile => return Ok(Ending::Block),
            Token::Word(")") => {
                token = lexer.next()?;
                if !matches!(token, Token::Word(_)) {
                    return Ok(Ending::EmptyBlock);
                }
                push(words, "(");
                push(words, ")");
            }
            Token::Word(_) => push(words, "("),
        }
    }
    Ok(Ending::Line)
}

/// Reads the lines of a block up to a parenthesis alone on its line.
fn read_block<'t>(lexer: &mut Lexer<'t>, head: &[&'t str], go_mod: &mut GoMod) -> Result<(), InvalidGoMod> {
    // A block of go lines is unknown to Go too.
    let known = match head {
        [verb @ ("module" | "require" | "retract" | "ignore")] => Some(*verb),
        _ => None,
    };
    let mut words = Vec::with_capacity(ENOUGH_WORDS);
    loop {
        let start = lexer.place();
        match lexer.next()? {
            Token::EndOfFile => return Err(lexer.error(start, "a block does not end")),
            Token::EndOfLine => continue,
            Token::Word(")") => {
                return match lexer.next()? {
                    Token::Word(_) => Err(lexer.error(start, "a closing parenthesis does not end its line")),
                    Token::EndOfLine | Token::EndOfFile => Ok(()),
                };
            }
            Token::Word(first) => {
                words.clear();
                words.extend(known);
                words.push(first);
            }
        }
        while let Token::Word(word) = lexer.next()? {
            push(&mut words, word);
        }
        if known.is_some() {
            apply(go_mod, &words).map_err(|reason| lexer.error(start, reason))?;
        }
    }
}

fn push<'t>(words: &mut Vec<&'t str>, word: &'t str) {
    if words.len() < ENOUGH_WORDS {
        words.push(word);
    }
}

/// Takes in one directive; those that do not matter to dependents are skipped, whatever they hold.
fn apply(go_mod: &mut GoMod, words: &[&str]) -> Result<(), String> {
    match words {
        ["module", ..] if go_mod.module.is_some() => Err("there is a second module line".to_owned()),
        ["module", path] => {
            go_mod.module = Some(read_string(path)?);
            Ok(())
        }
        ["module", ..] => Err("a module line has one argument".to_owned()),
        ["go", ..] if go_mod.go.is_some() => Err("there is a second go line".to_owned()),
        ["go", version] => {
            go_mod.go =
                Some(read_go_version(version).ok_or_else(|| format!("{version:?} is no Go version"))?);
            Ok(())
        }
        ["go", ..] => Err("a go line has one argument".to_owned()),
        ["require", path, version] => check_requirement(&read_string(path)?, &read_string(version)?),
        ["require", ..] => Err("a requirement is a module path and a version".to_owned()),
        ["ignore", path] => read_string(path).map(drop),
        ["ignore", ..] => Err("an ignore line has one argument".to_owned()),
        ["retract", interval @ ..] => {
            // Later Go versions may know more kinds of intervals; a go command skips those it does not know.
            go_mod.retractions.extend(read_interval(interval));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn read_string(word: &str) -> Result<String, String> {
    if word.starts_with('"') {
        unquote(word).ok_or_else(|| format!("malformed string {word}"))
    } else if word.contains(['"', '\'', '`']) {
        Err(format!("a quote within {word:?}"))
    } else {
        Ok(word.to_owned())
    }
}

fn check_requirement(path: &str, version: &str) -> Result<(), String> {
    let version = semver::canonical(version).ok_or_else(|| format!("{version:?} is no version"))?;
    let (_, major) = path::major::split(path).ok_or_else(|| format!("{path:?} is no module path"))?;
    path::major::check_version(major, &version).map_err(|reason| format!("{path} {version}: {reason}"))
}

/// An interval's versions are taken as they are: one that is no version is below all that are.
fn read_interval(words: &[&str]) -> Option<Retraction> {
    let (low, high) = match words {
        ["[", low, ",", high, "]", ..] => (low, high),
        ["[" | "(", ..] | [] => return None,
        [single, ..] => (single, single),
    };
    Some(Retraction {
        low: read_string(low).ok()?,
        high: read_string(high).ok()?,
    })
}

/// The version of a go line as Go takes it: `1.24`, `1.24.3` and `1.24rc1` as they are, and of anything else that
/// starts with a language version, such as `v1.24.x` and `1.24-foo`, the language version.
fn read_go_version(text: &str) -> Option<String> {
    let version = text.strip_prefix('v').unwrap_or(text);
    let (language, rest) = split_language(version)?;
    if text == version && is_release_or_prerelease(rest) {
        return Some(text.to_owned());
    }
    let says_more = rest.starts_with(|next: char| !next.is_ascii_digit());
    says_more.then(|| language.to_owned())
}

/// Splits `1.24` off the front: two numbers without leading zeros, the first not zero.
fn split_language(version: &str) -> Option<(&str, &str)> {
    let (major, rest) = take_number(version)?;
    let (minor, _) = take_number(rest.strip_prefix('.')?)?;
    (major != "0").then(|| version.split_at(major.len() + 1 + minor.len()))
}

/// Whether this may follow a language version in the grammar of go.mod: nothing, `.3`, `rc1` and `.3rc1`.
fn is_release_or_prerelease(rest: &str) -> bool {
    let rest = match rest.strip_prefix('.').map(take_number) {
        Some(Some((_patch, rest))) => rest,
        Some(None) => return false,
        None => rest,
    };
    let number = rest.trim_start_matches(|letter: char| letter.is_ascii_lowercase());
    rest.is_empty() || (number.len() < rest.len() && is_digits(number))
}

/// The language version of a go line's version; `None` where Go's comparison, which knows neither `1.24.3rc1` nor
/// `1.24rc01`, takes it for no version.
pub(super) fn language_version(version: &str) -> Option<(u64, u64)> {
    let (language, rest) = split_language(version)?;
    let number = match rest.strip_prefix('.') {
        Some(patch) => patch,
        None => rest.trim_start_matches(|letter: char| letter.is_ascii_lowercase()),
    };
    let is_comparable = rest.is_empty() || take_number(number).is_some_and(|(_, rest)| rest.is_empty());
    let (major, minor) = language.split_once('.')?;
    // A number that does not fit is as good as the largest that does.
    let number = |digits: &str| digits.parse().unwrap_or(u64::MAX);
    is_comparable.then(|| (number(major), number(minor)))
}

/// Takes a number without leading zeros off the front.
fn take_number(text: &str) -> Option<(&str, &str)> {
    let (digits, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    (!digits.is_empty() && (digits == "0" || !digits.starts_with('0'))).then_some((digits, rest))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
