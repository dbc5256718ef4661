//! `stoa import`: takes in the module files that somebody else has on a disk.

use super::{
    copy::{fill, parallel, source},
    work,
};
use crate::{
    config::{Config, environment::Environment, storage_url::StorageUrl},
    exit::Failure,
    transfer::Source,
};
use clap::{Arg, ArgMatches, Command, builder::PathBufValueParser};
use std::path::PathBuf;

const HELP: &str = "\
FOLDER is read and never written. Understood are the layout of GOPROXY trees
(a module cache's download folder, a store of this program, what was synced
from a bucket of Athens) and that of Athens' disk storage.

Every file is checked on its way in, as a file from an upstream is. What is kept
already stays as it is.

Examples:
  stoa import \"$(go env GOMODCACHE)/cache/download\"
  stoa import /srv/athens --storage s3://modules/go

Exit codes:
   0  everything that FOLDER has is kept
   1  some files disagree with what is kept, are damaged or break a rule
  64  the command line or the configuration is wrong
  69  the store is not there, or a checksum database; run it again
 130  interrupted; run it again";

/// The grammar.
pub(super) fn command() -> Command {
    let folder = Arg::new("FOLDER")
        .value_name("FOLDER")
        .required(true)
        .value_parser(PathBufValueParser::new())
        .help("The folder to read");
    Command::new("import")
        .about("Take in the module files of a folder: a module cache, or Athens' disk")
        .arg(folder)
        .arg(parallel())
        .after_help(HELP)
}

/// Imports.
pub(super) fn run(matches: &ArgMatches, config: &Config, environment: &Environment) -> Result<(), Failure> {
    let folder = matches.get_one::<PathBuf>("FOLDER").cloned().unwrap_or_default();
    if config.storage == StorageUrl::Memory {
        return Err(Failure::Usage(
            "storage.url: a store in memory is gone when this command ends".into(),
        ));
    }
    work(config, async |stop| {
        let from = StorageUrl::File(folder);
        let source = Source {
            // What lies there was somebody else's, so nothing of it is believed.
            records: None,
            ..source(&from, "FOLDER", "imported".into(), config).await?
        };
        fill(
            &source,
            &config.storage,
            "storage.url",
            matches,
            config,
            environment,
            &stop,
        )
        .await
    })
}
