//! What all ways have in common: the binary that is tried, the programs that try it, and where things are.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, OnceLock},
    thread,
    time::Duration,
};
use testkit::{
    client::{block_on, get},
    process::{Finished, run, terminate},
};

/// Making a root folder with version control in it takes minutes on a busy machine; this only ends what hangs.
const LIMIT: Duration = Duration::from_secs(1800);

/// A program in Go that nothing here brings: the package it is installed from, and its version.
const HELM: (&str, &str) = ("helm", "helm.sh/helm/v3/cmd/helm@v3.21.4");
const ACTIONLINT: (&str, &str) = ("actionlint", "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12");

/// A program that runs beside a test, and ends with it if it did not before.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Starts it, with nothing to read and its log shown.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null());
        Self(
            command
                .spawn()
                .unwrap_or_else(|error| panic!("{command:?}: {error}")),
        )
    }

    /// Waits until a page of it says 200.
    pub(crate) fn answers(&mut self, page: &str) {
        while !block_on(get(page)).is_ok_and(|answer| answer.status == 200) {
            assert!(
                self.0.try_wait().expect("it was started").is_none(),
                "it ended before it answered"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        terminate(&self.0).expect("it is ours to stop");
        self.0.wait().expect("it was started")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to end, and waiting only collects it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The top of the tree.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the tree")
        .to_owned()
}

/// Below the top of the tree.
pub(crate) fn at(path: &str) -> PathBuf {
    root().join(path)
}

/// A file of the tree.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whether what takes minutes is to run as well: `cargo xtask deploy` without `--quick`.
pub(crate) fn all() -> bool {
    let all = variable("STOA_TEST_DEPLOY").as_deref() == Some("all");
    if !all {
        println!("left to `cargo xtask deploy`, which takes minutes");
    }
    all
}

/// The binary that is tried: the release binary that was handed in, else the one beside this test.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = variable("STOA_TEST_BINARY") {
            return path.into();
        }
        // Whoever tests the whole workspace has built it beside this test; by itself, cargo would build it once more,
        // with other features of the libraries.
        let here = std::env::current_exe().expect("a test runs from a file");
        let beside = here.ancestors().nth(2).expect("a folder of cargo's").join("stoa");
        assert!(
            beside.exists(),
            "there is no {}: run `cargo xtask deploy --quick`, which builds it",
            beside.display()
        );
        beside
    })
}

/// Runs a program to its end. Panics with what it said if it fails.
pub(crate) fn done(command: Command) -> Finished {
    let shown = format!("{command:?}");
    let finished = ended(command);
    assert!(finished.success, "{shown}\n{finished}");
    finished
}

/// Runs a program to its end, however that is.
pub(crate) fn ended(command: Command) -> Finished {
    let shown = format!("{command:?}");
    run(command, LIMIT).unwrap_or_else(|error| panic!("{shown}: {error}"))
}

/// A program with its arguments, at the top of the tree.
pub(crate) fn command<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Whether a program is on this machine.
pub(crate) fn is_here(program: &str) -> bool {
    let mut probe = Command::new(program);
    probe.arg("--version");
    run(probe, Duration::from_secs(60)).is_ok()
}

/// `helm`, from the search path or built.
pub(crate) fn helm() -> Result<PathBuf, String> {
    go_program(HELM)
}

/// `actionlint`, from the search path or built.
pub(crate) fn actionlint() -> Result<PathBuf, String> {
    go_program(ACTIONLINT)
}

/// What others read of ours, decoded as strictly as they do; see `decode/main.go`.
pub(crate) fn decode(kind: &str, files: &[PathBuf], environment: &[(&str, &str)]) -> Vec<serde_json::Value> {
    static DECODER: OnceLock<PathBuf> = OnceLock::new();
    let decoder = DECODER.get_or_init(|| {
        let folder = tools().expect("a folder");
        let mut build = command("go", ["build", "-o"]);
        build
            .arg(folder.join("decode"))
            .arg(".")
            .current_dir(at("xtask/tests/deploy/decode"));
        done(build);
        folder.join("decode")
    });
    let mut decode = command(decoder, [kind]);
    decode.args(files).envs(environment.iter().copied());
    let decoded = done(decode).stdout;
    decoded
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn go_program((name, package): (&str, &str)) -> Result<PathBuf, String> {
    // Two tests that want one program build it once.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _alone = BUILDING.lock().map_err(|_| "a build panicked".to_owned())?;
    let built = tools()?.join(name);
    if built.exists() {
        return Ok(built);
    }
    if is_here(name) {
        return Ok(name.into());
    }
    if !is_here("go") {
        return Err(format!("{name} is not here, and there is no go to build it"));
    }
    let mut install = command("go", ["install", package]);
    install.env("GOBIN", tools()?).env("GOFLAGS", "-mod=mod");
    done(install);
    Ok(built)
}

/// Where programs are built to.
fn tools() -> Result<PathBuf, String> {
    let folder = at("target/tools");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// A variable that is set and not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "what a test is to try is no setting of the program"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
