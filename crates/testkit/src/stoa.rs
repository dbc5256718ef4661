//! A running `stoa`: started on a folder and a port of its own, with an environment that the test wrote.

use crate::{
    client::{self, Answer, block_on, get},
    port::Port,
    process,
};
use std::{
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long starting and stopping may take: it only ends what hangs.
const TIME_LIMIT: Duration = Duration::from_secs(60);
const LONG_LIMIT: Duration = Duration::from_secs(60 * 60);

/// How a `stoa` is to be started.
#[derive(Clone, Debug)]
pub struct Stoa {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: Arc<TempDir>,
    work: PathBuf,
    port: Arc<Port>,
    listen: bool,
}

/// A `stoa` that runs; it is killed when this is dropped.
#[derive(Debug)]
pub struct StoaProcess {
    setup: Stoa,
    child: Child,
    log: Arc<Log>,
}

/// What it printed so far, both ways out in order of arrival.
#[derive(Debug, Default)]
struct Log {
    printed: Mutex<Printed>,
    grown: Condvar,
}

#[derive(Debug, Default)]
struct Printed {
    text: String,
    /// How many ways out are still open.
    open: usize,
}

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// The most that was ever resident.
    pub peak: u64,
    /// What is resident now without a file behind it.
    pub anonymous: u64,
    /// What is resident now of files: the program itself, which the kernel may drop and read again.
    pub of_files: u64,
}

impl Memory {
    /// The most that it ever held beside its own code, which in a debug build alone is some 40 MB.
    pub fn peak_beside_code(&self) -> u64 {
        self.peak.saturating_sub(self.of_files)
    }
}

impl Stoa {
    /// A `stoa` of this program (`env!("CARGO_BIN_EXE_stoa")`), in a folder of its own as working folder and home.
    ///
    /// It has no checksum database (`GOSUMDB=off`) until told otherwise: none knows the modules of tests.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let folder = TempDir::with_prefix("stoa-test-").expect("a folder can be made");
        let work = folder.path().to_owned();
        let setup = Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: Arc::new(folder),
            work,
            port: Arc::new(Port::reserve()),
            listen: true,
        };
        let home = setup.folder().join("home");
        fs::create_dir(&home).expect("a folder can be made");
        let setup = setup
            .environment("HOME", home)
            .environment("GOENV", "off")
            .environment("GOSUMDB", "off")
            .environment("GOTELEMETRY", "off");
        setup.environment("PATH", search_path())
    }

    /// The binary that a run gives its tests to try (`STOA_TEST_BINARY`), such as the one of a release, else this one.
    #[expect(
        clippy::disallowed_methods,
        reason = "what a test is to try is no setting of the program"
    )]
    pub fn tried(built: impl Into<PathBuf>) -> PathBuf {
        match std::env::var_os("STOA_TEST_BINARY") {
            Some(binary) if !binary.is_empty() => binary.into(),
            _ => built.into(),
        }
    }

    /// With more arguments, after `serve`.
    #[must_use]
    pub fn arguments<S: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Fetching from this GOPROXY list.
    #[must_use]
    pub fn upstream(self, list: &str) -> Self {
        self.arguments(["--upstream", list])
    }

    /// With a variable in its environment, which is otherwise nearly empty.
    #[must_use]
    pub fn environment(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.retain(|(held, _)| held != name);
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Without a variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.environment.retain(|(held, _)| held != name);
        self
    }

    /// With this `stoa.toml` in its working folder.
    #[must_use]
    pub fn configuration(self, toml: &str) -> Self {
        fs::write(self.work.join("stoa.toml"), toml).expect("a file can be written");
        self
    }

    /// Running in the folder of another, on a port of its own: two processes over one store.
    #[must_use]
    pub fn beside(mut self, other: &Self) -> Self {
        self.folder = Arc::clone(&other.folder);
        self.work.clone_from(&other.work);
        self
    }

    /// Without `--listen`: it listens where it is configured to, not on the reserved port.
    #[must_use]
    pub fn listening_by_itself(mut self) -> Self {
        self.listen = false;
        self
    }

    /// Its working folder; the store is `stoa-data` in it unless told otherwise.
    pub fn folder(&self) -> &Path {
        &self.work
    }

    /// The default store's folder.
    pub fn store(&self) -> PathBuf {
        self.work.join("stoa-data")
    }

    /// The reserved address it listens on.
    pub fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// Runs another command of the program to its end, in the same folder and environment.
    pub fn run<S: Into<OsString>>(&self, arguments: impl IntoIterator<Item = S>) -> process::Finished {
        let mut command = self.command();
        command.args(arguments.into_iter().map(Into::into));
        process::run(command, TIME_LIMIT).expect("a command of stoa ends")
    }

    /// The same for a command that may take an hour, as filling a large store does.
    pub fn run_long<S: Into<OsString>>(&self, arguments: impl IntoIterator<Item = S>) -> process::Finished {
        let mut command = self.command();
        command.args(arguments.into_iter().map(Into::into));
        process::run(command, LONG_LIMIT).expect("a command of stoa ends")
    }

    /// Starts `stoa serve` and waits until it answers. Panics with its log if it does not.
    pub fn start(&self) -> StoaProcess {
        let process = self.spawn();
        process.wait_until_it_answers();
        process
    }

    /// Starts `stoa serve` without waiting.
    pub fn spawn(&self) -> StoaProcess {
        let mut command = self.command();
        command.arg("serve").args(&self.arguments);
        if self.listen {
            command.arg("--listen").arg(self.port.address().to_string());
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let log = Arc::new(Log::default());
        log.follow(child.stdout.take());
        log.follow(child.stderr.take());
        StoaProcess {
            setup: self.clone(),
            child,
            log,
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.work).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl StoaProcess {
    /// How it was started.
    pub fn setup(&self) -> &Stoa {
        &self.setup
    }

    /// Its address, for GOPROXY.
    pub fn url(&self) -> String {
        self.setup.url()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// GETs a path of it. Panics if no answer comes.
    pub async fn get(&self, path: &str) -> Answer {
        match get(&format!("{}{path}", self.url())).await {
            Ok(answer) => answer,
            Err(error) => panic!("no answer to {path}: {error}\n{}", self.log()),
        }
    }

    /// The same from a test that is not async.
    pub fn get_blocking(&self, path: &str) -> Answer {
        block_on(self.get(path))
    }

    /// Sends a request as it is written; see [`client::send_raw`].
    pub async fn send_raw(&self, bytes: &[u8]) -> Vec<u8> {
        client::send_raw(self.setup.port.address(), bytes)
            .await
            .expect("the server reads and answers")
    }

    /// What it printed so far.
    pub fn log(&self) -> String {
        self.log.printed.lock().expect("no holder panics").text.clone()
    }

    /// Waits until it has printed this. Panics if it does not within a minute.
    pub fn wait_for_log(&self, part: &str) {
        let seen = self.log.wait_until(|printed| printed.text.contains(part));
        assert!(seen, "never said {part:?}:\n{}", self.log());
    }

    /// What memory it uses, from the kernel.
    pub fn memory(&self) -> Memory {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("the process is alive");
        let field = |name: &str| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .expect("Linux tells");
            line.trim()
                .trim_end_matches(" kB")
                .parse::<u64>()
                .expect("it is a number")
                * 1024
        };
        Memory {
            peak: field("VmHWM:"),
            anonymous: field("RssAnon:"),
            of_files: field("RssFile:"),
        }
    }

    /// How long it has kept processors busy, its own threads only.
    pub fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("the process is alive");
        // Behind the name: state is field 3, user time field 14, system time field 15, in hundredths of a second.
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
        let ticks = fields
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok());
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }

    /// How many processes it has started that still run.
    pub fn children(&self) -> usize {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.id())).expect("the process is alive");
        let lists = tasks
            .flatten()
            .filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        lists.map(|list| list.split_whitespace().count()).sum()
    }

    /// `kill -9`.
    pub fn kill(mut self) -> Stoa {
        self.child.kill().expect("it is ours to kill");
        self.child.wait().expect("it was started");
        self.setup.clone()
    }

    /// Asks it to stop (SIGTERM), without waiting.
    pub fn ask_to_stop(&self) {
        process::terminate(&self.child).expect("it is ours to stop");
    }

    /// Asks it to read its files again (SIGHUP).
    pub fn hang_up(&self) {
        process::hang_up(&self.child).expect("it is ours to ask");
    }

    /// Asks it to stop and waits until it has. Panics if it stays a minute.
    pub fn stop(mut self) -> (ExitStatus, String) {
        self.ask_to_stop();
        let status = self.wait();
        (status, self.log())
    }

    /// Waits for its end. Panics if it stays a minute.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + TIME_LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().expect("it was started") {
                // Its last words may still be on their way.
                self.log.wait_until(|printed| printed.open == 0);
                return status;
            }
            assert!(Instant::now() < deadline, "it does not stop:\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// `kill -9`, then starts it again on the same folder and port.
    pub fn restart(self) -> Self {
        self.kill().start()
    }

    fn wait_until_it_answers(&self) {
        let url = format!("{}/healthz", self.url());
        let deadline = Instant::now() + TIME_LIMIT;
        while !matches!(block_on(get(&url)), Ok(answer) if answer.status == 200) {
            let ended = self.has_ended();
            assert!(
                !ended && Instant::now() < deadline,
                "stoa did not start:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it has ended, seen without collecting it.
    fn has_ended(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_none_or(|(_, rest)| rest.starts_with('Z'))
    }
}

impl Drop for StoaProcess {
    fn drop(&mut self) {
        // It may have ended before; then there is nothing to kill, and waiting only collects it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Log {
    /// Takes in every line of a pipe, on a thread of its own.
    fn follow(self: &Arc<Self>, pipe: Option<impl Read + Send + 'static>) {
        let log = Arc::clone(self);
        let Some(pipe) = pipe else { return };
        log.printed.lock().expect("no holder panics").open += 1;
        thread::spawn(move || {
            let mut lines = BufReader::new(pipe);
            let mut line = Vec::new();
            while matches!(lines.read_until(b'\n', &mut line), Ok(count) if count > 0) {
                let mut printed = log.printed.lock().expect("no holder panics");
                printed.text.push_str(&String::from_utf8_lossy(&line));
                log.grown.notify_all();
                line.clear();
            }
            log.printed.lock().expect("no holder panics").open -= 1;
            log.grown.notify_all();
        });
    }

    /// Waits for something to be true of it; says whether it came true within a minute.
    fn wait_until(&self, wanted: impl Fn(&Printed) -> bool) -> bool {
        let printed = self.printed.lock().expect("no holder panics");
        let waited = self
            .grown
            .wait_timeout_while(printed, TIME_LIMIT, |printed| !wanted(printed));
        !waited.expect("no holder panics").1.timed_out()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests hand their own search path on to what they start"
)]
fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}
