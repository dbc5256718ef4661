//! What the `go` command on this machine is set to.

use std::{
    cell::OnceCell,
    collections::BTreeMap,
    io::Read,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// Tells what `go env` says; a test makes its own.
pub(crate) trait GoCommand {
    /// The value of a variable, as `go env` says it; `None` without a `go` command.
    fn setting(&self, name: &str) -> Option<String>;
    /// GOPROXY as it is where nobody set anything.
    fn proxy_by_default(&self) -> Option<String>;
}

/// The `go` command that the PATH names. It is run once at most for the settings, and only when it is asked.
#[derive(Default)]
pub(crate) struct GoOnPath {
    settings: OnceCell<BTreeMap<String, String>>,
}

/// `go env` takes ten milliseconds; one that hangs must not keep the mirror from starting.
const PATIENCE: Duration = Duration::from_secs(5);

impl GoCommand for GoOnPath {
    fn setting(&self, name: &str) -> Option<String> {
        let ask = || run(go_env().args(["-json", "GOPROXY", "GOSUMDB"])).unwrap_or_default();
        self.settings
            .get_or_init(ask)
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
    }

    fn proxy_by_default(&self) -> Option<String> {
        let mut said = run(go_env()
            .args(["-json", "GOPROXY"])
            .env_remove("GOPROXY")
            .env("GOENV", "off"))?;
        said.remove("GOPROXY").filter(|value| !value.is_empty())
    }
}

fn go_env() -> Command {
    let mut command = Command::new("go");
    // From the root, so that no go.mod or go.work around us has a say; and never by downloading another go.
    command.arg("env").current_dir("/").env("GOTOOLCHAIN", "local");
    command
}

fn run(command: &mut Command) -> Option<BTreeMap<String, String>> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut output = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if output.read_to_end(&mut bytes).is_ok() {
            // Nobody listens any more if it took too long.
            let _ = sender.send(bytes);
        }
    });
    let bytes = receiver.recv_timeout(PATIENCE);
    if bytes.is_err() {
        // It may have ended by itself in this moment; either way it is gone afterwards.
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    if status.success() {
        serde_json::from_slice(&bytes.ok()?).ok()
    } else {
        None
    }
}
