//! Processes of our own, started from this very program, and two of them over one folder.

use proxy_core::store::{Inserted, ModuleStore, ModuleStoreExt, conformance::Samples};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};
use storage_fs::FsStore;

/// What the parent tells a child by: the folder of the store, and a number.
const FOLDER: &str = "STORAGE_TEST_FOLDER";
const NUMBER: &str = "STORAGE_TEST_NUMBER";

/// A running child. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Process {
    /// Runs an ignored test of this program in a process of its own, until it says that it is ready.
    pub(crate) fn start(test: &str, folder: &Path, number: u32) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", test]);
        command.env(FOLDER, folder).env(NUMBER, number.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut process = Self { child, lines };
        assert!(
            process.lines().any(|line| line == "ready"),
            "{test} was never ready"
        );
        process
    }

    /// The lines it prints, to its end.
    pub(crate) fn lines(&mut self) -> impl Iterator<Item = String> {
        (&mut self.lines).lines().map(Result::unwrap)
    }

    /// Tells it to go on.
    pub(crate) fn go(&mut self) {
        self.child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }

    /// Ends it with SIGKILL, at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In a child: what the parent told it, or `None` if nobody started it.
#[expect(clippy::disallowed_methods, reason = "how a test tells its child what to do")]
pub(crate) fn told() -> Option<(PathBuf, u32)> {
    let folder = std::env::var_os(FOLDER)?;
    let number = std::env::var(NUMBER).ok()?.parse().ok()?;
    Some((folder.into(), number))
}

/// In a child: says that it is ready, and waits for the parent's word.
#[expect(clippy::print_stdout, reason = "how a child tells its parent")]
pub(crate) fn ready_and_wait() {
    // On a line of its own, whatever the test runner wrote before.
    println!("\nready");
    std::io::stdin().lock().read_line(&mut String::new()).unwrap();
}

const VERSIONS: u32 = 30;

/// The files one of the processes has, in the order it inserts them.
async fn files_of(samples: &Samples, salt: u32) -> Vec<proxy_core::verify::Verified> {
    let mut files = Vec::new();
    for number in 0..VERSIONS {
        let module = Samples::module("example.com/m", &format!("v1.0.{number}"));
        files.push(samples.info(&module, salt).await);
        files.push(samples.go_mod(&module, 0, 0).await);
        files.push(
            samples
                .zip(&module, salt, if number % 2 == 0 { 500 } else { 100_000 })
                .await,
        );
    }
    files
}

#[tokio::test]
async fn two_processes_over_one_folder_agree_on_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut processes =
        [1, 2].map(|salt| Process::start("processes::inserts_what_it_has", folder.path(), salt));
    processes.iter_mut().for_each(Process::go);
    let mut found: BTreeMap<String, Vec<(u32, String)>> = BTreeMap::new();
    for (process, salt) in processes.iter_mut().zip([1, 2]) {
        for line in process.lines() {
            if let Some((file, outcome)) = line.strip_prefix("found ").and_then(|line| line.split_once(' ')) {
                found
                    .entry(file.to_owned())
                    .or_default()
                    .push((salt, outcome.to_owned()));
            }
        }
    }
    assert_eq!(found.len() as u32, 3 * VERSIONS);
    let store = FsStore::open(folder.path()).unwrap();
    let samples = Samples::new();
    let both = [files_of(&samples, 1).await, files_of(&samples, 2).await];
    for (one, other) in both[0].iter().zip(&both[1]) {
        let file = one.file();
        let outcomes = &found[&file.to_string()];
        let winners: Vec<u32> = outcomes
            .iter()
            .filter(|(_, found)| found == "New")
            .map(|(salt, _)| *salt)
            .collect();
        let [winner] = winners[..] else {
            panic!("{file} has these winners: {outcomes:?}")
        };
        let same = one.body().sha256() == other.body().sha256();
        let lost = if same { "Same" } else { "Other" };
        assert!(
            outcomes.len() == 2 && outcomes.iter().any(|(_, found)| found == lost),
            "{file}: {outcomes:?}"
        );
        let kept = store.read(file).await.unwrap().expect("it was inserted twice");
        let won = if winner == 1 { one } else { other };
        assert!(
            kept == won.body().read_to_bytes().unwrap(),
            "{file} is not the winner's"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a process that another test starts"]
async fn inserts_what_it_has() {
    let Some((folder, salt)) = told() else { return };
    let store = FsStore::open(folder).unwrap();
    let files = files_of(&Samples::spooled_in(store.spool().clone()), salt).await;
    ready_and_wait();
    for file in files {
        let found: Inserted = store.insert(file.clone()).await.unwrap();
        println!("found {} {found:?}", file.file());
    }
}
