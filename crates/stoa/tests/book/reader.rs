//! A reader of a page: types its commands in a clean folder, one after another, and compares what they print.
//!
//! The reader's machine has `stoa`, `go`, `git` and `curl`, a home of its own, and a `go env` that names a proxy with
//! the modules of the book. `stoa serve` is left running in its own terminal until the page ends, or until another is
//! started at the same address. Every address of the page on this machine (`127.0.0.1:3000`) stands for one that is
//! free when the test runs: nothing else is changed in what the book says.

use crate::servers::{Addresses, GoSettings, upstream};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::LazyLock,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::{
    client::{block_on, get},
    process::{self, Finished},
    proxy::FakeUpstream,
    stoa::Stoa,
};

/// How long one command may take: it only ends what hangs.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Somebody who follows a page.
pub(crate) struct Reader {
    folder: TempDir,
    /// Where the last command left the terminal.
    work: PathBuf,
    addresses: Addresses,
    settings: GoSettings,
    servers: HashMap<String, Server>,
    _upstream: FakeUpstream,
}

/// A `stoa serve` in a terminal of its own, whose log goes elsewhere.
struct Server {
    child: Child,
    output: PathBuf,
    log: PathBuf,
}

/// A command and what the page says it prints.
#[derive(Debug, PartialEq, Eq)]
struct Step<'a> {
    command: String,
    prints: Vec<&'a str>,
}

impl Reader {
    /// A reader with a clean folder and a machine that was just set up.
    pub(crate) fn new() -> Self {
        let folder = TempDir::with_prefix("stoa-book-").expect("a folder can be made");
        let work = folder.path().join("work");
        fs::create_dir(&work).expect("a folder can be made");
        let upstream = upstream();
        let settings = GoSettings::new(folder.path(), &upstream);
        Self {
            folder,
            work,
            addresses: Addresses::default(),
            settings,
            servers: HashMap::new(),
            _upstream: upstream,
        }
    }

    /// Writes a file that the page shows.
    pub(crate) fn write(&mut self, name: &str, text: &str) {
        let path = self.work.join(name);
        let folder = path.parent().expect("a file lies in a folder");
        fs::create_dir_all(folder).expect("a folder can be made");
        fs::write(path, self.addresses.on_this_machine(text)).expect("a file can be written");
    }

    /// Types the commands of a block. All of them succeed, but for the last if the page says that it fails.
    pub(crate) fn follow(&mut self, text: &str, fails: bool) -> Result<(), String> {
        let steps = steps(text)?;
        let last = steps.len().checked_sub(1).filter(|_| fails);
        let mut numbered = steps.iter().enumerate();
        numbered.try_for_each(|(number, step)| self.take(step, last == Some(number)))
    }

    fn take(&mut self, step: &Step<'_>, fails: bool) -> Result<(), String> {
        let command = self.addresses.on_this_machine(&step.command);
        let printed = if is_server(&step.command) && !fails {
            self.serve(&command)?
        } else {
            let finished = self.run(&command)?;
            if finished.success == fails {
                return Err(format!("$ {}\nended otherwise: {finished}", step.command));
            }
            finished.stdout
        };
        let expected: Vec<String> = step
            .prints
            .iter()
            .map(|line| self.addresses.on_this_machine(line))
            .collect();
        if expected.is_empty() || is_shown(&expected, &printed) {
            return Ok(());
        }
        Err(format!(
            "$ {}\nprints\n{printed}\nand not\n{}",
            step.command,
            expected.join("\n")
        ))
    }

    fn run(&mut self, command: &str) -> Result<Finished, String> {
        let place = self.folder.path().join("place");
        let script = format!(
            "exec 2>&1\n{command}\nstatus=$?\npwd > {}\nexit $status\n",
            place.display()
        );
        let finished =
            process::run(self.shell(&script), TIME_LIMIT).map_err(|error| format!("$ {command}\n{error}"))?;
        if let Ok(place) = fs::read_to_string(place) {
            self.work = PathBuf::from(place.trim_end());
        }
        Ok(finished)
    }

    /// Starts a server and waits until it answers; gives what it printed by then.
    fn serve(&mut self, command: &str) -> Result<String, String> {
        let (address, health) = self.addresses.of_server(command, &self.work);
        drop(self.servers.remove(&address)); // the reader stops the one that was there
        let file = |name: &str| {
            let path = self.folder.path().join(format!("{name}-{}", self.servers.len()));
            let file = fs::File::create(&path).expect("a file can be made");
            (path, file)
        };
        let ((output, stdout), (log, stderr)) = (file("terminal"), file("log"));
        let child = self
            .shell(&format!("exec {}", as_program(command)))
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut server = Server { child, output, log };
        let deadline = Instant::now() + TIME_LIMIT;
        while !matches!(block_on(get(&health)), Ok(answer) if answer.status == 200) {
            let ended = server.child.try_wait().expect("it was started").is_some();
            if ended || Instant::now() > deadline {
                let said = fs::read_to_string(&server.log).unwrap_or_default();
                return Err(format!(
                    "$ {command}\ndoes not serve:\n{}{said}",
                    server.printed()
                ));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let printed = server.printed();
        self.servers.insert(address, server);
        Ok(printed)
    }

    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("bash");
        command
            .args(["-c", script])
            .current_dir(&self.work)
            .env_clear()
            .envs(self.settings.environment())
            .env("STOA_LISTEN", self.addresses.usual());
        command
    }
}

impl Server {
    fn printed(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended before; then there is nothing to kill, and waiting only collects it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The commands of a block: `$ ` opens one, a backslash at a line's end goes on, everything else is printed.
fn steps(text: &str) -> Result<Vec<Step<'_>>, String> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (_, Some(step)) if goes_on => {
                step.command.push('\n');
                step.command.push_str(line);
            }
            (Some(command), _) => steps.push(Step {
                command: without_remark(command).to_owned(),
                prints: Vec::new(),
            }),
            (None, Some(step)) => step.prints.push(line),
            (None, None) => return Err(format!("{line:?} is printed before any command")),
        }
        goes_on = line.ends_with('\\');
    }
    Ok(steps)
}

/// A command without the words for the reader behind it.
fn without_remark(command: &str) -> &str {
    command.split("   # ").next().unwrap_or(command).trim_end()
}

/// Whether a command is a server that stays.
fn is_server(command: &str) -> bool {
    let words = command.split_whitespace();
    let mut words = words.skip_while(|word| word.contains('=') && !word.starts_with('-'));
    words.next() == Some("stoa") && words.next() == Some("serve")
}

/// The command with its settings in front handed to the program that is started.
fn as_program(command: &str) -> String {
    format!("env {command}")
}

/// Whether all lines were printed, in this order; other lines may stand between them where the page has `…` alone.
fn is_shown(expected: &[String], printed: &str) -> bool {
    let mut lines = printed.lines().map(str::trim_end).peekable();
    let mut gap = false;
    for line in expected.iter().map(|line| line.trim_end()) {
        if line.trim() == "…" {
            gap = true;
            continue;
        }
        let found = if gap {
            lines.any(|printed| matches(line, printed))
        } else {
            lines.next().is_some_and(|printed| matches(line, printed))
        };
        if !found {
            return false;
        }
        gap = false;
    }
    gap || lines.next().is_none()
}

/// Whether a line was printed as the page says; `…` stands for anything.
fn matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    match last {
        None => rest.is_empty(),
        Some(part) => part.is_empty() || line.ends_with(part),
    }
}

/// The program that the book is about: the release binary, where a run has made one.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| Stoa::tried(env!("CARGO_BIN_EXE_stoa")));
    &PROGRAM
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_what_they_print_are_told_apart() {
        let text = "$ echo a \\\n    b   # two words\na b\n$ true\n";
        let steps = steps(text).expect("commands");
        assert_eq!(steps.len(), 2);
        assert_eq!(
            (steps[0].prints.as_slice(), steps[1].command.as_str()),
            (&["a b"][..], "true")
        );
        assert!(super::steps("printed\n").is_err());
    }

    #[test]
    fn a_server_is_told_from_other_commands() {
        for (command, server) in [
            ("stoa serve", true),
            ("STOA_LISTEN=:3000 stoa serve --storage memory:", true),
            ("stoa config check", false),
            ("go build", false),
        ] {
            assert_eq!(is_server(command), server, "{command}");
        }
    }

    #[test]
    fn what_is_printed_is_compared() {
        let shown = |expected: &str, printed: &str| {
            let expected: Vec<String> = expected.lines().map(str::to_owned).collect();
            is_shown(&expected, printed)
        };
        assert!(shown("a\nb …d", "a\nb c d\n"));
        assert!(shown("…\nb", "a\nb\n") && shown("a\n…", "a\nb\n") && shown("a\n…\nc", "a\nb\nc\n"));
        assert!(!shown("a", "a\nb\n") && !shown("b", "a\n") && !shown("a\nc", "a\nb\nc\n"));
        assert!(!shown("a…b", "a c") && !shown("a…c…b", "a b"));
    }
}
