//! `stoa warm`: fetches versions before anybody asks for them.

mod wishes;

use super::{copy::parallel, print, work};
use crate::{
    config::{Config, environment::Environment},
    exit::Failure,
    open_store::open_store,
    transfer::progress::Progress,
    wiring::{Wired, wire},
};
use clap::{Arg, ArgMatches, Command};
use futures::{StreamExt, stream};
use indicatif::HumanCount;
use proxy_core::{
    file::ModuleFile,
    mirror::{Cache, Mirror, MirrorError},
    module::Named,
    policy::Caller,
    store::Part,
};
use tokio_util::sync::CancellationToken;
use wishes::Wish;

const HELP: &str = "\
WHAT is one of
  example.com/m@v1.2.3     a version, or what leads to one: @latest, @main
  path/to/go.sum           every file that this build has checked
  path/to/go.mod           every version that it requires
  path/to/list.txt         a file of such versions, one a line
  -                        the same from standard input

Files come from the upstreams of the configuration and are checked as ever. What
is kept already is not fetched again.

Examples:
  stoa warm ./go.sum
  stoa warm golang.org/x/net@latest golang.org/x/text@v0.3.0
  go list -m all | tail -n +2 | tr ' ' @ | stoa warm -

Exit codes:
   0  everything is kept
   1  some do not exist, or were refused
  64  the command line or the configuration is wrong
  69  an upstream or the store is not there; run it again
 130  interrupted; run it again";

/// The grammar.
pub(super) fn command() -> Command {
    let what = Arg::new("WHAT")
        .value_name("WHAT")
        .required(true)
        .num_args(1..)
        .help("What to fetch");
    Command::new("warm")
        .about("Fetch versions before anybody asks for them")
        .arg(what)
        .arg(parallel())
        .after_help(HELP)
}

/// What became of the files.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    fetched: u64,
    kept: u64,
    refused: u64,
    failed: u64,
}

/// Fetches.
pub(super) fn run(matches: &ArgMatches, config: &Config, environment: &Environment) -> Result<(), Failure> {
    let mut wishes = Vec::new();
    for what in matches.get_many::<String>("WHAT").into_iter().flatten() {
        wishes.extend(wishes::of(what).map_err(|wrong| Failure::Usage(format!("{what}: {wrong}")))?);
    }
    let at_a_time = usize::from(*matches.get_one::<u16>("parallel").unwrap_or(&8));
    work(config, async |stop| {
        let storage = open_store(config).await?;
        let Wired { mirror, feed, .. } = tokio::task::block_in_place(|| wire(config, environment, storage))?;
        let progress = Progress::new();
        let (tally, stopped) = fetch(&mirror, wishes, at_a_time, &progress, &stop).await;
        if let Some(feed) = feed.in_records()
            && let Err(error) = feed.append_announced().await
        {
            progress.tell(&format!("what was fetched is not in /index yet: {error}"));
        }
        progress.finish();
        conclude(tally, stopped)
    })
}

async fn fetch(
    mirror: &Mirror,
    wishes: Vec<Wish>,
    at_a_time: usize,
    progress: &Progress,
    stop: &CancellationToken,
) -> (Tally, bool) {
    let mut tally = Tally::default();
    let wishes = stream::iter(wishes)
        .map(|wish| fulfil(mirror, wish))
        .buffer_unordered(at_a_time);
    let mut wishes = std::pin::pin!(wishes);
    loop {
        let outcomes = tokio::select! {
            biased;
            () = stop.cancelled() => return (tally, true),
            outcomes = wishes.next() => outcomes,
        };
        let Some(outcomes) = outcomes else {
            return (tally, false);
        };
        for outcome in outcomes {
            match outcome {
                Ok(Cache::Miss) => tally.fetched += 1,
                Ok(Cache::Hit | Cache::Stale) => tally.kept += 1,
                Err((name, error)) => {
                    let settled = matches!(
                        error,
                        MirrorError::NotFound { .. }
                            | MirrorError::NotKept(_)
                            | MirrorError::Denied(_)
                            | MirrorError::TakenDown(_)
                            | MirrorError::Verify(_)
                    );
                    *(if settled {
                        &mut tally.refused
                    } else {
                        &mut tally.failed
                    }) += 1;
                    progress.tell(&format!("{name}: {error}"));
                }
            }
        }
        progress.say(|| {
            format!(
                "{} files fetched, {} were kept",
                HumanCount(tally.fetched),
                HumanCount(tally.kept)
            )
        });
    }
}

/// Fetches the files of one wish; the first that cannot be had ends it.
async fn fulfil(mirror: &Mirror, wish: Wish) -> Vec<Result<Cache, (String, MirrorError)>> {
    let caller = Caller::anonymous();
    let module = match &wish.named {
        Named::Version(module) => Ok(module.clone()),
        Named::Query(query) => mirror
            .query(&wish.path, query, &caller)
            .await
            .map(|served| served.answer.0),
    };
    let module = match module {
        Ok(module) => module,
        Err(error) => return vec![Err((wish.to_string(), error))],
    };
    let mut outcomes = Vec::new();
    for kind in &wish.kinds {
        let file = ModuleFile::new(module.clone(), *kind);
        match mirror.file(&file, Part::Nothing, &caller).await {
            Ok(served) => outcomes.push(Ok(served.cache)),
            Err(error) => {
                outcomes.push(Err((file.to_string(), error)));
                break;
            }
        }
    }
    outcomes
}

fn conclude(tally: Tally, stopped: bool) -> Result<(), Failure> {
    let Tally {
        fetched,
        kept,
        refused,
        failed,
    } = tally;
    print(&format!(
        "{} files fetched, {} were kept\n",
        HumanCount(fetched),
        HumanCount(kept)
    ))?;
    match (stopped, failed, refused) {
        (true, ..) => Err(Failure::Interrupted("stopped; run it again to go on".into())),
        (false, 1.., _) => Err(Failure::Unavailable(format!(
            "{failed} could not be fetched; run it again"
        ))),
        (false, 0, 1..) => Err(Failure::Found(format!(
            "{refused} do not exist or were refused; each is named above"
        ))),
        (false, 0, 0) => Ok(()),
    }
}
