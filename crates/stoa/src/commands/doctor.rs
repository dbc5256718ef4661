//! `stoa doctor`: looks at everything a server of this configuration would need, and says what is wrong with it.

use super::{print, work};
use crate::{
    config::{
        Config, DirectGit, address::Listen, environment::Environment, redact::redact, storage_url::StorageUrl,
    },
    exit::Failure,
    listen::tls::Certificate,
    open_store::{Storage, open_store},
    wiring,
};
use bytes::Bytes;
use clap::Command;
use proxy_core::{
    module::ModulePath,
    records::{RecordKey, Written},
    store::StoreError,
    upstream::{FetchContext, UpstreamError, chain::Entry},
};
use std::{process::Stdio, time::Duration};
use tokio::{net::TcpListener, time::timeout};

const HELP: &str = "\
Looks, and changes nothing: a record is written to the store and removed again,
every proxy of the chain is asked for the versions of a public module, the
checksum database for its head, programs for their version. Each line says what was looked at and what was
found; lines that begin with ! want something done.

Exit codes:
   0  everything is well
   1  something is not; the lines that begin with ! say what
  64  the command line or the configuration is wrong";

/// Whoever does not answer within this long is not there.
const PATIENCE: Duration = Duration::from_secs(10);

/// A module that every proxy which serves the public knows, and that gives nothing away.
const PUBLIC_MODULE: &str = "golang.org/x/text";

/// The grammar.
pub(super) fn command() -> Command {
    Command::new("doctor")
        .about("Look at everything a server would need: storage, upstreams, go, git, the address")
        .after_help(HELP)
}

/// What was found.
#[derive(Default)]
struct Findings {
    lines: String,
    wrong: usize,
}

impl Findings {
    fn note(&mut self, what: &str, found: Result<String, String>) {
        let (mark, sentence) = match found {
            Ok(sentence) => (' ', sentence),
            Err(sentence) => {
                self.wrong += 1;
                ('!', sentence)
            }
        };
        self.lines.push_str(&format!("{mark} {what:<14}{sentence}\n"));
    }
}

/// Looks.
pub(super) fn run(config: &Config, environment: &Environment) -> Result<(), Failure> {
    work(config, async |_stop| {
        let mut findings = Findings::default();
        findings.note("configuration", settings(config, environment));
        findings.note("listen", address(config).await);
        storage(config, &mut findings).await;
        upstreams(config, environment, &mut findings).await;
        checksums(config, environment, &mut findings).await;
        programs(config, &mut findings).await;
        print(&findings.lines)?;
        match findings.wrong {
            0 => Ok(()),
            1 => Err(Failure::Found(
                "1 thing is not well; it is marked with ! above".into(),
            )),
            wrong => Err(Failure::Found(format!(
                "{wrong} things are not well; they are marked with ! above"
            ))),
        }
    })
}

/// What loading did not check: the files that are named.
fn settings(config: &Config, environment: &Environment) -> Result<String, String> {
    if let Some(files) = &config.tls {
        Certificate::load(files).map_err(|error| error.to_string())?;
    }
    wiring::check(config, environment).map_err(|error| error.to_string())?;
    Ok(match &config.file {
        Some(file) => file.display().to_string(),
        None => "no file; defaults, environment and flags".into(),
    })
}

async fn address(config: &Config) -> Result<String, String> {
    let Listen::Tcp { host, port } = &config.listen else {
        return Ok(config.listen.to_string());
    };
    match TcpListener::bind((host.as_str(), *port)).await {
        Ok(_) => Ok(format!("{} is free", config.listen)),
        // It may well be a server of this configuration.
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Ok(format!(
            "{} is in use: somebody serves there already",
            config.listen
        )),
        Err(error) => Err(format!("{} cannot be listened on: {error}", config.listen)),
    }
}

async fn storage(config: &Config, findings: &mut Findings) {
    if let StorageUrl::File(folder) = &config.storage
        && !folder.exists()
    {
        let made = format!("{} is not there yet; a server makes it", folder.display());
        return findings.note("storage", Ok(made));
    }
    let storage = match timeout(PATIENCE, open_store(config)).await {
        Ok(Ok(storage)) => storage,
        Ok(Err(failure)) => return findings.note("storage", Err(failure.to_string())),
        Err(_) => return findings.note("storage", Err("the store does not answer".into())),
    };
    let written = match timeout(PATIENCE, write_a_record(&storage)).await {
        Ok(Ok(())) => Ok(storage.description.clone()),
        Ok(Err(error)) => Err(format!("{}: {error}", storage.description)),
        Err(_) => Err(format!("{}: the store does not answer", storage.description)),
    };
    findings.note("storage", written);
    if let Some(catalog) = &storage.catalog {
        let listed = match timeout(PATIENCE, catalog.files(None, 1)).await {
            Ok(Ok(files)) if files.is_empty() => Ok("nothing is kept yet".into()),
            Ok(Ok(_)) => Ok("what is kept can be listed".into()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("what is kept takes long to list".into()),
        };
        findings.note("catalog", listed);
    }
}

/// Does what a server does all the time: creates, replaces, removes.
async fn write_a_record(storage: &Storage) -> Result<(), StoreError> {
    let name = format!("doctor/{:016x}", rand::random::<u64>());
    let key = RecordKey::parse(&name)
        .map_err(|error| StoreError::unavailable_because("a record has no name", error))?;
    let records = &storage.records;
    let written = records.write(&key, Bytes::from_static(b"one"), None).await?;
    let replaced = match &written {
        Written::Done(revision) => {
            records
                .write(&key, Bytes::from_static(b"two"), Some(revision))
                .await?
        }
        Written::Changed => Written::Changed,
    };
    let read = records.read(&key).await?;
    records.remove(&key).await?;
    match (replaced, read) {
        (Written::Done(_), Some(record)) if record.bytes == "two" => Ok(()),
        _ => Err(StoreError::unavailable(
            "a record that was written does not read back",
        )),
    }
}

async fn upstreams(config: &Config, environment: &Environment, findings: &mut Findings) {
    let proxies = match wiring::upstreams(config, environment) {
        Ok(proxies) => proxies,
        // Said of the configuration already.
        Err(_) => return,
    };
    for ((entry, _), proxy) in config.upstream.chain.iter().zip(proxies) {
        match (entry, proxy) {
            (Entry::Proxy(address), Some(proxy)) => {
                let asked = async {
                    let path = ModulePath::parse(PUBLIC_MODULE).map_err(|error| error.to_string())?;
                    match proxy.versions(&path, &FetchContext::new([])).await {
                        Ok(_) | Err(UpstreamError::NotFound { .. }) => {
                            Ok(format!("{} answers", redact(address)))
                        }
                        Err(error) => Err(error.to_string()),
                    }
                };
                let silent = || Err(format!("{} does not answer", redact(address)));
                findings.note(
                    "upstream",
                    timeout(PATIENCE, asked).await.unwrap_or_else(|_| silent()),
                );
            }
            (Entry::Proxy(_), None) => {}
            (Entry::Direct, _) => findings.note(
                "upstream",
                Ok("direct: each module from its own repository".into()),
            ),
            (Entry::Off, _) => findings.note("upstream", Ok("off: only what is kept is served".into())),
        }
    }
}

async fn checksums(config: &Config, environment: &Environment, findings: &mut Findings) {
    let relay = match wiring::checksum_relay(config, environment) {
        Ok(Some(relay)) => relay,
        Ok(None) => return findings.note("checksums", Ok("off: what is seen first holds".into())),
        // Said of the configuration already.
        Err(_) => return,
    };
    let found = match timeout(PATIENCE, relay.read("latest")).await {
        Ok(Ok(Some(_))) => Ok(format!("{} answers, and signed what it says", relay.name())),
        Ok(Ok(None)) => Err(format!("{} has no signed head", relay.name())),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("{} does not answer", relay.name())),
    };
    findings.note("checksums", found);
}

/// The programs that version control needs, as it is configured.
async fn programs(config: &Config, findings: &mut Findings) {
    let direct = config
        .upstream
        .chain
        .iter()
        .any(|(entry, _)| *entry == Entry::Direct);
    if !direct && config.upstream.private.is_empty() {
        return;
    }
    let git = config.direct.git;
    let for_ssh = match git {
        DirectGit::Auto => "only repositories over ssh would need it",
        DirectGit::BuiltIn | DirectGit::Command => "none is needed",
    };
    for (program, argument, needed, otherwise) in [
        (
            "go",
            "version",
            false,
            "only other version control than git would need it",
        ),
        ("git", "--version", git == DirectGit::Command, for_ssh),
    ] {
        let found = match version_of(program, argument).await {
            Some(version) => Ok(version),
            None if needed => Err(format!(
                "there is no {program} command, and direct.git = \"{}\" needs it",
                config
                    .values
                    .get("direct.git")
                    .map_or("auto", |value| value.text.as_str())
            )),
            None => Ok(format!("there is no {program} command; {otherwise}")),
        };
        findings.note(program, found);
    }
}

async fn version_of(program: &str, argument: &str) -> Option<String> {
    let mut command = tokio::process::Command::new(program);
    command
        .arg(argument)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output
        .status
        .success()
        .then(|| text.lines().next().unwrap_or_default().to_owned())
}
