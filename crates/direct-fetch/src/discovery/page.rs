//! Reading the `go-import` tags of a page.
//!
//! The go command takes a page for loose XML and reads one token after the other, until `</head>`, `<body>` or the first
//! thing it cannot read; that is an error only if no tag came before it. What HTML would make of the page does not matter:
//! a `<` in a `<script>` begins a tag, and what follows it has to be one.

mod names;
mod tokens;
mod values;

use super::import::{self, GoImport};
use tokens::{Token, Tokens, Unreadable};

/// The tags of a page, in the order in which they are looked at; the error says what ended the reading before any
/// tag was found.
pub(super) fn go_imports(page: &[u8]) -> Result<Vec<GoImport>, Unreadable> {
    let mut tags = Vec::new();
    let ended = read(page, &mut tags);
    if tags.is_empty() {
        ended.map(|()| tags)
    } else {
        Ok(import::in_order(tags))
    }
}

fn read(page: &[u8], tags: &mut Vec<GoImport>) -> Result<(), Unreadable> {
    let mut tokens = Tokens::new(page, &["name", "content"]);
    while let Some(token) = tokens.next()? {
        match token {
            Token::Start(element) if element.name.eq_ignore_ascii_case("body") => break,
            Token::End(name) if name.eq_ignore_ascii_case("head") => break,
            Token::Start(element)
                if element.name.eq_ignore_ascii_case("meta") && element.attribute("name") == "go-import" =>
            {
                tags.extend(GoImport::parse(element.attribute("content")));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
