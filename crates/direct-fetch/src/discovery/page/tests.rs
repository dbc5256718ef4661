//! Against go's own reader, which decides what a page says: its source is compiled from the installation found here.

use super::*;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use std::{fmt::Write as _, path::Path};
use testkit::{
    go::{GoCommand, Project},
    skip_or_fail,
};

const TAG: &str = r#"<meta name="go-import" content="e.test/r git https://h.test/r">"#;

/// What may stand before a tag, after it, or within it.
const PIECES: &[&str] = &[
    TAG,
    "<meta name=go-import content='e.test/r mod https://p.test'/>",
    "<meta content=\"a&#32;b&Tab;c&amp;d&lt;&quot;&apos;&gt;&nbsp;e \u{a0}f\u{85}g h\" name=go-import>",
    "<META NAME='go-import' CONTENT='e.test/r svn https://h.test/r sub'>",
    "<x:meta y:name='go-import' z:content='e.test/r git https://h.test/r'>",
    "<meta name=other name=go-import content='a b c'>",
    "<meta go-import content='a b c' name>",
    "<script>if(a<b){}</script>",
    "<script>if (a < b) {}</script>",
    "<script>a[b[0]]>1</script>",
    "<script>//<![CDATA[\nif (a > b && c < d) {}\n//]]></script>",
    "<style><![CDATA[ a > b ]]></style>",
    "<?php -- ?>",
    "<? php ?>",
    "<?xml?>",
    "<?xml version=\"1.1\"?>",
    "<?xml version='1.0' encoding='Utf-8'?>",
    "<?xml version=1.1 version='1.0' encoding=\"ASCI\u{130}\"?>",
    "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>",
    "<?xml encoding='\n?>",
    "<?XML version=\"1.1\"?>",
    "<a href=/style.css>",
    "<a href=style.css>",
    "<a href=style:css_a-b>",
    "<link href=>",
    "<p title=\"a < b\">",
    "<p title='a > b]]>'>",
    "<p title='a &lt b &'>",
    "<![if !IE]>",
    "<!--[if IE]> x <![endif]-->",
    "<!-- a --->",
    "<!-- a -- b -->",
    "<!-->-->",
    "<!--->-->",
    "<!---->",
    "<!- a>",
    "<br / >",
    "<br/>",
    "<br / a>",
    "<head/>",
    "<head>",
    "</head>",
    "</HEAD\n>",
    "</head x>",
    "</x:head>",
    "<body>",
    "<Body/>",
    "<a:b:c>",
    "<:body>",
    "<body: x>",
    "<1>",
    "<>",
    "</>",
    "<-",
    "<\u{e9}\u{b7}>",
    "<\u{2603}>",
    "<!DOCTYPE html>",
    "<!DOCTYPE a \"b>c\" [ <!ENTITY x '>'> <!-- ' --> <!---> ]>",
    "<!>x>",
    "<!'>",
    "<!<>",
    "<!a <!--> -->>",
    "]]>",
    "&#0;",
    "&#1;",
    "&#xFFFF;",
    "&#xd800;",
    "&#1114112;",
    "&#99999999999999999999999;",
    "&#;",
    "&#x;",
    "&#Xa;",
    "&;",
    "&nbsp;",
    "&amp",
    "&\u{e9};",
    "]&amp;]>",
    "\r\n",
    "\r",
    "\n",
    "\t ",
    "\0",
    "\u{1}",
    "\u{feff}",
    "\u{fffe}",
    "\u{1f600}",
    "<",
    ">",
    "&",
    "/",
    "=",
    "\"",
    "'",
    "-",
    "<!--",
    "-->",
    "<![CDATA[",
    "<?",
    "?>",
];

/// The go program: go's own file, with what it needs around it.
const MAIN: &str = r#"package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
)

type metaImport struct{ Prefix, VCS, RepoRoot, SubDir string }
type ModuleMode int

const PreferMod ModuleMode = 1

func main() {
	pages := bufio.NewScanner(os.Stdin)
	if len(os.Args) > 1 {
		file, err := os.Open(os.Args[1])
		if err != nil {
			panic(err)
		}
		pages = bufio.NewScanner(file)
	}
	pages.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for pages.Scan() {
		page, _ := hex.DecodeString(pages.Text())
		tags, err := parseMetaGoImports(bytes.NewReader(page), PreferMod)
		said := ""
		if err != nil {
			said = err.Error()
		}
		json.NewEncoder(out).Encode([]any{tags, said})
	}
}
"#;

/// What go makes of pages, or `None` where there is no go.
fn made_by_go(pages: &[Vec<u8>]) -> Option<Vec<Result<Vec<GoImport>, String>>> {
    let go = GoCommand::find()?;
    let project = Project::new("example.test/pages");
    let root = go.succeed(project.folder(), ["env", "GOROOT"]);
    let source = Path::new(root.trim()).join("src/cmd/go/internal/vcs/discovery.go");
    let source = std::fs::read_to_string(source).ok()?;
    let mut hexadecimal = String::new();
    for page in pages {
        for byte in page {
            write!(hexadecimal, "{byte:02x}").unwrap();
        }
        hexadecimal.push('\n');
    }
    let project = project
        .file("discovery.go", &source.replace("package vcs", "package main"))
        .file("main.go", MAIN)
        .file("pages", &hexadecimal);
    let answers = go.succeed(project.folder(), ["run", ".", "pages"]);
    let answers = answers.lines().map(|answer| {
        let (tags, said): (Option<Vec<serde_json::Value>>, String) = serde_json::from_str(answer).unwrap();
        if !said.is_empty() {
            return Err(said);
        }
        let text = |tag: &serde_json::Value, name: &str| tag[name].as_str().unwrap().to_owned();
        let tags = tags.unwrap_or_default();
        let tags = tags.iter().map(|tag| GoImport {
            prefix: text(tag, "Prefix"),
            vcs: text(tag, "VCS"),
            repository: text(tag, "RepoRoot"),
            subfolder: text(tag, "SubDir"),
        });
        Ok(tags.collect())
    });
    Some(answers.collect())
}

/// Holds pages against go; gives how many have tags, and how many cannot be read.
fn agree(pages: &[Vec<u8>]) -> Option<(usize, usize)> {
    let answers = made_by_go(pages)?;
    assert_eq!(answers.len(), pages.len());
    let (mut with_tags, mut unreadable) = (0, 0);
    for (page, theirs) in pages.iter().zip(answers) {
        let ours = go_imports(page);
        let same = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => ours == theirs,
            // The same line where go names one, so that the reading ended at the same place.
            (Err(Unreadable::Syntax { line, .. }), Err(theirs)) => theirs.contains(&format!("line {line}:")),
            (Err(_), Err(theirs)) => !theirs.contains("syntax error"),
            _ => false,
        };
        assert!(
            same,
            "{:?}: {ours:?}, but go: {theirs:?}",
            String::from_utf8_lossy(page)
        );
        with_tags += usize::from(ours.as_ref().is_ok_and(|tags| !tags.is_empty()));
        unreadable += usize::from(ours.is_err());
    }
    Some((with_tags, unreadable))
}

#[test]
fn go_makes_the_same_of_every_piece_and_of_pages_made_up_from_a_seed() {
    let mut pages: Vec<Vec<u8>> = Vec::new();
    for piece in PIECES {
        for page in [
            piece.to_string(),
            format!("{piece}{TAG}"),
            format!("<html>\n{piece}\n{TAG}"),
            format!("{TAG}{piece}"),
            format!("<p title=\"{piece}\">{TAG}"),
            format!("<p title='{piece}'>{TAG}"),
            format!("<p title={piece}>{TAG}"),
            format!("<p {piece}>{TAG}"),
            format!("<{piece}>{TAG}"),
            format!("<meta name='go-import' content='a b {piece}'>"),
        ] {
            pages.push(page.into_bytes());
        }
    }
    for latin in [
        &b"<p title='\xe9'>"[..],
        b"\xe9",
        b"<\xe9>",
        b"<!-- \xe9 -->",
        b"<!\xe9>",
        b"<?a \xe9?>",
    ] {
        pages.push([latin, TAG.as_bytes()].concat());
    }
    let mut random = StdRng::seed_from_u64(1);
    for _ in 0..6000 {
        let mut page = Vec::new();
        for _ in 0..random.random_range(1..5) {
            page.extend_from_slice(PIECES.choose(&mut random).unwrap().as_bytes());
        }
        page.extend_from_slice(TAG.as_bytes());
        for _ in 0..random.random_range(0..4) {
            // Cut to one byte, which may go too.
            if page.is_empty() {
                break;
            }
            let at = random.random_range(0..page.len());
            match random.random_range(0..4) {
                0 => drop(page.remove(at)),
                1 => page[at] = random.random(),
                2 => drop(page.splice(at..at, PIECES.choose(&mut random).unwrap().bytes())),
                _ => page.truncate(at.max(1)),
            }
        }
        pages.push(page);
    }
    let Some((with_tags, unreadable)) = agree(&pages) else {
        skip_or_fail!("there is no go command here, or none with its sources")
    };
    assert!(
        with_tags > 1000 && unreadable > 1000,
        "{with_tags} with tags, {unreadable} unreadable of {}",
        pages.len()
    );
}

#[test]
fn names_are_made_of_the_characters_that_go_takes() {
    let characters = (0x80..0x1_1000)
        .chain([0x2_0000, 0x10_FFFF])
        .filter_map(char::from_u32);
    let pages = characters.flat_map(|character| {
        [
            format!("<{character}>{TAG}").into_bytes(),
            format!("<a{character}>{TAG}").into_bytes(),
        ]
    });
    let Some((taken, refused)) = agree(&pages.collect::<Vec<_>>()) else {
        skip_or_fail!("there is no go command here, or none with its sources")
    };
    assert!(taken > 10_000 && refused > 10_000, "{taken}, {refused}");
}

#[test]
fn a_page_of_nothing_but_beginnings_is_read_once() {
    for piece in [
        "<a ",
        "<a a='",
        "<!--",
        "<![CDATA[",
        "<!<",
        "&",
        "&#",
        "<?xml version=",
        "<a/>",
        "]]",
    ] {
        let page = piece.repeat((1 << 20) / piece.len());
        drop(go_imports(page.as_bytes()));
    }
}
