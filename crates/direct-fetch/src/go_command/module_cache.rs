//! Module caches: the folders in which `go` keeps its clones, so that a second version of a repository is cheap.
//!
//! There is one cache for each first two elements of a module path (`github.com/owner`, `golang.org/x`): no
//! repository of the usual hosts is cloned twice, and a cache that is old, too large or left broken can go without the others.
//! Modules that are not private have caches of their own: a clone is used without asking who wants it.
//! Each is shared by any number of runs, of this process and of others: `go` locks what it writes itself.
//!
//! A run holds the cache's `lock` file shared. Who gets it exclusively knows that nobody runs, and may mend (a `git`
//! that was killed leaves lock files that would stop the next one) or remove. That something was left behind shows by a
//! work folder that is still there: each run has one, and takes it away when it ends well. Locks are advisory and of
//! the kernel, so a process that dies holds none.

use proxy_core::{file::Sha256, module::ModulePath};
use std::{
    collections::HashMap,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// All module caches below one folder. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ModuleCaches(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    /// Bytes all caches together may hold between runs.
    limit: u64,
    /// Bytes of each as last measured, and when that was.
    sizes: Mutex<HashMap<String, (u64, Instant)>>,
    runs: AtomicU64,
}

/// One run's place in a module cache: shared with other runs, but for its work folder.
#[derive(Debug)]
pub(crate) struct ModuleCache {
    caches: ModuleCaches,
    name: String,
    folder: PathBuf,
    work: PathBuf,
    clean: AtomicBool,
    broken: AtomicBool,
    lock: File,
}

impl ModuleCaches {
    /// Caches in this folder, which may hold so many bytes between runs.
    pub(crate) fn new(folder: PathBuf, limit: u64) -> Self {
        Self(Arc::new(Shared {
            folder,
            limit,
            sizes: Mutex::default(),
            runs: AtomicU64::new(0),
        }))
    }

    /// Takes a place in the cache of a module path. Blocks while another process removes that cache.
    pub(crate) fn enter(&self, path: &ModulePath, private: bool) -> io::Result<Arc<ModuleCache>> {
        let name = name_of(path);
        self.enter_named(if private {
            name
        } else {
            format!("{STRANGERS}{name}")
        })
    }

    /// Takes a place in a cache that is used this once: what other runs fetched earlier is not in it.
    pub(crate) fn enter_fresh(&self) -> io::Result<Arc<ModuleCache>> {
        let run = self.0.runs.fetch_add(1, Ordering::Relaxed);
        self.enter_named(format!("{ONCE}{}-{run}", std::process::id()))
    }

    fn enter_named(&self, name: String) -> io::Result<Arc<ModuleCache>> {
        let folder = self.0.folder.join(&name);
        fs::create_dir_all(&folder)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {
                mend(&folder)?;
                lock.unlock()?;
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        lock.lock_shared()?;
        // The time of last use, by which the oldest cache is found.
        lock.set_modified(SystemTime::now())?;
        let run = self.0.runs.fetch_add(1, Ordering::Relaxed);
        let work = folder.join(WORK).join(format!("{}-{run}", std::process::id()));
        // A process of the same number in another container may have left one of this name.
        let _ = fs::remove_dir_all(&work);
        fs::create_dir_all(work.join(TEMPORARY))?;
        // A `go.mod` of our own: without it, `go` would take one from a folder above.
        fs::write(work.join("go.mod"), "module work.invalid\n")?;
        Ok(Arc::new(ModuleCache {
            caches: self.clone(),
            name,
            folder,
            work,
            clean: AtomicBool::new(true),
            broken: AtomicBool::new(false),
            lock,
        }))
    }

    /// Mends every cache that nobody uses, and removes the oldest ones while all together are too large.
    pub(crate) fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.0.folder) else {
            return;
        };
        for name in entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
        {
            let folder = self.0.folder.join(&name);
            if let Some(_lock) = alone(&folder) {
                let _ = if name.starts_with(ONCE) {
                    fs::remove_dir_all(&folder)
                } else {
                    mend(&folder)
                };
            }
            self.measured(name, size_of(&folder));
        }
        self.trim();
    }

    fn measured(&self, name: String, size: u64) {
        let mut sizes = self.0.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.insert(name, (size, Instant::now()));
    }

    /// Whether a cache was measured a moment ago: its files are many, and one run adds little.
    fn just_measured(&self, name: &str) -> bool {
        let sizes = self.0.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        sizes
            .get(name)
            .is_some_and(|(_, when)| when.elapsed() < MEASURED_EVERY)
    }

    fn trim(&self) {
        let over = |sizes: &HashMap<String, (u64, Instant)>| {
            sizes.values().map(|(size, _)| size).sum::<u64>() > self.0.limit
        };
        let mut oldest_first: Vec<(SystemTime, String)> = {
            let sizes = self.0.sizes.lock().unwrap_or_else(PoisonError::into_inner);
            if !over(&sizes) {
                return;
            }
            let used = |name: &String| fs::metadata(self.0.folder.join(name).join(LOCK))?.modified();
            sizes
                .keys()
                .filter_map(|name| Some((used(name).ok()?, name.clone())))
                .collect()
        };
        oldest_first.sort();
        for (_, name) in oldest_first {
            let folder = self.0.folder.join(&name);
            if let Some(_lock) = alone(&folder) {
                tracing::info!(
                    cache = name,
                    "removing the go command's oldest module cache: all are over their limit"
                );
                empty(&folder);
                self.measured(name, size_of(&folder));
            }
            if !over(&self.0.sizes.lock().unwrap_or_else(PoisonError::into_inner)) {
                return;
            }
        }
    }
}

impl ModuleCache {
    /// GOMODCACHE.
    pub(crate) fn modules(&self) -> PathBuf {
        self.folder.join("mod")
    }

    /// GOPATH.
    pub(crate) fn gopath(&self) -> PathBuf {
        self.folder.join("gopath")
    }

    /// This run's own working folder.
    pub(crate) fn work(&self) -> &Path {
        &self.work
    }

    /// This run's own folder for temporary files; not the working folder, since `go` ignores a `go.mod` there.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.work.join(TEMPORARY)
    }

    /// Where clones and temporary files grow.
    pub(crate) fn growing(&self) -> Vec<PathBuf> {
        vec![self.modules().join("cache/vcs"), self.work.clone()]
    }

    /// Whether a path lies in this cache.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.folder)
            && !path
                .components()
                .any(|part| part == std::path::Component::ParentDir)
    }

    /// A run begins: should it be cut off, something may be left half written.
    pub(crate) fn run_begins(&self) {
        self.clean.store(false, Ordering::Relaxed);
    }

    /// The run ended by itself: nothing was cut off in the middle of a write.
    pub(crate) fn run_ended(&self) {
        self.clean.store(true, Ordering::Relaxed);
    }

    /// A clone in it cannot be read: it goes as soon as nobody runs any more.
    pub(crate) fn is_broken(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    /// Leaves: takes the work folder away, and removes old caches if all together are too large. Blocks.
    pub(crate) fn leave(self: Arc<Self>) {
        let (caches, name, folder) = (self.caches.clone(), self.name.clone(), self.folder.clone());
        let broken = self.broken.load(Ordering::Relaxed);
        drop(self);
        if broken && let Some(_lock) = alone(&folder) {
            tracing::warn!(
                cache = name,
                "removing a module cache of the go command: it cannot be read"
            );
            empty(&folder);
        }
        if !name.starts_with(ONCE) && (broken || !caches.just_measured(&name)) {
            caches.measured(name, size_of(&folder));
            caches.trim();
        }
    }
}

impl Drop for ModuleCache {
    fn drop(&mut self) {
        // A run that was cut off leaves its folder as the sign that something may need mending.
        let work = if self.clean.load(Ordering::Relaxed) {
            self.work.clone()
        } else {
            self.temporary()
        };
        let _ = fs::remove_dir_all(work);
        if self.name.starts_with(ONCE) {
            let _ = fs::remove_dir_all(&self.folder);
        }
        let _ = self.lock.unlock();
    }
}

const LOCK: &str = "lock";
const WORK: &str = "work";
const TEMPORARY: &str = "tmp";
/// How long a cache's size is believed.
const MEASURED_EVERY: Duration = if cfg!(test) {
    Duration::ZERO
} else {
    Duration::from_secs(60)
};
/// How the names of caches begin that are used once; no module path holds it.
const ONCE: &str = "once,";
/// What the names of caches begin with that modules use which are not private.
const STRANGERS: &str = "public,";

/// The cache's name: the first two elements of the escaped path, which are a folder name on every file system.
fn name_of(path: &ModulePath) -> String {
    let escaped = path.escaped();
    let mut elements = escaped.splitn(3, '/');
    let name = [elements.next(), elements.next()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(",");
    if name.len() > 200 {
        Sha256::of(name.as_bytes()).to_string()
    } else {
        name
    }
}

/// The cache's lock, if nobody runs in it.
fn alone(folder: &Path) -> Option<File> {
    let lock = File::options().write(true).open(folder.join(LOCK)).ok()?;
    lock.try_lock().ok().map(|()| lock)
}

/// Puts a cache in order in which a run was cut off; the caller holds it alone.
fn mend(folder: &Path) -> io::Result<()> {
    let work = folder.join(WORK);
    match fs::read_dir(&work) {
        Ok(mut left) => {
            if left.next().is_none() {
                return Ok(());
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    each_file(&folder.join("mod/cache/vcs"), &mut |path, name| {
        // What git leaves when it is killed: its lock files, which stop the next run, and half-written objects.
        if name.ends_with(".lock") || name.starts_with("tmp_") {
            let _ = fs::remove_file(path);
        }
    });
    fs::remove_dir_all(&work)
}

/// Removes what a cache holds, but its lock file.
fn empty(folder: &Path) {
    for part in ["mod", "gopath", WORK] {
        let _ = fs::remove_dir_all(folder.join(part));
    }
}

/// How many bytes the files below a folder have.
pub(crate) fn size_of(folder: &Path) -> u64 {
    let mut size = 0;
    each_file(folder, &mut |path, _| {
        size += fs::symlink_metadata(path).map_or(0, |found| found.len());
    });
    size
}

/// Calls back for each file below a folder; what vanishes meanwhile is left out.
fn each_file(folder: &Path, found: &mut dyn FnMut(&Path, &str)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => each_file(&entry.path(), found),
            Ok(_) => found(&entry.path(), &entry.file_name().to_string_lossy()),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ModulePath {
        ModulePath::parse(text).unwrap()
    }

    #[test]
    fn modules_of_one_owner_share_a_cache() {
        assert_eq!(name_of(&path("github.com/Owner/a/v2")), "github.com,!owner");
        assert_eq!(name_of(&path("example.test")), "example.test");
        assert_eq!(
            name_of(&path(&format!("example.test/{}", "a".repeat(250)))).len(),
            64
        );
    }

    #[test]
    fn a_run_that_ends_well_leaves_no_work_folder() {
        let folder = tempfile::tempdir().unwrap();
        let caches = ModuleCaches::new(folder.path().into(), u64::MAX);
        let cache = caches.enter(&path("example.test/m"), true).unwrap();
        let work = cache.work().to_owned();
        assert!(work.join("go.mod").is_file());
        cache.run_ended();
        cache.leave();
        assert!(!work.exists());
    }

    #[test]
    fn what_a_killed_git_left_is_mended_once_nobody_runs() {
        let folder = tempfile::tempdir().unwrap();
        let caches = ModuleCaches::new(folder.path().into(), u64::MAX);
        let killed = caches.enter(&path("example.test/team/m"), true).unwrap();
        killed.run_begins();
        let clone = killed.modules().join("cache/vcs/abc");
        fs::create_dir_all(clone.join("objects/pack")).unwrap();
        for left in ["shallow.lock", "objects/pack/tmp_pack_x"] {
            fs::write(clone.join(left), "x").unwrap();
        }
        fs::write(clone.join("HEAD"), "ref: refs/heads/main").unwrap();
        let other = caches.enter(&path("example.test/team/n"), true).unwrap();
        assert!(clone.join("shallow.lock").exists(), "another run may own it");
        killed.leave();
        other.leave();
        caches.enter(&path("example.test/team/o"), true).unwrap().leave();
        assert!(!clone.join("shallow.lock").exists());
        assert!(!clone.join("objects/pack/tmp_pack_x").exists());
        assert!(clone.join("HEAD").exists());
    }

    #[test]
    fn the_oldest_caches_go_when_all_are_too_large_but_never_one_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let caches = ModuleCaches::new(folder.path().into(), 1500);
        let fill = |name: &str| {
            let cache = caches.enter(&path(name), true).unwrap();
            fs::create_dir_all(cache.modules()).unwrap();
            fs::write(cache.modules().join("pack"), vec![0; 1000]).unwrap();
            cache.run_ended();
            cache
        };
        let old = fill("old.test/m");
        let old_folder = old.modules();
        let used = fill("used.test/m");
        old.leave();
        fill("new.test/m").leave();
        assert!(!old_folder.exists());
        assert!(used.modules().join("pack").exists(), "a cache in use stays");
    }

    #[test]
    fn a_broken_cache_goes_once_nobody_runs() {
        let folder = tempfile::tempdir().unwrap();
        let caches = ModuleCaches::new(folder.path().into(), u64::MAX);
        let broken = caches.enter(&path("example.test/team/m"), true).unwrap();
        let other = caches.enter(&path("example.test/team/n"), true).unwrap();
        let clone = broken.modules().join("cache/vcs/abc");
        fs::create_dir_all(&clone).unwrap();
        broken.is_broken();
        broken.leave();
        assert!(clone.exists(), "another run may be reading it");
        other.is_broken();
        other.leave();
        assert!(!clone.exists());
    }

    #[test]
    fn a_cache_for_once_goes_with_its_run() {
        let folder = tempfile::tempdir().unwrap();
        let caches = ModuleCaches::new(folder.path().into(), u64::MAX);
        let cache = caches.enter_fresh().unwrap();
        cache.run_ended();
        cache.leave();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let crashed = folder.path().join(format!("{ONCE}7-7"));
        fs::create_dir(&crashed).unwrap();
        fs::write(crashed.join(LOCK), "").unwrap();
        caches.sweep();
        assert!(!crashed.exists(), "swept after a crash");
    }
}
