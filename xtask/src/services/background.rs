//! Servers that go on running when the command is done: where they keep things, as whom they run, how they are stopped.

use crate::{Failure, tree};
use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

/// Somebody to run a server as.
pub(super) struct Account(Option<(u32, u32)>);

impl Account {
    /// Whoever runs us or, if that is root, the user of this name, which the server's package has made.
    pub(super) fn unprivileged(name: &str) -> Result<Self, Failure> {
        let us = fs::metadata("/proc/self").map_err(|error| format!("/proc cannot be read: {error}"))?;
        if us.uid() != 0 {
            return Ok(Self(None));
        }
        let accounts = read(Path::new("/etc/passwd"))?;
        let ids = accounts.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            (fields.first() == Some(&name))
                .then(|| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)))?
        });
        let ids = ids.ok_or_else(|| format!("there is no user {name} to run a server as"))?;
        Ok(Self(Some(ids)))
    }

    /// Gives it a folder and all that is in it, private to it, as servers want their keys to be.
    pub(super) fn own(&self, folder: &Path) -> Result<(), Failure> {
        let failed = |error| format!("{} cannot be handed over: {error}", folder.display());
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let private = if path.extension().is_some_and(|extension| extension == "key") {
                0o600
            } else {
                0o644
            };
            fs::set_permissions(&path, fs::Permissions::from_mode(private)).map_err(failed)?;
            self.chown(&path).map_err(failed)?;
        }
        self.chown(folder).map_err(failed)
    }

    fn chown(&self, path: &Path) -> std::io::Result<()> {
        match self.0 {
            Some((user, group)) => chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    /// A program run as this user, from a folder that every user can enter.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null());
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }
}

/// Where a service keeps what it needs.
pub(super) fn folder(service: &str) -> PathBuf {
    tree::root().join("target/services").join(service)
}

/// Empties a folder, or makes it.
pub(super) fn make_anew(folder: &Path) -> Result<(), Failure> {
    let made = match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(folder),
    };
    made.map_err(|error| format!("{} cannot be made: {error}", folder.display()))
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

pub(super) fn append(path: &Path, text: &str) -> Result<(), Failure> {
    let appended = File::options()
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    appended.map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

pub(super) fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

/// Runs a program to its end; what it said is shown only if it failed.
pub(super) fn run(command: &mut Command) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let log = tempfile_for_output()?;
    let handles = log.try_clone().and_then(|out| Ok((out, log.try_clone()?)));
    let (out, err) = handles.map_err(|error| format!("a file cannot be shared: {error}"))?;
    // A file and no pipe: a server left in the background holds on to it, and nobody waits for its end.
    let status = command.stdout(out).stderr(err).status();
    let status = status.map_err(|error| format!("{name} cannot be started: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let said = fs::read_to_string(folder("last-output")).unwrap_or_default();
    Err(format!("{name} failed ({status}): {}", said.trim()))
}

fn tempfile_for_output() -> Result<File, Failure> {
    let path = folder("last-output");
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| File::create(&path))
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

/// The process whose number stands in the first line of this file, if it runs and still is this program: the number
/// may be somebody else's by now.
pub(super) fn pid(file: &Path, program: &str) -> Option<u32> {
    let text = fs::read_to_string(file).ok()?;
    let pid = text.lines().next()?.trim().parse().ok()?;
    let line = fs::read_to_string(Path::new("/proc").join(format!("{pid}/cmdline"))).ok()?;
    (runs(pid) && line.contains(program)).then_some(pid)
}

/// Whether a process runs; one that has ended and that nobody has asked after does not.
fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    // Its state stands behind its name, which is in parentheses and may hold some itself.
    stat.is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim().starts_with('Z'))
    })
}

/// Sends one process a signal and waits until it is gone.
pub(super) fn stop(name: &str, pid: u32, signal: &str) -> Result<(), Failure> {
    let mut kill = Command::new("kill");
    run(kill.arg(format!("-{signal}")).arg(pid.to_string()))?;
    for _ in 0..300 {
        if !runs(pid) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    Err(format!("{name} (process {pid}) does not end"))
}
