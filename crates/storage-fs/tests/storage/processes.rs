//! Processes of our own, started from this very program, and two of them over one folder.

use proxy_core::{
    records::{RecordKey, RecordStore, Written},
    store::{Inserted, ModuleStore, ModuleStoreExt, conformance::Samples},
    verify::Verified,
};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};
use storage_fs::FsStore;
use tempfile::TempDir;

/// What the parent tells a child by: the folder of the store, and a number.
const FOLDER: &str = "STORAGE_TEST_FOLDER";
const NUMBER: &str = "STORAGE_TEST_NUMBER";

/// A running child. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Process {
    /// Runs one test of this program in a process of its own, until it says that it is ready.
    pub(crate) fn start(test: &str, folder: &Path, number: u32) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "--nocapture", test]);
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

/// What a process is to do: what its parent told it or, as a test, the same in a folder of its own.
pub(crate) struct Order {
    pub(crate) folder: PathBuf,
    pub(crate) number: u32,
    /// The folder of a process that nobody started.
    pub(crate) alone: Option<TempDir>,
}

impl Order {
    #[expect(clippy::disallowed_methods, reason = "how a test tells its child what to do")]
    pub(crate) fn read() -> Self {
        if let (Some(folder), Ok(number)) = (std::env::var_os(FOLDER), std::env::var(NUMBER)) {
            let (folder, number) = (folder.into(), number.parse().unwrap());
            return Self {
                folder,
                number,
                alone: None,
            };
        }
        let alone = tempfile::tempdir().unwrap();
        Self {
            folder: alone.path().to_owned(),
            number: 0,
            alone: Some(alone),
        }
    }

    /// Says that all is ready, and waits for the parent's word, if there is a parent.
    #[expect(clippy::print_stdout, reason = "how a child tells its parent")]
    pub(crate) fn await_start(&self) {
        if self.alone.is_none() {
            // On a line of its own, whatever the test runner wrote before.
            println!("\nready");
            std::io::stdin().lock().read_line(&mut String::new()).unwrap();
        }
    }
}

/// How many versions each of two processes inserts.
const VERSIONS: u32 = 30;

/// How often each of them counts up one record.
const COUNTS: u32 = 25;

/// The files one of the processes has, in the order it inserts them.
async fn files_of(samples: &Samples, salt: u32) -> Vec<Verified> {
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
    let count = RecordStore::read(&store, &count_key()).await.unwrap();
    assert_eq!(count_in(&count.unwrap().bytes), 2 * COUNTS);
    let store: &dyn ModuleStore = &store;
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

/// What each of the two processes runs. As a test it is alone in its folder, and all it inserts is new.
#[tokio::test(flavor = "multi_thread")]
async fn inserts_what_it_has() {
    let order = Order::read();
    let store = FsStore::open(&order.folder).unwrap();
    let files = files_of(&Samples::spooled_in(store.spool().clone()), order.number).await;
    order.await_start();
    for file in files {
        let found = store.insert(file.clone()).await.unwrap();
        assert!(order.alone.is_none() || found == Inserted::New);
        println!("found {} {found:?}", file.file());
    }
    for _ in 0..COUNTS {
        while !count_up(&store).await {}
    }
}

/// Adds one, unless somebody else came first.
async fn count_up(records: &dyn RecordStore) -> bool {
    let record = records.read(&count_key()).await.unwrap();
    let next = record.as_ref().map_or(0, |record| count_in(&record.bytes)) + 1;
    let expected = record.map(|record| record.revision);
    let written = records
        .write(&count_key(), next.to_string().into(), expected.as_ref())
        .await;
    written.unwrap() != Written::Changed
}

fn count_in(bytes: &[u8]) -> u32 {
    std::str::from_utf8(bytes).unwrap().parse().unwrap()
}

fn count_key() -> RecordKey {
    RecordKey::parse("count").unwrap()
}
