//! The reading of pages, held against the go command.

use super::{Place, Says, find};
use direct_fetch::discovery::PageLifetimes;

/// Pages, and what both make of the import path they are for.
const PAGES: &[(&str, &str)] = &[
    (
        "plain",
        "<meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "upper",
        "<HTML><HEAD><META NAME='go-import' CONTENT='PATH git https://code.test/r'></HEAD>",
    ),
    (
        "unquoted",
        "<meta name=go-import content=\"PATH git https://code.test/r\">",
    ),
    (
        "entity",
        "<meta name=\"go-import\" content=\"PATH git&#32;https://code.test/r?a=1&amp;b\">",
    ),
    (
        "blanks",
        "<meta name=\"go-import\" content=\"  PATH\tgit\n https://code.test/r  \">",
    ),
    (
        "closed",
        "<meta name=\"go-import\" content=\"PATH git https://code.test/r\"/>",
    ),
    (
        "other",
        "<meta name=\"go-source\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "case",
        "<meta name=\"Go-Import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "five",
        "<meta name=\"go-import\" content=\"PATH git https://code.test/r sub more\">",
    ),
    (
        "two",
        "<meta name=\"go-import\" content=\"PATH git https://a.test/r\"><meta name=\"go-import\" content=\"PATH git https://b.test/r\">",
    ),
    (
        "body",
        "<body><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "head",
        "<head></head><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "comment",
        "<!-- x --><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "dashes",
        "<!-- x -- y --><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "inside",
        "<!-- <meta name=\"go-import\" content=\"PATH git https://code.test/r\"> -->",
    ),
    (
        "script",
        "<script>if (a < b) {}</script><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "string",
        "<script>'<meta name=\"go-import\" content=\"PATH git https://code.test/r\">'</script>",
    ),
    (
        "after",
        "<meta name=\"go-import\" content=\"PATH git https://code.test/r\"><script>if (a < b) {}",
    ),
    (
        "cdata",
        "<script>a[b[0]]>1</script><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "doctype",
        "<!DOCTYPE html><html lang=en><br><p>a&nbsp;b &amp c<meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "latin",
        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "utf8",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "noscheme",
        "<meta name=\"go-import\" content=\"PATH git code.test/r\">",
    ),
    (
        "file",
        "<meta name=\"go-import\" content=\"PATH git file:///srv/r\">",
    ),
    (
        "scp",
        "<meta name=\"go-import\" content=\"PATH git git@code.test:r\">",
    ),
    (
        "cvs",
        "<meta name=\"go-import\" content=\"PATH cvs https://code.test/r\">",
    ),
    (
        "svn",
        "<meta name=\"go-import\" content=\"PATH svn https://code.test/r\">",
    ),
    (
        "absolute",
        "<meta name=\"go-import\" content=\"PATH git https://code.test/r /sub\">",
    ),
    (
        "hyphen",
        "<meta name=\"go-import\" content=\"PATH git https://code.test/r -sub\">",
    ),
    (
        "stranger",
        "<meta name=\"go-import\" content=\"e.test/elsewhere git https://code.test/r\">",
    ),
    (
        "half",
        "<meta name=\"go-import\" content=\"PATH git https://code.test/r",
    ),
    ("empty", ""),
    (
        "control",
        "\u{1}<meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "nothing",
        "</><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "tight",
        "<script>if(a<b){}</script><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "less",
        "<p title=\"a < b\"><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "slash",
        "<link href=/style.css><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "conditional",
        "<![if !IE]><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "three",
        "<!-- a ---><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "break",
        "<br / ><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "newer",
        "<?xml version=\"1.1\"?><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "section",
        "<script>//<![CDATA[\nif (a > b) {}\n//]]></script><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
    (
        "program",
        "<?php -- ?><meta name=\"go-import\" content=\"PATH git https://code.test/r\">",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn go_makes_the_same_of_every_page() {
    let Some(go) = testkit::go::GoCommand::find() else {
        testkit::skip_or_fail!("there is no go command here")
    };
    let place = Place::new();
    let mut go = go.proxy("direct");
    for (name, value) in place.domain.environment() {
        go = go.set(name, value);
    }
    let project = testkit::go::Project::new("example.test/asking");
    let discovery = place.discovery(&Says::default(), PageLifetimes::default());
    let (mut differences, mut found) = (Vec::new(), 0);
    for (name, page) in PAGES {
        let path = format!("e.test/{name}");
        place.domain.page(&path, 200, &page.replace("PATH", &path));
        let ours = find(&discovery, &path).await;
        let theirs = go.run(project.folder(), ["list", "-m", "-versions", &path]);
        // Where go finds a repository, it goes on to ask git, and fails at a host that does not exist.
        let refused = !theirs.stderr.contains("git ls-remote");
        found += usize::from(!refused);
        if ours.is_err() != refused {
            differences.push(format!("{name}: {ours:?}, but go: {}", theirs.stderr));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(
        (10..PAGES.len() - 10).contains(&found),
        "go found {found} of {}",
        PAGES.len()
    );
}
