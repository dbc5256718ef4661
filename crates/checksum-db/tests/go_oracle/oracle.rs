//! The Go program that answers: built once from the `golang.org/x/mod` that every Go installation ships.

use std::{fs, io::Write, path::Path, process::Command, sync::LazyLock, time::Duration};
use testkit::{go::GoCommand, process};

/// Questions to be asked in one run, each with our own answer.
#[derive(Default)]
pub(crate) struct Questions {
    lines: Vec<u8>,
    ours: Vec<(String, String)>,
}

impl Questions {
    /// Asks the oracle; we say `ours`.
    pub(crate) fn ask<const N: usize>(&mut self, question: [&str; N], ours: impl Into<String>) {
        let line = serde_json::to_string(&question.as_slice()).unwrap();
        writeln!(self.lines, "{line}").unwrap();
        self.ours.push((line, ours.into()));
    }

    /// Compares every answer; says so where there is no `go` to ask.
    pub(crate) fn compare(self) {
        self.compare_where(|_| true);
    }

    /// Compares those answers that are no refusal: we may refuse more.
    pub(crate) fn compare_those_accepted(self) {
        let accepted = self.ours.iter().filter(|(_, ours)| ours != "no").count();
        assert!(accepted * 3 > self.ours.len(), "{accepted} accepted");
        self.compare_where(|ours| ours != "no");
    }

    fn compare_where(self, compared: impl Fn(&str) -> bool) {
        let Some(program) = ORACLE.as_ref() else {
            testkit::skip_or_fail!("there is no go command here")
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("questions");
        fs::write(&file, &self.lines).unwrap();
        let mut command = Command::new(program);
        command.arg(file);
        let finished = process::run(command, Duration::from_secs(180)).unwrap();
        assert!(finished.success, "{}", finished.stderr);
        let theirs: Vec<String> = finished
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(theirs.len(), self.ours.len());
        let differing: Vec<_> = self
            .ours
            .iter()
            .zip(theirs)
            .filter(|((_, ours), theirs)| compared(ours) && ours != theirs)
            .collect();
        for ((question, ours), theirs) in differing.iter().take(20) {
            println!("{question}\n  ours: {ours:?}\n  Go's: {theirs:?}");
        }
        assert!(
            differing.is_empty(),
            "{} of {} answers differ",
            differing.len(),
            self.ours.len()
        );
    }
}

static ORACLE: LazyLock<Option<std::path::PathBuf>> = LazyLock::new(|| {
    let go = GoCommand::find()?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tlog-oracle");
    fs::create_dir_all(&folder).unwrap();
    let root = go.succeed(&folder, ["env", "GOROOT"]);
    let vendored = Path::new(root.trim()).join("src/cmd/vendor/golang.org/x/mod");
    for package in ["sumdb/note", "sumdb/tlog"] {
        copy_sources(&vendored.join(package), &folder.join("mod").join(package));
    }
    fs::write(folder.join("mod/go.mod"), "module golang.org/x/mod\n\ngo 1.24\n").unwrap();
    let go_mod =
        "module oracle\n\ngo 1.24\n\nrequire golang.org/x/mod v0.0.0\n\nreplace golang.org/x/mod => ./mod\n";
    fs::write(folder.join("go.mod"), go_mod).unwrap();
    fs::write(folder.join("main.go"), include_str!("main.go")).unwrap();
    go.succeed(&folder, ["build", "-o", "oracle", "."]);
    Some(folder.join("oracle"))
});

fn copy_sources(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "go")
        {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
