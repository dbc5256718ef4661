//! One run of a program: captured, watched, and ended with all its children.
//!
//! `go` starts `git`, which starts `git-remote-https` or `ssh`: to end only the first would leave the others to fetch on. So the
//! program leads a process group of its own, and the whole group is ended when it goes silent, takes too long, writes too
//! much, or when nobody waits for it any more (the future is dropped). First politely, since `git` takes its lock files
//! away then, and soon after without asking.

use super::progress::Watch;
use proxy_core::upstream::FetchContext;
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpgid};
use std::{
    any::Any,
    io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, ChildStderr, ChildStdout, Command},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

/// How long a run may be silent, how long it may take at all, and how much it may bring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) silence: Duration,
    pub(crate) duration: Duration,
    /// Bytes the watched folders may grow by.
    pub(crate) growth: u64,
}

/// What a program wrote, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    /// The beginning of it, at most 64 KiB.
    pub(crate) stderr: Vec<u8>,
}

/// Why a run did not end by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cut {
    #[error("the program could not be started")]
    NotStarted(#[source] io::Error),
    #[error("nothing moved for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("it took longer than {} s", .0.as_secs())]
    TooLong(Duration),
    #[error("it brought more than {0} bytes")]
    TooMuch(u64),
    #[error("its output could not be read")]
    Output(#[source] io::Error),
}

/// What must outlive the processes of a run, such as the lock on the folders they write.
pub(crate) type Kept = Arc<dyn Any + Send + Sync>;

/// The longest answer read from a program: `go list -m -versions` of a hundred thousand tags has 3 MB.
const LONGEST_OUTPUT: u64 = 32 << 20;
/// The longest complaint kept.
const LONGEST_COMPLAINT: u64 = 64 << 10;
/// The most memory of its own that a process may have, in bytes; what it maps of files is not counted.
#[cfg(target_os = "linux")]
const MOST_MEMORY: u64 = 4 << 30;
/// How long a group may take to put things in order once it is told to end.
const GRACE: Duration = Duration::from_millis(500);
/// How many times, 20 ms apart, an ended group is asked for what is left of it.
const REAPED_WITHIN: u32 = 50;

/// Runs a command to its end, or ends it. While it runs, `growing` is watched; whatever moves renews the context's
/// budget of silence. `kept` is let go when the last of its processes has ended.
pub(crate) async fn run(
    mut command: Command,
    growing: Vec<PathBuf>,
    bounds: Bounds,
    context: &FetchContext,
    kept: Kept,
) -> Result<Ended, Cut> {
    let started = Instant::now();
    command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let child = command.spawn().map_err(Cut::NotStarted)?;
    // Starting it is progress: the budget of silence should not pay for what was tried before.
    context.note_activity();
    let mut group = Group::lead_by(child, kept);
    group.limit_memory();
    let Some((stdout, stderr)) = group.outputs() else {
        return Err(Cut::Output(io::ErrorKind::BrokenPipe.into()));
    };
    let captured = async {
        tokio::try_join!(
            capture(stdout, LONGEST_OUTPUT, Overflow::Fails, context),
            capture(stderr, LONGEST_COMPLAINT, Overflow::Dropped, context),
        )
    };
    let watched = watch(Watch::new(growing, group.number()), bounds, context);
    let (stdout, stderr) = tokio::select! {
        captured = captured => captured.map_err(Cut::Output)?,
        () = context.silence(bounds.silence) => return Err(Cut::Silent(bounds.silence)),
        () = sleep_until(started + bounds.duration) => return Err(Cut::TooLong(bounds.duration)),
        () = watched => return Err(Cut::TooMuch(bounds.growth)),
    };
    // Both outputs are closed, so the program has ended or is about to.
    tokio::select! {
        status = group.wait() => Ok(Ended { status: status.map_err(Cut::Output)?, stdout, stderr }),
        () = sleep_until(started + bounds.duration) => Err(Cut::TooLong(bounds.duration)),
    }
}

/// Looks again and again; ends only when too much came.
async fn watch(watch: Watch, bounds: Bounds, context: &FetchContext) {
    let every = (bounds.silence / 15).clamp(Duration::from_millis(20), Duration::from_secs(2));
    // The first look is at once: what comes is counted from the beginning.
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watch = Some(watch);
    loop {
        ticks.tick().await;
        let Some(mut taken) = watch.take() else {
            return std::future::pending().await;
        };
        let looked = tokio::task::spawn_blocking(move || (taken.look(every), taken)).await;
        if let Ok((look, back)) = looked {
            watch = Some(back);
            if look.moved {
                context.note_activity();
            }
            if look.grown > bounds.growth {
                return;
            }
        }
    }
}

/// What to do with bytes over the limit.
#[derive(Clone, Copy)]
enum Overflow {
    Fails,
    Dropped,
}

async fn capture(
    mut from: impl AsyncRead + Unpin,
    limit: u64,
    overflow: Overflow,
    context: &FetchContext,
) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(kept);
        }
        context.note_activity();
        let room = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .saturating_sub(kept.len());
        if room < read && matches!(overflow, Overflow::Fails) {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the output is too long",
            ));
        }
        kept.extend(buffer.iter().take(read.min(room)));
    }
}

/// A process group, which ends when this is dropped.
struct Group {
    leader: Option<Child>,
    pid: Option<Pid>,
    told_to_end: bool,
    kept: Kept,
}

impl Group {
    fn lead_by(leader: Child, kept: Kept) -> Self {
        let pid = leader
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        Self {
            leader: Some(leader),
            pid,
            told_to_end: false,
            kept,
        }
    }

    fn number(&self) -> i32 {
        self.pid.map_or(-1, |pid| pid.as_raw_nonzero().get())
    }

    /// Bounds what each process of the group may have of memory of its own: a pack can unfold to anything. Those that are
    /// started later inherit the bound.
    fn limit_memory(&self) {
        #[cfg(target_os = "linux")]
        if let Some(pid) = self.pid {
            let most = rustix::process::Rlimit {
                current: Some(MOST_MEMORY),
                maximum: Some(MOST_MEMORY),
            };
            // Where it may not be set, the other bounds still hold.
            let _unbounded =
                rustix::process::prlimit(Some(pid), rustix::process::Resource::Data, most).is_err();
        }
    }

    fn outputs(&mut self) -> Option<(ChildStdout, ChildStderr)> {
        let leader = self.leader.as_mut()?;
        Some((leader.stdout.take()?, leader.stderr.take()?))
    }

    /// Waits for the leader; after that the group's number may be another's, so it is not used again.
    async fn wait(&mut self) -> io::Result<ExitStatus> {
        let Some(leader) = self.leader.as_mut() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let status = leader.wait().await?;
        self.leader = None;
        Ok(status)
    }

    fn signal(&self, signal: Signal) {
        // Only while the leader has not been waited for: until then nobody else can have its number.
        if let (Some(_), Some(pid)) = (&self.leader, self.pid) {
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Ends the group without asking again, once it has had its grace, and reaps what is left of it.
    async fn end(mut self) {
        sleep(GRACE).await;
        self.signal(Signal::KILL);
        let _ = self.wait().await;
        // Where this server is process 1 of a container, the orphans of the group have become its children.
        let Some(pid) = self.pid else { return };
        for _ in 0..REAPED_WITHIN {
            match waitpgid(pid, WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => sleep(Duration::from_millis(20)).await,
                Err(_) => return,
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.leader.is_none() {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !self.told_to_end => {
                self.signal(Signal::TERM);
                let kept = Arc::clone(&self.kept);
                let group = Self {
                    leader: self.leader.take(),
                    pid: self.pid,
                    told_to_end: true,
                    kept,
                };
                runtime.spawn(group.end());
            }
            // The runtime is going, so nobody will be there after the grace.
            _ => self.signal(Signal::KILL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const BOUNDS: Bounds = Bounds {
        silence: Duration::from_secs(20),
        duration: Duration::from_secs(20),
        growth: u64::MAX,
    };

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        command
    }

    async fn run_in(script: &str, folder: &std::path::Path, bounds: Bounds) -> Result<Ended, Cut> {
        let mut command = shell(script);
        command.current_dir(folder);
        run(
            command,
            vec![folder.into()],
            bounds,
            &FetchContext::default(),
            Arc::new(()),
        )
        .await
    }

    /// Waits until no process has this number, or is only waiting to be reaped by somebody else.
    async fn gone(pid: i32) {
        let alive = || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit_once(") ")
                .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
        };
        let waited = async {
            while alive() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waited)
            .await
            .expect("the process goes on");
    }

    async fn number_in(file: &std::path::Path) -> i32 {
        let read = async {
            loop {
                let text = std::fs::read_to_string(file).unwrap_or_default();
                if let Some(number) = text.strip_suffix('\n').and_then(|text| text.parse().ok()) {
                    return number;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), read)
            .await
            .expect("the child starts")
    }

    #[tokio::test]
    async fn output_and_status_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let ended = run_in("echo out; echo err >&2; exit 3", folder.path(), BOUNDS)
            .await
            .unwrap();
        assert_eq!(
            (ended.stdout, ended.stderr, ended.status.code()),
            (b"out\n".into(), b"err\n".into(), Some(3))
        );
    }

    #[tokio::test]
    async fn a_long_complaint_is_cut_and_does_not_block_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let ended = run_in("yes | head -c 1000000 >&2", folder.path(), BOUNDS)
            .await
            .unwrap();
        assert_eq!(ended.stderr.len() as u64, LONGEST_COMPLAINT);
    }

    #[tokio::test]
    async fn children_end_with_the_group_when_nobody_waits_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let script = "sh -c 'trap \"\" TERM; echo $$ > child; while :; do sleep 1; done' & wait";
        let kept: Kept = Arc::new(());
        let mut command = shell(script);
        command.current_dir(folder.path());
        let context = FetchContext::default();
        let running = run(command, vec![], BOUNDS, &context, Arc::clone(&kept));
        let child = {
            let mut running = std::pin::pin!(running);
            let file = folder.path().join("child");
            tokio::select! {
                child = number_in(&file) => child,
                ended = &mut running => panic!("{ended:?}"),
            }
        };
        gone(child).await;
    }

    #[tokio::test]
    async fn silence_ends_a_run_and_growth_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let bounds = Bounds {
            silence: Duration::from_millis(600),
            ..BOUNDS
        };
        let grows = "for n in 1 2 3 4 5 6 7 8 9 10; do echo $n >> pack; sleep 0.1; done";
        assert!(run_in(grows, folder.path(), bounds).await.is_ok());
        assert!(matches!(
            run_in("sleep 60", folder.path(), bounds).await,
            Err(Cut::Silent(_))
        ));
    }

    #[tokio::test]
    async fn time_and_growth_have_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let short = Bounds {
            duration: Duration::from_millis(50),
            ..BOUNDS
        };
        assert!(matches!(
            run_in("sleep 60", folder.path(), short).await,
            Err(Cut::TooLong(_))
        ));
        let narrow = Bounds {
            growth: 1000,
            silence: Duration::from_millis(300),
            ..BOUNDS
        };
        let grows = "while :; do echo 0123456789 >> pack; done";
        assert!(matches!(
            run_in(grows, folder.path(), narrow).await,
            Err(Cut::TooMuch(1000))
        ));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn memory_has_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        // The bound is set when the program runs already.
        let script = "while [ $(ulimit -d) = unlimited ]; do sleep 0.01; done; sh -c 'ulimit -d'";
        let ended = run_in(script, folder.path(), BOUNDS).await.unwrap();
        assert_eq!(ended.stdout, format!("{}\n", MOST_MEMORY / 1024).as_bytes());
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told_apart() {
        let command = Command::new("no-such-program-here");
        let ended = run(command, vec![], BOUNDS, &FetchContext::default(), Arc::new(())).await;
        assert!(matches!(ended, Err(Cut::NotStarted(error)) if error.kind() == io::ErrorKind::NotFound));
    }
}
