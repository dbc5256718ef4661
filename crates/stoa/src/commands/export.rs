//! `stoa export`: the store as a plain GOPROXY tree, or as one tar file, for machines with no way out.

mod sinks;

use super::{print, work};
use crate::{
    config::{Config, environment::Environment, go_syntax, storage_url::StorageUrl},
    exit::Failure,
    open_store::{Storage, open_store},
    transfer::progress::Progress,
};
use clap::{Arg, ArgMatches, Command};
use indicatif::{HumanBytes, HumanCount};
use proxy_core::{
    file::{Body, Kind, ModuleFile},
    module::{ModulePath, Patterns, Version},
    seen,
    spool::ReceiveError,
    store::{Catalog, Part, StoreError},
};
use sinks::{Added, Sink};
use std::{io, path::Path};
use tokio_util::sync::CancellationToken;

const HELP: &str = "\
The tree is what GOPROXY=file:///path/to/TARGET reads, lists of versions included;
any web server can serve it, and `stoa import` takes it in elsewhere. Nothing of
this program's own is in it. In a folder, what is there already is left alone, so
that the command can be repeated.

Every file is compared with the record of its first sight; what is damaged is
told and left out.

Examples:
  stoa export ./mirror
  stoa export modules.tar --modules 'example.com/us,*.corp.example'
  stoa export - | ssh inside 'tar -x -C /srv/mirror'

Exit codes:
   0  everything is in TARGET
   1  some files are damaged, or are other ones in TARGET
  64  the command line or the configuration is wrong
  69  the store is not there, or TARGET cannot be written
 130  interrupted";

/// How many files are asked for at a time.
const PAGE: usize = 1000;

/// The grammar.
pub(super) fn command() -> Command {
    let target = Arg::new("TARGET")
        .value_name("TARGET")
        .required(true)
        .help("A folder; or a tar file, if it ends in .tar; or - for a tar file on standard output");
    let modules = Arg::new("modules")
        .long("modules")
        .value_name("PATTERNS")
        .help("Only these modules, in GOPRIVATE syntax");
    Command::new("export")
        .about("Write a plain GOPROXY tree, as a folder or a tar file")
        .args([target, modules])
        .after_help(HELP)
}

#[derive(Default)]
struct Tally {
    written: u64,
    bytes: u64,
    present: u64,
    found: u64,
}

/// Exports.
pub(super) fn run(matches: &ArgMatches, config: &Config, _environment: &Environment) -> Result<(), Failure> {
    let target = matches
        .get_one::<String>("TARGET")
        .map(String::as_str)
        .unwrap_or_default();
    let modules = matches
        .get_one::<String>("modules")
        .map(|text| go_syntax::patterns(text))
        .transpose();
    let modules = modules.map_err(|wrong| Failure::Usage(format!("--modules: {wrong}")))?;
    match &config.storage {
        StorageUrl::Memory => return Err(Failure::Usage("storage.url: a store in memory is empty".into())),
        StorageUrl::File(folder) if !folder.is_dir() => {
            return Err(Failure::Usage(format!(
                "storage.url: there is no folder {}",
                folder.display()
            )));
        }
        _ => {}
    }
    work(config, async |stop| {
        let storage = open_store(config).await?;
        let catalog = storage.catalog.clone();
        let catalog = catalog
            .ok_or_else(|| Failure::Usage("storage.url: this store cannot list what it keeps".into()))?;
        let unwritable =
            |error: io::Error| Failure::Unavailable(format!("{target} cannot be written: {error}"));
        let mut sink = tokio::task::block_in_place(|| Sink::open(target)).map_err(unwritable)?;
        let progress = Progress::new();
        let (tally, stopped) = export(
            &storage,
            &*catalog,
            modules.as_ref(),
            &mut sink,
            &progress,
            &stop,
            &unwritable,
        )
        .await?;
        progress.finish();
        if stopped {
            return Err(Failure::Interrupted(
                "stopped; what is in the target is not all".into(),
            ));
        }
        tokio::task::block_in_place(|| sink.finish()).map_err(unwritable)?;
        let Tally {
            written,
            bytes,
            present,
            found,
        } = tally;
        let summary = format!(
            "{} files written ({}), {} were there",
            HumanCount(written),
            HumanBytes(bytes),
            HumanCount(present)
        );
        if target == "-" {
            progress.tell(&summary);
        } else {
            print(&(summary + "\n"))?;
        }
        match found {
            0 => Ok(()),
            found => Err(Failure::Found(format!(
                "{found} files were left out; each is named above"
            ))),
        }
    })
}

async fn export(
    storage: &Storage,
    catalog: &dyn Catalog,
    modules: Option<&Patterns>,
    sink: &mut Sink,
    progress: &Progress,
    stop: &CancellationToken,
    unwritable: &(dyn Fn(io::Error) -> Failure + Sync),
) -> Result<(Tally, bool), Failure> {
    let gone = |error: StoreError| Failure::Unavailable(error.to_string());
    let mut tally = Tally::default();
    let mut after: Option<ModuleFile> = None;
    let mut listed: Option<(ModulePath, Vec<Version>)> = None;
    loop {
        let files = catalog.files(after.as_ref(), PAGE).await.map_err(gone)?;
        let end = files.is_empty();
        for file in files {
            after = Some(file.clone());
            if stop.is_cancelled() {
                return Ok((tally, true));
            }
            if modules.is_some_and(|modules| !modules.matches(file.module.path().as_str())) {
                continue;
            }
            if listed
                .as_ref()
                .is_some_and(|(path, _)| path != file.module.path())
            {
                write_list(sink, listed.take()).map_err(unwritable)?;
            }
            match body_of(storage, &file).await? {
                Ok(body) => match tokio::task::block_in_place(|| sink.add(&file.tree_path(), &body))
                    .map_err(unwritable)?
                {
                    Added::Written => {
                        tally.written += 1;
                        tally.bytes += body.size();
                    }
                    Added::Present => tally.present += 1,
                    Added::Differs => {
                        tally.found += 1;
                        progress.tell(&format!("{file}: the target has another one, which stays"));
                        continue;
                    }
                },
                Err(sentence) => {
                    tally.found += 1;
                    progress.tell(&sentence);
                    continue;
                }
            }
            if file.kind == Kind::Info {
                let (path, version) = (file.module.path().clone(), file.module.version().clone());
                listed.get_or_insert_with(|| (path, Vec::new())).1.push(version);
            }
            progress.say(|| {
                format!(
                    "{} files written ({})",
                    HumanCount(tally.written),
                    HumanBytes(tally.bytes)
                )
            });
        }
        if end {
            write_list(sink, listed.take()).map_err(unwritable)?;
            return Ok((tally, false));
        }
    }
}

/// Reads a file whole into the spool, and compares it with its record; `Err` inside is a sentence about damage.
async fn body_of(storage: &Storage, file: &ModuleFile) -> Result<Result<Body, String>, Failure> {
    let damaged = |error: StoreError| match error {
        StoreError::Corrupt { .. } | StoreError::SumDisagrees { .. } => Ok(Err(error.to_string())),
        error => Err(Failure::Unavailable(error.to_string())),
    };
    let content = match storage.modules.open(file, Part::Whole).await {
        Ok(Some(content)) => content,
        Ok(None) => return Ok(Err(format!("{file} is listed, and not there"))),
        Err(error) => return damaged(error),
    };
    let received = storage
        .spool
        .receive(content.into_stream(), file.kind.facts().max_size)
        .await;
    let body = match received {
        Ok(body) => body,
        Err(ReceiveError::Sender(error)) => return damaged(error),
        Err(error @ ReceiveError::TooLarge { .. }) => return Ok(Err(format!("{file} is damaged: {error}"))),
        Err(ReceiveError::Spool(error)) => return Err(Failure::Unavailable(error.to_string())),
    };
    match seen::read(&*storage.records, &file.module, file.kind).await {
        Ok(Some(sight)) if sight.sha256 != body.sha256() => Ok(Err(format!(
            "{file} is damaged: its bytes are not those of its record"
        ))),
        Ok(_) => Ok(Ok(body)),
        Err(error) => damaged(error),
    }
}

/// The list of a module, as a proxy gives it: without pseudo-versions. A `file://` proxy has no other.
fn write_list(sink: &mut Sink, listed: Option<(ModulePath, Vec<Version>)>) -> io::Result<()> {
    let Some((path, mut versions)) = listed else {
        return Ok(());
    };
    versions.retain(|version| !version.is_pseudo());
    versions.sort();
    let text: String = versions.iter().map(|version| format!("{version}\n")).collect();
    let name = Path::new(&path.escaped()).join("@v/list");
    tokio::task::block_in_place(|| sink.replace(&name.to_string_lossy(), text.as_bytes()))
}
