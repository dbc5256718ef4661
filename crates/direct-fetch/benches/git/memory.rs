//! Memory while a tree of 400 MB is fetched and zipped, beside a quarter of it: it should be the same.

use crate::{
    ours::{Reader, zip_of},
    report::size,
    world::MODULE,
};
use proxy_core::spool::Spool;
use std::{
    fs,
    process::Command,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::{
    git::{Commit, GitHost},
    module::incompressible,
};

/// How many files there are of which size: half of the tree are files that are packed ahead, half are too large for it.
const FILES: [(usize, usize); 2] = [(200, 1 << 20), (50, 4 << 20)];
/// What part of those is in each tree.
const PARTS: [usize; 2] = [4, 1];

/// Serves the trees and lets another process zip each.
pub(crate) fn measure() {
    let host = GitHost::start();
    for part in PARTS {
        let name = format!("huge-{part}.git");
        let repository = host.repository(&name);
        let mut commit = Commit::at(1_700_000_000).file("go.mod", format!("module {MODULE}\n"));
        let mut tree = 0;
        for (count, length) in FILES {
            for number in 0..count / part {
                // Half of it compresses.
                let mut content = incompressible(length / 2, (length + number) as u64).to_vec();
                content.resize(length, b'a');
                tree += content.len();
                commit = commit.file(&format!("f{length}-{number}.bin"), content);
            }
        }
        repository.tag("v1.0.0", &repository.commit("main", &commit));
        println!(
            "\nmemory of a process that fetches and zips {}",
            size(tree as u64)
        );
        let program = std::env::current_exe().expect("this program has a name");
        let mut child = Command::new(program);
        child.args(["zip-tree", &host.repository_url(&name)]);
        assert!(child.status().expect("it can be started").success());
    }
}

/// Fetches and zips a tree, and prints what memory that took.
pub(crate) fn zip_tree(url: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be started");
    let folder = TempDir::new().expect("a folder can be made");
    let spool = Spool::open(&folder.path().join("spool")).expect("a spool can be made");
    let reader = Reader::new(url.to_owned(), true, folder.path(), &spool);
    for what in ["fetched and zipped", "zipped again"] {
        let ((time, zip), memory) = watched(|| {
            let start = Instant::now();
            let zip = zip_of(runtime.block_on(reader.version("v1.0.0")));
            (start.elapsed(), zip)
        });
        println!(
            "{what:<20} {:.1} s, {} as a zip; peak RSS {}, peak RssAnon {}",
            time.as_secs_f64(),
            size(zip.size()),
            size(status("VmHWM")),
            size(memory)
        );
    }
}

/// Does something while looking at this process' anonymous memory every few milliseconds; the most there was.
fn watched<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    // Makes the kernel forget the peak so far (proc_pid_clear_refs(5)); where it cannot, the peak is that of all.
    let _kept = fs::write("/proc/self/clear_refs", "5").is_err();
    struct Ends<'a>(&'a AtomicBool);
    impl Drop for Ends<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let outcome = thread::scope(|scope| {
        // However the work ends: a panic would wait for the thread for ever.
        let _ends = Ends(&done);
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(status("RssAnon"), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(5));
            }
        });
        work()
    });
    (outcome, peak.into_inner())
}

/// A field of this process' status, in bytes.
fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
