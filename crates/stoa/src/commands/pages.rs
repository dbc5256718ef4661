//! What a package holds beside the program: its manual pages, and what makes a shell complete its words.

use super::print;
use crate::exit::Failure;
use clap::{Arg, ArgMatches, Command, builder::PathBufValueParser, value_parser};
use clap_complete::Shell;
use std::{fs, path::PathBuf};

/// Their commands.
pub(super) fn commands() -> [Command; 2] {
    let shell = Arg::new("shell")
        .value_name("SHELL")
        .required(true)
        .value_parser(value_parser!(Shell));
    let folder = Arg::new("folder")
        .value_name("FOLDER")
        .required(true)
        .value_parser(PathBufValueParser::new());
    [
        Command::new("completions")
            .about("Print what makes a shell complete the words of this program")
            .arg(shell),
        Command::new("manual")
            .about("Write the manual pages into a folder")
            .hide(true)
            .arg(folder),
    ]
}

/// Prints the completions of one shell.
pub(super) fn completions(matches: &ArgMatches, program: &mut Command) -> Result<(), Failure> {
    let Some(shell) = matches.get_one::<Shell>("shell") else {
        return Err(Failure::Internal("a shell was required, and none came".into()));
    };
    let mut script = Vec::new();
    clap_complete::generate(*shell, program, "stoa", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// Writes a page for the program and for each of its commands.
pub(super) fn manual(matches: &ArgMatches, program: Command) -> Result<(), Failure> {
    let Some(folder) = matches.get_one::<PathBuf>("folder") else {
        return Err(Failure::Internal("a folder was required, and none came".into()));
    };
    let failed = |error| Failure::Unavailable(format!("{}: cannot be written: {error}", folder.display()));
    fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(program, folder).map_err(failed)
}
