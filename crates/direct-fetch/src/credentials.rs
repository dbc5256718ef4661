//! Credentials for private repositories: the file that `direct.credentials` names.
//!
//! ```toml
//! [[host]]
//! prefix = "git.example.com/team"        # host, port if need be, and path; the longest prefix wins
//! username = "stoa"                      # "git" where none is given: most hosts take any beside a token
//! token_file = "/run/secrets/git-token"  # or token = "…", or token_env = "NAME"
//!
//! [[host]]
//! prefix = "git.example.com"
//! ssh_key = "/etc/stoa/id_ed25519"
//! known_hosts = "/etc/stoa/known_hosts"
//! ```
//!
//! The file is looked at whenever credentials are needed, and read again when it has changed; a token file is read each
//! time, so that a secret can be replaced under a running server. A file that has become malformed is reported and the
//! last good one goes on. What no table covers is left to netrc and to `ssh` itself. Secrets never print.

mod file;

use crate::discovery::RepositoryAddress;
use file::{Table, Token};
use secrecy::{ExposeSecret, SecretString};
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// Looks an environment variable up; this crate reads no environment.
pub type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The credentials the operator wrote down. Cheap to clone.
#[derive(Clone, Default)]
pub struct RepositoryCredentials(Option<Arc<Watched>>);

struct Watched {
    path: PathBuf,
    variables: Variables,
    last: Mutex<Last>,
}

/// The file as it was last read.
struct Last {
    stamp: Option<Stamp>,
    tables: Arc<Vec<Table>>,
}

/// By what a changed file is known: editors and secret mounts replace a file or write it anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    size: u64,
    inode: u64,
}

/// What a repository may be reached with.
#[derive(Clone, Debug)]
pub struct RepositoryAccess {
    /// The user name for https.
    pub username: String,
    /// The token or password for https.
    pub token: Option<SecretString>,
    /// The private key for ssh.
    pub ssh_key: Option<PathBuf>,
    /// The host keys to believe, instead of the account's own list.
    pub known_hosts: Option<PathBuf>,
}

/// What the host of a repository is shown of who asks.
#[derive(Clone, Debug)]
pub enum Shown {
    /// What this machine knows of the host: netrc, the account's ssh keys, helpers of git.
    Own,
    /// What a table says of it, before what the machine knows.
    Table(RepositoryAccess),
    /// Nothing at all: the module that leads there is none of that host's, nor a private one.
    Nothing {
        /// Whether something would have been shown to another module's repository.
        withheld: bool,
    },
}

impl Shown {
    /// What a table says.
    pub(crate) fn table(&self) -> Option<&RepositoryAccess> {
        match self {
            Self::Table(access) => Some(access),
            Self::Own | Self::Nothing { .. } => None,
        }
    }

    /// Whether nothing at all is shown.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing { .. })
    }
}

/// Why nothing is shown, and what to do, as the end of a sentence.
pub(crate) const WITHHELD: &str = "credentials are shown to a host only for modules of its own and of upstream.private, which does not name this one";

impl From<Option<RepositoryAccess>> for Shown {
    fn from(access: Option<RepositoryAccess>) -> Self {
        access.map_or(Self::Own, Self::Table)
    }
}

/// Why a credentials file, or a secret it names, cannot be used. Sentences name keys, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("direct.credentials: {reason}")]
pub struct InvalidCredentials {
    /// What is wrong.
    pub reason: String,
}

impl InvalidCredentials {
    fn because(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

impl RepositoryCredentials {
    /// Reads the file for the first time; a malformed one is an error here. Blocks shortly, as every use does.
    pub fn open(path: &Path, variables: Variables) -> Result<Self, InvalidCredentials> {
        let stamp = stamp_of(path).ok();
        let tables = Arc::new(read(path)?);
        let last = Mutex::new(Last { stamp, tables });
        Ok(Self(Some(Arc::new(Watched {
            path: path.to_owned(),
            variables,
            last,
        }))))
    }

    /// What a repository may be reached with: the table with the longest prefix of its address, or `None`.
    pub fn for_repository(
        &self,
        address: &RepositoryAddress,
    ) -> Result<Option<RepositoryAccess>, InvalidCredentials> {
        let Some(watched) = &self.0 else { return Ok(None) };
        let tables = watched.tables();
        let covering = tables.iter().filter(|table| table.prefix.covers(address));
        match covering.max_by_key(|table| table.prefix.length()) {
            Some(table) => watched.access(table).map(Some),
            None => Ok(None),
        }
    }

    /// Git settings that give `git` the tokens of all hosts with one, each for its own prefix only. They hold
    /// secrets: they go into the environment of `git`, never into arguments. A token that cannot be had is reported,
    /// and its repositories are asked without it.
    pub fn git_settings(&self) -> Vec<(String, String)> {
        let Some(watched) = &self.0 else {
            return Vec::new();
        };
        let mut settings = Vec::new();
        for table in watched.tables().iter() {
            match watched.access(table) {
                Ok(access) => settings.extend(
                    access
                        .authorization()
                        .map(|header| (format!("http.https://{}/.extraHeader", table.prefix), header)),
                ),
                Err(error) => tracing::error!(%error, "a token for repositories cannot be had"),
            }
        }
        settings
    }
}

impl RepositoryAccess {
    /// The header line that HTTP Basic authentication sends (RFC 7617). A secret.
    pub(crate) fn authorization(&self) -> Option<String> {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let token = self.token.as_ref()?.expose_secret();
        Some(format!(
            "Authorization: Basic {}",
            BASE64_STANDARD.encode(format!("{}:{token}", self.username))
        ))
    }

    /// The credentials for the built-in client.
    pub fn for_http(&self) -> Option<http_client::Credentials> {
        let token = self.token.as_ref()?.expose_secret();
        Some(http_client::Credentials::basic(&self.username, token))
    }

    /// The command by which `git` should reach ssh hosts (`GIT_SSH_COMMAND`), if this says anything of ssh. Nobody is
    /// asked for a passphrase, and an unknown host key is refused.
    pub fn ssh_command(&self) -> Option<String> {
        if self.ssh_key.is_none() && self.known_hosts.is_none() {
            return None;
        }
        let mut command = String::from("ssh -o BatchMode=yes -o StrictHostKeyChecking=yes");
        if let Some(key) = &self.ssh_key {
            command.push_str(&format!(
                " -o IdentitiesOnly=yes -o {}",
                option("IdentityFile", key)
            ));
        }
        if let Some(hosts) = &self.known_hosts {
            command.push_str(&format!(
                " -o {} -o GlobalKnownHostsFile=/dev/null",
                option("UserKnownHostsFile", hosts)
            ));
        }
        Some(command)
    }
}

/// An option of `ssh` that names one file, for the shell in which `git` starts it. `ssh` takes blanks for the end of a
/// name that is not in quotes, and a percent sign for the beginning of a token.
fn option(name: &str, path: &Path) -> String {
    let path = path.to_string_lossy().replace('%', "%%");
    format!("'{name}=\"{}\"'", path.replace('\'', r"'\''"))
}

impl Watched {
    /// The tables as the file has them now, or had them when it was last good.
    fn tables(&self) -> Arc<Vec<Table>> {
        let stamp = stamp_of(&self.path).ok();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.stamp != stamp {
            last.stamp = stamp;
            match read(&self.path) {
                Ok(tables) => {
                    tracing::info!("the credentials for repositories were read again");
                    last.tables = Arc::new(tables);
                }
                Err(error) => tracing::error!(%error, "the credentials for repositories stay as they were"),
            }
        }
        Arc::clone(&last.tables)
    }

    fn access(&self, table: &Table) -> Result<RepositoryAccess, InvalidCredentials> {
        let about = |what: &str| InvalidCredentials::because(format!("{}: {what}", table.prefix));
        let token = match &table.token {
            None => None,
            Some(Token::Here(token)) => Some(token.clone()),
            Some(Token::File(path)) => {
                let text = fs::read_to_string(path)
                    .map_err(|error| about(&format!("token_file: {}", error.kind())))?;
                Some(SecretString::from(text.trim_end_matches(['\r', '\n'])))
            }
            Some(Token::Variable(name)) => {
                let token = (self.variables)(name).filter(|token| !token.is_empty());
                Some(SecretString::from(token.ok_or_else(|| {
                    about("the variable that token_env names is not set")
                })?))
            }
        };
        // A line end would end the header too.
        if token
            .as_ref()
            .is_some_and(|token| token.expose_secret().contains(['\r', '\n', '\0']))
        {
            return Err(about("the token holds a line end"));
        }
        Ok(RepositoryAccess {
            username: table.username.clone(),
            token,
            ssh_key: table.ssh_key.clone(),
            known_hosts: table.known_hosts.clone(),
        })
    }
}

fn read(path: &Path) -> Result<Vec<Table>, InvalidCredentials> {
    let text = fs::read_to_string(path)
        .map_err(|error| InvalidCredentials::because(format!("the file cannot be read: {}", error.kind())))?;
    file::parse(&text)
}

fn stamp_of(path: &Path) -> io::Result<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    let found = fs::metadata(path)?;
    Ok(Stamp {
        modified: found.modified()?,
        size: found.len(),
        inode: found.ino(),
    })
}

impl fmt::Debug for RepositoryCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.as_ref().map(|watched| &watched.path);
        f.debug_tuple("RepositoryCredentials").field(&path).finish()
    }
}

#[cfg(test)]
mod tests;
