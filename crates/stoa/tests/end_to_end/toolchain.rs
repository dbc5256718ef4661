//! Toolchains: modules like any other, but large, and held against the checksum database whatever else is skipped.

use crate::world::stoa;
use testkit::{
    checksum_database::ChecksumDatabase, go::GoCommand, module::Module, proxy::FakeUpstream, skip_or_fail,
};

/// What a toolchain of this name says in place of a compiler.
const SCRIPT: &str = "#!/bin/sh\necho this is the toolchain go1.99.0\n";

#[test]
fn a_go_that_wants_another_toolchain_gets_it_proven() {
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command here")
    };
    let platform = go.succeed(go.home(), ["env", "GOHOSTOS", "GOHOSTARCH"]);
    let platform = platform.split_whitespace().collect::<Vec<_>>().join("-");
    let toolchain = Module::new("golang.org/toolchain", &format!("v0.0.1-go1.99.0.{platform}"))
        .without("go.mod")
        .file("bin/go", SCRIPT)
        // The go command makes what is in these executable.
        .file("pkg/tool/none", "\n")
        .file("lib/none", "\n")
        .file("bin/gofmt", "\n")
        .weighing(75, 7);
    assert!(toolchain.zip().len() > 70 << 20);
    let database = ChecksumDatabase::new("sums.example.test");
    database.ledger(|ledger| ledger.fill(300));
    database.add(&toolchain);
    let upstream = FakeUpstream::serving([toolchain.clone()]);
    let stoa = stoa()
        .upstream(&upstream.url())
        .environment("STOA_CHECKSUMS__DATABASE", database.setting())
        .environment("STOA_CHECKSUMS__SKIP", "golang.org")
        .start();
    let go = go
        .proxy(&stoa.url())
        .set("GOSUMDB", database.signer().key())
        .set("GOTOOLCHAIN", "go1.99.0");
    let said = go.run(go.home(), ["version"]);
    assert!(
        said.stdout.contains("this is the toolchain go1.99.0"),
        "{said}\n{}",
        stoa.log()
    );
    assert!(database.count("lookup/golang.org/toolchain") >= 1);
    assert!(
        stoa.memory().peak_beside_code() < 75_000_000,
        "{:?}",
        stoa.memory()
    );
}

#[test]
fn an_altered_toolchain_is_refused_even_where_it_would_be_skipped() {
    let module = Module::new("golang.org/toolchain", "v0.0.1-go1.99.0.linux-amd64").without("go.mod");
    let database = ChecksumDatabase::knowing("sums.example.test", [&module]);
    let upstream = FakeUpstream::serving([module.file("bin/go", "#!/bin/sh\necho evil\n")]);
    let stoa = stoa()
        .upstream(&upstream.url())
        .environment("STOA_CHECKSUMS__DATABASE", database.setting())
        .environment("STOA_CHECKSUMS__SKIP", "golang.org")
        .start();
    let answer = stoa.get_blocking("/golang.org/toolchain/@v/v0.0.1-go1.99.0.linux-amd64.zip");
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(!stoa.setup().store().join("golang.org").exists());
}
