//! `stoa copy`: fills one store from another.

use super::{print, work};
use crate::{
    config::{
        Config,
        environment::Environment,
        redact::redact,
        storage_url::{self, StorageUrl},
    },
    exit::Failure,
    open_store::{open_at, open_otherwise, open_to_read},
    transfer::{Ending, Source, Tally, Target, layouts::Layouts, progress::Progress, transfer},
    wiring::{Wired, wire_beside},
};
use clap::{Arg, ArgMatches, Command, value_parser};
use indicatif::{HumanBytes, HumanCount};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const HELP: &str = "\
Every file is checked on its way, as a file from an upstream is: by the sums of
the checksum database (or the record of its first sight) and by the rules of
module zips. Those records are copied too, and what FROM has of the checksum
database is proven before the database itself is asked: a mirror with no way out
can be copied. What TO has stays as it is: a file of FROM that disagrees with it
is reported, and the exit code is 1.

FROM is read and never written. It may be what Athens kept, in a bucket or on a
disk: names are understood as Athens writes them too, and in its layout.

The command may be stopped at any time and run again; it copies what is missing.
Servers may go on using both stores meanwhile.

Examples:
  stoa copy file:./stoa-data s3://modules/go
      move from a disk to a bucket: copy, restart the servers with the bucket,
      copy once more for what they fetched in between
  stoa copy 's3://old?profile=archive' postgres://stoa@db/stoa
      each URL may carry settings of its own
  STOA_CHECKSUMS__DATABASE=off stoa copy file:./a file:./b
      without a checksum database, from a mirror that never asked one

Exit codes:
   0  TO has everything that FROM has
   1  some files disagree, are damaged or break a rule; the rest is copied
  64  the command line or the configuration is wrong
  69  a store is not there, or a checksum database; run it again
 130  interrupted; run it again";

/// The grammar.
pub(super) fn command() -> Command {
    let url =
        |name: &'static str, help: &'static str| Arg::new(name).value_name(name).required(true).help(help);
    Command::new("copy")
        .about("Copy everything one store has into another, checked")
        .arg(url("FROM", "The store to read, as storage.url would name it"))
        .arg(url("TO", "The store to fill, as storage.url would name it"))
        .arg(parallel())
        .after_help(HELP)
}

/// How many versions at a time.
pub(super) fn parallel() -> Arg {
    Arg::new("parallel")
        .long("parallel")
        .value_name("COUNT")
        .default_value("8")
        .value_parser(value_parser!(u16).range(1..=256))
        .help("How many versions are copied at a time")
}

/// Copies.
pub(super) fn run(matches: &ArgMatches, config: &Config, environment: &Environment) -> Result<(), Failure> {
    let (from, to) = (url(matches, "FROM")?, url(matches, "TO")?);
    if same_place(&from, &to) {
        return Err(Failure::Usage("FROM and TO are the same store".into()));
    }
    work(config, async |stop| {
        let text = matches.get_one::<String>("FROM");
        let name = redact(text.map(String::as_str).unwrap_or_default());
        let source = source(&from, "FROM", name, config).await?;
        fill(&source, &to, "TO", matches, config, environment, &stop).await
    })
}

/// Fills a store, and says how it ended.
pub(super) async fn fill(
    source: &Source,
    to: &StorageUrl,
    what: &str,
    matches: &ArgMatches,
    config: &Config,
    environment: &Environment,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let storage = open_at(to, what, config).await?;
    let description = storage.description.clone();
    let beside = source.records.iter().cloned().collect();
    let wired = tokio::task::block_in_place(|| wire_beside(config, environment, storage, beside))?;
    let Wired {
        mirror,
        catalog,
        feed,
        ..
    } = wired;
    let target = Target {
        ingest: mirror.ingest().clone(),
        catalog: catalog.clone(),
    };
    let progress = Progress::new();
    progress.tell(&format!("from {}\n  to {description}", source.name));
    let at_a_time = usize::from(*matches.get_one::<u16>("parallel").unwrap_or(&8));
    let (tally, ending) = transfer(source, &target, at_a_time, &progress, stop).await;
    let fed = match (feed.in_records(), &catalog) {
        // Not only what was announced now: an earlier run may have been killed before it came to this.
        (Some(feed), Some(catalog)) if ending == Ending::Done => feed.catch_up(&**catalog).await.map(drop),
        (Some(feed), _) => feed.append_announced().await,
        (None, _) => Ok(()),
    };
    progress.finish();
    print(&summary(&tally))?;
    conclude(&tally, ending)?;
    // The files are there; a server that starts on this store adds to the feed what is missing in it.
    fed.map_err(|error| Failure::Unavailable(format!("everything is copied, but not in /index yet: {error}")))
}

fn summary(tally: &Tally) -> String {
    let Tally {
        versions,
        copied,
        bytes,
        present,
        found,
        failed,
    } = *tally;
    let mut text = format!(
        "{} versions: {} files copied ({}), {} were there",
        HumanCount(versions),
        HumanCount(copied),
        HumanBytes(bytes),
        HumanCount(present),
    );
    if found > 0 {
        text.push_str(&format!(", {} refused", HumanCount(found)));
    }
    if failed > 0 {
        text.push_str(&format!(", {} failed", HumanCount(failed)));
    }
    text + "\n"
}

fn conclude(tally: &Tally, ending: Ending) -> Result<(), Failure> {
    match ending {
        Ending::Gone(sentence) => Err(Failure::Unavailable(format!("{sentence}; run it again to go on"))),
        Ending::Stopped => Err(Failure::Interrupted("stopped; run it again to go on".into())),
        Ending::Done if tally.failed > 0 => Err(Failure::Unavailable(format!(
            "{} files could not be read or written; run it again to go on",
            tally.failed
        ))),
        Ending::Done if tally.found > 0 => Err(Failure::Found(format!(
            "{} files were not copied as they are in the source; each is named above",
            tally.found
        ))),
        Ending::Done => Ok(()),
    }
}

fn url(matches: &ArgMatches, name: &str) -> Result<StorageUrl, Failure> {
    let text = matches
        .get_one::<String>(name)
        .map(String::as_str)
        .unwrap_or_default();
    let url = storage_url::parse(text).map_err(|wrong| Failure::Usage(format!("{name}: {wrong}")))?;
    match url {
        StorageUrl::Memory => Err(Failure::Usage(format!(
            "{name}: a store in memory is gone when this command ends"
        ))),
        url => Ok(url),
    }
}

/// Opens the store to read from, which somebody names as `what`; it must be there: a folder is not made by looking into
/// it.
pub(super) async fn source(
    from: &StorageUrl,
    what: &str,
    name: String,
    config: &Config,
) -> Result<Source, Failure> {
    if let StorageUrl::File(folder) = from
        && !folder.is_dir()
    {
        return Err(Failure::Usage(format!(
            "{what}: there is no folder {}",
            folder.display()
        )));
    }
    let storage = open_to_read(from, what, config).await?;
    let catalog = storage
        .catalog
        .ok_or_else(|| Failure::Usage(format!("{what}: this store cannot list what it keeps")))?;
    let otherwise = open_otherwise(from, what, config).await?;
    let files = Arc::new(Layouts::new(storage.modules, catalog, otherwise));
    Ok(Source {
        modules: Arc::clone(&files) as _,
        catalog: files,
        records: Some(Arc::clone(&storage.records)),
        name,
    })
}

/// Whether both name the same folder. Two ways to name one bucket are not seen through; nothing is lost then either.
fn same_place(from: &StorageUrl, to: &StorageUrl) -> bool {
    match (from, to) {
        (StorageUrl::File(from), StorageUrl::File(to)) => {
            from == to || matches!((from.canonicalize(), to.canonicalize()), (Ok(from), Ok(to)) if from == to)
        }
        (from, to) => from == to,
    }
}
