//! The real `go` command, alone: its own caches, settings and home, and nothing of the machine's.

use crate::process::{self, Finished};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
    time::Duration,
};
use tempfile::TempDir;

/// How long one run may take: it only ends what hangs.
const TIME_LIMIT: Duration = Duration::from_secs(180);

/// A `go` command with a module cache of its own, which starts empty.
///
/// The build cache is shared by all tests of the target folder: it holds compiled packages by the sums of their
/// sources, so that it saves time and hides nothing.
#[derive(Debug)]
pub struct GoCommand {
    home: TempDir,
    settings: Vec<(OsString, OsString)>,
}

impl GoCommand {
    /// The `go` command of this machine, or `None` if it has none.
    ///
    /// It asks no proxy (`GOPROXY=off`) and no checksum database until told otherwise.
    pub fn find() -> Option<Self> {
        let root = go_root()?;
        let home = TempDir::with_prefix("stoa-go-").expect("a folder can be made");
        let path = [Some(root.join("bin")), None]
            .into_iter()
            .flatten()
            .chain(search_path());
        let path = std::env::join_paths(path).expect("a search path was one before");
        let go = Self {
            settings: Vec::new(),
            home,
        };
        let temporary = go.home.path().join("tmp");
        fs::create_dir(&temporary).expect("a folder can be made");
        Some(
            go.set("PATH", path)
                .set("TMPDIR", temporary)
                .set("GOENV", "off")
                .set("GOPROXY", "off")
                .set("GOSUMDB", "off")
                .set("GOTOOLCHAIN", "local")
                .set("GOFLAGS", "-modcacherw")
                .set("GOTELEMETRY", "off")
                .set("GIT_CONFIG_NOSYSTEM", "1")
                .set("GIT_TERMINAL_PROMPT", "0")
                .set("CGO_ENABLED", "0")
                .set("GOCACHE", build_cache())
                .with_home(),
        )
    }

    fn with_home(self) -> Self {
        let home = self.home.path().to_owned();
        fs::write(home.join("gitconfig"), "[safe]\n\tdirectory = *\n").expect("a file can be written");
        self.set("HOME", &home)
            .set("GIT_CONFIG_GLOBAL", home.join("gitconfig"))
            .set("GOPATH", home.join("gopath"))
            .set("GOMODCACHE", home.join("modcache"))
    }

    /// Asking this GOPROXY list.
    #[must_use]
    pub fn proxy(self, list: &str) -> Self {
        self.set("GOPROXY", list)
    }

    /// With a variable of the environment set, or set anew.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<OsString>) -> Self {
        let name = OsString::from(name);
        self.settings.retain(|(held, _)| *held != name);
        self.settings.push((name, value.into()));
        self
    }

    /// Without a variable.
    #[must_use]
    pub fn unset(mut self, name: &str) -> Self {
        self.settings.retain(|(held, _)| held != name);
        self
    }

    /// With a settings file of its own (`GOENV`), as `go env -w` writes one, instead of none.
    /// What the environment says stands above it, so GOPROXY is unset here.
    #[must_use]
    pub fn with_settings_file(self) -> Self {
        let file = self.settings_file();
        self.unset("GOPROXY").set("GOENV", file)
    }

    /// Where that file is.
    pub fn settings_file(&self) -> PathBuf {
        self.home.path().join("goenv")
    }

    /// The private home folder.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The module cache.
    pub fn module_cache(&self) -> PathBuf {
        self.home.path().join("modcache")
    }

    /// Every variable it runs with, for a process that is to see the same `go`.
    pub fn environment(&self) -> &[(OsString, OsString)] {
        &self.settings
    }

    /// Forgets every module it downloaded.
    pub fn forget_modules(&self) {
        match fs::remove_dir_all(self.module_cache()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                panic!("the module cache stays: {error}")
            }
            _ => {}
        }
    }

    /// Runs it in this folder. Panics if it takes longer than three minutes.
    pub fn run<S: AsRef<str>>(&self, folder: &Path, arguments: impl IntoIterator<Item = S>) -> Finished {
        let arguments: Vec<_> = arguments
            .into_iter()
            .map(|argument| argument.as_ref().to_owned())
            .collect();
        let mut command = Command::new(go_root().expect("found before").join("bin/go"));
        command.args(&arguments).current_dir(folder).env_clear();
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        process::run(command, TIME_LIMIT)
            .unwrap_or_else(|error| panic!("go {} did not end well: {error}", arguments.join(" ")))
    }

    /// Runs it and gives what it printed. Panics with its error if it fails.
    pub fn succeed<S: AsRef<str>>(&self, folder: &Path, arguments: impl IntoIterator<Item = S>) -> String {
        let finished = self.run(folder, arguments);
        assert!(finished.success, "go failed: {finished}");
        finished.stdout
    }
}

/// A Go project: a `go.mod` and sources, in a folder of its own.
#[derive(Debug)]
pub struct Project(TempDir);

impl Project {
    /// An empty main module of this path.
    pub fn new(path: &str) -> Self {
        let folder = TempDir::with_prefix("stoa-project-").expect("a folder can be made");
        let project = Self(folder);
        project.file("go.mod", &format!("module {path}\n\ngo 1.21\n"))
    }

    /// With a file written, or written anew.
    #[must_use]
    pub fn file(self, name: &str, content: &str) -> Self {
        self.write(name, content);
        self
    }

    /// Writes a file.
    pub fn write(&self, name: &str, content: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder can be made");
        fs::write(path, content).expect("a file can be written");
    }

    /// Reads a file, such as `go.sum`.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap_or_else(|error| panic!("no {name}: {error}"))
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }
}

/// The machine's own GOPROXY list, for runs against real modules that somebody asked for.
pub fn machine_proxy() -> Option<String> {
    let output = Command::new("go").args(["env", "GOPROXY"]).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()).filter(|list| !list.is_empty())
}

/// The Go installation: asked of `go` itself, since what lies on the search path may be a wrapper that needs the
/// user's home.
fn go_root() -> Option<PathBuf> {
    static ROOT: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let output = Command::new("go").args(["env", "GOROOT"]).output().ok()?;
        let root = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        root.join("bin/go").is_file().then_some(root)
    });
    ROOT.clone()
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests hand their own search path on to what they start"
)]
fn search_path() -> Vec<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect()
}

/// The build cache all tests share: in the target folder, beside the running test.
fn build_cache() -> PathBuf {
    let program = std::env::current_exe().expect("a running test is a file");
    let target = program
        .ancestors()
        .nth(3)
        .expect("a test runs from target/debug/deps");
    target.join("tmp/go-build")
}

#[cfg(test)]
mod tests {
    use super::{GoCommand, Project};
    use crate::{module::fixtures, proxy::FakeUpstream, skip_or_fail};

    const MAIN: &str = r#"package main

import (
	"example.test/greet"
	louder "example.test/greet/v2"
	"example.test/plain"
)

func main() {
	println(greet.Hello("gopher"), louder.Hello("gopher"), plain.Old)
}
"#;

    /// Go itself checks the zips, the lists and the escapes that the fake serves.
    #[test]
    fn go_builds_with_the_fixtures() {
        let Some(go) = GoCommand::find() else {
            skip_or_fail!("there is no go command here")
        };
        let upstream = FakeUpstream::serving(fixtures());
        let go = go.proxy(&upstream.url());
        let project = Project::new("example.test/app").file("main.go", MAIN);
        go.succeed(project.folder(), ["mod", "tidy"]);
        go.succeed(project.folder(), ["build", "-o", "app", "."]);
        let go_mod = project.read("go.mod");
        for line in [
            "greet v1.1.0",
            "greet/v2 v2.0.0",
            "plain v2.0.0+incompatible",
            "text v0.3.1",
            "Upper v1.0.0",
        ] {
            assert!(go_mod.contains(&format!("example.test/{line}")), "{go_mod}");
        }
    }
}
