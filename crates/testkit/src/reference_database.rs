//! The checksum database of `golang.org/x/mod`, as a second opinion on what a database is.
//!
//! It is built from the sources that every Go installation ships; nothing is downloaded.

use crate::{checksum_database::record_of, go::GoCommand, module::Module};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// The running server; it ends with its input, and so with this.
#[derive(Debug)]
pub struct ReferenceDatabase {
    child: Child,
    setting: String,
    folder: TempDir,
}

/// What of `golang.org/x/mod` the server is made of.
const PACKAGES: [&str; 6] = [
    "sumdb",
    "sumdb/note",
    "sumdb/tlog",
    "module",
    "semver",
    "internal/lazyregexp",
];

const GO_MOD: &str =
    "module server\n\ngo 1.24\n\nrequire golang.org/x/mod v0.0.0\n\nreplace golang.org/x/mod => ./mod\n";

impl ReferenceDatabase {
    /// Builds it and starts it, with a new key; `None` where there is no `go` command. It makes up the sums of every
    /// module but those with `unknown` in their path.
    pub fn start() -> Option<Self> {
        let folder = TempDir::with_prefix("stoa-sumdb-").expect("a folder can be made");
        build(folder.path())?;
        Some(Self::run(folder))
    }

    /// The same, knowing these modules and no other.
    pub fn knowing<'a>(modules: impl IntoIterator<Item = &'a Module>) -> Option<Self> {
        let folder = TempDir::with_prefix("stoa-sumdb-").expect("a folder can be made");
        build(folder.path())?;
        let records: String = modules.into_iter().map(record_of).collect();
        fs::write(folder.path().join("records"), records).expect("a file can be written");
        Some(Self::run(folder))
    }

    /// The same program once more, with a key and a tree of its own.
    #[must_use]
    pub fn another(&self) -> Self {
        let folder = TempDir::with_prefix("stoa-sumdb-").expect("a folder can be made");
        fs::copy(self.folder.path().join("server"), folder.path().join("server"))
            .expect("a file can be copied");
        Self::run(folder)
    }

    fn run(folder: TempDir) -> Self {
        let mut command = Command::new(folder.path().join("server"));
        command.current_dir(folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program was built");
        let mut setting = String::new();
        let output = child.stdout.take().expect("it is a pipe");
        BufReader::new(output)
            .read_line(&mut setting)
            .expect("the server says its key and address");
        Self {
            child,
            setting: setting.trim().to_owned(),
            folder,
        }
    }

    /// What GOSUMDB says so that it is asked at its address.
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// Its key.
    pub fn key(&self) -> &str {
        self.setting.split(' ').next().unwrap_or_default()
    }

    /// Its address.
    pub fn url(&self) -> &str {
        self.setting.split(' ').nth(1).unwrap_or_default()
    }

    /// Ends it.
    pub fn stop(&mut self) {
        drop(self.child.stdin.take());
        // It ends by itself then; that it is gone already is as well.
        let _ = self.child.wait();
    }
}

impl Drop for ReferenceDatabase {
    fn drop(&mut self) {
        self.stop();
    }
}

fn build(folder: &Path) -> Option<()> {
    let go = GoCommand::find()?;
    let root = go.succeed(folder, ["env", "GOROOT"]);
    let vendored = Path::new(root.trim()).join("src/cmd/vendor/golang.org/x/mod");
    for package in PACKAGES {
        let to = folder.join("mod").join(package);
        fs::create_dir_all(&to).expect("a folder can be made");
        for entry in fs::read_dir(vendored.join(package)).expect("every Go installation has it") {
            let path = entry.expect("a folder can be read").path();
            if path.extension().is_some_and(|extension| extension == "go")
                && let Some(name) = path.file_name()
            {
                fs::copy(&path, to.join(name)).expect("a file can be copied");
            }
        }
    }
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file can be written");
    write("mod/go.mod", "module golang.org/x/mod\n\ngo 1.24\n");
    write("go.mod", GO_MOD);
    write("main.go", include_str!("reference_database/main.go"));
    go.succeed(folder, ["build", "-o", "server", "."]);
    Some(())
}
