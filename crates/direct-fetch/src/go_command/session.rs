//! One question put to `go`: a place among those that may run, a place in a module cache, and what comes of it.

use super::{
    Inner,
    answer::Answer,
    arguments::Target,
    environment::Folders,
    module_cache::ModuleCache,
    outcome::{self, Outcome},
    process_group::{self, Bounds, Cut, Ended},
    sentence::sentence,
};
use crate::{credentials::RepositoryCredentials, discovery::RepositoryAddress, page};
use http_client::{Destination, Trust};
use proxy_core::{
    file::{Body, Kind, ModuleFile},
    module::{ModulePath, ModuleVersion},
    spool::SpoolError,
    upstream::{FetchContext, UpstreamError},
};
use std::{
    fs, io,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{process::Command, sync::OwnedSemaphorePermit, task::spawn_blocking};

/// A question being answered. When it is dropped its places are given back.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    go: Arc<Inner>,
    cache: Arc<ModuleCache>,
    context: &'a FetchContext,
    /// Whether the module is a private one: others are fetched as a stranger would.
    private: bool,
    _permit: OwnedSemaphorePermit,
}

impl<'a> Session<'a> {
    /// A session in the module cache of a path.
    pub(crate) async fn enter(
        go: &Arc<Inner>,
        path: &ModulePath,
        context: &'a FetchContext,
    ) -> Result<Self, UpstreamError> {
        let private = go.private.matches(path.as_str());
        let (caches, path) = (go.caches.clone(), path.clone());
        Self::take(go, private, context, move || caches.enter(&path, private)).await
    }

    /// A session in a module cache that knows nothing yet.
    pub(crate) async fn enter_fresh(
        go: &Arc<Inner>,
        path: &ModulePath,
        context: &'a FetchContext,
    ) -> Result<Self, UpstreamError> {
        let private = go.private.matches(path.as_str());
        let caches = go.caches.clone();
        Self::take(go, private, context, move || caches.enter_fresh()).await
    }

    async fn take(
        go: &Arc<Inner>,
        private: bool,
        context: &'a FetchContext,
        enter: impl FnOnce() -> io::Result<Arc<ModuleCache>> + Send + 'static,
    ) -> Result<Self, UpstreamError> {
        let limits = &go.settings.limits;
        let permit = tokio::select! {
            biased; // A place that is free is taken, however long others were asked before.
            permit = Arc::clone(&go.running).acquire_owned() => permit.map_err(|_| busy(limits.parallel))?,
            () = context.silence(limits.silence) => return Err(busy(limits.parallel)),
        };
        let entered = spawn_blocking(enter).await.map_err(|_| ended_early())?;
        let cache =
            entered.map_err(|error| our_disk(error, "the folder of the repository caches cannot be used"))?;
        Ok(Self {
            go: Arc::clone(go),
            cache,
            context,
            private,
            _permit: permit,
        })
    }

    /// Asks `go`, and reads what it answers. A complaint becomes the error it means.
    pub(crate) async fn go(&self, arguments: &[&str], target: &Target) -> Result<Answer, UpstreamError> {
        let program = &self.go.settings.program;
        let mut command = self.command(program);
        command.args(arguments).arg("--").arg(target.as_str());
        let ended = self.run(command).await.map_err(|cut| self.cut(cut, target))?;
        let answer: Option<Answer> = serde_json::from_slice(&ended.stdout).ok();
        let complaint = answer.as_ref().and_then(|answer| answer.error.as_ref());
        match (complaint, answer.as_ref()) {
            (Some(complaint), _) => Err(self.refused(complaint.text(), target).await),
            (None, Some(_)) if ended.status.success() => Ok(answer.unwrap_or_default()),
            _ => Err(self
                .refused(&String::from_utf8_lossy(&ended.stderr), target)
                .await),
        }
    }

    /// A program that sees only what our `go` may see.
    fn command(&self, program: &Path) -> Command {
        let (modules, gopath) = (self.cache.modules(), self.cache.gopath());
        let temporary = self.cache.temporary();
        let folders = Folders {
            modules: &modules,
            gopath: &gopath,
            temporary: &temporary,
            config: if self.private {
                &self.go.config
            } else {
                &self.go.strangers
            },
            for_a_stranger: !self.private,
        };
        let credentials = self.go.credentials.get().filter(|_| self.private);
        let git = credentials
            .map(RepositoryCredentials::git_settings)
            .unwrap_or_default();
        let mut command = Command::new(program);
        command.env_clear().envs(
            self.go
                .settings
                .environment
                .variables(&self.go.rules, &folders, &git),
        );
        command.current_dir(self.cache.work());
        command
    }

    async fn run(&self, command: Command) -> Result<Ended, Cut> {
        let limits = &self.go.settings.limits;
        let bounds = Bounds {
            silence: limits.silence,
            duration: limits.duration,
            growth: limits.growth,
        };
        self.cache.run_begins();
        let kept = Arc::clone(&self.cache);
        let ended = process_group::run(command, self.cache.growing(), bounds, self.context, kept).await?;
        self.cache.run_ended();
        Ok(ended)
    }

    /// The error a complaint means.
    async fn refused(&self, complaint: &str, target: &Target) -> UpstreamError {
        let said = sentence(complaint);
        let said = if said.contains(target.module()) {
            said
        } else {
            format!("{}: {said}", target.as_str())
        };
        match outcome::outcome(complaint) {
            Outcome::Refused => UpstreamError::not_found(said),
            Outcome::NoScheme => self.why_no_scheme(target, said).await,
            Outcome::DiskFull => disk_full(),
            Outcome::Missing(program) => missing(target, &program),
            Outcome::TooNew => {
                let reason = format!("{said}; direct needs a newer go command beside this server");
                UpstreamError::Unsupported {
                    reason: reason.into(),
                }
            }
            Outcome::Unforeseen => {
                tracing::warn!(
                    complaint = said,
                    "the go command said something new; taken for trouble"
                );
                UpstreamError::unavailable(said)
            }
            Outcome::Unauthorized => {
                let repository = self.repository_of(complaint);
                self.unauthorized(repository.as_deref(), said).await
            }
            Outcome::BrokenClone => {
                self.cache.is_broken();
                UpstreamError::unavailable(said)
            }
            Outcome::Trouble => UpstreamError::unavailable(said),
        }
    }

    /// Where a clone came from that is named in a complaint. `go` notes it beside the clone, as `git3:https://…`.
    fn repository_of(&self, complaint: &str) -> Option<String> {
        let clones = self.cache.modules().join("cache/vcs");
        let (_, behind) = complaint.split_once(clones.to_str()?)?;
        let name = behind.strip_prefix('/')?.split([':', '/', ' ']).next()?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let note = fs::read_to_string(clones.join(format!("{name}.info"))).ok()?;
        Some(note.split_once(':')?.1.trim().to_owned())
    }

    /// An origin that wants credentials: absent after all, if its page is.
    async fn unauthorized(&self, repository: Option<&str>, said: String) -> UpstreamError {
        if let (Some(client), Some(page)) = (self.go.pages.get(), repository.and_then(|at| self.page_of(at)))
            && page::is_absent(client, page, self.context).await
        {
            return UpstreamError::not_found(format!(
                "{said} (and its page says that there is no such repository)"
            ));
        }
        UpstreamError::unavailable(said)
    }

    /// The page of a repository, with the credentials there are for it if the module is a private one.
    fn page_of(&self, repository: &str) -> Option<Destination> {
        if !self.private {
            let page = Destination::learned(repository, Trust::Learned).ok()?;
            return Some(page.anonymously());
        }
        let page = Destination::learned(repository, Trust::LearnedPrivate).ok()?;
        let address = RepositoryAddress::parse(repository, false).ok();
        let access = address.and_then(|address| self.go.credentials.get()?.for_repository(&address).ok()?);
        Some(match access.and_then(|access| access.for_http()) {
            Some(credentials) => page.with_credentials(credentials),
            None => page,
        })
    }

    /// For a path that names its repository (`host/repo.git/sub`), `go` tries each secure scheme and says only
    /// that none led to a repository. Whether that is settled is asked of the host once more, in so many words.
    async fn why_no_scheme(&self, target: &Target, said: String) -> UpstreamError {
        let Some((repository, program)) = target.named_repository() else {
            return UpstreamError::unavailable(said);
        };
        if !self.go.settings.environment.finds(program) {
            return missing(target, program);
        }
        if program != "git" {
            return UpstreamError::unavailable(said);
        }
        let mut command = self.command(Path::new(program));
        let repository = format!("https://{repository}");
        command
            .args(["ls-remote", "-q", "--end-of-options"])
            .arg(&repository);
        let ended = match self.run(command).await {
            Ok(ended) => ended,
            Err(cut) => return self.cut(cut, target),
        };
        let complaint = String::from_utf8_lossy(&ended.stderr);
        let said = format!("{said}: {}", sentence(&complaint));
        match outcome::command(&complaint) {
            Outcome::Refused => UpstreamError::not_found(said),
            Outcome::DiskFull => disk_full(),
            Outcome::Unauthorized => self.unauthorized(Some(&repository), said).await,
            _ => UpstreamError::unavailable(said),
        }
    }

    fn cut(&self, cut: Cut, target: &Target) -> UpstreamError {
        match cut {
            Cut::NotStarted(error) if error.kind() == io::ErrorKind::NotFound => UpstreamError::Unsupported {
                reason: "direct needs the go command, and there is none on this server's PATH: install Go, or name \
                         a proxy in upstream.chain"
                    .into(),
            },
            cut @ (Cut::Silent(_) | Cut::TooLong(_)) => {
                UpstreamError::timed_out(format!("{}: version control was given up: {cut}", target.as_str()))
            }
            cut => {
                tracing::warn!(error = ?cut, target = target.as_str(), "a run of the go command was cut off");
                UpstreamError::unavailable(format!("{}: version control was given up: {cut}", target.as_str()))
            }
        }
    }

    /// Copies a file that `go` wrote into the spool.
    pub(crate) async fn file(&self, module: &ModuleVersion, kind: Kind) -> Result<Body, UpstreamError> {
        let file = ModuleFile::new(module.clone(), kind);
        let path = self.cache.modules().join("cache/download").join(file.tree_path());
        let mut writer = self.go.settings.spool.writer();
        let context = self.context.clone();
        let copied = spawn_blocking(move || {
            let unreadable = |error: io::Error| {
                UpstreamError::unavailable(format!("{file}: the go command's file: {error}"))
            };
            let mut from = fs::File::open(path)
                .map_err(unreadable)?
                .take(kind.facts().max_size + 1);
            let mut buffer = vec![0; 256 << 10];
            loop {
                let read = from.read(&mut buffer).map_err(unreadable)?;
                if read == 0 {
                    break;
                }
                context.note_activity();
                writer
                    .write_all(buffer.get(..read).unwrap_or_default())
                    .map_err(SpoolError::from)?;
            }
            if writer.size() > kind.facts().max_size {
                return Err(UpstreamError::not_found(format!(
                    "{file} is larger than a module's file may be"
                )));
            }
            Ok(writer.seal()?)
        });
        copied.await.map_err(|_| ended_early())?
    }

    /// Removes what is not needed of a version once its files are copied: the zip, and the tree made of it. Its
    /// `.info`, its `.mod` and the clone stay.
    pub(crate) async fn discard(&self, module: &ModuleVersion, unpacked: Option<PathBuf>) {
        let unpacked = unpacked.filter(|folder| self.cache.holds(folder));
        let zip = ModuleFile::new(module.clone(), Kind::Zip).tree_path();
        let zip = self.cache.modules().join("cache/download").join(zip);
        let removed = spawn_blocking(move || {
            let _ = fs::remove_file(zip.with_extension("ziphash"));
            let _ = fs::remove_file(zip);
            if let Some(folder) = unpacked {
                let _ = fs::remove_dir_all(folder);
            }
        });
        // What could not be removed is counted with its cache, and goes with it.
        let _ = removed.await;
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let cache = Arc::clone(&self.cache);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || cache.leave());
        }
    }
}

fn busy(parallel: usize) -> UpstreamError {
    UpstreamError::Unavailable {
        reason: format!("direct is busy: {parallel} fetches from version control run already").into(),
        retry_after: Some(Duration::from_secs(10)),
    }
}

fn missing(target: &Target, program: &str) -> UpstreamError {
    let reason = format!(
        "{}: {program} is not installed beside this server",
        target.as_str()
    );
    UpstreamError::Unsupported {
        reason: reason.into(),
    }
}

fn ended_early() -> UpstreamError {
    UpstreamError::unavailable("direct: an internal task ended without an answer")
}

fn disk_full() -> UpstreamError {
    SpoolError::from(io::Error::from(io::ErrorKind::StorageFull)).into()
}

fn our_disk(error: io::Error, what: &str) -> UpstreamError {
    match SpoolError::from(error) {
        full @ SpoolError::Full(_) => full.into(),
        SpoolError::Io(error) => UpstreamError::unavailable(format!("direct: {what}: {}", error.kind())),
    }
}
