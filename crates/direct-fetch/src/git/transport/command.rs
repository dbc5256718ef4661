//! The `git` command as a transport.
//!
//! Hardened: arguments are fixed but for an address that was checked and object names; nothing of the machine's or the
//! user's configuration that could run a program or change an address is read, hooks and helpers included; the process
//! leads a group that is ended as a whole.

use super::{FetchError, Remote, Transport, Want};
use crate::{
    git::{refs::Refs, session::Session},
    go_command::{
        outcome::{self, Outcome},
        process_group::{Bounds, Cut},
        sentence::sentence,
    },
};
use gix::ObjectId;
use proxy_core::upstream::UpstreamError;
use std::{ffi::OsString, path::Path};
use tokio::process::Command;

/// Runs `git`.
#[derive(Debug)]
pub(in crate::git) struct GitCommand {
    /// The program.
    pub(in crate::git) program: OsString,
    /// All variables of its environment.
    pub(in crate::git) environment: Vec<(OsString, OsString)>,
    /// How long it may be silent, how long it may take, how much it may bring.
    pub(in crate::git) bounds: Bounds,
}

/// Settings that stand above every configuration file.
const SETTINGS: &[&str] = &[
    "protocol.version=2",
    "protocol.ext.allow=never",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "fetch.fsckObjects=false",
    // One pack a fetch, however small: what is not a pack is slow to read.
    "fetch.unpackLimit=1",
    "fetch.writeCommitGraph=false",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "credential.interactive=false",
];

impl Transport for GitCommand {
    fn list(&self, remote: &Remote, session: &Session) -> Result<Refs, UpstreamError> {
        let mut command = self.command();
        command.args([
            "ls-remote",
            "--quiet",
            "--end-of-options",
            &remote.url,
            "HEAD",
            "refs/heads/*",
            "refs/tags/*",
        ]);
        let listing = self.run(command, remote, None, session)?;
        let lines = str::from_utf8(&listing).map_err(|_| {
            UpstreamError::malformed(format!("{} has a ref whose name is not UTF-8", remote.url))
        })?;
        Ok(Refs::from_listing(lines.lines().filter_map(|line| {
            let (id, name) = line.split_once('\t')?;
            Some((name, ObjectId::from_hex(id.as_bytes()).ok()?))
        })))
    }

    fn fetch(
        &self,
        remote: &Remote,
        want: &Want<'_>,
        into: &Path,
        session: &Session,
    ) -> Result<(), FetchError> {
        let mut command = self.command();
        command.arg("--git-dir").arg(into);
        command.args([
            "fetch",
            "--quiet",
            "--force",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
        ]);
        let kept = |id: &ObjectId| format!("+{id}:refs/kept/{id}");
        match want {
            Want::Commits(_) | Want::Ref(_) => command.arg("--depth=1"),
            Want::History => command.args(["--prune", "--filter=tree:0"]),
        };
        command.args(["--end-of-options", &remote.url]);
        match want {
            Want::Commits(commits) => command.args(commits.iter().map(kept)),
            Want::Ref(name) => command.arg(format!("+{name}:refs/kept/{name}")),
            Want::History => command.args(["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]),
        };
        match self.run(command, remote, Some(into), session) {
            Ok(_) => Ok(()),
            Err(error) => {
                let text = error.to_string();
                let refused = [
                    "not our ref",
                    "unadvertised object",
                    "remote error: upload-pack",
                    "want ",
                ];
                Err(if refused.iter().any(|sign| text.contains(sign)) {
                    FetchError::NotOffered(error)
                } else {
                    FetchError::Failed(error)
                })
            }
        }
    }
}

impl GitCommand {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command
    }

    fn run(
        &self,
        command: Command,
        remote: &Remote,
        growing: Option<&Path>,
        session: &Session,
    ) -> Result<Vec<u8>, UpstreamError> {
        let growing = growing.map(Path::to_owned).into_iter().collect();
        let ended = match session.program(command, growing, self.bounds) {
            Ok(ended) => ended,
            Err(cut) => return Err(self.cut(cut, remote)),
        };
        if ended.status.success() {
            return Ok(ended.stdout);
        }
        let complaint = String::from_utf8_lossy(&ended.stderr);
        let reason = format!("{}: {}", remote.url, sentence(&complaint));
        Err(match outcome::command(&complaint) {
            Outcome::Refused => UpstreamError::not_found(reason),
            _ => UpstreamError::unavailable(reason),
        })
    }

    fn cut(&self, cut: Cut, remote: &Remote) -> UpstreamError {
        let reason = format!("{}: {cut}", remote.url);
        match cut {
            Cut::NotStarted(error) if error.kind() == std::io::ErrorKind::NotFound => {
                UpstreamError::Unsupported {
                    reason: format!(
                        "{} needs the git command, which is not installed here",
                        remote.url
                    )
                    .into(),
                }
            }
            Cut::Silent(_) | Cut::TooLong(_) => UpstreamError::timed_out(reason),
            Cut::NotStarted(_) | Cut::TooMuch(_) | Cut::Output(_) => UpstreamError::unavailable(reason),
        }
    }
}
