//! Git repositories made to order, and hosts that serve them.
//!
//! [`GitHost`] holds bare repositories and serves them by `git http-backend`. [`FakeDomain`] makes import paths of
//! a made-up domain lead to them: it answers `?go-get=1` behind a forward proxy, so no resolver is asked. Every
//! commit has a fixed author and a date that the test gives, so hashes are the same on every machine.

mod domain;
mod host;

pub use domain::FakeDomain;
pub use host::{GitHost, GitRequest};

use bytes::Bytes;
use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A bare repository. Clones are the same repository.
#[derive(Clone, Debug)]
pub struct Repository {
    folder: PathBuf,
}

/// A commit about to be made: the whole tree, not a change.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    files: Vec<(String, String, Bytes)>,
    parents: Vec<String>,
    message: String,
    time: u64,
}

impl Commit {
    /// An empty tree, committed this many seconds after 1970.
    pub fn at(time: u64) -> Self {
        Self {
            message: format!("At {time}"),
            time,
            ..Self::default()
        }
    }

    /// With a file, byte for byte as given.
    #[must_use]
    pub fn file(self, name: &str, content: impl Into<Bytes>) -> Self {
        self.entry("100644", name, content)
    }

    /// With an entry of this mode: `100755` a program, `120000` a symbolic link to its content, `160000` a
    /// submodule at the commit its content names.
    #[must_use]
    pub fn entry(mut self, mode: &str, name: &str, content: impl Into<Bytes>) -> Self {
        self.files
            .push((mode.to_owned(), name.to_owned(), content.into()));
        self
    }

    /// With all files of a module, below a folder (`""` is the root).
    #[must_use]
    pub fn module(mut self, module: &crate::module::Module, folder: &str) -> Self {
        for (name, content) in &module.files {
            let name = if folder.is_empty() {
                name.clone()
            } else {
                format!("{folder}/{name}")
            };
            self = self.file(&name, content.clone());
        }
        self
    }

    /// After this commit.
    #[must_use]
    pub fn after(mut self, parent: &str) -> Self {
        self.parents.push(parent.to_owned());
        self
    }

    /// In the form `git fast-import` reads, onto this ref.
    fn stream(&self, reference: &str) -> Vec<u8> {
        let mut head = format!(
            "commit {reference}\ncommitter Stoa Test <test@example.test> {} +0000\n",
            self.time
        );
        write!(head, "data {}\n{}\n", self.message.len(), self.message).expect("memory takes text");
        let mut parents = self.parents.iter();
        if let Some(parent) = parents.next() {
            writeln!(head, "from {parent}").expect("memory takes text");
        }
        parents.for_each(|parent| writeln!(head, "merge {parent}").expect("memory takes text"));
        head.push_str("deleteall\n");
        let mut stream = head.into_bytes();
        for (mode, name, content) in &self.files {
            let name = quoted(name);
            if mode == "160000" {
                stream.extend_from_slice(
                    format!("M {mode} {} {name}\n", String::from_utf8_lossy(content)).as_bytes(),
                );
            } else {
                stream.extend_from_slice(
                    format!("M {mode} inline {name}\ndata {}\n", content.len()).as_bytes(),
                );
                stream.extend_from_slice(content);
                stream.push(b'\n');
            }
        }
        stream
    }
}

impl Repository {
    /// Makes a bare repository whose `HEAD` is `main`.
    pub fn create(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder can be made");
        let repository = Self {
            folder: folder.to_owned(),
        };
        repository.git(["init", "--quiet", "--bare", "--initial-branch=main", "."]);
        // As the large hosts have it.
        for allowed in ["uploadpack.allowAnySHA1InWant", "uploadpack.allowFilter"] {
            repository.git(["config", allowed, "true"]);
        }
        repository
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes a commit, moves this branch to it, whatever was there, and gives its hash.
    pub fn commit(&self, branch: &str, commit: &Commit) -> String {
        let reference = format!("refs/heads/{branch}");
        let mut stream = b"feature done\n".to_vec();
        if commit.parents.is_empty() {
            // Otherwise a branch that exists would be the parent.
            stream.extend_from_slice(format!("reset {reference}\n").as_bytes());
        }
        stream.extend_from_slice(&commit.stream(&reference));
        stream.extend_from_slice(b"done\n");
        self.git_with_input(
            ["fast-import", "--quiet", "--force", "--date-format=raw"],
            &stream,
        );
        self.hash(&reference)
    }

    /// Points a tag at a commit, whatever it pointed at before.
    pub fn tag(&self, name: &str, commit: &str) {
        self.git(["update-ref", &format!("refs/tags/{name}"), commit]);
    }

    /// Makes an annotated tag, tagged at this time, whatever was there.
    pub fn annotate(&self, name: &str, on: &str, time: u64) {
        let tagger = format!("Stoa Test <test@example.test> {time} +0000");
        let kind = self.git(["cat-file", "-t", on]);
        let object = format!("object {on}\ntype {kind}\ntag {name}\ntagger {tagger}\n\n{name}\n");
        let hash = self.git_with_input(["mktag"], object.as_bytes());
        self.tag(name, &hash);
    }

    /// Writes an object of this kind (`blob`, `tree`, `commit`, `tag`), byte for byte as given, and gives its hash.
    pub fn write_object(&self, kind: &str, content: &[u8]) -> String {
        self.git_with_input(
            ["hash-object", "-w", "--literally", "--stdin", "-t", kind],
            content,
        )
    }

    /// Points a branch at a commit, whatever it pointed at before.
    pub fn branch(&self, name: &str, commit: &str) {
        self.git(["update-ref", &format!("refs/heads/{name}"), commit]);
    }

    /// Removes a ref, such as `refs/tags/v1.0.0`.
    pub fn remove(&self, reference: &str) {
        self.git(["update-ref", "-d", reference]);
    }

    /// Makes `HEAD` name this branch.
    pub fn set_head(&self, branch: &str) {
        self.git(["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]);
    }

    /// The hash that a revision names.
    pub fn hash(&self, revision: &str) -> String {
        self.git(["rev-parse", "--verify", revision])
    }

    /// Runs `git` in it and gives what it printed. Panics with its error if it fails.
    pub fn git<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> String {
        self.git_with_input(arguments, b"")
    }

    /// Runs `git` in it with this on its standard input.
    pub fn git_with_input<'a>(&self, arguments: impl IntoIterator<Item = &'a str>, input: &[u8]) -> String {
        let arguments: Vec<_> = arguments.into_iter().collect();
        let mut command = command();
        command.args(&arguments).current_dir(&self.folder);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("git can be started");
        child
            .stdin
            .take()
            .expect("it is piped")
            .write_all(input)
            .expect("git reads what it is given");
        let output = child.wait_with_output().expect("git ends");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "git {} failed: {complaint}",
            arguments.join(" ")
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }
}

/// Whether this machine has git with its HTTP server.
pub fn is_here() -> bool {
    let folder = command()
        .arg("--exec-path")
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    Path::new(String::from_utf8_lossy(&folder).trim())
        .join("git-http-backend")
        .is_file()
}

/// `git` without anybody's settings.
fn command() -> Command {
    let mut command = Command::new("git");
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0");
    command
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE");
    command
}

/// A path as `git fast-import` reads it, in quotes.
fn quoted(name: &str) -> String {
    format!(
        "\"{}\"",
        name.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    )
}

#[cfg(test)]
mod tests;
