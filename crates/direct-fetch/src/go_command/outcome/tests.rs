//! What real words of `go` and `git` mean. The texts were provoked with Go 1.26 and git 2.39 against loopback servers.

use super::{Outcome, Outcome::*, command, outcome};

/// Behind `go: example.test/m@v1: `, or whatever the first column says.
const TABLE: &[(&str, Outcome)] = &[
    // settled by the origin or by go
    ("m@v9.9.9: invalid version: unknown revision v9.9.9", Refused),
    ("module m: no matching versions for query \"latest\"", Refused),
    (
        "m@v1.0.0+incompatible: invalid version: +incompatible suffix not allowed: major version v1 is compatible",
        Refused,
    ),
    (
        "m@v1.2.4-0.20200102010405-44e5b603a871: invalid pseudo-version: does not match version-control timestamp (expected 20200102030405)",
        Refused,
    ),
    (
        "github.com/o@v1.0.0: invalid github.com import path \"github.com/o\"",
        Refused,
    ),
    (
        "github.com/o/r.git@v1.0.0: invalid version control suffix in github.com/ path",
        Refused,
    ),
    ("example.net/x@v1.0.0: no modules on example.net", Refused),
    ("rsc.io@v1.0.0: rsc.io is not a module", Refused),
    (
        "m@v1.0.0: GOVCS disallows using svn for public example.test/r.svn; see 'go help vcs'",
        Refused,
    ),
    (
        "create zip: readme.md: case-insensitive file name collision: \"README.md\" and \"readme.md\"",
        Refused,
    ),
    (
        "m@v1: unrecognized import path \"h.test/x\": reading https://h.test/x?go-get=1: 404 Not Found",
        Refused,
    ),
    (
        "m@v1: unrecognized import path \"h.test/x\": reading https://h.test/x?go-get=1: 410 Gone",
        Refused,
    ),
    (
        "m@v1: unrecognized import path \"h.test/x\": parse https://h.test/x?go-get=1: no go-import meta tags ()",
        Refused,
    ),
    (
        "m@v1: unrecognized import path \"h.test/x/s\": https://h.test/x/s?go-get=1 and https://h.test/x?go-get=1 disagree about go-import for h.test/x",
        Refused,
    ),
    (
        "m@v1: unrecognized import path \"h.test/x\": https fetch: Get \"http://h.test/x\": redirected from secure URL https://h.test/x to insecure URL http://h.test/x",
        Refused,
    ),
    (
        "m@v1: unrecognized import path \"h.test/x\": https://h.test/x?go-get=1: invalid repo root \"x.test/y\": no scheme",
        Refused,
    ),
    (
        "m@v1: invalid version: missing m/go.mod at revision 0123abc",
        Refused,
    ),
    (
        "m@v2: invalid version: module contains a go.mod file, so module path must match major version (\"m/v2\")",
        Refused,
    ),
    (
        "m@v1: invalid version: git ls-remote -q --end-of-options http://h/r in /c/vcs/07: exit status 128:\n\tfatal: repository 'http://h/r/' not found",
        Refused,
    ),
    (
        "m@v1: invalid version: git ls-remote -q --end-of-options origin in /c/vcs/00: exit status 128:\n\tfatal: '/r/no' does not appear to be a git repository\n\tfatal: Could not read from remote repository.",
        Refused,
    ),
    (
        "m@v1: invalid version: git ls-remote -q origin in /c/vcs/00: exit status 128:\n\tERROR: Repository not found.\n\tfatal: Could not read from remote repository.",
        Refused,
    ),
    // not reached, or in trouble
    (
        "m@v1: unrecognized import path \"h.test/x\": https fetch: Get \"https://h.test/x?go-get=1\": dial tcp: lookup h.test on 10.0.0.1:53: no such host",
        Trouble,
    ),
    (
        "m@v1: unrecognized import path \"h.test/x\": https fetch: Get \"https://h.test/x?go-get=1\": proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused",
        Trouble,
    ),
    (
        "m@v1: unrecognized import path \"h.test/x\": https fetch: Get \"https://h.test/x?go-get=1\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
        Trouble,
    ),
    (
        "m@v1: unrecognized import path \"h.test/x\": https fetch: Get \"https://h.test/x?go-get=1\": Bad Gateway",
        Trouble,
    ),
    (
        "m@v1: unrecognized import path \"h.test/x\": https fetch: Get \"https://h.test/x?go-get=1\": EOF",
        Trouble,
    ),
    (
        "m@v1: unrecognized import path \"h.test/x\": reading https://h.test/x?go-get=1: 500 Internal Server Error",
        Trouble,
    ),
    (
        "m@v1: unrecognized import path \"h.test/x\": reading https://h.test/x?go-get=1: 401 Unauthorized",
        Trouble,
    ),
    (
        "m@v1: unrecognized import path \"h.test/x\": reading https://h.test/x?go-get=1: 403 Forbidden",
        Trouble,
    ),
    (
        "m@v1: unrecognized import path \"h.test/x\": reading https://h.test/x?go-get=1: 429 Too Many Requests",
        Trouble,
    ),
    (
        "m@v1: invalid version: git ls-remote -q --end-of-options https://h/r in /c/vcs/a8: exit status 128:\n\tfatal: unable to access 'https://h/r/': Failed to connect to h port 1 after 0 ms: Couldn't connect to server",
        Trouble,
    ),
    (
        "m@v1: invalid version: git ls-remote -q --end-of-options origin in /c/vcs/a8: exit status 128:\n\tfatal: unable to access 'https://h/r/': Could not resolve host: h",
        Trouble,
    ),
    (
        "m@v1: invalid version: git ls-remote -q --end-of-options http://h/r in /c/vcs/f8: exit status 128:\n\tfatal: unable to access 'http://h/r/': The requested URL returned error: 500",
        Trouble,
    ),
    (
        "m@v1: invalid version: git ls-remote -q --end-of-options http://h/r in /c/vcs/f8: exit status 128:\n\tfatal: unable to access 'http://h/r/': The requested URL returned error: 429",
        Trouble,
    ),
    (
        "m@v1: invalid version: git ls-remote -q https://github.com/r/r in /c/vcs/8f: exit status 128:\n\tssh: connect to host h port 1: Connection refused\n\tfatal: Could not read from remote repository.",
        Trouble,
    ),
    (
        "m@v1: invalid version: git fetch -f origin in /c/vcs/8f: exit status 128:\n\tfatal: Unable to create '/c/vcs/8f/shallow.lock': File exists.",
        BrokenClone,
    ),
    (
        "m@v1: invalid version: git fetch -f origin in /c/vcs/8f: signal: killed",
        Trouble,
    ),
    ("m@v1: write /c/mod/cache/x: permission denied", Trouble),
    (
        "reading m/go.mod at revision v1.0.0: unknown revision refs/tags/v1.0.0",
        BrokenClone,
    ),
    // the rest
    (
        "m@v1: invalid version: git ls-remote -q http://h/r in /c/vcs/80: exit status 128:\n\tfatal: could not read Username for 'http://h': terminal prompts disabled",
        Unauthorized,
    ),
    (
        "m@v1: invalid version: git ls-remote -q http://h/r in /c/vcs/6d: exit status 128:\n\tfatal: unable to access 'http://h/r/': The requested URL returned error: 403",
        Unauthorized,
    ),
    ("m.git@v1: no secure protocol found for repository", NoScheme),
    ("m@v1: write /c/mod/cache/x: no space left on device", DiskFull),
    (
        "m@v1: invalid version: git fetch -f origin in /c: exit status 128:\n\tfatal: write error: No space left on device",
        DiskFull,
    ),
    (
        "m@v1.0.0 requires go >= 1.99 (running go 1.26.8; GOTOOLCHAIN=local)",
        TooNew,
    ),
    ("m@v1: nothing like this was ever seen", Unforeseen),
    // names that look like signs
    (
        "github.com/o/timeout@EOF: invalid version: unknown revision EOF",
        Refused,
    ),
];

#[test]
fn words_of_go_mean_what_they_say() {
    let wrong: Vec<_> = TABLE
        .iter()
        .filter(|(said, means)| outcome(&format!("go: {said}")) != *means)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_missing_program_is_named() {
    let said = "go: m@v1: invalid version: unable to resolve git version: exec: \"git\": executable file not found in $PATH";
    assert_eq!(outcome(said), Missing("git".into()));
}

#[test]
fn words_of_git_alone_mean_the_same() {
    assert_eq!(command("fatal: repository 'https://h/r/' not found"), Refused);
    assert_eq!(
        command("fatal: unable to access 'https://h/r/': Could not resolve host: h"),
        Trouble
    );
    assert_eq!(
        command("fatal: Authentication failed for 'https://h/r/'"),
        Unauthorized
    );
}
