//! The release archive and the Debian package: made, looked into, installed in a fresh root, and run there.

use crate::house::{Running, all, at, binary, command, done, is_here, variable};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};
use tempfile::TempDir;
use testkit::{go::GoCommand, module::fixtures, port::Port, proxy::FakeUpstream, skip_or_fail};

/// A release in a folder, made once for all that only look at it.
fn release() -> &'static Path {
    static RELEASE: OnceLock<PathBuf> = OnceLock::new();
    RELEASE.get_or_init(|| make_release("release"))
}

/// A release in a folder of this name, where it stays until the next run.
fn make_release(name: &str) -> PathBuf {
    let folder = at("target/deploy").join(name);
    // What an earlier run left would be counted in the sums.
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("ours");
    }
    let mut dist = command(env!("CARGO_BIN_EXE_xtask"), ["dist", "--binary"]);
    dist.arg(binary()).arg("--into").arg(&folder);
    done(dist);
    folder
}

fn file(folder: &Path, end: &str) -> PathBuf {
    let mut files = fs::read_dir(folder).expect("a folder").flatten();
    let found = files.find(|entry| entry.file_name().to_string_lossy().ends_with(end));
    found.unwrap_or_else(|| panic!("no file ends in {end}")).path()
}

#[test]
fn a_release_is_whole_and_the_same_each_time() {
    if !all() {
        return;
    }
    let (one, other) = (release(), make_release("release-again"));
    let mut check = command("sha256sum", ["--check", "--strict", "SHA256SUMS"]);
    check.current_dir(one);
    done(check);
    let sums = |folder: &Path| fs::read_to_string(folder.join("SHA256SUMS")).expect("the sums");
    assert_eq!(sums(one), sums(&other), "made twice, it is one");
    for end in [".tar.gz", ".deb", ".cdx.json"] {
        assert!(sums(one).contains(end), "{}", sums(one));
    }
    let listed = done(command("tar", [Path::new("-tzf"), &file(one, ".tar.gz")])).stdout;
    for part in [
        "/stoa\n",
        "/man/stoa.1\n",
        "/man/stoa-serve.1\n",
        "/completions/stoa.bash\n",
        "/completions/_stoa\n",
        "/systemd/stoa.service\n",
        "/systemd/stoa.socket\n",
        "/LICENSE-APACHE\n",
        "/LICENSE-MIT\n",
        "/THIRD-PARTY-LICENSES.txt\n",
        "/stoa.cdx.json\n",
    ] {
        assert!(listed.contains(part), "{part} is not in\n{listed}");
    }
}

#[test]
fn what_is_built_in_is_listed_with_its_licence() {
    if !all() {
        return;
    }
    let release = release();
    let text = fs::read_to_string(file(release, ".cdx.json")).expect("the list");
    let list: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (&list["bomFormat"], &list["specVersion"]),
        (&"CycloneDX".into(), &"1.6".into())
    );
    let components = list["components"].as_array().expect("components");
    let reference = |value: &serde_json::Value| value["bom-ref"].as_str().expect("a name").to_owned();
    let mut known: Vec<String> = components.iter().map(reference).collect();
    known.push(reference(&list["metadata"]["component"]));
    for name in ["tokio", "rustls", "aws-lc-sys", "proxy-core", "rust-std"] {
        assert!(
            components.iter().any(|component| component["name"] == name),
            "{name}"
        );
    }
    for name in ["proptest", "testkit", "xtask"] {
        assert!(
            !components.iter().any(|component| component["name"] == name),
            "{name} is of tests"
        );
    }
    for dependency in list["dependencies"].as_array().expect("who uses whom") {
        for used in dependency["dependsOn"].as_array().expect("names") {
            assert!(known.iter().any(|name| used == name), "{used} is not listed");
        }
    }
    let tar = file(release, ".tar.gz");
    let arguments = [
        "-xzOf",
        &tar.to_string_lossy(),
        "--wildcards",
        "*/THIRD-PARTY-LICENSES.txt",
    ];
    let licences = done(command("tar", arguments)).stdout;
    for component in components {
        assert_ne!(component["licenses"][0]["expression"], "", "{component}");
    }
    assert!(licences.contains("Permission is hereby granted") && licences.contains("Apache License"));
}

/// A root folder in which nothing was installed but what every Debian has, and what the package asks for.
fn fresh_root() -> TempDir {
    let archive = crate::image::debian("fresh", &["ca-certificates", "libgcc-s1"]);
    let root = TempDir::with_prefix("stoa-root-").expect("a folder");
    done(command(
        "tar",
        [Path::new("-xpf"), &archive, Path::new("-C"), root.path()],
    ));
    root
}

/// A program inside of a root.
fn inside(root: &Path, arguments: &[&str]) -> Command {
    let mut chroot = command("chroot", [root]);
    chroot
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    chroot
}

#[test]
fn the_package_installs_in_a_fresh_root_and_serves_there() {
    if !all() {
        return;
    }
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command")
    };
    for program in ["mmdebstrap", "dpkg-deb", "chroot"] {
        if !is_here(program) {
            skip_or_fail!("there is no {program}");
        }
    }
    if variable("HOME").is_none() || fs::File::open("/etc/shadow").is_err() {
        skip_or_fail!("only root may make a root folder");
    }
    let release = release();
    let root = fresh_root();
    let package = root.path().join("stoa.deb");
    fs::copy(file(release, ".deb"), &package).expect("the package");
    let installed = done(inside(root.path(), &["dpkg", "--install", "/stoa.deb"]));
    assert!(!installed.stderr.contains("warning"), "{installed}");
    let ours = done(command(binary(), ["version"])).stdout;
    assert_eq!(done(inside(root.path(), &["stoa", "version"])).stdout, ours);
    let credentials = fs::metadata(root.path().join("etc/stoa/credentials.toml")).expect("the file");
    assert_eq!(credentials.permissions().mode() & 0o777, 0o600);

    let upstream = FakeUpstream::serving(fixtures());
    let port = Port::reserve();
    let mut serve = command("/usr/sbin/chroot", ["--userspec=stoa:stoa"]);
    serve
        .arg(root.path())
        .args(["/usr/bin/stoa", "serve", "--config", "/etc/stoa/stoa.toml"])
        .env_clear()
        .env("HOME", "/var/lib/stoa")
        .env("STOA_LISTEN", port.address().to_string())
        .env("STOA_UPSTREAM__CHAIN", upstream.url())
        .env("GOSUMDB", "off")
        .stdout(Stdio::null());
    let mut served = Running::start(serve);
    let url = format!("http://{}", port.address());
    served.answers(&format!("{url}/readyz"));
    let folder = tempfile::tempdir().expect("a folder");
    go.proxy(&url)
        .set("GOSUMDB", "off")
        .succeed(folder.path(), ["mod", "download", "example.test/greet@v1.0.0"]);
    let kept = root
        .path()
        .join("var/lib/stoa/modules/example.test/greet/@v/v1.0.0.zip");
    assert!(kept.exists(), "it is kept where the package says");
    assert!(served.stop().success());

    done(inside(root.path(), &["dpkg", "--install", "/stoa.deb"]));
    done(inside(root.path(), &["dpkg", "--purge", "stoa"]));
    assert!(!root.path().join("usr/bin/stoa").exists() && !root.path().join("etc/stoa").exists());
    assert!(kept.exists(), "what was kept outlives the package");
}

#[test]
fn an_image_is_named_by_the_command_that_the_workflow_runs() {
    let tags = |arguments: &[&str]| {
        let mut tags = command(env!("CARGO_BIN_EXE_xtask"), ["dist", "tags"]);
        tags.args(arguments).current_dir(at(""));
        crate::house::ended(tags)
    };
    assert_eq!(tags(&["--canary"]).stdout, "canary\n");
    assert_eq!(tags(&["--canary", "-full"]).stdout, "canary-full\n");
    assert_eq!(tags(&["v0.0.1-rc.1"]).stdout, "0.0.1-rc.1\n");
    let refused = tags(&["nightly"]);
    assert!(!refused.success && refused.stdout.is_empty(), "{refused}");
}
