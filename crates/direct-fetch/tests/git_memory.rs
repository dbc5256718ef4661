//! A tree of 400 MB is fetched and zipped in as much memory as one of 100 MB.
//!
//! Each is the work of a process of its own, since memory that one took would be there for the next; and of one that
//! allocates as the mirror does.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use direct_fetch::{
    credentials::Shown,
    git::{Git, GitSettings, Place, Source, TransportChoice},
};
use http_client::{Client, Settings, Trust};
use proxy_core::{
    file::Kind,
    module::{ModulePath, ModuleVersion},
    spool::Spool,
    upstream::{FetchContext, Incoming, Wanted},
};
use std::{fs, sync::mpsc, thread, time::Duration};
use tempfile::TempDir;
use testkit::{
    git::{Commit, GitHost},
    module::incompressible,
    skip_or_fail,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MODULE: &str = "example.test/huge";
/// The most memory that may be taken for any tree, in bytes.
const LIMIT: u64 = 128 << 20;
/// How much more may be taken for 300 MB of tree more, in bytes: what it takes hangs on which of the processor's cores
/// is ahead of the other.
const MORE: u64 = 24 << 20;
/// How many files there are of which size: half of the tree are files that are packed ahead, half are too large for it.
const FILES: [(usize, usize); 2] = [(200, 1 << 20), (50, 4 << 20)];
/// The variable that tells a process of this test which repository to read.
const URL: &str = "STOA_TEST_URL";
/// What such a process writes before its figures.
const PEAKS: &str = "peaks of anonymous memory:";

#[test]
fn memory_does_not_grow_with_the_tree() {
    if !testkit::git::is_here() || status("RssAnon") == 0 {
        skip_or_fail!("there is no git here, or the system does not tell of memory");
    }
    let host = GitHost::start();
    let [quarter, whole] = [4, 1].map(|part| {
        let name = format!("huge-{part}");
        let size = make_tree(&host, &name, part);
        // Chance only adds to a peak, and a peak that grows with the tree is there each time: so the lower of two counts.
        let url = host.repository_url(&name);
        let (one, other) = (peaks_of(&url), peaks_of(&url));
        let [fetched, again, resident] = [0, 1, 2].map(|peak| one[peak].min(other[peak]));
        println!(
            "a tree of {size} bytes: {PEAKS} {fetched} while it came and was zipped, {again} while it was zipped again; \
             {resident} with the files that the kernel mapped"
        );
        [fetched, again]
    });
    for (quarter, whole) in quarter.into_iter().zip(whole) {
        assert!(whole < LIMIT, "{whole} bytes");
        assert!(
            whole < quarter + MORE,
            "{whole} bytes, and {quarter} for a quarter of the tree"
        );
    }
}

/// A repository with a part of the files; how large its tree is, in bytes.
fn make_tree(host: &GitHost, name: &str, part: usize) -> usize {
    let repository = host.repository(name);
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
    // With deltas, as such hosts have it.
    repository.git(["repack", "-a", "-d", "-f", "-q", "--window=2"]);
    tree
}

/// What another process says that it took.
fn peaks_of(url: &str) -> [u64; 3] {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["zips_a_tree", "--exact", "--nocapture"])
        .env(URL, url)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let figures = said.lines().find_map(|line| line.split_once(PEAKS)).unwrap().1;
    let figures: Vec<u64> = figures
        .split_whitespace()
        .map(|figure| figure.parse().unwrap())
        .collect();
    figures.try_into().unwrap()
}

/// Run by [`memory_does_not_grow_with_the_tree`] as a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn zips_a_tree() {
    let Some(url) = variable(URL) else {
        return; // Among the other tests it has nothing to zip.
    };
    let folder = TempDir::new().unwrap();
    let patience = Duration::from_secs(900);
    let settings = GitSettings {
        cache: folder.path().join("cache"),
        cache_limit: 4 << 30,
        program: "no-git-here".into(),
        environment: Vec::new(),
        silence: patience,
        duration: patience,
        growth: 4 << 30,
        unfolded: 64 << 30,
        transport: TransportChoice::BuiltIn,
    };
    let mut client = Settings::from_lookup(|_| None).unwrap();
    // The host packs before it says a word, and shares this machine.
    client.timeouts.head = patience;
    client.timeouts.idle = patience;
    let spool = Spool::open(&folder.path().join("spool")).unwrap();
    let git = Git::open(settings, Client::new(&client).unwrap(), spool).unwrap();
    let path = ModulePath::parse(MODULE).unwrap();
    let source = Source {
        url,
        place: Place::new(path, MODULE, "").unwrap(),
        trust: Trust::LearnedPrivate,
        unverified_tls: false,
        shown: Shown::Own,
    };
    let wanted = Wanted {
        module: ModuleVersion::parse(MODULE, "v1.0.0").unwrap(),
        kinds: vec![Kind::Zip],
        pinned: None,
    };
    let mut peaks = Vec::new();
    for _ in 0..2 {
        let watch = Watch::start();
        let fetched = git
            .fetch(&source, &wanted, &FetchContext::default())
            .await
            .unwrap();
        peaks.push(watch.peak());
        let Some(Incoming::Whole(zip)) = fetched.zip else {
            panic!("not whole")
        };
        assert!(zip.size() > 50_000_000, "{} bytes", zip.size());
    }
    println!("{PEAKS} {} {} {}", peaks[0], peaks[1], status("VmHWM"));
}

/// Looks at this process' anonymous memory every few milliseconds.
struct Watch {
    stop: mpsc::Sender<()>,
    looking: thread::JoinHandle<u64>,
}

impl Watch {
    fn start() -> Self {
        let (stop, stopped) = mpsc::channel::<()>();
        let looking = thread::spawn(move || {
            let mut peak = 0;
            loop {
                peak = status("RssAnon").max(peak);
                let ended = stopped.recv_timeout(Duration::from_millis(2));
                if ended != Err(mpsc::RecvTimeoutError::Timeout) {
                    return peak;
                }
            }
        });
        Self { stop, looking }
    }

    /// The most there was, in bytes.
    fn peak(self) -> u64 {
        drop(self.stop);
        self.looking.join().unwrap()
    }
}

/// A field of what the system says of this process' memory, in bytes; 0 where it does not tell.
fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

#[expect(
    clippy::disallowed_methods,
    reason = "it is how the two halves of a test speak"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
