//! One cache of objects for each repository, on disk, bounded and swept.
//!
//! ```text
//! <cache>/git/<hash of transport and address>/
//!   objects.git   bare: the commits that were asked for with their trees, each without what came before it
//!   history.git   bare: commits without trees, where a question needs to know what came before
//!   whole.git     bare: everything, where the host gives no commit by its hash
//!   lock          held while one of the two is written, by whichever process
//!   used          its time says when the cache was last of use; locked, together with others, by every process that uses it
//! <cache>/git/trash-…/   a cache that is being removed: what was swept is gone at once, also if the sweeper is killed
//! ```
//!
//! They are apart because a repository that claims to have a commit is never sent its tree again. The caches of two
//! transports are apart too, since each remembers in its own way what it has.

mod in_use;
mod remembered;

use super::{listings::Listings, session::Session, transport::Remote};
use gix::ObjectId;
use in_use::{Holds, TRASH, is_trash, remove, use_together};
use proxy_core::{
    file::Sha256,
    spool::SpoolError,
    upstream::{FetchContext, UpstreamError},
};
pub(super) use remembered::{keep, kept, leave_out, left_out};
use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// The caches of all repositories. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Caches(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    /// All caches together may have this many bytes; those of longest no use go first.
    limit: u64,
    open: Mutex<HashMap<String, Arc<Cache>>>,
    swept: Mutex<Option<Instant>>,
}

/// How often the caches are swept while they are in use.
const SWEPT_EVERY: Duration = Duration::from_secs(5 * 60);

/// The cache of one repository.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    /// Keeps sweepers away, those of other processes too.
    used: File,
    /// Commits that somebody waits for; whoever fetches next brings them all.
    pub(super) wanted: Mutex<HashSet<ObjectId>>,
    pub(super) listings: Listings,
    /// The question of whoever writes now.
    writer: Mutex<Option<FetchContext>>,
    free: Condvar,
}

/// The right to write one repository's cache.
pub(super) struct Writing<'a> {
    _here: Writer<'a>,
    /// Unlocked when closed.
    _everywhere: File,
}

/// Who writes in this process, until dropped.
struct Writer<'a>(&'a Cache);

/// How often who waits for the writer looks whether it moves, and whether anybody still wants the answer.
const LOOK: Duration = Duration::from_millis(500);

impl Caches {
    /// Caches below a folder, which is made.
    pub(super) fn open(folder: &Path, limit: u64) -> io::Result<Self> {
        let folder = folder.join("git");
        fs::create_dir_all(&folder)?;
        Ok(Self(Arc::new(Inner {
            folder,
            limit,
            open: Mutex::default(),
            swept: Mutex::default(),
        })))
    }

    /// The cache of a repository that this transport reads.
    pub(super) fn of(&self, remote: &Remote, transport: &str) -> Result<Arc<Cache>, UpstreamError> {
        // What a host shows to friends is not for those to whom it would show nothing.
        let whose = if remote.shown.is_nothing() {
            " to strangers"
        } else {
            ""
        };
        let key = format!("{transport} {}{whose}", remote.url);
        let mut open = lock(&self.0.open);
        if let Some(cache) = open.get(&key) {
            cache.touch();
            return Ok(Arc::clone(cache));
        }
        let name = Sha256::of(key.as_bytes()).to_string();
        let folder = self.0.folder.join(&name[..32]);
        let used = use_together(&folder).map_err(disk)?;
        let cache = Arc::new(Cache {
            folder,
            used,
            wanted: Mutex::default(),
            listings: Listings::default(),
            writer: Mutex::default(),
            free: Condvar::new(),
        });
        cache.touch();
        open.retain(|_, cache| Arc::strong_count(cache) > 1);
        open.insert(key, Arc::clone(&cache));
        Ok(cache)
    }

    /// Where a repository without any object can be made.
    pub(super) fn scratch(&self) -> PathBuf {
        self.0.folder.join("scratch.git")
    }

    /// Sweeps, unless that was done a short while ago.
    pub(super) fn sweep_now_and_then(&self) {
        let due = lock(&self.0.swept).is_none_or(|swept| swept.elapsed() >= SWEPT_EVERY);
        if due && let Err(error) = self.sweep() {
            tracing::warn!(%error, "the caches of git repositories could not be swept");
        }
    }

    /// Removes the caches of longest no use until the rest is within the limit; those in use stay.
    pub(super) fn sweep(&self) -> io::Result<()> {
        *lock(&self.0.swept) = Some(Instant::now());
        let mut caches = Vec::new();
        for entry in fs::read_dir(&self.0.folder)? {
            let folder = entry?.path();
            if folder == self.scratch() {
                continue;
            }
            if is_trash(&folder) {
                remove(&folder)?;
                continue;
            }
            let used = fs::metadata(folder.join("used")).and_then(|used| used.modified());
            caches.push((used.unwrap_or(SystemTime::UNIX_EPOCH), size_of(&folder), folder));
        }
        let mut size: u64 = caches.iter().map(|(_, size, _)| size).sum();
        caches.sort();
        for (_, its_size, folder) in caches {
            if size <= self.0.limit {
                break;
            }
            let mut open = lock(&self.0.open);
            open.retain(|_, cache| Arc::strong_count(cache) > 1);
            if open.values().any(|cache| cache.folder == folder) {
                continue;
            }
            let Some(holds) = Holds::take(&folder)? else {
                continue;
            };
            let trash = self.0.folder.join(unique(TRASH));
            if holds.take_away(&folder, &trash)? {
                remove(&trash)?;
                size -= its_size;
            }
        }
        Ok(())
    }
}

impl Cache {
    /// Where the commits asked for are, with their trees.
    pub(super) fn objects(&self) -> PathBuf {
        self.folder.join("objects.git")
    }

    /// Where the commits before them are.
    pub(super) fn history(&self) -> PathBuf {
        self.folder.join("history.git")
    }

    /// Where everything is.
    pub(super) fn whole(&self) -> PathBuf {
        self.folder.join("whole.git")
    }

    /// Waits for the right to write, and clears away what a writer left that was killed.
    pub(super) fn write(&self, session: &Session) -> Result<Writing<'_>, UpstreamError> {
        let mut writer = lock(&self.writer);
        while let Some(writing) = &*writer {
            session.check()?;
            share_activity(writing, session.context());
            let waited = self.free.wait_timeout(writer, LOOK);
            (writer, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        *writer = Some(session.context().clone());
        drop(writer);
        let here = Writer(self);
        let everywhere = File::create(self.folder.join("lock")).map_err(disk)?;
        everywhere.lock().map_err(disk)?;
        for repository in [self.objects(), self.history(), self.whole()] {
            clear_leftovers(&repository);
        }
        Ok(Writing {
            _here: here,
            _everywhere: everywhere,
        })
    }

    /// Makes the bare repository at `path`, unless there is one.
    pub(super) fn make(path: &Path, kind: gix::hash::Kind, url: &str) -> Result<(), UpstreamError> {
        let parts = [
            "HEAD",
            "config",
            "objects/pack",
            "objects/info",
            "refs/heads",
            "refs/tags",
        ];
        if parts.iter().all(|part| path.join(part).exists()) {
            return Ok(());
        }
        let make = || -> io::Result<()> {
            fs::create_dir_all(path.join("objects/pack"))?;
            fs::create_dir_all(path.join("objects/info"))?;
            fs::create_dir_all(path.join("refs/heads"))?;
            fs::create_dir_all(path.join("refs/tags"))?;
            let format = match kind {
                gix::hash::Kind::Sha1 => "\trepositoryformatversion = 0\n\tbare = true\n",
                _ => "\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectFormat = sha256\n",
            };
            let quoted = url.replace('\\', "\\\\").replace('"', "\\\"");
            let config = format!("[core]\n{format}[remote \"origin\"]\n\turl = \"{quoted}\"\n");
            write_whole(&path.join("config"), &config)?;
            // Last, since it is what makes a folder a repository.
            write_whole(&path.join("HEAD"), "ref: refs/heads/none\n")
        };
        make().map_err(disk)
    }

    fn touch(&self) {
        // Only the order of sweeping hangs on it.
        let _unknown_time = self.used.set_modified(SystemTime::now()).is_err();
    }
}

/// Writes a file that somebody may be reading, or writing too: it is there whole or as it was.
fn write_whole(path: &Path, content: &str) -> io::Result<()> {
    let new = path.with_extension(unique(""));
    fs::write(&new, content)?;
    fs::rename(&new, path)
}

/// A name that nobody else makes.
fn unique(prefix: &str) -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}{}-{number}", std::process::id())
}

/// How the repositories here are opened: nothing of this machine's configuration counts, and no object may be larger
/// than a module can be, so that a pack that unfolds to more than it seems is refused before memory is asked for.
pub(super) fn options() -> gix::open::Options {
    gix::open::Options::isolated().config_overrides([format!("gitoxide.objects.allocLimit={LARGEST_BUFFER}")])
}

/// The most memory that reading one object may ask for at once, in bytes: one that is a delta is worked out from its
/// base beside it.
pub(super) const LARGEST_BUFFER: usize = LARGEST_OBJECT * 2 + (64 << 20);

/// The most one object may have, in bytes: a module holds at most 500 MiB.
pub(super) const LARGEST_OBJECT: usize = 512 << 20;

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        *lock(&self.0.writer) = None;
        self.0.free.notify_all();
    }
}

/// What the writer hears, it hears for all who wait for it: a large fetch must not look like silence to them.
fn share_activity(writer: &FetchContext, waiting: &FetchContext) {
    if writer.silent_for() < LOOK * 2 {
        waiting.note_activity();
    }
}

/// Removes lock files and half-written packs: nobody else writes while we hold the lock.
fn clear_leftovers(repository: &Path) {
    let locks =
        ["shallow.lock", "packed-refs.lock", "config.lock", "HEAD.lock"].map(|name| repository.join(name));
    let packs = fs::read_dir(repository.join("objects/pack"))
        .into_iter()
        .flatten()
        .flatten();
    let halves = packs.map(|entry| entry.path()).filter(|path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("tmp_") || name.starts_with(".tmp"))
    });
    for leftover in locks.into_iter().chain(halves) {
        // What is not there needs no removing, and what cannot be removed shows when git finds it.
        let _kept = fs::remove_file(leftover).is_err();
    }
}

fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Our own disk failed: no other upstream would do better.
pub(super) fn disk(error: io::Error) -> UpstreamError {
    UpstreamError::Spool(SpoolError::from(error))
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_fetch_that_moves_does_not_wait_in_silence() {
        let (writer, waiting) = (FetchContext::default(), FetchContext::default());
        let seconds = Duration::from_secs(20);
        tokio::time::advance(seconds).await;
        share_activity(&writer, &waiting);
        assert_eq!(waiting.silent_for(), seconds, "the writer heard nothing either");
        writer.note_activity();
        share_activity(&writer, &waiting);
        assert_eq!(waiting.silent_for(), Duration::ZERO);
        tokio::time::advance(seconds).await;
        share_activity(&writer, &waiting);
        assert_eq!(waiting.silent_for(), seconds);
    }
}
