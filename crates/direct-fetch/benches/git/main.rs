//! How fast modules come out of a git repository beside `go` itself, measured in one run: `cargo xtask bench git`.
//!
//! One repository of 500 tags, about 50 MB packed and 12 MB a version, on a git host of this machine that counts what
//! it sends. Both sides start cold, so the host's own work is in every number. Memory is a test of its own (`git_memory`).
#![expect(clippy::print_stdout, reason = "a benchmark is a report")]

mod ours;
mod report;
mod theirs;
mod world;

use ours::Mirrored;
use report::{Cost, line, title};
use std::{process::ExitCode, time::Duration};
use theirs::Theirs;
use world::World;

/// The mirror's own, so that memory is what it would be there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many versions are fetched at once.
const CROWD: usize = 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // cargo asks every benchmark so whether it builds
    if arguments.contains(&"--test") {
        return ExitCode::SUCCESS;
    }
    let rounds = if arguments.contains(&"--quick") { 1 } else { 3 };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be started");
    let world = World::make();
    println!(
        "{} tags, {} packed; {rounds} round(s), the best of each",
        world::TAGS,
        report::size(world.packed())
    );
    let crowd = world.versions(CROWD);
    if arguments.contains(&"--parts") {
        runtime.block_on(ours::parts(&world, &crowd));
        return ExitCode::SUCCESS;
    }
    title("wall time and bytes from the host", ["ours", "go", "ratio"]);
    let (mut alone, mut shared, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let go = Theirs::new(&world);
        theirs.push([
            go.fresh(&crowd[..3]),
            go.shared(&crowd[..5]),
            go.list(),
            go.together(&crowd),
        ]);
        for built_in in [true, false] {
            runtime.block_on(async {
                alone.push((built_in, ours::fresh(&world, built_in, &crowd[..3]).await));
                let mirrored = Mirrored::new(&world, built_in);
                shared.push((built_in, mirrored.one_by_one(&crowd[..5]).await));
            });
        }
    }
    let of_go = |index: usize| Cost::best(theirs.iter().map(|costs| costs[index]));
    for (name, built_in) in [("built in", true), ("git command", false)] {
        let of = |costs: &[(bool, Cost)]| {
            Cost::best(
                costs
                    .iter()
                    .filter(|(of, _)| *of == built_in)
                    .map(|(_, cost)| *cost),
            )
        };
        line(
            &format!("a version, nothing cached ({name})"),
            of(&alone),
            of_go(0),
        );
        line(
            &format!("a version, others cached ({name})"),
            of(&shared),
            of_go(1),
        );
        for checked in [false, true] {
            let cost = Cost::best((0..rounds).map(|_| {
                runtime.block_on(async {
                    if checked {
                        Mirrored::new(&world, built_in).together(&crowd).await
                    } else {
                        ours::together(&world, built_in, &crowd).await
                    }
                })
            }));
            let what = if checked { "checked and kept" } else { "fetched" };
            line(
                &format!("{CROWD} versions at once, {what} ({name})"),
                cost,
                of_go(3),
            );
        }
        let list = Cost::best((0..rounds * 3).map(|_| runtime.block_on(ours::list(&world, built_in))));
        line(&format!("the list of versions ({name})"), list, of_go(2));
    }
    runtime.block_on(ours::parts(&world, &crowd));
    runtime.shutdown_timeout(Duration::from_secs(1));
    ExitCode::SUCCESS
}
