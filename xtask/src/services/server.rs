//! A server that tests need and that is one process: installed below `target/services`, started there on free ports of loopback, remembered
//! by its process id, and stopped by it.
//!
//! One that runs already is used again, whoever started it, so test runs share servers.

use super::{Environment, Service};
use crate::{Failure, tree};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long a server may take to be ready: it may be started beside a whole compilation.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often a server is started that dies at once: somebody may have taken one of its ports in between.
const ATTEMPTS: u32 = 3;

/// The place of one server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(pub(super) &'static str);

/// A server about to be started.
pub(super) struct Plan {
    /// What is run.
    pub(super) command: Command,
    /// How tests find it.
    pub(super) environment: Environment,
    /// Asks whether it is ready.
    pub(super) ready: Box<dyn Fn() -> bool>,
}

/// A server that is one process.
pub(super) struct Server {
    /// Where it is.
    pub(super) place: Place,
    /// Installs it where need be, and says how it is started.
    pub(super) plan: fn() -> Result<Plan, Failure>,
}

impl Service for Server {
    fn name(&self) -> &str {
        self.place.0
    }

    fn is_up(&self) -> bool {
        self.place.running().is_some()
    }

    fn up(&self) -> Result<Environment, Failure> {
        self.place.provide(self.plan)
    }

    fn down(&self) -> Result<(), Failure> {
        self.place.stop()
    }
}

impl Place {
    /// The folder of everything that belongs to it.
    pub(super) fn folder(self) -> PathBuf {
        tree::root().join("target/services").join(self.0)
    }

    /// A folder for its data, empty.
    pub(super) fn fresh_data(self) -> Result<PathBuf, Failure> {
        let data = self.folder().join("data");
        if data.exists() {
            fs::remove_dir_all(&data).map_err(|error| format!("{}: {error}", data.display()))?;
        }
        fs::create_dir_all(&data).map_err(|error| format!("{}: {error}", data.display()))?;
        Ok(data)
    }

    /// The variables of the server that runs, if it does.
    fn running(self) -> Option<Environment> {
        let state: Value = serde_json::from_str(&fs::read_to_string(self.state_file()).ok()?).ok()?;
        let pid = u32::try_from(state["pid"].as_u64()?).ok()?;
        // A number alone could be another process' by now.
        if started_at(pid)? != state["started"].as_str()? {
            return None;
        }
        let variables = state["environment"].as_object()?;
        let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        variables.iter().map(text).collect()
    }

    /// Uses the server that runs, or starts one and waits until it is ready.
    fn provide(self, plan: impl Fn() -> Result<Plan, Failure>) -> Result<Environment, Failure> {
        if let Some(environment) = self.running() {
            return Ok(environment);
        }
        let mut failure = String::new();
        for _ in 0..ATTEMPTS {
            let Plan {
                mut command,
                environment,
                ready,
            } = plan()?;
            let log = self.folder().join("log");
            let file = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
            let errors = file
                .try_clone()
                .map_err(|error| format!("{}: {error}", log.display()))?;
            command.stdin(Stdio::null()).stdout(file).stderr(errors);
            let mut child = command
                .spawn()
                .map_err(|error| format!("{} cannot be started: {error}", self.0))?;
            if wait(&mut child, &*ready) {
                self.remember(&child, &environment)?;
                return Ok(environment);
            }
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
            failure = fs::read_to_string(&log).unwrap_or_default();
        }
        let end: Vec<&str> = failure.lines().rev().take(5).collect();
        let end: Vec<&str> = end.into_iter().rev().collect();
        Err(format!("{} does not start: {}", self.0, end.join(" / ")))
    }

    /// Stops it, if it runs.
    fn stop(self) -> Result<(), Failure> {
        if self.running().is_some()
            && let Ok(text) = fs::read_to_string(self.state_file())
            && let Ok(state) = serde_json::from_str::<Value>(&text)
            && let Some(pid) = state["pid"].as_u64()
        {
            // At once: some take half a minute to end in good order, and what they hold is for tests.
            let status = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
            status.map_err(|error| format!("{} cannot be stopped: {error}", self.0))?;
        }
        match fs::remove_file(self.state_file()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", self.0)),
            _ => Ok(()),
        }
    }

    fn remember(self, child: &Child, environment: &Environment) -> Result<(), Failure> {
        let variables: serde_json::Map<String, Value> = environment
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect();
        let started = started_at(child.id()).ok_or_else(|| format!("{} ended at once", self.0))?;
        let state = json!({ "pid": child.id(), "started": started, "environment": variables });
        fs::write(self.state_file(), state.to_string()).map_err(|error| format!("{}: {error}", self.0))
    }

    fn state_file(self) -> PathBuf {
        self.folder().join("running.json")
    }

    /// Makes a Python environment with this package in it, once; gives its folder of programs.
    pub(super) fn python(self, package: &str) -> Result<PathBuf, Failure> {
        let programs = self.folder().join("venv/bin");
        self.installed(package, || {
            crate::programs::PYTHON.provide()?;
            let venv = self.folder().join("venv");
            finish(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
            let mut pip = Command::new(programs.join("pip"));
            finish(pip.args(["install", "--quiet", "--disable-pip-version-check", package]))
        })?;
        Ok(programs)
    }

    /// Installs this npm package, once; gives the folder of its programs.
    pub(super) fn npm(self, package: &str) -> Result<PathBuf, Failure> {
        self.installed(package, || {
            crate::programs::NPM.provide()?;
            let mut npm = Command::new("npm");
            npm.args([
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--no-save",
                "--prefix",
                ".",
            ]);
            finish(npm.arg(package).current_dir(self.folder()))
        })?;
        Ok(self.folder().join("node_modules/.bin"))
    }

    /// Does what installs a package, unless it was done before, and says so.
    fn installed(self, package: &str, install: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
        let folder = self.folder();
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mark = folder.join("installed");
        if fs::read_to_string(&mark).is_ok_and(|installed| installed == package) {
            return Ok(());
        }
        eprintln!("==> installing {package} below target/services/{}", self.0);
        install()?;
        fs::write(&mark, package).map_err(|error| format!("{}: {error}", mark.display()))
    }
}

fn finish(command: &mut Command) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    // What it prints is for people, and the output of `services up` is for programs.
    let status = command.stdout(Stdio::null()).status();
    match status.map_err(|error| format!("{name} cannot be started: {error}"))? {
        status if status.success() => Ok(()),
        status => Err(format!("{name} failed ({status})")),
    }
}

/// As many free ports as asked for, all different. They are free now; a server that finds one taken is started anew.
pub(super) fn free_ports<const N: usize>() -> Result<[u16; N], Failure> {
    let no_port = |error: std::io::Error| format!("no port is free: {error}");
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(no_port)?;
        *port = listener.local_addr().map_err(no_port)?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Sends a request to a port of loopback, and gives the status of the answer.
pub(super) fn ask(port: u16, method: &str, target: &str, body: &str) -> Option<u16> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    line.split(' ').nth(1)?.parse().ok()
}

fn wait(child: &mut Child, ready: &dyn Fn() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if !matches!(child.try_wait(), Ok(None)) {
            return false;
        }
        if ready() {
            return true;
        }
        thread::sleep(Duration::from_millis(100));
    }
    false
}

/// When a process was started, in the system's own words: what tells it from a later one of the same number.
fn started_at(pid: u32) -> Option<String> {
    if let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) {
        // Behind the name, which may hold anything, in parentheses: the state, and as the twentieth the start.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        return (fields.first() != Some(&"Z")).then(|| fields.get(19).map(|&start| start.to_owned()))?;
    }
    let told = Command::new("ps")
        .args(["-o", "lstart=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let told = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    (!told.is_empty()).then_some(told)
}
