//! What stands around a reader of the book: addresses that are free, a `go` of their own, and a proxy with modules.

use crate::reader::program;
use std::{
    cell::RefCell,
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;
use testkit::{
    go::GoCommand,
    module::{Module, fixtures},
    port::Port,
    process,
    proxy::FakeUpstream,
    stoa::Stoa,
};

/// The ports that the book writes.
const PORTS: [u16; 4] = [3000, 3001, 3002, 8080];

/// Which free port stands for which of the book's.
#[derive(Default)]
pub(crate) struct Addresses(RefCell<BTreeMap<u16, Port>>);

impl Addresses {
    /// A text of the book with the addresses that are free here.
    pub(crate) fn on_this_machine(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for port in PORTS {
            for host in ["127.0.0.1", "localhost"] {
                let written = format!("{host}:{port}");
                if text.contains(&written) {
                    text = text.replace(&written, &self.of(port));
                }
            }
            // Every address of a machine is more than a test may listen on.
            let every = format!("LISTEN=:{port}");
            if text.contains(&every) {
                text = text.replace(&every, &format!("LISTEN={}", self.of(port)));
            }
        }
        text
    }

    /// Where a server listens that is told nothing else.
    pub(crate) fn usual(&self) -> String {
        self.of(3000)
    }

    /// Where this command of a server listens, and where it answers for its health.
    pub(crate) fn of_server(&self, command: &str, work: &Path) -> (String, String) {
        let listed = fs::read_to_string(work.join("stoa.toml")).unwrap_or_default();
        let known = self.0.borrow();
        let mut addresses = known.values().map(|port| port.address().to_string());
        let named = addresses.find(|address| {
            command.contains(&format!("listen {address}")) || command.contains(&format!("LISTEN={address}"))
        });
        drop(known);
        let address = named.unwrap_or_else(|| self.usual());
        let scheme = if listed.contains("[tls]") { "https" } else { "http" };
        (address.clone(), format!("{scheme}://{address}/healthz"))
    }

    fn of(&self, port: u16) -> String {
        let mut known = self.0.borrow_mut();
        known
            .entry(port)
            .or_insert_with(Port::reserve)
            .address()
            .to_string()
    }
}

/// The `go` of a reader, and everything else on the reader's search path.
pub(crate) struct GoSettings(Vec<(OsString, OsString)>);

impl GoSettings {
    /// A machine whose `go env` names this proxy.
    pub(crate) fn new(folder: &Path, upstream: &FakeUpstream) -> Self {
        let go = GoCommand::find().expect("looked for before");
        let home = folder.join("home");
        let programs = folder.join("programs");
        for folder in [&home, &programs, &folder.join("tmp")] {
            fs::create_dir_all(folder).expect("a folder can be made");
        }
        std::os::unix::fs::symlink(program(), programs.join("stoa")).expect("a link can be made");
        let settings = home.join("goenv");
        fs::write(&settings, format!("GOPROXY={}\nGOSUMDB=off\n", upstream.url()))
            .expect("a file can be written");
        let held = [
            "GOPROXY",
            "GOSUMDB",
            "GOENV",
            "HOME",
            "GOPATH",
            "GOMODCACHE",
            "TMPDIR",
            "PATH",
        ];
        let kept = go
            .environment()
            .iter()
            .filter(|(name, _)| !held.iter().any(|held| *name == **held))
            .cloned();
        let mut all: Vec<(OsString, OsString)> = kept.collect();
        let path = go.environment().iter().find(|(name, _)| name == "PATH");
        let mut path_of_all = programs.into_os_string();
        if let Some((_, path)) = path {
            path_of_all.push(":");
            path_of_all.push(path);
        }
        let mut set = |name: &str, value: OsString| all.push((name.into(), value));
        set("PATH", path_of_all);
        set("HOME", home.clone().into_os_string());
        set("GOENV", settings.into_os_string());
        set("GOPATH", home.join("go").into_os_string());
        set("TMPDIR", folder.join("tmp").into_os_string());
        Self(all)
    }

    /// What every command of the reader sees.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter().map(|(name, value)| (name, value))
    }
}

/// A proxy with the modules that the book names.
pub(crate) fn upstream() -> FakeUpstream {
    let upstream = FakeUpstream::serving(fixtures());
    for version in ["v1.5.0", "v1.5.1", "v1.5.2"] {
        upstream.add(Module::new("rsc.io/quote", version).file(
            "quote.go",
            "// Package quote collects pithy sayings.\npackage quote\n\n\
                     // Hello returns a greeting.\nfunc Hello() string { return \"Hello, world.\" }\n",
        ));
    }
    upstream
}

/// Whether `stoa config check` takes a file as its configuration.
pub(crate) fn check_settings(text: &str) -> Result<(), String> {
    let setup = Stoa::new(program()).configuration(text);
    let finished = setup.run(["config", "check"]);
    if finished.success {
        Ok(())
    } else {
        Err(finished.to_string())
    }
}

/// Whether `stoa config check` takes a file as one of credentials.
pub(crate) fn check_credentials(text: &str) -> Result<(), String> {
    let folder = TempDir::with_prefix("stoa-book-").expect("a folder can be made");
    let file: PathBuf = folder.path().join("credentials.toml");
    fs::write(&file, text).expect("a file can be written");
    let setup = Stoa::new(program()).environment("STOA_DIRECT__CREDENTIALS", &file);
    let finished = setup.run(["config", "check"]);
    if finished.success {
        Ok(())
    } else {
        Err(finished.to_string())
    }
}

/// Whether `git` reads a file as its configuration.
pub(crate) fn check_git(text: &str) -> Result<(), String> {
    let folder = TempDir::with_prefix("stoa-book-").expect("a folder can be made");
    let file: PathBuf = folder.path().join("gitconfig");
    fs::write(&file, text).expect("a file can be written");
    let mut git = Command::new("git");
    git.args(["config", "--list", "--file"]).arg(&file);
    let finished = process::run(git, Duration::from_secs(60)).map_err(|error| error.to_string())?;
    if finished.success && !finished.stdout.is_empty() {
        Ok(())
    } else {
        Err(finished.to_string())
    }
}
