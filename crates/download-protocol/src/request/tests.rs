//! The paths clients really send, and those they must not.

use super::*;
use proptest::prelude::*;

/// The request a path is read as, as one line: `kind path what`.
fn read(path: &str) -> Result<String, BadRequest> {
    let request = Request::parse(path)?;
    Ok(match &request {
        Request::List(path) | Request::Latest(path) => format!("{} {path}", request.kind()),
        Request::File(file) => {
            let module = &file.module;
            format!("{} {} {}", request.kind(), module.path(), module.version())
        }
        Request::Query(path, query) => format!("query {path} {}", query.as_str()),
        Request::Checksums(rest) => format!("sumdb {rest}"),
    })
}

#[test]
fn what_the_go_command_sends_is_read() {
    for (path, expected) in [
        ("/example.test/m/@v/list", "list example.test/m"),
        ("/example.test/m/@latest", "latest example.test/m"),
        ("/example.test/m/@v/v1.0.0.info", "info example.test/m v1.0.0"),
        ("/example.test/m/@v/v1.0.0.mod", "mod example.test/m v1.0.0"),
        ("/example.test/m/@v/v1.0.0.zip", "zip example.test/m v1.0.0"),
        ("example.test/m/@v/v1.0.0.zip", "zip example.test/m v1.0.0"),
        // `!` comes percent-encoded from the go command, and literally from people.
        (
            "/github.com/owner/no%21mod/@v/v1.0.0.info",
            "info github.com/owner/noMod v1.0.0",
        ),
        (
            "/github.com/owner/no!mod/@v/v1.0.0.info",
            "info github.com/owner/noMod v1.0.0",
        ),
        // A plus is a plus.
        (
            "/a.test/m/@v/v2.0.0+incompatible.info",
            "info a.test/m v2.0.0+incompatible",
        ),
        (
            "/a.test/m/@v/v2.0.0%2Bincompatible.info",
            "info a.test/m v2.0.0+incompatible",
        ),
        (
            "/a.test/m/@v/v2.0.0%2bincompatible.zip",
            "zip a.test/m v2.0.0+incompatible",
        ),
        ("/a.test/m/@v/v1.0.0-%21r%21c1.mod", "mod a.test/m v1.0.0-RC1"),
        ("/gopkg.in/yaml.v3/@v/v3.0.1.mod", "mod gopkg.in/yaml.v3 v3.0.1"),
        ("/example.test/a..b/@v/list", "list example.test/a..b"),
        ("/127.0.0.1/x/@v/list", "list 127.0.0.1/x"),
        (
            "/golang.org/toolchain/@v/v0.0.1-go1.27.3.linux-amd64.zip",
            "zip golang.org/toolchain v0.0.1-go1.27.3.linux-amd64",
        ),
        // Whatever is not a canonical version that fits is a query.
        ("/example.test/m/@v/main.info", "query example.test/m main"),
        ("/example.test/m/@v/!head.info", "query example.test/m Head"),
        ("/example.test/m/@v/v1.info", "query example.test/m v1"),
        (
            "/example.test/m/@v/v1.2.3+meta.info",
            "query example.test/m v1.2.3+meta",
        ),
        ("/example.test/m/@v/v2.0.0.info", "query example.test/m v2.0.0"),
        // Decoded once, so that a branch may hold what a URL may not.
        (
            "/example.test/m/@v/a%2Cb%28c%29%20d.info",
            "query example.test/m a,b(c) d",
        ),
        ("/example.test/m/@v/50%25.info", "query example.test/m 50%"),
        (
            "/sumdb/sum.golang.org/supported",
            "sumdb sum.golang.org/supported",
        ),
        (
            "/sumdb/sums.test/db/tile/8/0/x001/234.p/7",
            "sumdb sums.test/db/tile/8/0/x001/234.p/7",
        ),
        (
            "/sumdb/sum.golang.org/lookup/github.com/owner/no!mod@v1.0.0",
            "sumdb sum.golang.org/lookup/github.com/owner/no!mod@v1.0.0",
        ),
    ] {
        assert_eq!(read(path).as_deref(), Ok(expected), "{path}");
    }
}

#[test]
fn what_breaks_the_protocol_is_refused() {
    let long = format!("/example.test/{}/@v/list", "x".repeat(10_000));
    let paths = [
        // Not an endpoint.
        "",
        "/",
        "/favicon.ico",
        "/robots.txt",
        "/@v/list",
        "/@latest",
        "/example.test/m",
        "/example.test/m/@v",
        "/example.test/m/@v/",
        "/example.test/m/@v/v1.2.3",
        "/example.test/m/@v/v1.2.3.INFO",
        "/example.test/m/@v/v1.2.3.ziphash",
        "/example.test/m/@v/.info",
        "/example.test/m/@v/list/",
        "/example.test/m/@latest/",
        "/example.test/m/@v/v1.2.3.zip/",
        "/example.test/m/@V/list",
        "/example.test/m@v/list",
        "/example.test/m/@v//v1.2.3.info",
        // Escapes.
        "/github.com/owner/noMod/@v/list",
        "/a.test/a!/@v/list",
        "/a.test/a!!b/@v/list",
        "/a.test/a!B/@v/list",
        "/a.test/a!1/@v/list",
        "/a.test/m/@v/v1.0.0-R!c1.info",
        "/a.test/m/@v/a!.info",
        "/a.test/m/@v/a!!b.info",
        "/a.test/m/@v/a!1.info",
        "/a.test/m/@v/a!%42.info",
        // Module paths.
        "/gopkg.in/yaml/@v/list",
        "/gopkg.in/yaml.v3/x/@v/list",
        "/a.test/m/v1/@v/list",
        "/a.test/m/v0/@v/list",
        "/a.test/m/v02/@v/list",
        "/a.test/m/v2.1/@v/list",
        "/!example.test/x/@v/list",
        "/example_x.test/x/@v/list",
        "/fmt/@v/list",
        "/example.test//x/@v/list",
        "//example.test/x/@v/list",
        "/example.test/x//@v/list",
        "/example.test/con/@v/list",
        "/example.test/x~1/@v/list",
        "/example.test/a+b/@v/list",
        "/example.test/%C3%A9/@v/list",
        "/example.test/é/@v/list",
        "/example.test/.hidden/@v/list",
        "/127.0.0.1:80/x/@v/list",
        "/-e.test/x/@v/list",
        "/-x/@v/v1.info",
        &long,
        // What might climb out of a folder, or end a string.
        "/../@v/list",
        "/a.test/../b/@v/list",
        "/a.test/%2e%2e/b/@v/list",
        "/a.test/./b/@v/list",
        "/a.test/m/@v/..info",
        "/a.test/m/@v/...zip",
        "/a.test/m/@v/../../x.info",
        "/a.test/m/@v/a/b.info",
        "/a.test/m/@v/a%2Fb.info",
        "/a.test/m/@v/a%2fb.info",
        "/a.test%2Fm/@v/list",
        "/a.test/m%2f@v/list",
        "/a.test/m\\x/@v/list",
        "/a.test/m%5Cx/@v/list",
        "/a.test/m/@v/a%5cb.info",
        "/a.test/m%00/@v/list",
        "/a.test/m/@v/v1.0.0%00.info",
        "/a.test/m/@v/v1.0.0.info%00",
        "/a.test/m/@v/%0a.info",
        // Not decodable, or only by decoding twice.
        "/a.test/m/@v/%.info",
        "/a.test/m/@v/%4.info",
        "/a.test/m/@v/%zz.info",
        "/a.test/m/@v/%ff.info",
        "/%",
        "/a.test/m/@v/%é.info",
        "/github.com/owner/no%2521mod/@v/list",
        "/a.test/%252e%252e/@v/list",
        // Names that Go refuses to ask for.
        "/a.test/m/@v/latest.info",
        "/a.test/m/@v/upgrade.info",
        "/a.test/m/@v/patch.info",
        "/a.test/m/@v/a:b.info",
        "/a.test/m/@v/a;b.info",
        "/a.test/m/@v/a'b.info",
        "/a.test/m/@v/con.info",
        "/a.test/m/@v/com1.x.info",
        "/a.test/m/@v/x..info",
        "/a.test/m/@v/we!rd!.info",
        // Files of what is no canonical version of the module.
        "/a.test/m/@v/main.mod",
        "/a.test/m/@v/v1.zip",
        "/a.test/m/@v/v1.2.3+meta.mod",
        "/a.test/m/@v/v2.0.0.zip",
        "/a.test/m/@v/v2.0.0.mod",
        "/a.test/m/v2/@v/v1.0.0.mod",
        "/a.test/m/@v/v1.2.zip",
        // Checksum databases.
        "/sumdb",
        "/sumdb/",
        "/sumdb/sum.golang.org",
        "/sumdb//latest",
        "/sumdb/x/../y",
        "/sumdb/x/./latest",
        "/sumdb/x/a b",
        "/sumdb/x/a%20b",
        "/sumdb/x/a\\b",
        "/sumdb/x/latest/",
        "/sumdb/x/%00",
        "/sumdb/x/%C3%A9",
    ];
    for path in paths {
        let refused = read(path);
        assert!(refused.is_err(), "{path}: {refused:?}");
    }
}

#[test]
fn the_reason_says_what_is_wrong() {
    let reason = |path: &str| read(path).unwrap_err().to_string();
    assert!(reason("/github.com/owner/noMod/@v/list").contains("noMod"));
    assert!(reason("/a.test/m/@v/main.zip").starts_with("unrecognized version \"main\" of a.test/m"));
    assert!(reason("/index.html").contains("<module>/@v/list"));
    let long_name = format!("/a.test/m/@v/{}.zip", "x".repeat(200));
    assert!(
        reason(&long_name).len() < 400,
        "a name is shortened before it is repeated"
    );
}

proptest! {
    /// Whatever comes, reading it ends in an answer; and what was read, asked for again, is the same.
    #[test]
    fn any_text_is_read_or_refused(path in "(/?(a\\.test|%21|!|[%/@.!a-zA-Z0-9+~-]|\\PC){0,20}(/@v/|/@)?.{0,12}(\\.info|\\.mod|\\.zip|list)?)") {
        if let Ok(Request::File(file)) = Request::parse(&path) {
            let again = Request::parse(&file.tree_path());
            prop_assert_eq!(again, Ok(Request::File(file)));
        }
    }
}
