//! The `git` command as a transport.
//!
//! Hardened: arguments are fixed but for an address that was checked and object names; nothing of the machine's or the
//! user's configuration that could run a program or change an address is read, hooks and helpers included; it connects
//! to addresses that the guard judged ([`super::pinned`]), and where a host sends it elsewhere it is we who look where;
//! the process leads a group that is ended as a whole.

use super::{
    FetchError, Remote, RemoteError, Transport, Want, host_key,
    http::redirected_base,
    pinned::{self, Pinned},
    stranger::show_nothing,
};
use crate::{
    credentials::RepositoryAccess,
    git::{
        refs::{self, Refs},
        session::Session,
    },
    go_command::{
        outcome::{self, Outcome},
        process_group::{Bounds, Cut, Ended},
        sentence::sentence,
    },
};
use gix::ObjectId;
use http_client::{Client, Trust};
use proxy_core::upstream::UpstreamError;
use std::{ffi::OsString, path::Path, time::Duration};
use tokio::process::Command;
use url::Url;

/// Runs `git`.
#[derive(Debug)]
pub(in crate::git) struct GitCommand {
    /// Judges where it connects to.
    pub(in crate::git) client: Client,
    /// The program.
    pub(in crate::git) program: OsString,
    /// All variables of its environment.
    pub(in crate::git) environment: Vec<(OsString, OsString)>,
    /// How long it may be silent, how long it may take, how much it may bring.
    pub(in crate::git) bounds: Bounds,
}

/// The variable in which `git` finds the header that says who we are.
const AUTHORIZATION: &str = "STOA_GIT_AUTHORIZATION";

/// How `ssh` is run where neither the operator nor a credential says otherwise: nobody is there to answer a question, and
/// a host whose key is not known is refused.
const SSH: &str = "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes";
/// How long a host that said 429 is left alone: `git` does not pass on what it asked for.
const REST: Duration = Duration::from_secs(30);

/// How many refs a history may be asked for without.
const MOST_WITHOUT: usize = 100;

/// Settings that stand above every configuration file.
const SETTINGS: &[&str] = &[
    "protocol.version=2",
    // Nobody would judge where a redirect leads.
    "http.followRedirects=false",
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

/// Adds the arguments of one run to a command; the text is the address it is for.
type Arguments<'a> = &'a dyn Fn(&mut Command, &str);

impl Transport for GitCommand {
    fn name(&self) -> &'static str {
        "the git command"
    }

    fn list(&self, remote: &Remote, session: &Session) -> Result<Refs, RemoteError> {
        let arguments = |command: &mut Command, url: &str| {
            command.args([
                "ls-remote",
                "--quiet",
                "--end-of-options",
                url,
                "HEAD",
                "refs/heads/*",
                "refs/tags/*",
            ]);
        };
        let listing = self.run(&arguments, remote, None, session)?;
        let named: Vec<_> = listing
            .split(|byte| *byte == b'\n')
            .filter_map(|line| {
                let tab = line.iter().position(|byte| *byte == b'\t')?;
                let id = ObjectId::from_hex(line.get(..tab)?).ok()?;
                Some((refs::name(line.get(tab + 1..)?), id))
            })
            .collect();
        Ok(Refs::from_listing(
            named.iter().map(|(name, id)| (name.as_ref(), *id)),
        ))
    }

    fn fetch(
        &self,
        remote: &Remote,
        want: &Want<'_>,
        into: &Path,
        session: &Session,
    ) -> Result<(), FetchError> {
        let arguments = |command: &mut Command, url: &str| add_fetch(command, url, want, into);
        let mut fetched = self.run(&arguments, remote, Some(into), session);
        if matches!(want, Want::History)
            && let Err(RemoteError::Failed(error)) = &fetched
            && let Some(missed) = left_out(&error.to_string())
        {
            fetched = self.fetch_without(missed, remote, into, session);
        }
        match fetched {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = error.into_upstream();
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
    /// A tag on a tree is left out of a history as all trees are, and git then misses it: so it is not asked for, nor are
    /// the next ones that are missed.
    fn fetch_without(
        &self,
        mut missed: ObjectId,
        remote: &Remote,
        into: &Path,
        session: &Session,
    ) -> Result<Vec<u8>, RemoteError> {
        let refs = self.list(remote, session)?;
        let mut without: Vec<String> = Vec::new();
        loop {
            let is_it =
                |(name, id): &(String, ObjectId)| *id == missed && name != "HEAD" && refs::is_whole(name);
            let names: Vec<_> = refs.all().filter(is_it).collect();
            without.extend(names.iter().map(|(name, _)| format!("^{name}")));
            let arguments = |command: &mut Command, url: &str| {
                add_fetch(command, url, &Want::History, into);
                command.args(&without);
            };
            let fetched = self.run(&arguments, remote, Some(into), session);
            match &fetched {
                Err(RemoteError::Failed(error)) if !names.is_empty() && without.len() < MOST_WITHOUT => {
                    match left_out(&error.to_string()) {
                        Some(next) => missed = next,
                        None => return fetched,
                    }
                }
                _ => return fetched,
            }
        }
    }

    fn command(&self, remote: &Remote, pinned: &Pinned) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        let settings = SETTINGS.iter().copied();
        for setting in settings.chain(pinned.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        // Never from https to http, and never to what runs a program or reads a folder, whatever a redirect or a rewritten
        // address says. The operator may have said it otherwise.
        if !self
            .environment
            .iter()
            .any(|(name, _)| name == "GIT_ALLOW_PROTOCOL")
        {
            let scheme = remote.url.split_once("://").map_or("", |(scheme, _)| scheme);
            let allowed = if scheme == "http" {
                "http:https:ssh"
            } else {
                "https:ssh"
            };
            command.env("GIT_ALLOW_PROTOCOL", allowed);
        }
        if remote.unverified_tls {
            command.env("GIT_SSL_NO_VERIFY", "1");
        }
        // Where any certificate is taken, whoever is in between could read it.
        let at = Url::parse(&pinned.url);
        if remote.unverified_tls || at.as_ref().is_ok_and(|at| remote.shows_nothing_at(at)) {
            show_nothing(&mut command, &self.environment, [&remote.url, &pinned.url]);
        } else if remote.trust == Trust::Learned && at.is_ok_and(|at| self.client.knows_by_default(&at)) {
            // The network named this host. Helpers lose their home with the netrc file.
            command.env("HOME", "/dev/null");
        }
        if let Some(mut ssh) = self.ssh(remote) {
            if let Some(pinned) = &pinned.ssh {
                ssh.push_str(&pinned.options());
            }
            command.env("GIT_SSH_COMMAND", ssh);
        }
        let Some(access) = remote.shown.table() else {
            return command;
        };
        // In the environment, since arguments are for all to see; and only for the host it belongs to.
        if let Some(header) = access.authorization()
            && !remote.unverified_tls
            && let Ok(url) = url::Url::parse(&remote.url)
            && url.scheme() == "https"
        {
            let origin = url.origin().ascii_serialization();
            command.arg(format!("--config-env=http.{origin}/.extraHeader={AUTHORIZATION}"));
            command.env(AUTHORIZATION, header);
        }
        command
    }

    /// What is told where it cannot be known where to connect to: that there is no program to do it, if that is so.
    fn unless_missing(&self, error: RemoteError, remote: &Remote, session: &Session) -> RemoteError {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .arg("--version");
        match session.program(command, Vec::new(), self.bounds) {
            Err(cut @ Cut::NotStarted(_)) => RemoteError::Failed(self.cut(cut, remote)),
            _ => error,
        }
    }

    /// How `ssh` is run, unless the operator's environment says it.
    fn ssh(&self, remote: &Remote) -> Option<String> {
        let said = |name: &str| self.environment.iter().any(|(set, _)| set == name);
        match remote.shown.table().and_then(RepositoryAccess::ssh_command) {
            Some(ssh) => Some(ssh),
            None if said("GIT_SSH_COMMAND") || said("GIT_SSH") => None,
            None => Some(SSH.to_owned()),
        }
    }

    fn run(
        &self,
        arguments: Arguments<'_>,
        remote: &Remote,
        growing: Option<&Path>,
        session: &Session,
    ) -> Result<Vec<u8>, RemoteError> {
        let mut pinned = self
            .pin(&remote.url, remote, session)
            .map_err(|error| self.unless_missing(error, remote, session))?;
        let mut ended = self.run_at(&pinned, arguments, remote, growing, session)?;
        if !ended.status.success()
            && is_redirect(&String::from_utf8_lossy(&ended.stderr))
            && let Some(url) = self.moved_to(remote, session)?
        {
            pinned = self.pin(&url, remote, session)?;
            ended = self.run_at(&pinned, arguments, remote, growing, session)?;
        }
        if ended.status.success() {
            return Ok(ended.stdout);
        }
        let complaint = String::from_utf8_lossy(&ended.stderr);
        if let Some(distrust) = host_key::distrust(&complaint) {
            return Err(RemoteError::Failed(
                self.distrusted(distrust, remote, &pinned, session),
            ));
        }
        if complaint.contains("The requested URL returned error: 429") {
            return Err(RemoteError::Failed(UpstreamError::Unavailable {
                reason: format!("{}: {}", remote.url, sentence(&complaint)).into(),
                retry_after: Some(REST),
            }));
        }
        let reason = format!("{}: {}", remote.url, sentence(&complaint));
        let error = match outcome::command(&complaint) {
            Outcome::Refused => RemoteError::Failed(UpstreamError::not_found(reason)),
            Outcome::Unauthorized => RemoteError::Unauthorized(UpstreamError::unavailable(reason)),
            _ => RemoteError::Failed(UpstreamError::unavailable(reason)),
        };
        Err(remote.refused(Url::parse(&pinned.url).ok().as_ref(), error, &self.client))
    }

    fn run_at(
        &self,
        pinned: &Pinned,
        arguments: Arguments<'_>,
        remote: &Remote,
        growing: Option<&Path>,
        session: &Session,
    ) -> Result<Ended, RemoteError> {
        let mut command = self.command(remote, pinned);
        arguments(&mut command, &pinned.url);
        let growing = growing.map(Path::to_owned).into_iter().collect();
        session
            .program(command, growing, self.bounds)
            .map_err(|cut| RemoteError::Failed(self.cut(cut, remote)))
    }

    fn pin(&self, url: &str, remote: &Remote, session: &Session) -> Result<Pinned, RemoteError> {
        let configured = |url: &Url| {
            self.ssh(remote)?;
            let asked = pinned::ask_ssh(url, &self.environment);
            let said = session.program(asked, Vec::new(), self.bounds).ok()?;
            said.status.success().then_some(said.stdout)
        };
        Pinned::find(url, remote, &self.client, session, configured).map_err(RemoteError::Failed)
    }

    /// Where a repository is that its host redirects; each step there is judged.
    fn moved_to(&self, remote: &Remote, session: &Session) -> Result<Option<String>, RemoteError> {
        let Some(listing) = remote.listing() else {
            return Ok(None);
        };
        let asked = listing.url().as_str().to_owned();
        let answer = session.wait(self.client.send(listing, session.context()));
        let Some(answer) = answer else {
            return session.check().map(|()| None).map_err(RemoteError::Failed);
        };
        let answer = answer.map_err(|error| RemoteError::Failed(error.into()))?;
        let base = remote.url.trim_end_matches('/');
        Ok(redirected_base(base, &asked, answer.url()).filter(|moved| moved != base))
    }

    /// Says which line is missing from `known_hosts`, if one is.
    fn distrusted(
        &self,
        distrust: host_key::Distrust,
        remote: &Remote,
        pinned: &Pinned,
        session: &Session,
    ) -> UpstreamError {
        let scan = Url::parse(&remote.url)
            .ok()
            .filter(|_| distrust == host_key::Distrust::Unknown);
        let scanned = scan.and_then(|url| {
            let address = pinned.ssh.as_ref().map(|ssh| ssh.address);
            let scan = host_key::scan(&url, address, &self.environment);
            session.program(scan, Vec::new(), self.bounds).ok()
        });
        let known_as = pinned.ssh.as_ref().map(|ssh| ssh.known_as.as_str());
        let line = scanned.and_then(|scanned| host_key::line(&scanned.stdout, known_as));
        host_key::trouble(&remote.url, distrust, line.as_deref())
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

/// The command that brings what is wanted.
fn add_fetch(command: &mut Command, url: &str, want: &Want<'_>, into: &Path) {
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
        Want::Below(_) => command.arg("--filter=tree:0"),
        Want::History => command.args(["--prune", "--filter=tree:0"]),
        Want::Whole => command.arg("--prune"),
    };
    command.args(["--end-of-options", url]);
    match want {
        Want::Commits(commits) => command.args(commits.iter().map(kept)),
        Want::Below(commit) => command.arg(kept(commit)),
        Want::Ref(name) => command.arg(format!("+{name}:refs/kept/{name}")),
        Want::History | Want::Whole => {
            command.args(["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"])
        }
    };
}

/// Whether git was sent elsewhere, where it does not go by itself.
fn is_redirect(complaint: &str) -> bool {
    complaint.contains("The requested URL returned error: 30")
}

/// The object that a ref names and that did not come, if that is what git says.
fn left_out(complaint: &str) -> Option<ObjectId> {
    let signs = [
        "bad revision '",
        "bad object ",
        "did not receive expected object ",
    ];
    let rest = signs.iter().find_map(|sign| complaint.split_once(sign))?.1;
    let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
    ObjectId::from_hex(rest.get(..end)?.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_read() {
        let id = "aae8dcc7dd4d8a65c64877c56f9dd096981414f7";
        for complaint in [
            format!("u: fatal: bad revision '{id}' (by x)"),
            format!("error: bad object {id}"),
        ] {
            assert_eq!(left_out(&complaint).unwrap().to_string(), id);
        }
        assert_eq!(left_out("fatal: bad revision 'HEAD'"), None);
        assert_eq!(left_out("fatal: the remote end hung up"), None);
    }
}
