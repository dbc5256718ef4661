//! What a credentials file says.

use super::InvalidCredentials;
use crate::discovery::RepositoryAddress;
use secrecy::SecretString;
use serde::Deserialize;
use std::{fmt, path::PathBuf};

/// One `[[host]]` table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) prefix: Prefix,
    pub(super) username: String,
    pub(super) token: Option<Token>,
    pub(super) ssh_key: Option<PathBuf>,
    pub(super) known_hosts: Option<PathBuf>,
}

/// Where a token is.
#[derive(Clone, Debug)]
pub(super) enum Token {
    Here(SecretString),
    File(PathBuf),
    Variable(String),
}

/// A host, with or without a port, and a path of whole elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    host: String,
    port: Option<u16>,
    path: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    host: Vec<HostTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HostTable {
    prefix: String,
    username: Option<String>,
    token: Option<String>,
    token_file: Option<PathBuf>,
    token_env: Option<String>,
    ssh_key: Option<PathBuf>,
    known_hosts: Option<PathBuf>,
}

/// Reads the text of a file.
pub(super) fn parse(text: &str) -> Result<Vec<Table>, InvalidCredentials> {
    let file: File = toml::from_str(text).map_err(|error| {
        // The library's own text quotes the line, which may hold a token.
        let before = error
            .span()
            .and_then(|span| text.get(..span.start))
            .unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        InvalidCredentials::because(format!("line {line}: {}", without_values(error.message())))
    })?;
    let mut tables: Vec<Table> = Vec::new();
    for table in file.host {
        let table = Table::check(table)?;
        if tables.iter().any(|other| other.prefix == table.prefix) {
            return Err(InvalidCredentials::because(format!(
                "{}: there are two tables with this prefix",
                table.prefix
            )));
        }
        tables.push(table);
    }
    Ok(tables)
}

/// A message of the library without what it quotes of the file, but for key names.
fn without_values(message: &str) -> &str {
    match message.split_once(['\n', '"']) {
        Some((before, _)) => before.trim_end(),
        None => message,
    }
}

impl Table {
    fn check(table: HostTable) -> Result<Self, InvalidCredentials> {
        let prefix = Prefix::parse(&table.prefix)?;
        let wrong = |what: &str| InvalidCredentials::because(format!("{prefix}: {what}"));
        let tokens = [
            table.token.map(|token| Token::Here(token.into())),
            table.token_file.map(Token::File),
            table.token_env.map(Token::Variable),
        ];
        let mut tokens = tokens.into_iter().flatten();
        let token = tokens.next();
        if tokens.next().is_some() {
            return Err(wrong("only one of token, token_file and token_env can be used"));
        }
        if token.is_none() && table.ssh_key.is_none() && table.known_hosts.is_none() {
            return Err(wrong("the table names no token, ssh_key or known_hosts"));
        }
        let username = table.username.unwrap_or_else(|| "git".to_owned());
        // RFC 7617: a colon would end the name.
        if username.is_empty() || username.contains(|c: char| c == ':' || c.is_control()) {
            return Err(wrong(
                "the username is empty, or holds a colon or a control character",
            ));
        }
        for path in [&table.ssh_key, &table.known_hosts].into_iter().flatten() {
            if !path.is_absolute() {
                return Err(wrong("ssh_key and known_hosts are absolute paths"));
            }
            if path
                .to_string_lossy()
                .contains(|c: char| c == '"' || c == '\\' || c.is_control())
            {
                return Err(wrong(
                    "ssh_key and known_hosts hold no quotes and no control characters",
                ));
            }
        }
        Ok(Self {
            prefix,
            username,
            token,
            ssh_key: table.ssh_key,
            known_hosts: table.known_hosts,
        })
    }
}

impl Prefix {
    fn parse(text: &str) -> Result<Self, InvalidCredentials> {
        let wrong = |what: &str| InvalidCredentials::because(format!("prefix: {what}"));
        if text.contains("://") {
            return Err(wrong("it is a host and a path, without a scheme"));
        }
        let fine = |c: char| c.is_ascii_alphanumeric() || "-._~/:[]".contains(c);
        if !text.chars().all(fine) {
            return Err(wrong(
                "it holds a character that no host and path of a repository has",
            ));
        }
        let (authority, path) = text.split_once('/').unwrap_or((text, ""));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !authority.ends_with(']') => (
                host,
                Some(port.parse().map_err(|_| wrong("its port is no number"))?),
            ),
            _ => (authority, None),
        };
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port,
            path: path.trim_matches('/').to_owned(),
        })
    }

    /// Whether an address lies at or below this prefix, by whole elements.
    pub(super) fn covers(&self, address: &RepositoryAddress) -> bool {
        let url = address.url();
        // Schemes that are no web schemes keep the host's case.
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let path = url.path().trim_start_matches('/');
        host == self.host
            && self
                .port
                .is_none_or(|port| url.port_or_known_default() == Some(port))
            && (self.path.is_empty() || path.strip_prefix(&self.path).is_some_and(ends_an_element))
    }

    /// How much it names; a port counts for more than none.
    pub(super) fn length(&self) -> (usize, bool) {
        (self.path.len(), self.port.is_some())
    }
}

/// Whether what follows a prefix does not go on in its last element; a repository may be named with and without `.git`.
fn ends_an_element(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/') || rest == ".git" || rest.starts_with(".git/")
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))?;
        if self.path.is_empty() {
            Ok(())
        } else {
            write!(f, "/{}", self.path)
        }
    }
}
