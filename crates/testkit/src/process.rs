//! Running programs with a limit: whatever they started ends with them.

use rustix::process::{Pid, Signal};
use std::{
    fmt,
    io::{self, Read},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// A program that ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Whether it ended with status 0.
    pub success: bool,
    /// Its exit status, or -1 if a signal ended it.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// Runs a program in a process group of its own, and kills that whole group if it takes longer than the limit.
pub fn run(mut command: Command, limit: Duration) -> io::Result<Finished> {
    command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let deadline = Instant::now() + limit;
    // Both pipes end when the program and its children are gone; then waiting is short.
    let (Ok(stdout), Ok(stderr)) = (receive(&stdout, deadline), receive(&stderr, deadline)) else {
        kill_group(&mut child);
        child.wait()?;
        return Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("killed after {} s", limit.as_secs()),
        ));
    };
    let status = child.wait()?;
    Ok(Finished {
        success: status.success(),
        code: status.code().unwrap_or(-1),
        stdout,
        stderr,
    })
}

/// Asks one process that we started to stop (SIGTERM).
pub fn terminate(child: &Child) -> io::Result<()> {
    signal(child, Signal::TERM)
}

/// Tells one process that we started to leave everything as it is and go (SIGQUIT).
pub fn quit(child: &Child) -> io::Result<()> {
    signal(child, Signal::QUIT)
}

/// Tells one process that we started to read its files again (SIGHUP).
pub fn hang_up(child: &Child) -> io::Result<()> {
    signal(child, Signal::HUP)
}

/// Sends a signal to one process that we started.
fn signal(child: &Child, signal: Signal) -> io::Result<()> {
    Ok(rustix::process::kill_process(Pid::from_child(child), signal)?)
}

fn kill_group(child: &mut Child) {
    // It may have ended in this moment; then there is nobody left to kill.
    let _ = rustix::process::kill_process_group(Pid::from_child(child), Signal::KILL);
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
        }
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

fn receive(pipe: &mpsc::Receiver<String>, deadline: Instant) -> Result<String, mpsc::RecvTimeoutError> {
    pipe.recv_timeout(deadline.saturating_duration_since(Instant::now()))
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit status {}\n{}{}", self.code, self.stdout, self.stderr)
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use std::{process::Command, time::Duration};

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & sleep 60"]);
        let error = run(command, Duration::from_millis(200)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    }

    #[test]
    fn status_and_output_are_captured() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let finished = run(command, Duration::from_secs(10)).unwrap();
        assert_eq!(
            (finished.code, finished.stdout.as_str(), finished.stderr.as_str()),
            (3, "out\n", "err\n")
        );
    }
}
