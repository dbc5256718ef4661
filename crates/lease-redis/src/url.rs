//! The address of a Redis: one server, servers watched by sentinels, or a cluster.

use percent_encoding::percent_decode_str;
use std::{fmt, path::PathBuf};

/// Where Redis is, and how to get in. It prints without its credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    pub(crate) deployment: Deployment,
    /// Host and port of each server that is named.
    pub(crate) hosts: Vec<(String, u16)>,
    pub(crate) tls: bool,
    pub(crate) login: Login,
    /// The file with the only authority to trust; none: those of the system, or of `SSL_CERT_FILE`.
    pub(crate) authority: Option<PathBuf>,
    prefix: String,
}

/// How the servers belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deployment {
    /// One server.
    Single { database: i64 },
    /// One server, by a socket in the file system.
    Socket { path: PathBuf, database: i64 },
    /// The hosts are sentinels, who know which server is the master of this name.
    Sentinel {
        master: String,
        database: i64,
        login: Login,
    },
    /// The hosts are nodes of a cluster, who know the others.
    Cluster,
}

/// Who we say we are. Never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
}

/// A text that is no address of a Redis, as a phrase that does not repeat it: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUrl(pub String);

impl RedisUrl {
    /// Reads an address; the crate's page shows all forms.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let (scheme, rest) = text.split_once("://").ok_or_else(unknown)?;
        let (kind, tls) = match scheme {
            "redis" => (Kind::Single, false),
            "rediss" => (Kind::Single, true),
            "redis+sentinel" => (Kind::Sentinel, false),
            "rediss+sentinel" => (Kind::Sentinel, true),
            "redis+cluster" => (Kind::Cluster, false),
            "rediss+cluster" => (Kind::Cluster, true),
            "redis+unix" => return Self::socket(rest),
            _ => return Err(unknown()),
        };
        if rest.contains(['#', ' ', '|']) {
            return Err(wrong("#, | and spaces are written %23, %7C and %20"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (rest, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = rest.rsplit_once('@').unwrap_or(("", rest));
        let port = if kind == Kind::Sentinel { 26379 } else { 6379 };
        let hosts: Vec<_> = hosts
            .split(',')
            .map(|host| host_and_port(host, port))
            .collect::<Result<_, _>>()?;
        if kind == Kind::Single && hosts.len() > 1 {
            return Err(wrong("several hosts need redis+sentinel:// or redis+cluster://"));
        }
        let settings = Settings::read(query, kind)?;
        let deployment = match kind {
            Kind::Single | Kind::Socket => Deployment::Single {
                database: database(path)?,
            },
            Kind::Sentinel => {
                let (master, number) = path.split_once('/').unwrap_or((path, ""));
                if master.is_empty() {
                    return Err(wrong(
                        "the name of the master is missing behind the sentinels, as in /mymaster",
                    ));
                }
                Deployment::Sentinel {
                    master: decoded(master)?,
                    database: database(number)?,
                    login: settings.sentinel,
                }
            }
            Kind::Cluster if path.is_empty() => Deployment::Cluster,
            Kind::Cluster => return Err(wrong("a cluster has no numbered databases")),
        };
        if settings.authority.is_some() && !tls {
            return Err(wrong("ca needs TLS: rediss rather than redis"));
        }
        Ok(Self {
            deployment,
            hosts,
            tls,
            login: login(credentials)?,
            authority: settings.authority,
            prefix: settings.prefix.unwrap_or_else(|| "stoa".into()),
        })
    }

    /// `redis+unix://[[user]:password@]/run/redis.sock[?db=1]`.
    fn socket(rest: &str) -> Result<Self, InvalidUrl> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (credentials, path) = rest.rsplit_once('@').unwrap_or(("", rest));
        if !path.starts_with('/') {
            return Err(wrong(
                "the path of the socket is missing, as in redis+unix:///run/redis.sock",
            ));
        }
        let settings = Settings::read(query, Kind::Socket)?;
        Ok(Self {
            deployment: Deployment::Socket {
                path: decoded(path)?.into(),
                database: settings.database,
            },
            hosts: Vec::new(),
            tls: false,
            login: login(credentials)?,
            authority: None,
            prefix: settings.prefix.unwrap_or_else(|| "stoa".into()),
        })
    }

    /// What the names of all keys begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Single,
    Socket,
    Sentinel,
    Cluster,
}

/// What stands behind the question mark.
#[derive(Default)]
struct Settings {
    authority: Option<PathBuf>,
    prefix: Option<String>,
    sentinel: Login,
    database: i64,
}

impl Settings {
    fn read(query: &str, kind: Kind) -> Result<Self, InvalidUrl> {
        let mut settings = Self::default();
        for setting in query.split('&').filter(|setting| !setting.is_empty()) {
            let (name, value) = setting
                .split_once('=')
                .ok_or_else(|| wrong("a setting behind ? has no ="))?;
            let value = decoded(value)?;
            match name {
                "db" if kind == Kind::Socket => settings.database = database(&value)?,
                "ca" if kind != Kind::Socket => settings.authority = Some(value.into()),
                "prefix" if value.contains(['{', '}']) => return Err(wrong("prefix must not hold braces")),
                "prefix" => settings.prefix = Some(value),
                "sentinel_username" if kind == Kind::Sentinel => settings.sentinel.username = Some(value),
                "sentinel_password" if kind == Kind::Sentinel => settings.sentinel.password = Some(value),
                // The name may be what is left of a password with a question mark in it.
                _ => {
                    return Err(wrong(
                        "a setting behind ? is none of ca, prefix, and, for sentinels, sentinel_username and \
                         sentinel_password (a ? in a password is written %3F)",
                    ));
                }
            }
        }
        Ok(settings)
    }
}

fn login(credentials: &str) -> Result<Login, InvalidUrl> {
    // Whoever shows an address without its secrets would find none behind a comma.
    if credentials.contains(',') {
        return Err(wrong("a comma in a password is written %2C"));
    }
    let (username, password) = match credentials.split_once(':') {
        Some((username, password)) => (username, Some(decoded(password)?)),
        None => (credentials, None),
    };
    if password.is_none() && !username.is_empty() {
        return Err(wrong(
            "a user without a password; a password alone is written :password@",
        ));
    }
    Ok(Login {
        username: (!username.is_empty()).then(|| decoded(username)).transpose()?,
        password,
    })
}

/// `host`, `host:port`, `[::1]:port`.
fn host_and_port(text: &str, usual: u16) -> Result<(String, u16), InvalidUrl> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = port.map_or(Ok(usual), str::parse);
    let sound = |letter: char| letter.is_ascii_alphanumeric() || ".-_:%".contains(letter);
    match port {
        Ok(port) if !host.is_empty() && host.chars().all(sound) => Ok((host.to_owned(), port)),
        _ => Err(wrong("a host is not written as host or host:port")),
    }
}

fn database(text: &str) -> Result<i64, InvalidUrl> {
    match text {
        "" => Ok(0),
        number => match number.parse() {
            Ok(number @ 0..) => Ok(number),
            _ => Err(wrong(
                "what stands behind the last / is not the number of a database",
            )),
        },
    }
}

fn decoded(text: &str) -> Result<String, InvalidUrl> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(Into::into)
        .map_err(|_| wrong("what is written with % is not UTF-8"))
}

fn wrong(reason: &str) -> InvalidUrl {
    InvalidUrl(reason.to_owned())
}

fn unknown() -> InvalidUrl {
    wrong(
        "it does not begin with redis://, redis+sentinel:// or redis+cluster://, or the same with rediss for TLS, or with \
         redis+unix://",
    )
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisUrl")
            .field("deployment", &self.deployment)
            .field("hosts", &self.hosts)
            .field("tls", &self.tls)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.password.is_some() { "<set>" } else { "none" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> RedisUrl {
        RedisUrl::parse(text).unwrap()
    }

    #[test]
    fn one_server() {
        let plain = parse("redis://cache.example.com");
        assert_eq!(plain.hosts, [("cache.example.com".to_owned(), 6379)]);
        assert_eq!(
            (plain.tls, plain.deployment),
            (false, Deployment::Single { database: 0 })
        );
        assert_eq!((plain.login, plain.prefix.as_str()), (Login::default(), "stoa"));

        let full = parse("rediss://mirror:p%40ss%2Fw@[::1]:6390/2?ca=%2Fetc%2Fca.pem&prefix=team");
        assert_eq!((full.hosts, full.tls), (vec![("::1".to_owned(), 6390)], true));
        assert_eq!(full.login.username.as_deref(), Some("mirror"));
        assert_eq!(full.login.password.as_deref(), Some("p@ss/w"));
        assert_eq!(full.deployment, Deployment::Single { database: 2 });
        assert_eq!(
            (full.authority, full.prefix.as_str()),
            (Some("/etc/ca.pem".into()), "team")
        );
    }

    #[test]
    fn sentinels_and_clusters_have_several_hosts() {
        let sentinels = parse("redis+sentinel://:secret@a,b:26380/mymaster/3?sentinel_password=other");
        assert_eq!(
            sentinels.hosts,
            [("a".to_owned(), 26379), ("b".to_owned(), 26380)]
        );
        assert_eq!(
            (sentinels.login.username, sentinels.login.password.as_deref()),
            (None, Some("secret"))
        );
        let Deployment::Sentinel {
            master,
            database,
            login,
        } = sentinels.deployment
        else {
            panic!("not sentinels")
        };
        assert_eq!(
            (master.as_str(), database, login.password.as_deref()),
            ("mymaster", 3, Some("other"))
        );

        let cluster = parse("rediss+cluster://a:7001,b:7002,c:7003");
        assert_eq!(
            (cluster.hosts.len(), cluster.tls, cluster.deployment),
            (3, true, Deployment::Cluster)
        );
    }

    #[test]
    fn a_socket_has_a_path() {
        let socket = parse("redis+unix://:secret@/run/redis.sock?db=2");
        let path = "/run/redis.sock".into();
        assert_eq!(socket.deployment, Deployment::Socket { path, database: 2 });
        assert_eq!(socket.login.password.as_deref(), Some("secret"));
    }

    #[test]
    fn what_is_wrong_is_said_without_repeating_it() {
        for text in [
            "",
            "auto",
            "redis:",
            "http://h",
            "redis://",
            "redis://:canary@",
            "redis://user@h",
            "redis://a,b",
            "redis://h/x",
            "redis://h/-1",
            "redis://h:port",
            "redis://:canary/x@h",
            "redis://:can?ary@h",
            "redis://:can#ary@h",
            "redis://h?ca=/x",
            "redis://h?sentinel_password=canary",
            "redis+sentinel://h",
            "redis+cluster://a,b/1",
            "redis+unix://run/x",
            "redis+unix:///x?ca=/y",
            "redis://:can,ary@h",
            "redis://:%ff@h",
            "rediss://h?prefix={x}",
        ] {
            let error = RedisUrl::parse(text).expect_err(text);
            assert!(!error.to_string().contains("ary"), "{error}");
        }
    }

    #[test]
    fn credentials_are_never_printed() {
        for text in [
            "redis://canary:canary@h",
            "redis+sentinel://:canary@h/m?sentinel_username=canary&sentinel_password=canary",
        ] {
            let printed = format!("{:?}", parse(text));
            assert!(!printed.contains("canary"), "{printed}");
        }
    }
}
