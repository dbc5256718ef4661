//! What the tests share: a mirror before a fake upstream, and the words for its files.

use testkit::{
    go::GoCommand,
    module::{Module, fixtures},
    proxy::FakeUpstream,
    stoa::{Stoa, StoaProcess},
};

/// A mirror that keeps a folder of its own. The checksum database is off: it does not know the modules of tests.
pub(crate) fn stoa() -> Stoa {
    Stoa::new(env!("CARGO_BIN_EXE_stoa")).environment("STOA_CHECKSUMS__DATABASE", "off")
}

/// An upstream with the modules of the small world.
pub(crate) fn small_world() -> FakeUpstream {
    FakeUpstream::serving(fixtures())
}

/// A running mirror before this upstream.
pub(crate) fn mirror_of(upstream: &FakeUpstream) -> StoaProcess {
    stoa().upstream(&upstream.url()).start()
}

/// The sum of a version's zip as `go` itself works it out, fetching from this GOPROXY list.
pub(crate) fn sum_by_go(go: GoCommand, list: &str, module: &Module) -> String {
    let go = go.proxy(list);
    let said = go.succeed(
        go.home(),
        [
            "mod",
            "download",
            "-json",
            &format!("{}@{}", module.path, module.version),
        ],
    );
    let sum = said
        .split("\"Sum\": \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    sum.unwrap_or_else(|| panic!("go named no sum: {said}"))
        .to_owned()
}
