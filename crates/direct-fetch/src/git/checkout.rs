//! The bytes of a blob as `git archive` writes them.
//!
//! Three conversions, in git's order: `$Id$`, line ends, encoding. Filters (`filter=lfs`) are never run: what they do
//! depends on the machine, and a pointer stays a pointer.

mod encoding;

use super::attributes::Checkout;
use bstr::{BStr, ByteSlice};
use encoding::Encoding;
use std::borrow::Cow;

impl Checkout {
    /// Whether the bytes stay as they are.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The encoding that is asked for and cannot be written as git would: such a file has no right bytes here.
    pub fn unknown_encoding(&self) -> Option<&BStr> {
        let name = self.encoding.as_ref()?.as_bstr();
        Encoding::of(name).is_none().then_some(name)
    }

    /// Converts a blob whose object name is `hash`, in hexadecimal.
    pub fn convert<'a>(&self, blob: &'a [u8], hash: &str) -> Cow<'a, [u8]> {
        let mut bytes = Cow::Borrowed(blob);
        if self.ident
            && let Some(replaced) = replace_idents(&bytes, hash)
        {
            bytes = Cow::Owned(replaced);
        }
        if let Some(crlf) = self.crlf
            && let Some(converted) = line_ends(&bytes, crlf.into())
        {
            bytes = Cow::Owned(converted);
        }
        if let Some(encoding) = &self.encoding
            && let Some(encoding) = Encoding::of(encoding.as_bstr())
            && let Ok(text) = str::from_utf8(&bytes)
            && let Some(encoded) = encoding.write(text)
        {
            bytes = Cow::Owned(encoded);
        }
        bytes
    }
}

fn line_ends(bytes: &[u8], digest: gix_filter::eol::AttributesDigest) -> Option<Vec<u8>> {
    let mut converted = Vec::new();
    // Its only failure is to find no memory, at which point a plain `Vec` would have ended the process as well.
    let changed = gix_filter::eol::convert_to_worktree(bytes, digest, &mut converted, Default::default());
    changed.unwrap_or(false).then_some(converted)
}

/// Replaces `$Id$`, and `$Id: …$` where what it holds is git's own: no line break, and no space but around one word.
/// `None` where there is nothing to replace.
///
/// The library's own function leaves `$Id: …$` alone, which `git archive` does not.
fn replace_idents(bytes: &[u8], hash: &str) -> Option<Vec<u8>> {
    let mut replaced: Option<Vec<u8>> = None;
    let (mut copied, mut position) = (0, 0);
    while let Some(found) = bytes[position..].find(b"$Id") {
        let keyword = position + found + 1;
        position = keyword;
        match ident_end(&bytes[keyword + 2..]) {
            Ident::Ends(length) => {
                let replaced =
                    replaced.get_or_insert_with(|| Vec::with_capacity(bytes.len() + hash.len() + 8));
                replaced.extend_from_slice(&bytes[copied..keyword]);
                replaced.extend_from_slice(format!("Id: {hash} $").as_bytes());
                position = keyword + 2 + length;
                copied = position;
            }
            Ident::None => {}
            Ident::NeverEnds => break,
        }
    }
    let mut replaced = replaced?;
    replaced.extend_from_slice(&bytes[copied..]);
    Some(replaced)
}

/// What stands behind `$Id`.
enum Ident {
    /// A keyword that ends after so many bytes, its `$` included.
    Ends(usize),
    /// No keyword, or somebody else's.
    None,
    /// A keyword without an end; nor can any other end after it.
    NeverEnds,
}

fn ident_end(behind: &[u8]) -> Ident {
    match behind.first() {
        Some(b'$') => Ident::Ends(1),
        Some(b':') => {
            let Some(length) = behind[1..].find_byte(b'$') else {
                return Ident::NeverEnds;
            };
            let body = &behind[1..=length];
            let space = body
                .get(1..)
                .and_then(|rest| rest.find_byte(b' '))
                .map(|at| at + 1);
            if body.contains(&b'\n') || space.is_some_and(|at| at + 1 < body.len()) {
                return Ident::None;
            }
            Ident::Ends(length + 2)
        }
        _ => Ident::None,
    }
}

#[cfg(test)]
mod tests;
