//! The configuration: flags over environment over file over defaults, checked as a whole before anything starts.
//!
//! [`table::SETTINGS`] is where keys are made. This file is the only one in the whole project that reads the
//! environment; everything else receives a [`Config`].

pub(crate) mod address;
pub(crate) mod defaults;
pub(crate) mod environment;
pub(crate) mod error;
pub(crate) mod file;
pub(crate) mod go_command;
pub(crate) mod go_syntax;
pub(crate) mod lease_url;
pub(crate) mod quantity;
pub(crate) mod redact;
pub(crate) mod reference;
pub(crate) mod setting;
pub(crate) mod show;
pub(crate) mod storage_url;
pub(crate) mod suggestion;
pub(crate) mod syntax;
pub(crate) mod table;
pub(crate) mod value;

use address::{BasePath, Listen};
use checksum_db::DatabaseSetting;
use environment::Environment;
use error::ConfigError;
use go_command::GoCommand;
use lease_url::LeaseUrl;
use proxy_core::{
    mirror::Lifetimes,
    module::Patterns,
    upstream::chain::{Entry, Separator},
};
use setting::Preset;
use std::{path::PathBuf, time::Duration};
use storage_url::StorageUrl;
use tracing_subscriber::filter::Targets;
use url::Url;
use value::{Source, Values};

/// What the command line said about the configuration.
#[derive(Clone, Default)]
pub(crate) struct CommandLine {
    /// The file it named.
    pub(crate) file: Option<PathBuf>,
    /// Keys and their values, from flags.
    pub(crate) flags: Vec<(&'static str, String)>,
}

/// A configuration that was checked. It does not print, since addresses may hold passwords.
pub(crate) struct Config {
    /// Where to listen.
    pub(crate) listen: Listen,
    /// The prefix below which everything is served.
    pub(crate) base_path: BasePath,
    /// Where module files are kept.
    pub(crate) storage: StorageUrl,
    /// Stores that are asked before the upstreams.
    pub(crate) also: Vec<StorageUrl>,
    /// From how many bytes on a zip is answered with a link; `None`: never.
    pub(crate) redirect_over: Option<u64>,
    /// The folder for files on their way in; `None`: where the store likes it.
    pub(crate) spool: Option<PathBuf>,
    /// What misses are fetched from.
    pub(crate) upstream: UpstreamConfig,
    /// Who knows the sums of modules.
    pub(crate) checksums: ChecksumsConfig,
    /// How what is kept is looked after.
    pub(crate) scrub: ScrubConfig,
    /// Where leases are kept.
    pub(crate) lease: LeaseUrl,
    /// Version control.
    pub(crate) direct: DirectConfig,
    /// How long changing answers are believed.
    pub(crate) lifetimes: Lifetimes,
    /// Whether lists of what is kept name private modules.
    pub(crate) catalog_private: bool,
    /// The address by which clients reach this server.
    pub(crate) public_url: Option<Url>,
    /// Bounds.
    pub(crate) limits: Limits,
    /// Certificate and key, if https is served.
    pub(crate) tls: Option<TlsFiles>,
    /// The log.
    pub(crate) telemetry: Telemetry,
    /// What the process was started with, for clients of clouds that look for their own variables in it.
    pub(crate) environment: Environment,
    /// The user's cache folder, and ours in it.
    pub(crate) cache_folder: Option<PathBuf>,
    /// Every value and who wrote it.
    pub(crate) values: Values,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
}

/// What misses are fetched from.
pub(crate) struct UpstreamConfig {
    /// The upstreams in order.
    pub(crate) chain: Vec<(Entry, Separator)>,
    /// Modules that are fetched from version control only.
    pub(crate) private: Patterns,
    /// The same as it was written, in GOPRIVATE syntax.
    pub(crate) private_text: String,
}

/// Who knows the sums of modules.
pub(crate) struct ChecksumsConfig {
    /// The checksum database, if there is one.
    pub(crate) database: Option<DatabaseSetting>,
    /// Modules that it is not asked about.
    pub(crate) skip: Patterns,
    /// Whether new versions should be kept unproven while it is down.
    pub(crate) first_sight: bool,
}

/// How what is kept is looked after.
#[derive(Clone, Copy)]
pub(crate) struct ScrubConfig {
    /// How long after one scrub the next begins; `None`: never.
    pub(crate) every: Option<Duration>,
    /// Bytes read a second.
    pub(crate) rate: u64,
}

/// How version control is used.
pub(crate) struct DirectConfig {
    /// What brings the objects of git repositories.
    pub(crate) git: DirectGit,
    /// The file with the credentials of private repositories.
    pub(crate) credentials: Option<PathBuf>,
    /// Modules that may come over http and unverified TLS.
    pub(crate) insecure: String,
    /// GOVCS.
    pub(crate) vcs: String,
    /// The folder for what is kept between fetches; `None`: beside a file store, else the user's cache folder.
    pub(crate) cache: Option<PathBuf>,
}

/// What brings the objects of git repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DirectGit {
    /// Our own transport over https and http, the `git` command over ssh.
    Auto,
    /// Our own transport.
    BuiltIn,
    /// The `git` command.
    Command,
}

/// Bounds on what clients may do.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// For requests under way after SIGTERM.
    pub(crate) drain: Duration,
    /// Bytes of small files in memory.
    pub(crate) memory_cache: u64,
    /// For a client that sends no request, or half of one.
    pub(crate) header_timeout: Duration,
    /// For a client that takes nothing of its answer.
    pub(crate) send_timeout: Duration,
    /// Connections at one time.
    pub(crate) connections: usize,
}

/// Certificate and key.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    /// The certificate and its chain, in PEM.
    pub(crate) certificate: PathBuf,
    /// Its private key, in PEM.
    pub(crate) key: PathBuf,
}

/// The log.
pub(crate) struct Telemetry {
    /// JSON rather than lines for people.
    pub(crate) json: bool,
    /// What is logged.
    pub(crate) level: Targets,
    /// Whether each request is.
    pub(crate) access_log: bool,
}

/// The environment of this process.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn environment_of_process() -> Environment {
    Environment::new(std::env::vars_os())
}

/// Reads all layers, checks every value, and makes a configuration of them.
pub(crate) fn load(
    command_line: &CommandLine,
    environment: &Environment,
    go: &dyn GoCommand,
) -> Result<Config, ConfigError> {
    let (values, file) = layers(command_line, environment)?;
    values.check()?;
    let values = with_found_defaults(values, environment, go)?;
    let path = |text: &str| Ok(PathBuf::from(text));
    let text = |text: &str| Ok(text.to_owned());
    Ok(Config {
        listen: values.read("listen", address::listen)?,
        base_path: values.read("base_path", address::base_path)?,
        storage: {
            let url = values.read("storage.url", storage_url::parse)?;
            match values.read_if_set("storage.endpoint", address::web_url)? {
                Some(endpoint) => url.or_endpoint(&endpoint),
                None => url,
            }
        },
        also: values
            .read_if_set("storage.also", storage_url::parse_all)?
            .unwrap_or_default(),
        redirect_over: values.read("storage.redirect_over", |text| {
            quantity::or_off(text, quantity::size)
        })?,
        spool: values.read_if_set("storage.spool", path)?,
        upstream: UpstreamConfig {
            chain: values.read("upstream.chain", go_syntax::chain)?,
            private: values.read("upstream.private", go_syntax::patterns)?,
            private_text: values.read("upstream.private", text)?,
        },
        checksums: ChecksumsConfig {
            database: values.read("checksums.database", go_syntax::checksum_database)?,
            skip: values.read("checksums.skip", go_syntax::patterns)?,
            first_sight: values.read("checksums.when_unreachable", |what| Ok(what == "first-sight"))?,
        },
        scrub: ScrubConfig {
            every: values.read("scrub.every", |text| {
                quantity::or_off(text, quantity::positive_duration)
            })?,
            rate: values.read("scrub.rate", quantity::size)?,
        },
        lease: values.read("lease.url", lease_url::parse)?,
        direct: DirectConfig {
            git: values.read("direct.git", |choice| {
                Ok(match choice {
                    "builtin" => DirectGit::BuiltIn,
                    "command" => DirectGit::Command,
                    _ => DirectGit::Auto,
                })
            })?,
            credentials: values.read_if_set("direct.credentials", path)?,
            insecure: values.read("direct.insecure", text)?,
            vcs: values.read("direct.vcs", text)?,
            cache: values.read_if_set("direct.cache", path)?,
        },
        lifetimes: Lifetimes {
            fresh: values.read("lists.fresh", quantity::duration)?,
            absent: values.read("lists.absent", quantity::duration)?,
            silence: values.read("limits.silence", quantity::positive_duration)?,
        },
        catalog_private: values.read("catalog.private", quantity::boolean)?,
        public_url: values.read_if_set("web.public_url", address::web_url)?,
        limits: Limits {
            drain: values.read("limits.drain", quantity::duration)?,
            memory_cache: values.read("limits.memory_cache", quantity::size)?,
            header_timeout: values.read("limits.header_timeout", quantity::positive_duration)?,
            send_timeout: values.read("limits.send_timeout", quantity::positive_duration)?,
            connections: values.read("limits.connections", quantity::count)?,
        },
        tls: tls_files(&values)?,
        telemetry: Telemetry {
            json: values.read("telemetry.log_format", |format| Ok(format == "json"))?,
            level: values.read("telemetry.log_level", quantity::log_level)?,
            access_log: values.read("telemetry.access_log", quantity::boolean)?,
        },
        environment: environment.clone(),
        cache_folder: environment.cache_folder(),
        values,
        file,
    })
}

/// The layers, from the bottom up.
fn layers(
    command_line: &CommandLine,
    environment: &Environment,
) -> Result<(Values, Option<PathBuf>), ConfigError> {
    let mut values = Values::default();
    for setting in table::SETTINGS {
        if let Preset::Value(text) = setting.default {
            values.set(setting, text, Source::Default);
        }
    }
    let named = command_line
        .file
        .clone()
        .or_else(|| environment.path("STOA_CONFIG"));
    let file = file::find(named.as_deref())?;
    if let Some((path, text)) = &file {
        file::apply(path, text, &mut values)?;
    }
    environment.apply(&mut values)?;
    for (key, text) in &command_line.flags {
        if let Some((setting, flag)) = table::setting(key).and_then(|setting| Some((setting, setting.flag?)))
        {
            values.set(setting, text, Source::Flag(flag.name));
        }
    }
    Ok((values, file.map(|(path, _)| path)))
}

/// Fills in the defaults that depend on where the server runs, and checks those too.
fn with_found_defaults(
    mut values: Values,
    environment: &Environment,
    go: &dyn GoCommand,
) -> Result<Values, ConfigError> {
    let own = values.read("listen", address::listen)?;
    let mut fill = |key: &str, find: &dyn Fn() -> (String, Source)| {
        if let (Some(setting), None) = (table::setting(key), values.get(key)) {
            let (text, source) = find();
            values.set(setting, text, source);
        }
    };
    fill("upstream.chain", &|| {
        defaults::upstream_chain(environment, go, &own)
    });
    fill("checksums.database", &|| {
        defaults::checksum_database(environment, go)
    });
    values.check()?;
    Ok(values)
}

/// Certificate and key belong together.
fn tls_files(values: &Values) -> Result<Option<TlsFiles>, ConfigError> {
    let place = |key: &str| {
        values
            .get(key)
            .map(|value| (PathBuf::from(&value.text), value.source.clone()))
    };
    let alone = |key, other: &str, place| ConfigError::Value {
        key,
        reason: format!("it is set without {other}, and neither works alone"),
        place,
    };
    match (place("tls.certificate"), place("tls.key")) {
        (None, None) => Ok(None),
        (Some((certificate, _)), Some((key, _))) => Ok(Some(TlsFiles { certificate, key })),
        (Some((_, place)), None) => Err(alone("tls.certificate", "tls.key", place)),
        (None, Some((_, place))) => Err(alone("tls.key", "tls.certificate", place)),
    }
}

#[cfg(test)]
mod tests;
