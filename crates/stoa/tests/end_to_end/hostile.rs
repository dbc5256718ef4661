//! Paths that nobody with good intentions sends: refused at the door, and nothing behind it moves.

use crate::world::{small_world, stoa};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// What is sent as the target of a GET; each is malformed, whatever the store holds.
fn targets() -> Vec<String> {
    let mut targets: Vec<String> = [
        "/-x/@v/v1.info",
        "/-x.test/a/@v/v1.0.0.info",
        "/../@v/v1.0.0.info",
        "/../../../../etc/passwd",
        "/example.test/../../@v/v1.0.0.zip",
        "/%2e%2e/%2e%2e/@v/v1.0.0.info",
        "/example.test/%2e%2e/%2e%2e/%2e%2e/etc/@v/v1.0.0.info",
        "/example.test/a/@v/..%2f..%2fv1.0.0.zip",
        "/example.test/a/@v/%2e%2e%2fx.info",
        "/example.test/a%00b/@v/v1.0.0.info",
        "/example.test/a/@v/v1.0.0%00.info",
        "/example.test\\a\\@v\\v1.0.0.info",
        "/example.test/a%5cb/@v/v1.0.0.info",
        "/example.test/Upper/@v/v1.0.0.info",
        "/example.test/up!!per/@v/v1.0.0.info",
        "/example.test/up!Per/@v/v1.0.0.info",
        "/example.test/upper!/@v/v1.0.0.info",
        "/example.test/a/@v/V1.0.0.info",
        "/example.test/a/@v/v1.0.0!.info",
        "/example.test//a/@v/v1.0.0.info",
        "/example.test/a/@v/v1.0.0.mod.exe",
        "/example.test/a/@v/main.zip",
        "/example.test/a/@v/v1.mod",
        "/example.test/a/@v/.info",
        "/example.test/a/@v/",
        "/example.test/a/@v/v1.0.0/x.info",
        "/nodots/@v/v1.0.0.info",
        "/example.test/con/@v/v1.0.0.info",
        "/example.test/a./@v/v1.0.0.info",
        "/example.test/%ff%fe/@v/v1.0.0.info",
        "/example.test/a%0ab/@v/v1.0.0.info",
        "/example.test/a/@v/v1.0.0%0d%0ax.info",
        "/example.test/a/@v/v2.0.0.zip",
        "/.stoa/seen/x",
        "/%2estoa/@v/v1.0.0.info",
        "/@v/list",
        "/@latest",
    ]
    .map(str::to_owned)
    .into();
    let long = "x".repeat(10_000);
    targets.push(format!("/example.test/{long}/@v/v1.0.0.info"));
    targets.push(format!("/example.test/a/@v/{long}.info"));
    targets.push(format!("/example.test/a/@v/v1.0.0-{long}.zip"));
    targets.push(format!("/{}/@v/list", "a.test/".repeat(2000)));
    targets
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_refused_at_the_door() {
    let upstream = small_world();
    let setup = stoa().upstream(&format!("{},direct", upstream.url()));
    let (programs, marks) = (setup.folder().join("programs"), setup.folder().join("started"));
    let path = watched_programs(&programs, &marks);
    let stoa = setup
        .environment("PATH", path)
        .environment("STOA_DIRECT__GIT", "command")
        .start();
    let files_before = files_below(&stoa.setup().store());
    fs::remove_file(&marks).ok();

    for target in targets() {
        let request = format!("GET {target} HTTP/1.1\r\nHost: mirror.test\r\nConnection: close\r\n\r\n");
        let answer = stoa.send_raw(request.as_bytes()).await;
        let head = String::from_utf8_lossy(&answer)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        let shown = &target[..target.len().min(80)];
        assert!(head.starts_with("HTTP/1.1 4"), "{shown}: {head:?}");
        assert!(!head.starts_with("HTTP/1.1 408"), "{shown}: {head:?}");
    }
    let nul = stoa
        .send_raw(b"GET /example.test/a\0b/@v/list HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    assert!(
        nul.starts_with(b"HTTP/1.1 4"),
        "{}",
        String::from_utf8_lossy(&nul)
    );

    assert_eq!(upstream.paths(), Vec::<String>::new(), "no upstream heard of it");
    assert!(
        !marks.exists(),
        "a program was started: {}",
        fs::read_to_string(&marks).unwrap_or_default()
    );
    assert_eq!(stoa.children(), 0);
    assert_eq!(
        files_below(&stoa.setup().store()),
        files_before,
        "no file was written"
    );
    let log = stoa.log();
    assert!(!log.contains("panicked"), "{log}");
    assert_eq!(
        stoa.get("/example.test/greet/@v/v1.0.0.info").await.status,
        200,
        "it still serves"
    );
    // What is well formed and unknown to the upstream does start one: the marks above would have shown it.
    stoa.get("/github.com/example/unknown/@v/v1.0.0.info").await;
    assert!(marks.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_are_told_what_is_allowed() {
    let stoa = crate::world::mirror_of(&small_world());
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let ask =
            testkit::client::Ask::get(&format!("{}/example.test/greet/@v/list", stoa.url())).method(method);
        let answer = ask.send().await.unwrap();
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.header("allow").contains("GET"), "{method}");
    }
}

/// A search path whose `go` and `git` leave a mark when they are started.
fn watched_programs(folder: &Path, marks: &Path) -> String {
    fs::create_dir(folder).unwrap();
    for name in ["go", "git", "hg", "svn", "bzr", "fossil"] {
        let program = folder.join(name);
        fs::write(
            &program,
            format!("#!/bin/sh\necho {name} \"$@\" >> '{}'\nexit 1\n", marks.display()),
        )
        .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    format!("{}:/usr/bin:/bin", folder.display())
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}
