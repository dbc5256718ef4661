//! The line that the mirror prints is typed, and the mirror started again with no arguments.

use crate::world::{small_world, stoa};
use std::{fs, os::unix::fs::symlink, path::Path};
use testkit::{go::GoCommand, skip_or_fail, stoa::Stoa};

const INFO: &str = "/example.test/greet/@v/v1.0.0.info";

/// A mirror with no arguments at all, on the same machine as this `go`: it sees the same settings.
fn beside(go: &GoCommand) -> Stoa {
    let setup = stoa().listening_by_itself().without("GOENV");
    let address = setup.url().replace("http://", "");
    let setup = setup.environment("STOA_LISTEN", address);
    let shared = go
        .environment()
        .iter()
        .filter(|(name, _)| ["GOENV", "GOROOT", "PATH"].iter().any(|n| *n == name));
    shared.fold(setup, |setup, (name, value)| {
        setup.environment(&name.to_string_lossy(), value.clone())
    })
}

/// The value in the line `go env -w GOPROXY=…` that it prints.
fn printed_proxy(log: &str) -> String {
    let line = log
        .split("go env -w GOPROXY=")
        .nth(1)
        .expect("the line is printed");
    let value = line.split(['\n', '`', '"', ' ']).next().unwrap_or_default();
    value.trim_matches(['\'', '"']).to_owned()
}

#[test]
fn the_printed_line_can_be_typed_and_the_mirror_restarted() {
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command here")
    };
    let upstream = small_world();
    let go = with_default_proxy(go, &upstream.url()).with_settings_file();
    assert_eq!(
        go.succeed(go.home(), ["env", "GOPROXY"]).trim(),
        upstream.url(),
        "nobody has set anything yet"
    );

    let stoa = beside(&go).start();
    stoa.wait_for_log("go env -w GOPROXY=");
    let printed = printed_proxy(&stoa.log());
    assert!(printed.contains(&stoa.url()), "{printed}");
    go.succeed(go.home(), ["env", "-w", &format!("GOPROXY={printed}")]);
    go.succeed(go.home(), ["mod", "download", "example.test/text@v0.3.0"]);

    // The list now names the mirror; it must not ask itself.
    let stoa = stoa.restart();
    let answer = stoa.get_blocking(INFO);
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), stoa.log());
    assert_eq!(upstream.count(INFO), 1);
    go.succeed(go.home(), ["mod", "download", "example.test/greet@v1.1.0"]);
}

#[test]
fn what_goproxy_names_beside_the_mirror_stays() {
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command here")
    };
    let (upstream, unwanted) = (small_world(), small_world());
    let go = with_default_proxy(go, &unwanted.url()).with_settings_file();
    let setup = beside(&go);
    go.succeed(
        go.home(),
        [
            "env",
            "-w",
            &format!("GOPROXY={},{}", setup.url(), upstream.url()),
        ],
    );
    let stoa = setup.start();
    assert_eq!(stoa.get_blocking(INFO).status, 200, "{}", stoa.log());
    assert_eq!((upstream.count(INFO), unwanted.count("*")), (1, 0));
}

/// A `go` whose own default GOPROXY is this: an installation like the real one, with another `go.env`.
fn with_default_proxy(go: GoCommand, proxy: &str) -> GoCommand {
    let real = go.succeed(go.home(), ["env", "GOROOT"]);
    let (real, root) = (Path::new(real.trim()), go.home().join("goroot"));
    fs::create_dir(&root).unwrap();
    for entry in fs::read_dir(real)
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name() != "go.env")
    {
        symlink(entry.path(), root.join(entry.file_name())).unwrap();
    }
    fs::write(
        root.join("go.env"),
        format!("GOPROXY={proxy}\nGOSUMDB=off\nGOTOOLCHAIN=local\n"),
    )
    .unwrap();
    go.set("GOROOT", root)
}
