//! The images, really built without a container engine, and run as their own account on a root that nobody can write.
//!
//! `buildah` builds with chroot isolation; the base images are stand-ins made of Debian packages.

use crate::{
    container::USER,
    house::{Running, all, at, binary, command, done, ended, is_here},
};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};
use tempfile::TempDir;
use testkit::{go::GoCommand, module::fixtures, port::Port, proxy::FakeUpstream, skip_or_fail};

/// What the minimal image's base has: the C library, certificates and names, and no program.
const LIBRARIES: [&str; 9] = [
    "./lib",
    "./lib64",
    "./usr/lib64",
    "./usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    "./usr/lib/x86_64-linux-gnu/libc.so.6",
    "./usr/lib/x86_64-linux-gnu/libm.so.6",
    "./usr/lib/x86_64-linux-gnu/libgcc_s.so.1",
    "./etc/ssl/certs/ca-certificates.crt",
    "./etc/nsswitch.conf",
];

/// Several tests ask for the same root at the same time: two that make it would write into one file.
static MAKING: Mutex<()> = Mutex::new(());

/// A root folder of Debian packages, packed; made once, since it takes a while.
pub(crate) fn debian(name: &str, packages: &[&str]) -> PathBuf {
    let folder = at("target/deploy");
    let archive = folder.join(format!("{name}.tar"));
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if archive.exists() {
        return archive;
    }
    fs::create_dir_all(&folder).expect("a folder");
    let unfinished = folder.join(format!("{name}-unfinished.tar"));
    let mut mmdebstrap = command("mmdebstrap", ["--variant=minbase"]);
    mmdebstrap.arg(format!("--include={}", packages.join(",")));
    mmdebstrap.arg("bookworm").arg(&unfinished);
    // This machine's own sources, where they are said in the way of newer systems.
    let sources = Path::new("/etc/apt/sources.list.d/debian.sources");
    if sources.exists() {
        mmdebstrap.arg(sources);
    }
    done(mmdebstrap);
    fs::rename(unfinished, &archive).expect("it was made");
    archive
}

/// Images and containers in a folder of their own.
pub(crate) struct Store(TempDir);

/// A container whose root is a folder.
pub(crate) struct Container<'a> {
    store: &'a Store,
    name: String,
    root: PathBuf,
}

impl Store {
    pub(crate) fn new() -> Self {
        let folder = at("target/deploy");
        fs::create_dir_all(&folder).expect("a folder");
        Self(TempDir::with_prefix_in("images-", folder).expect("a folder"))
    }

    pub(crate) fn buildah<S: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut buildah = command("buildah", ["--storage-driver", "vfs", "--root"]);
        buildah.arg(self.0.path().join("storage"));
        buildah.arg("--runroot").arg(self.0.path().join("run"));
        buildah.args(arguments);
        buildah
    }

    /// An image that holds a folder and nothing else.
    pub(crate) fn base(&self, name: &str, folder: &Path) {
        let file = self.0.path().join("Dockerfile.base");
        fs::write(&file, "FROM scratch\nCOPY . /\n").expect("a file");
        let mut build = self.buildah([
            "build",
            "--quiet",
            "--isolation",
            "chroot",
            "--tag",
            name,
            "--file",
        ]);
        build.arg(file).arg(folder);
        done(build);
    }

    /// One flavour of ours, in the format that keeps the health check.
    fn flavour(&self, flavour: &str, base: &str) -> String {
        let context = self.0.path().join("context");
        fs::create_dir_all(&context).expect("a folder");
        fs::copy(binary(), context.join("stoa")).expect("the binary");
        let name = format!("localhost/stoa:{flavour}");
        let base = format!("{}_IMAGE={base}", flavour.to_uppercase());
        let mut build = self.buildah(["build", "--isolation", "chroot", "--format", "docker"]);
        build
            .args(["--target", flavour, "--tag", &name, "--file"])
            .arg(at("deploy/container/Dockerfile"))
            .args(["--build-arg", "ORIGIN=given", "--build-arg", "BINARY=stoa"])
            .args(["--build-arg", &base, "--build-arg", "STOA_VERSION=1.2.3"])
            .args([
                "--build-arg",
                "STOA_COMMIT=abc",
                "--build-arg",
                "STOA_CREATED=2026-01-02T03:04:05Z",
            ])
            .arg(context);
        done(build);
        name
    }

    pub(crate) fn container(&self, image: &str) -> Container<'_> {
        let name = done(self.buildah(["from", image])).stdout.trim().to_owned();
        let root = done(self.buildah(["mount", &name])).stdout.trim().into();
        Container {
            store: self,
            name,
            root,
        }
    }
}

impl Container<'_> {
    /// Runs a program in it as the image says, with these variables more.
    pub(crate) fn run(&self, variables: &[(&str, &str)], program: &[&str]) -> Command {
        let mut run = self.store.buildah(["run", "--isolation", "chroot"]);
        for (name, value) in variables {
            run.args(["--env", &format!("{name}={value}")]);
        }
        run.arg(&self.name).arg("--").args(program);
        run
    }
}

/// The base of the minimal flavour, as a folder.
pub(crate) fn minimal_base() -> TempDir {
    let archive = debian("fresh", &["ca-certificates", "libgcc-s1"]);
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let mut tar = command(
        "tar",
        [Path::new("-xpf"), &archive, Path::new("-C"), folder.path()],
    );
    tar.args(LIBRARIES);
    done(tar);
    for name in ["tmp", "var/lib", "proc", "dev", "run"] {
        fs::create_dir_all(folder.path().join(name)).expect("a folder");
    }
    fs::write(
        folder.path().join("etc/passwd"),
        "nonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n",
    )
    .expect("a file");
    folder
}

/// What an image says of itself, as Docker reads it.
fn said(store: &Store, image: &str) -> Value {
    let inspected = done(store.buildah(["inspect", "--type", "image", image])).stdout;
    let inspected: Value = serde_json::from_str(&inspected).expect("JSON");
    inspected["Docker"]["config"].clone()
}

/// Whether this machine can; the answer is why not.
pub(crate) fn cannot() -> Option<String> {
    for program in ["buildah", "mmdebstrap", "unshare", "chroot"] {
        if !is_here(program) {
            return Some(format!("there is no {program}"));
        }
    }
    fs::File::open("/etc/shadow")
        .err()
        .map(|_| "images are built as root".to_owned())
}

/// One at a time: each copies whole roots.
pub(crate) static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn the_minimal_image_serves_go_from_a_root_that_nobody_can_write() {
    if !all() {
        return;
    }
    if let Some(reason) = cannot() {
        skip_or_fail!("{reason}");
    }
    if GoCommand::find().is_none() {
        skip_or_fail!("there is no go command");
    }
    let _alone = ALONE.lock();
    let store = Store::new();
    store.base("localhost/base-minimal", minimal_base().path());
    let image = store.flavour("minimal", "localhost/base-minimal");
    says_what_it_should(&said(&store, &image));
    exports(&store, &image);

    let container = store.container(&image);
    for program in ["bin/sh", "usr/bin/sh", "bin/bash", "usr/bin/env", "busybox"] {
        assert!(
            !container.root.join(program).exists(),
            "{program} is in the minimal image"
        );
    }
    let shell = ended(container.run(&[], &["sh", "-c", "true"]));
    assert!(!shell.success, "{shell}");
    let version = done(container.run(&[], &["/usr/bin/stoa", "version", "--json"]));
    assert_eq!(
        version.stdout,
        done(command(binary(), ["version", "--json"])).stdout
    );

    let upstream = FakeUpstream::serving(fixtures());
    let downloads = |served: &mut Running, url: &str| {
        served.answers(&format!("{url}/readyz"));
        // One that knows no module yet.
        let go = GoCommand::find().expect("it was here");
        let folder = tempfile::tempdir().expect("a folder");
        go.proxy(url)
            .set("GOSUMDB", "off")
            .succeed(folder.path(), ["mod", "download", "example.test/greet@v1.0.0"]);
    };

    let upstream_url = upstream.url();
    // As buildah runs it, which ends it by force.
    let port = Port::reserve();
    let address = port.address().to_string();
    let variables = [
        ("STOA_LISTEN", address.as_str()),
        ("STOA_UPSTREAM__CHAIN", upstream_url.as_str()),
        // The modules of tests are known to no database.
        ("STOA_CHECKSUMS__DATABASE", "off"),
    ];
    let mut run = container.run(&variables, &["/usr/bin/stoa", "serve"]);
    run.stdout(Stdio::null()).stderr(Stdio::null());
    let mut served = Running::start(run);
    downloads(&mut served, &format!("http://{address}"));
    served.stop();

    // As it should be run.
    let port = Port::reserve();
    let address = port.address().to_string();
    let mut served = Running::start(on_a_sealed_root(
        &container.root,
        &image,
        &store,
        &address,
        &upstream.url(),
    ));
    downloads(&mut served, &format!("http://{address}"));
    let health = done(container.run(&[("STOA_LISTEN", &address)], &["/usr/bin/stoa", "health"]));
    assert_eq!(health.stdout, "ok\n");
    assert!(served.stop().success(), "it drained");
}

/// What the image starts, as its account and with its environment, on its root mounted read-only but for the
/// volume. `buildah run` cannot seal a root; a mount namespace can.
fn on_a_sealed_root(root: &Path, image: &str, store: &Store, address: &str, upstream: &str) -> Command {
    let config = said(store, image);
    let words = |key: &str| {
        let list = config[key].as_array().into_iter().flatten();
        list.filter_map(Value::as_str)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let script = "set -e
        mount --bind \"$0\" \"$0\"
        mount -o remount,ro,bind \"$0\"
        mount -t tmpfs -o mode=0755,uid=65532,gid=65532 volume \"$0/var/lib/stoa\"
        exec env -i \"$@\"";
    let mut unshare = command(
        "unshare",
        ["--mount", "--propagation", "private", "sh", "-c", script],
    );
    unshare.arg(root);
    unshare.args(words("Env"));
    unshare.args([
        format!("STOA_LISTEN={address}"),
        format!("STOA_UPSTREAM__CHAIN={upstream}"),
        "STOA_CHECKSUMS__DATABASE=off".to_owned(),
    ]);
    unshare.args(["/usr/sbin/chroot", &format!("--userspec={USER}")]);
    unshare.arg(root);
    unshare.args(words("Entrypoint")).args(words("Cmd"));
    unshare.args(["--storage", "file:/var/lib/stoa/modules"]);
    unshare.stdout(Stdio::null());
    unshare
}

fn says_what_it_should(config: &Value) {
    assert_eq!(config["User"], USER);
    assert_eq!(config["StopSignal"], "SIGTERM");
    assert_eq!(config["WorkingDir"], "/var/lib/stoa");
    assert_eq!(config["Entrypoint"][0], "/usr/bin/stoa");
    assert_eq!(config["Cmd"][0], "serve");
    assert_eq!(
        config["Healthcheck"]["Test"],
        serde_json::json!(["CMD", "/usr/bin/stoa", "health"])
    );
    assert!(config["Volumes"]["/var/lib/stoa"].is_object() && config["ExposedPorts"]["3000/tcp"].is_object());
    let label = |name: &str| config["Labels"][format!("org.opencontainers.image.{name}")].clone();
    assert_eq!(
        (label("version"), label("revision")),
        ("1.2.3".into(), "abc".into())
    );
    assert_eq!(label("created"), "2026-01-02T03:04:05Z");
    assert_eq!(label("licenses"), "Apache-2.0 OR MIT");
}

/// As others take images: an OCI layout, and Docker's archive, which alone keeps the health check.
fn exports(store: &Store, image: &str) {
    let layout = store.0.path().join("layout");
    done(store.buildah(["push", image, &format!("oci:{}:stoa", layout.display())]));
    assert!(layout.join("index.json").exists() && layout.join("oci-layout").exists());
    let archive = store.0.path().join("stoa.tar");
    done(store.buildah([
        "push",
        image,
        &format!("docker-archive:{}:stoa:1.2.3", archive.display()),
    ]));
    let manifest = command("tar", [Path::new("-xOf"), &archive, Path::new("manifest.json")]);
    let manifest: Value = serde_json::from_str(&done(manifest).stdout).expect("JSON");
    let config = manifest[0]["Config"].as_str().expect("a name").to_owned();
    let config = command("tar", [Path::new("-xOf"), &archive, Path::new(&config)]);
    let config: Value = serde_json::from_str(&done(config).stdout).expect("JSON");
    assert_eq!(config["config"]["Healthcheck"]["Test"][2], "health", "{config}");
}

#[test]
fn the_full_image_has_every_program_of_version_control() {
    if !all() {
        return;
    }
    if let Some(reason) = cannot() {
        skip_or_fail!("{reason}");
    }
    let packages = [
        "ca-certificates",
        "git",
        "golang-go",
        "mercurial",
        "openssh-client",
        "subversion",
    ];
    let archive = debian("full", &packages);
    let _alone = ALONE.lock();
    let store = Store::new();
    let folder = tempfile::tempdir_in(at("target/deploy")).expect("a folder");
    done(command(
        "tar",
        [Path::new("-xpf"), &archive, Path::new("-C"), folder.path()],
    ));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    store.base("localhost/base-full", folder.path());
    drop(folder);
    let image = store.flavour("full", "localhost/base-full");
    says_what_it_should(&said(&store, &image));
    let container = store.container(&image);
    for program in [
        &["git", "--version"] as &[&str],
        &["hg", "--version", "--quiet"],
        &["svn", "--version", "--quiet"],
        &["ssh", "-V"],
        &["go", "version"],
    ] {
        done(container.run(&[], program));
    }
    let who = done(container.run(&[], &["id"])).stdout;
    assert!(who.contains("uid=65532(stoa) gid=65532(stoa)"), "{who}");
    let written = done(container.run(&[], &["sh", "-c", "touch /var/lib/stoa/x && ! touch /usr/x"]));
    assert!(written.stderr.contains("/usr/x"), "{written}");
    let shown = done(container.run(&[], &["/usr/bin/stoa", "config", "check"]));
    assert_eq!(shown.stdout, "ok\n");
}
