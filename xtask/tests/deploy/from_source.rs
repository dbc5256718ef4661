//! The image built from the source, by the stage that compiles: `cargo xtask dist prove --image`.
//!
//! The base image with the compiler is a stand-in too: Debian's C compiler, and the Rust toolchain of this machine. There
//! is no network in it, so the crates are vendored into the context.

use crate::{
    house::{at, command, done, root, variable},
    image::{ALONE, Store, cannot, debian, minimal_base},
};
use serde_json::Value;
use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
};
use testkit::skip_or_fail;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[test]
fn the_stage_that_compiles_makes_the_binary_of_the_image() {
    if variable("STOA_TEST_DEPLOY").as_deref() != Some("prove") {
        println!("left to `cargo xtask dist prove --image`, which compiles everything anew");
        return;
    }
    if let Some(reason) = cannot() {
        skip_or_fail!("{reason}");
    }
    let _alone = ALONE.lock();
    let store = Store::new();
    store.base("localhost/base-minimal", minimal_base().path());
    let context = tempfile::tempdir_in(at("target/deploy")).expect("a folder");
    with_compiler(&store, context.path());
    with_source(context.path());

    let build = store.buildah(["build", "--isolation", "chroot", "--format", "docker"]);
    let mut build = without_network(&build);
    build.args(["--tag", "localhost/stoa:built", "--file"]);
    build.arg(context.path().join("deploy/container/Dockerfile"));
    for argument in [
        "RUST_IMAGE=localhost/base-rust",
        "MINIMAL_IMAGE=localhost/base-minimal",
        "STOA_VERSION=1.2.3",
        &format!("STOA_COMMIT={COMMIT}"),
        "SOURCE_DATE_EPOCH=1767323045",
    ] {
        build.args(["--build-arg", argument]);
    }
    build.arg(context.path());
    done(build);

    let container = store.container("localhost/stoa:built");
    let said = done(container.run(&[], &["/usr/bin/stoa", "version", "--json"])).stdout;
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(
        (&said["version"], &said["commit"], &said["build_time"]),
        (
            &Value::from("1.2.3"),
            &Value::from(COMMIT),
            &Value::from("2026-01-02T03:04:05Z")
        )
    );
}

/// A command where no network is: chroot isolation has none of its own to take away.
fn without_network(command: &Command) -> Command {
    let mut apart = crate::house::command("unshare", ["--net", "--"]);
    apart.arg(command.get_program()).args(command.get_args());
    apart
}

/// The base image that the stage begins from.
fn with_compiler(store: &Store, folder: &Path) {
    let archive = debian("rust", &["ca-certificates", "gcc", "libc6-dev"]);
    let base = tempfile::tempdir_in(folder.parent().expect("it lies in another")).expect("a folder");
    done(command(
        "tar",
        [Path::new("-xpf"), &archive, Path::new("-C"), base.path()],
    ));
    fs::set_permissions(base.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let toolchain = done(command("rustc", ["--print", "sysroot"])).stdout;
    for part in ["bin", "lib"] {
        let mut copy = command("cp", ["--recursive", "--no-target-directory"]);
        copy.arg(Path::new(toolchain.trim()).join(part));
        copy.arg(base.path().join("usr/local").join(part));
        done(copy);
    }
    store.base("localhost/base-rust", base.path());
}

/// The tree of this commit, with every crate that it is built of.
fn with_source(context: &Path) {
    let archive = context.join("tree.tar");
    let mut git = command("git", ["archive", "--format=tar", "--output"]);
    git.arg(&archive).arg("HEAD");
    done(git);
    done(command(
        "tar",
        [Path::new("-xf"), &archive, Path::new("-C"), context],
    ));
    fs::remove_file(archive).expect("it was made");
    let mut vendor = command(
        "cargo",
        ["vendor", "--locked", "--versioned-dirs", "--manifest-path"],
    );
    vendor.arg(root().join("Cargo.toml")).arg(context.join("vendor"));
    done(vendor);
    // Where cargo looks instead, as `cargo vendor` would have it, seen from the top of the tree.
    let sources = "\n[source.crates-io]\nreplace-with = \"vendored-sources\"\n\n[source.vendored-sources]\ndirectory = \"vendor\"\n";
    let config = context.join(".cargo/config.toml");
    let mut config = OpenOptions::new()
        .append(true)
        .open(config)
        .expect("the tree has one");
    config.write_all(sources.as_bytes()).expect("a file");
}
