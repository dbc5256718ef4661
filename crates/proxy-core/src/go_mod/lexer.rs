//! The words of a `go.mod`.

use super::InvalidGoMod;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// One word, or the end of a line or of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A name, a string with its quotes, or one of `( ) [ ] { } ,`.
    Word(&'t str),
    /// A newline, or a comment with the newline behind it.
    EndOfLine,
    /// The end, as often as it is asked for.
    EndOfFile,
}

/// Cuts a text into tokens.
pub(super) struct Lexer<'t> {
    text: &'t str,
    rest: &'t str,
}

/// A place in the text.
#[derive(Clone, Copy)]
pub(super) struct Place(usize);

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, rest: text }
    }

    /// Where reading goes on.
    pub(super) fn place(&self) -> Place {
        Place(self.text.len() - self.rest.len())
    }

    /// An error at a place.
    pub(super) fn error(&self, place: Place, reason: impl Into<String>) -> InvalidGoMod {
        let newlines = self
            .text
            .bytes()
            .take(place.0)
            .filter(|&byte| byte == b'\n')
            .count();
        InvalidGoMod {
            line: newlines + 1,
            reason: reason.into(),
        }
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token<'t>, InvalidGoMod> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r']);
        let (token, length) = first_token(self.rest).map_err(|reason| self.error(self.place(), reason))?;
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(match token {
            Kind::Word => Token::Word(text),
            Kind::EndOfLine => Token::EndOfLine,
            Kind::EndOfFile => Token::EndOfFile,
        })
    }
}

enum Kind {
    Word,
    EndOfLine,
    EndOfFile,
}

/// What the text starts with, and how long it is; the error is a phrase.
fn first_token(text: &str) -> Result<(Kind, usize), String> {
    if text.starts_with("//") {
        return Ok((
            Kind::EndOfLine,
            text.find('\n').map_or(text.len(), |newline| newline + 1),
        ));
    }
    match text.chars().next() {
        None => Ok((Kind::EndOfFile, 0)),
        Some('\n') => Ok((Kind::EndOfLine, 1)),
        Some('(' | ')' | '[' | ']' | '{' | '}' | ',') => Ok((Kind::Word, 1)),
        Some(quote @ ('"' | '`')) => Ok((Kind::Word, string_length(text, quote)?)),
        Some(character) if is_name(character) => Ok((Kind::Word, name_length(text)?)),
        Some(character) => Err(format!("unexpected character {character:?}")),
    }
}

/// How long the string is that the text starts with, its quotes included.
fn string_length(text: &str, quote: char) -> Result<usize, String> {
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\n' => return Err("a string ends with its line".to_owned()),
            // What is escaped may be anything, even a newline; whoever wants the string will find it malformed.
            '\\' if quote == '"' => drop(characters.next()),
            _ if character == quote => return Ok(at + 1),
            _ => {}
        }
    }
    Err("a string does not end".to_owned())
}

/// How long the name is that the text starts with; a comment may follow it without a blank.
fn name_length(text: &str) -> Result<usize, String> {
    let mut rest = text.chars();
    loop {
        let here = rest.as_str();
        if here.starts_with("/*") {
            return Err("comments are written with //, not with /* */".to_owned());
        }
        if here.starts_with("//") || !rest.next().is_some_and(is_name) {
            return Ok(text.len() - here.len());
        }
    }
}

/// Whether the character is printable, no blank and no punctuation of the grammar.
fn is_name(character: char) -> bool {
    use GeneralCategoryGroup::{Letter, Mark, Number, Punctuation, Symbol};
    match character {
        '(' | ')' | '[' | ']' | '{' | '}' | ',' => false,
        _ if character.is_ascii() => character.is_ascii_graphic(),
        _ => matches!(
            character.general_category_group(),
            Letter | Mark | Number | Punctuation | Symbol
        ),
    }
}
