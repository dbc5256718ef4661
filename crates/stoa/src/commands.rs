//! The command line: what can be asked of the binary, and how it is spelt.

mod config;
mod copy;
mod doctor;
mod export;
mod health;
mod import;
mod pages;
mod verify;
mod version;
mod warm;

use crate::{
    build_info::BuildInfo,
    config::{CommandLine, Config, environment_of_process, go_command::GoOnPath, load, table::SETTINGS},
    exit::{Failure, conclude},
    serve, telemetry,
};
use clap::{Arg, ArgAction, ArgMatches, Command, builder::PathBufValueParser};
use std::{path::PathBuf, process::ExitCode, time::Duration};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

const ABOUT: &str = "An immutable mirror of Go modules";

const EXAMPLE: &str = "\
Example:
  stoa serve                                 keep modules in ./stoa-data and
                                             listen on 127.0.0.1:3000
  go env -w GOPROXY=http://127.0.0.1:3000    let the go command use it

Every setting can also be given in the environment (STOA_LISTEN,
STOA_STORAGE__URL, …) or in stoa.toml; `stoa config show` prints them all and
where each came from.

Exit codes:
   0  done
   1  done, and something was found
  64  the command line or the configuration is wrong
  69  a service it needs is not there
  70  a bug of ours";

/// Reads the command line, does what it says, and tells how that ended.
pub(crate) fn run() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // Help and the version are answers; everything else is a wrong command line. If the terminal is gone,
            // nobody is left to tell.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(64)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    conclude(dispatch(&matches))
}

fn dispatch(matches: &ArgMatches) -> Result<(), Failure> {
    let environment = environment_of_process();
    let load = |matches: &ArgMatches| -> Result<Config, Failure> {
        Ok(load(&command_line(matches), &environment, &GoOnPath::default())?)
    };
    match matches.subcommand() {
        Some(("version", matches)) => version::run(matches.get_flag("json")),
        Some(("config", matches)) => match matches.subcommand() {
            Some(("check", matches)) => config::check(&load(matches)?, &environment),
            Some(("reference", _)) => config::reference(),
            Some((_, matches)) => config::show(&load(matches)?),
            None => Err(Failure::Internal(
                "a subcommand was required, and none came".into(),
            )),
        },
        Some(("copy", matches)) => copy::run(matches, &load(matches)?, &environment),
        Some(("import", matches)) => import::run(matches, &load(matches)?, &environment),
        Some(("warm", matches)) => warm::run(matches, &load(matches)?, &environment),
        Some(("export", matches)) => export::run(matches, &load(matches)?, &environment),
        Some(("doctor", matches)) => doctor::run(&load(matches)?, &environment),
        Some(("completions", matches)) => pages::completions(matches, &mut command()),
        Some(("manual", matches)) => pages::manual(matches, command()),
        Some(("health", matches)) => health::run(&load(matches)?),
        Some(("verify", matches)) => verify::run(&load(matches)?, &environment, matches.get_flag("repair")),
        Some((_, matches)) => serve::run(&load(matches)?, &environment),
        None => serve::run(&load(matches)?, &environment),
    }
}

/// The whole grammar. Flags of settings come from the table of settings.
fn command() -> Command {
    let serve = Command::new("serve")
        .about("Serve modules (the default)")
        .after_help(EXAMPLE);
    let config = Command::new("config")
        .about("Show or check the configuration")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("show").about("Print every value and where it came from, without secrets"))
        .subcommand(Command::new("check").about("Say ok, or name the key that is wrong and exit with 64"))
        .subcommand(
            Command::new("reference")
                .about("Print docs/configuration.md")
                .hide(true),
        );
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Print one JSON object");
    let version = Command::new("version")
        .about("Print version, commit and build time")
        .arg(json);
    let health =
        Command::new("health").about("Ask the configured address whether it is alive; exit with 69 if not");
    let repair = Arg::new("repair")
        .long("repair")
        .action(ArgAction::SetTrue)
        .help("Set aside what is damaged, so that it is fetched again; nothing is deleted");
    let verify = Command::new("verify")
        .about("Check every stored file against its sums and the others of its version; exit with 1 if one is wrong")
        .arg(repair);
    let file = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(PathBufValueParser::new())
        .help("Read this file [environment: STOA_CONFIG; default: ./stoa.toml, else /etc/stoa/stoa.toml]");
    Command::new("stoa")
        .about(ABOUT)
        .version(BuildInfo::this().version)
        .after_help(EXAMPLE)
        .args(
            [file]
                .into_iter()
                .chain(setting_flags())
                .map(|arg| arg.global(true)),
        )
        .subcommands([
            serve,
            config,
            version,
            health,
            verify,
            copy::command(),
            import::command(),
            export::command(),
            warm::command(),
            doctor::command(),
        ])
        .subcommands(pages::commands())
}

fn setting_flags() -> impl Iterator<Item = Arg> {
    SETTINGS.iter().filter_map(|setting| {
        let flag = setting.flag?;
        let help = format!(
            "{} [{}; environment: {}]",
            setting.help,
            setting.key,
            setting.environment_name()
        );
        Some(
            Arg::new(setting.key)
                .long(flag.name)
                .value_name(flag.value)
                .help(help),
        )
    })
}

/// What the command line says about the configuration.
fn command_line(matches: &ArgMatches) -> CommandLine {
    let flag = |key: &'static str| Some((key, matches.get_one::<String>(key)?.clone()));
    CommandLine {
        file: matches.get_one::<PathBuf>("config").cloned(),
        flags: SETTINGS
            .iter()
            .filter(|setting| setting.flag.is_some())
            .filter_map(|setting| flag(setting.key))
            .collect(),
    }
}

/// Tasks that are in the middle of something when a command has ended: a disk may be slow.
const LAST_TASKS: Duration = Duration::from_secs(2);

/// Runs a command that takes long, with the log on standard error. SIGINT and SIGTERM cancel the token; who is
/// impatient sends a second one.
fn work(
    config: &Config,
    command: impl AsyncFnOnce(CancellationToken) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let no_threads = |error: std::io::Error| Failure::Internal(format!("no threads can be started: {error}"));
    let (_writer, written) = telemetry::start(&config.telemetry).map_err(no_threads)?;
    let outcome = runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(no_threads)
        .and_then(|runtime| {
            let outcome = runtime.block_on(until_told_twice(command));
            runtime.shutdown_timeout(LAST_TASKS);
            outcome
        });
    written.finish();
    outcome
}

async fn until_told_twice(
    command: impl AsyncFnOnce(CancellationToken) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let no_signals =
        |error: std::io::Error| Failure::Internal(format!("signals cannot be received: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let stop = CancellationToken::new();
    let told_twice = async {
        for _ in 0..2 {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if stop.is_cancelled() {
                return;
            }
            stop.cancel();
        }
    };
    tokio::select! {
        outcome = command(stop.clone()) => outcome,
        () = told_twice => Err(Failure::Interrupted("stopped at once".into())),
    }
}

/// Prints an answer; a reader that went away is no failure of ours.
fn print(text: &str) -> Result<(), Failure> {
    use std::io::{ErrorKind, Write};
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Unavailable(format!(
            "the answer cannot be written: {error}"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_grammar_is_sound() {
        super::command().debug_assert();
    }
}
