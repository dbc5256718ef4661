//! Reading the `go-import` tags of a page.
//!
//! The go command reads a page as loose XML, one token after the other, until `</head>`, `<body>` or the first thing it
//! cannot read; that is an error only if no tag came before it. An HTML tokenizer forgives more, so that the two are
//! brought together where they differ in what a page means: text in a `<script>` is not set apart, so that a `<` there that
//! begins no tag ends the reading; so do `--` within a comment, `]]>`, and an XML declaration with another charset than
//! UTF-8 or ASCII.

use super::import::{self, GoImport};
use html5gum::{Error, Token, Tokenizer};

/// The tags of a page, in the order in which they are looked at; the error says what ended the reading before any
/// tag was found.
pub(super) fn go_imports(page: &[u8]) -> Result<Vec<GoImport>, String> {
    let mut tags = Vec::new();
    let ended = read(page, &mut tags);
    if tags.is_empty() {
        ended.map(|()| tags)
    } else {
        Ok(import::in_order(tags))
    }
}

fn read(page: &[u8], tags: &mut Vec<GoImport>) -> Result<(), String> {
    for Ok(token) in Tokenizer::new(page) {
        match token {
            Token::StartTag(tag) if tag.name.as_slice() == b"body" => return Ok(()),
            Token::EndTag(tag) if tag.name.as_slice() == b"head" => return Ok(()),
            Token::StartTag(tag) if tag.name.as_slice() == b"meta" => {
                let attribute = |name: &[u8]| {
                    tag.attributes
                        .get(name)
                        .and_then(|value| str::from_utf8(value).ok())
                };
                if attribute(b"name") == Some("go-import") {
                    tags.extend(attribute(b"content").and_then(GoImport::parse));
                }
            }
            // An XML declaration is a comment to HTML.
            Token::Comment(comment) if comment.starts_with(b"?xml") => check_declaration(&comment)?,
            Token::Comment(comment) if comment.windows(2).any(|pair| pair == b"--") => {
                return Err("invalid sequence \"--\" not allowed in comments".into());
            }
            Token::String(text) if text.windows(3).any(|three| three == b"]]>") => {
                return Err("unescaped ]]> not in CDATA section".into());
            }
            Token::String(text) if str::from_utf8(&text).is_err() => return Err("invalid UTF-8".into()),
            Token::Error(error) if is_fatal(error.value) => {
                return Err(error.value.as_str().replace('-', " "));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What no reader of XML gets over, however loose.
fn is_fatal(error: Error) -> bool {
    matches!(
        error,
        Error::InvalidFirstCharacterOfTagName
            | Error::MissingEndTagName
            | Error::EofInTag
            | Error::EofBeforeTagName
            | Error::EofInComment
            | Error::UnexpectedNullCharacter
            | Error::ControlCharacterInInputStream
    )
}

/// Refuses a declared charset whose bytes would mean something else.
fn check_declaration(declaration: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(declaration);
    let Some((_, behind)) = text.split_once("encoding=") else {
        return Ok(());
    };
    let Some(quote) = behind.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else {
        return Ok(());
    };
    let charset = behind.split(quote).nth(1).unwrap_or_default();
    if ["", "utf-8", "ascii"].contains(&charset.to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    Err(format!("can't decode XML document using charset {charset:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = r#"<meta name="go-import" content="e.test/r git https://h.test/r">"#;

    fn count(page: &str) -> usize {
        go_imports(page.as_bytes()).unwrap().len()
    }

    #[test]
    fn tags_of_the_head_count() {
        let page = format!("<!DOCTYPE html>\n<html>\n<head>\n<title>x</title><!-- c -->\n{TAG}</head>{TAG}");
        let found = go_imports(page.as_bytes()).unwrap();
        assert_eq!(found, [GoImport::parse("e.test/r git https://h.test/r").unwrap()]);
        assert_eq!(count(TAG), 1, "a page may be a tag alone");
        assert_eq!(count(&format!("<html><body>{TAG}")), 0);
        assert_eq!(count(&format!("<!-- {TAG} -->")), 0);
    }

    #[test]
    fn spelling_is_loose_but_the_name_is_exact() {
        for tag in [
            "<META NAME='go-import' CONTENT='e.test/r git https://h.test/r'/>",
            "<meta content=\"e.test/r&#32;git https://h.test/r\" name=go-import>",
            "<meta  name = \"go-import\"\n content=\"e.test/r\tgit\nhttps://h.test/r sub\" charset=utf-8>",
        ] {
            assert_eq!(count(tag), 1, "{tag}");
        }
        let query = go_imports(TAG.replace("h.test/r", "h.test/r?a=1&amp;b=2").as_bytes()).unwrap();
        assert_eq!(query[0].repository, "https://h.test/r?a=1&b=2");
        for tag in [
            TAG.replace("go-import", "Go-Import"),
            TAG.replace("go-import", "go-source"),
            TAG.replace(" git", ""),
            TAG.replace(" git", " git a b"),
        ] {
            assert_eq!(count(&tag), 0, "{tag}");
        }
    }

    #[test]
    fn what_go_cannot_read_ends_the_reading() {
        for before in [
            "<script>if (a < b) {}</script>",
            "<script>a[b[0]]>1</script>",
            "<!-- a -- b -->",
            "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>",
            "</>",
            "\u{1}",
        ] {
            let page = format!("{before}{TAG}");
            assert!(go_imports(page.as_bytes()).is_err(), "{before}");
            assert_eq!(
                count(&format!("{TAG}{before}")),
                1,
                "{before} matters only before the tag"
            );
        }
        assert!(go_imports(b"<p>\xff</p>").is_err());
        assert!(go_imports(format!("{TAG}<meta name=").as_bytes()).is_ok());
        assert!(go_imports(b"<meta name=").is_err());
        for fine in [
            "<?xml version='1.0' encoding='UTF-8'?>",
            "<script>var a = 1 > 0</script>",
            "<br><p>a&nbsp;b &amp c",
        ] {
            assert_eq!(count(&format!("{fine}{TAG}")), 1, "{fine}");
        }
    }
}
