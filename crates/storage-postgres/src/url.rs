//! Where the store is: a URL as `psql` takes it, and two words of our own.
//!
//! The URL is read once, when the configuration is checked. What libpq would do and this build does not is refused with
//! a sentence and not ignored: a connection that is less secret than was asked for looks just like one that is not.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use std::{fmt, str::FromStr, time::Duration};
use url::Url;

/// A database, how to reach it, and the schema in it. Prints without its password.
#[derive(Clone)]
pub struct PostgresUrl {
    options: PgConnectOptions,
    schema: String,
    max_connections: u32,
    connect_timeout: Duration,
    /// As it was given, to tell two apart.
    text: String,
}

/// Why a text is no URL of a store. The sentence repeats no value: one may be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUrl(String);

/// The schema where none is named.
const SCHEMA: &str = "stoa";

/// How many connections a node has at most where nothing is said: a server takes a hundred by default, and a few nodes
/// should fit.
const MAX_CONNECTIONS: u32 = 16;

/// How long a connection may take to be had where nothing is said.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What libpq calls by these names (Postgres manual, "Parameter Key Words") and is done here as well.
const AS_IN_LIBPQ: [&str; 11] = [
    "host",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
];

impl PostgresUrl {
    /// Reads `postgres://user:password@host:port/database?…`; `postgresql:` means the same.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let mut url = Url::parse(text).map_err(|error| wrong(format!("it is not a URL: {error}")))?;
        if !["postgres", "postgresql"].contains(&url.scheme()) {
            return Err(wrong("it must begin with postgres:// or postgresql://"));
        }
        let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let mut asked = Asked::default();
        let mut kept = Vec::new();
        for (name, value) in &parameters {
            if !asked.take(name, value)? {
                kept.push((name, value));
            }
        }
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
        let options = PgConnectOptions::from_str(url.as_str())
            .map_err(|_| wrong("a value in it (a port, an address) cannot be read"))?;
        Ok(Self {
            options: asked.apply_to(options),
            schema: asked.schema.unwrap_or_else(|| SCHEMA.to_owned()),
            max_connections: asked.max_connections.unwrap_or(MAX_CONNECTIONS),
            connect_timeout: asked.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            text: text.to_owned(),
        })
    }

    /// The schema that holds everything.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// How many connections a node has at most, beside the few for leases.
    pub fn max_connections(&self) -> u32 {
        self.max_connections
    }

    pub(crate) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    pub(crate) fn pool(&self) -> PgPoolOptions {
        PgPoolOptions::new()
            .max_connections(self.max_connections)
            .acquire_timeout(self.connect_timeout)
            // The first statement of a transaction shows it too, and costs no trip of its own.
            .test_before_acquire(false)
    }
}

/// What the URL's parameters ask for beside what is passed on as it is.
#[derive(Default)]
struct Asked {
    schema: Option<String>,
    max_connections: Option<u32>,
    connect_timeout: Option<Duration>,
    mode: Option<PgSslMode>,
    root: Option<String>,
}

impl Asked {
    /// Takes a parameter; false if it is to be passed on.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, InvalidUrl> {
        match name {
            "schema" => self.schema = Some(schema(value)?),
            "max_connections" => {
                let number = value.parse().ok().filter(|number| (2..=1000).contains(number));
                let number =
                    number.ok_or_else(|| wrong("max_connections must be a number from 2 to 1000"))?;
                self.max_connections = Some(number);
            }
            "connect_timeout" => {
                let seconds = value.parse().ok().filter(|seconds| (1..=300).contains(seconds));
                let seconds = seconds.ok_or_else(|| wrong("connect_timeout must be 1 to 300 seconds"))?;
                self.connect_timeout = Some(Duration::from_secs(seconds));
            }
            "sslmode" => self.mode = Some(mode(value)?),
            "sslrootcert" => self.root = Some(value.to_owned()),
            known if AS_IN_LIBPQ.contains(&known) => return Ok(false),
            // A name is no secret, but it may be part of a password that was not escaped.
            _ => {
                return Err(wrong(format!(
                    "it has a parameter that is not known; known are schema, max_connections, connect_timeout, {}",
                    AS_IN_LIBPQ.join(", ")
                )));
            }
        }
        Ok(true)
    }

    fn apply_to(&self, options: PgConnectOptions) -> PgConnectOptions {
        // A statement lives as long as its transaction, and poolers refuse start-up parameters they do not know.
        let mut options = options.statement_cache_capacity(0).extra_float_digits(None);
        let mut mode = self.mode;
        match self.root.as_deref() {
            // libpq: the roots that come with the system are only ever used to verify in full.
            Some("system") => mode = Some(PgSslMode::VerifyFull),
            Some(root) => {
                options = options.ssl_root_cert(root);
                // libpq: where there is a root, `require` verifies what issued the certificate.
                if matches!(mode, Some(PgSslMode::Require)) {
                    mode = Some(PgSslMode::VerifyCa);
                }
            }
            None => {}
        }
        if let Some(mode) = mode {
            options = options.ssl_mode(mode);
        }
        if options.get_application_name().is_none() {
            options = options.application_name("stoa");
        }
        options
    }
}

fn mode(value: &str) -> Result<PgSslMode, InvalidUrl> {
    match value {
        "disable" => Ok(PgSslMode::Disable),
        "prefer" => Ok(PgSslMode::Prefer),
        "require" => Ok(PgSslMode::Require),
        "verify-ca" => Ok(PgSslMode::VerifyCa),
        "verify-full" => Ok(PgSslMode::VerifyFull),
        "allow" => Err(wrong(
            "sslmode=allow is not known here: use prefer or, better, verify-full",
        )),
        _ => Err(wrong(
            "sslmode must be disable, prefer, require, verify-ca or verify-full",
        )),
    }
}

/// A plain word, so that it can stand in statements and nobody has to quote it by hand.
fn schema(value: &str) -> Result<String, InvalidUrl> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let sound = value.starts_with(|first: char| first.is_ascii_lowercase())
        && value.len() <= 63
        && value.bytes().all(plain)
        && !value.starts_with("pg_")
        && value != "information_schema";
    if sound {
        return Ok(value.to_owned());
    }
    Err(wrong(
        "schema must be a word of up to 63 lower-case letters, digits and underscores that begins with a letter and not \
         with pg_",
    ))
}

fn wrong(why: impl Into<String>) -> InvalidUrl {
    InvalidUrl(why.into())
}

impl PartialEq for PostgresUrl {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PostgresUrl {}

/// Where it is, for people: host, port, database and schema.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.options;
        let database = options.get_database().unwrap_or_else(|| options.get_username());
        match options.get_socket() {
            Some(socket) => write!(f, "{}", socket.display())?,
            None => write!(f, "{}:{}", options.get_host(), options.get_port())?,
        }
        write!(f, "/{database}, schema {}", self.schema)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> PostgresUrl {
        PostgresUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_url_names_server_database_and_schema() {
        let url = parsed("postgres://u:canary@db.example:6432/mirror?schema=go_modules&max_connections=7");
        assert_eq!(url.to_string(), "db.example:6432/mirror, schema go_modules");
        assert_eq!((url.schema(), url.max_connections()), ("go_modules", 7));
        assert!(!format!("{url:?}").contains("canary"));
        let url = parsed("postgresql://u@localhost/mirror");
        assert_eq!((url.schema(), url.max_connections()), ("stoa", 16));
        assert_eq!(
            parsed("postgres://u@%2Frun%2Fpg/mirror").to_string(),
            "/run/pg, schema stoa".replace(',', "/mirror,")
        );
        assert_eq!(
            parsed("postgres:///mirror?host=/run/pg").to_string(),
            "/run/pg/mirror, schema stoa"
        );
    }

    #[test]
    fn certificates_are_checked_as_libpq_would() {
        let mode = |query: &str| {
            format!(
                "{:?}",
                parsed(&format!("postgres://h/d?{query}")).options.get_ssl_mode()
            )
        };
        assert_eq!(mode("sslmode=verify-full"), "VerifyFull");
        assert_eq!(mode("sslmode=require"), "Require");
        assert_eq!(mode("sslmode=require&sslrootcert=/ca.pem"), "VerifyCa");
        assert_eq!(mode("sslrootcert=/ca.pem&sslmode=verify-full"), "VerifyFull");
        assert_eq!(mode("sslrootcert=system"), "VerifyFull");
        assert_eq!(mode("sslmode=disable"), "Disable");
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        for text in [
            "postgres://u:canary@h:port/d",
            "mysql://u:canary@h/d",
            "postgres://u:canary@h/d?schema=Stoa",
            "postgres://u:canary@h/d?schema=pg_temp",
            "postgres://u:canary@h/d?schema=a%22b",
            "postgres://u:canary@h/d?schema=",
            "postgres://u:canary@h/d?max_connections=1",
            "postgres://u:canary@h/d?max_connections=many",
            "postgres://u:canary@h/d?connect_timeout=0",
            "postgres://u:canary@h/d?sslmode=allow",
            "postgres://u:canary@h/d?sslmode=canary",
            "postgres://u:canary@h/d?ssl_mode=require",
            "postgres://u:canary@h/d?canary=canary",
        ] {
            let error = PostgresUrl::parse(text).expect_err(text).to_string();
            assert!(!error.contains("canary"), "{text}: {error}");
        }
    }
}
