//! The tokens of loose XML, as the go command's reader tells them apart.
//!
//! Nothing is matched: an end needs no start, and no element is known by its name. Loose means that an attribute may have
//! no value or one without quotes, and that a `&` may stand for itself. Everything else is as strict as XML: the first
//! thing that is none of it ends the reading. Names are compared by whoever asks, without what stands before a colon.
//!
//! Each byte is looked at a fixed number of times, and only one text is held at once.

use super::{
    names::is_name,
    values::{is_ours, named, numbered, said, shortened},
};
use bstr::ByteSlice as _;

/// A page, read up to some point.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    page: &'a [u8],
    at: usize,
    wanted: &'static [&'static str],
    /// The end of an element that is its own.
    end: Option<&'a str>,
}

/// What stands at one place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `<name attribute="value">`.
    Start(Element<'a>),
    /// `</name>`, or the end of `<name/>`.
    End(&'a str),
    /// Text, a comment, a declaration.
    Other,
}

/// The start of an element.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) name: &'a str,
    /// The first attribute of each wanted name.
    attributes: Vec<(&'static str, String)>,
}

/// What ends the reading of a page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::discovery) enum Unreadable {
    /// The page is no XML from here on.
    #[error("line {line} cannot be read as XML: {reason}")]
    Syntax {
        /// Counted from one.
        line: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// An XML declaration with a version that nobody reads.
    #[error("can't read version {0:?} of XML")]
    Version(String),
    /// An XML declaration with a charset whose bytes would mean something else.
    #[error("can't decode XML document using charset {0:?}")]
    Charset(String),
}

impl Element<'_> {
    /// What a wanted attribute says; empty if it is not there.
    pub(super) fn attribute(&self, name: &str) -> &str {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(held, _)| *held == name)
            .map_or("", |(_, value)| value.as_str())
    }
}

impl<'a> Tokens<'a> {
    /// Begins to read a page, of whose attributes only these are kept.
    pub(super) fn new(page: &'a [u8], wanted: &'static [&'static str]) -> Self {
        Self {
            page,
            at: 0,
            wanted,
            end: None,
        }
    }

    /// The next token; `None` at the end of the page.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, Unreadable> {
        if let Some(name) = self.end.take() {
            return Ok(Some(Token::End(name)));
        }
        let Some(first) = self.peek() else {
            return Ok(None);
        };
        if first != b'<' {
            self.text(None)?;
            return Ok(Some(Token::Other));
        }
        self.at += 1;
        match self.must_peek()? {
            b'/' => {
                self.at += 1;
                self.end_tag().map(Token::End)
            }
            b'?' => {
                self.at += 1;
                self.instruction().map(|()| Token::Other)
            }
            b'!' => {
                self.at += 1;
                self.declaration().map(|()| Token::Other)
            }
            _ => self.start_tag().map(Token::Start),
        }
        .map(Some)
    }

    fn start_tag(&mut self) -> Result<Element<'a>, Unreadable> {
        let name = self.local_name("a < that begins no tag")?;
        let mut attributes = Vec::new();
        loop {
            self.blanks();
            match self.must_peek()? {
                b'>' => {
                    self.at += 1;
                    return Ok(Element { name, attributes });
                }
                b'/' => {
                    self.at += 1;
                    self.must_be(b'>', "a / in a tag, and no > behind it")?;
                    self.end = Some(name);
                    return Ok(Element { name, attributes });
                }
                _ => {
                    let (attribute, value) = self.attribute()?;
                    let wanted = self.wanted.iter();
                    if let Some(wanted) = wanted
                        .copied()
                        .find(|wanted| wanted.eq_ignore_ascii_case(attribute))
                        && !attributes.iter().any(|(held, _)| *held == wanted)
                    {
                        attributes.push((wanted, value));
                    }
                }
            }
        }
    }

    fn attribute(&mut self) -> Result<(&'a str, String), Unreadable> {
        let name = self.local_name("something in a tag that begins no attribute")?;
        self.blanks();
        if self.must_peek()? != b'=' {
            return Ok((name, name.to_owned()));
        }
        self.at += 1;
        self.blanks();
        let value = match self.must_peek()? {
            quote @ (b'"' | b'\'') => {
                self.at += 1;
                self.text(Some(quote))?
            }
            _ => {
                let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-');
                let value = self.take_while(is_plain);
                self.must_peek()?;
                String::from_utf8_lossy(value).into_owned()
            }
        };
        Ok((name, value))
    }

    fn end_tag(&mut self) -> Result<&'a str, Unreadable> {
        let name = self.local_name("a </ that ends no element")?;
        self.blanks();
        self.must_be(b'>', "more than a name in </>")?;
        Ok(name)
    }

    /// `<?target …?>`. Only of one for `xml` it matters what it says.
    fn instruction(&mut self) -> Result<(), Unreadable> {
        let target = self.name("a <? without a name")?;
        self.blanks();
        let content = self.take_until(b"?>")?;
        if target != "xml" {
            return Ok(());
        }
        if let Some(version) = said(content, b"version=").filter(|version| *version != b"1.0") {
            return Err(Unreadable::Version(shortened(version)));
        }
        match said(content, b"encoding=") {
            Some(charset) if !is_ours(charset) => Err(Unreadable::Charset(shortened(charset))),
            _ => Ok(()),
        }
    }

    /// `<!-- comment -->`, `<![CDATA[text]]>` or `<!DOCTYPE …>`.
    fn declaration(&mut self) -> Result<(), Unreadable> {
        match self.must_next()? {
            b'-' => {
                self.must_be(b'-', "a <!- that begins no comment")?;
                self.take_until(b"--")?;
                self.must_be(b'>', "-- within a comment")
            }
            b'[' => {
                for expected in *b"CDATA[" {
                    self.must_be(expected, "a <![ that begins no CDATA section")?;
                }
                let text = self.take_until(b"]]>")?;
                self.readable(text.to_vec()).map(drop)
            }
            // Whatever comes first counts for nothing, be it a quote or a bracket.
            _ => self.directive(),
        }
    }

    /// The rest of `<!DOCTYPE …>`: up to its own `>`, which is none in quotes, in a comment or behind a `<`.
    fn directive(&mut self) -> Result<(), Unreadable> {
        let (mut quote, mut depth) = (None, 0_usize);
        loop {
            let byte = self.must_next()?;
            match byte {
                _ if quote.is_some() => quote = quote.filter(|quote| *quote != byte),
                b'"' | b'\'' => quote = Some(byte),
                b'>' if depth == 0 => return Ok(()),
                b'>' => depth -= 1,
                b'<' if self.rest().starts_with(b"!--") => {
                    self.at += 3;
                    self.take_until(b"-->")?;
                }
                b'<' => depth += 1,
                _ => {}
            }
        }
    }

    /// Text up to the quote that closes it, or to the next tag.
    fn text(&mut self, quote: Option<u8>) -> Result<String, Unreadable> {
        let mut text = Vec::new();
        let mut before = [0; 2];
        while let Some(byte) = self.peek() {
            match byte {
                b'<' if quote.is_some() => return Err(self.syntax("a < in a quoted value")),
                b'<' => break,
                b'>' if quote.is_none() && before == *b"]]" => {
                    return Err(self.syntax("]]> where no CDATA section is open"));
                }
                b'&' => {
                    self.reference(&mut text)?;
                    before = [0; 2];
                    continue;
                }
                b'\r' => text.push(b'\n'),
                b'\n' if before[1] == b'\r' => {}
                _ if quote == Some(byte) => {
                    self.at += 1;
                    break;
                }
                _ => text.push(byte),
            }
            self.at += 1;
            before = [before[1], byte];
        }
        self.readable(text)
    }

    /// `&name;` or `&#number;`, or what looks like one and is only text.
    fn reference(&mut self, text: &mut Vec<u8>) -> Result<(), Unreadable> {
        let start = self.at;
        self.at += 1;
        let meant = if self.must_peek()? == b'#' {
            self.at += 1;
            let base = if self.must_peek()? == b'x' {
                self.at += 1;
                16
            } else {
                10
            };
            let digits = self.take_while(|byte| char::from(*byte).is_digit(base));
            (self.must_peek()? == b';').then(|| numbered(digits, base))
        } else {
            let name = self.raw_name()?;
            (self.must_peek()? == b';').then(|| named(name))
        };
        self.at += usize::from(meant.is_some());
        match meant.flatten() {
            Some(character) => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            None => text.extend_from_slice(&self.page[start..self.at]),
        }
        Ok(())
    }

    /// A text, if it is made of characters that XML allows.
    fn readable(&self, text: Vec<u8>) -> Result<String, Unreadable> {
        let text = String::from_utf8(text).map_err(|_| self.syntax("text that is not UTF-8"))?;
        let is_allowed = |character: char| {
            matches!(character, '\t' | '\n' | '\r')
                || character >= ' ' && !matches!(character, '\u{FFFE}' | '\u{FFFF}')
        };
        if text.chars().all(is_allowed) {
            Ok(text)
        } else {
            Err(self.syntax("a character that XML does not allow"))
        }
    }

    /// A name without its name space.
    fn local_name(&mut self, otherwise: &'static str) -> Result<&'a str, Unreadable> {
        let name = self.name(otherwise)?;
        match name.split_once(':') {
            Some((_, local)) if local.contains(':') => Err(self.syntax("a name with two colons")),
            Some((space, local)) if !space.is_empty() && !local.is_empty() => Ok(local),
            _ => Ok(name),
        }
    }

    fn name(&mut self, otherwise: &'static str) -> Result<&'a str, Unreadable> {
        let name = self.raw_name()?;
        if !is_name(name) {
            return Err(self.syntax(otherwise));
        }
        str::from_utf8(name).map_err(|_| self.syntax(otherwise))
    }

    /// The bytes that might be a name's; something must stand behind them.
    fn raw_name(&mut self) -> Result<&'a [u8], Unreadable> {
        let is_part = |byte: &u8| {
            !byte.is_ascii() || byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'-')
        };
        let name = self.take_while(is_part);
        self.must_peek()?;
        Ok(name)
    }

    fn blanks(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\r' | b'\n' | b'\t'));
    }

    fn take_while(&mut self, is_part: impl Fn(&u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// What stands before these bytes, and past them.
    fn take_until(&mut self, end: &[u8]) -> Result<&'a [u8], Unreadable> {
        let rest = self.rest();
        let Some(length) = rest.find(end) else {
            self.at = self.page.len();
            return Err(self.syntax(TOO_SHORT));
        };
        self.at += length + end.len();
        Ok(&rest[..length])
    }

    fn must_be(&mut self, expected: u8, otherwise: &'static str) -> Result<(), Unreadable> {
        if self.must_next()? == expected {
            Ok(())
        } else {
            Err(self.syntax(otherwise))
        }
    }

    fn must_next(&mut self) -> Result<u8, Unreadable> {
        let byte = self.must_peek()?;
        self.at += 1;
        Ok(byte)
    }

    fn must_peek(&self) -> Result<u8, Unreadable> {
        self.peek().ok_or_else(|| self.syntax(TOO_SHORT))
    }

    fn peek(&self) -> Option<u8> {
        self.page.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.page.get(self.at..).unwrap_or_default()
    }

    /// That something is wrong with what was just read.
    fn syntax(&self, reason: &'static str) -> Unreadable {
        let read = &self.page[..self.at];
        Unreadable::Syntax {
            line: 1 + read.find_iter(b"\n").count(),
            reason,
        }
    }
}

const TOO_SHORT: &str = "the page ends within it";
