//! How fast the mirror is beside nginx, as ratios measured in one run: `cargo xtask bench`.
//!
//! Both serve the same files on loopback, and `wrk` asks them in turns, so that whatever else the machine does falls
//! on both. A ratio of 1 is as fast as nginx serving plain files; what is printed beside it is what we aim for.
#![expect(clippy::print_stdout, reason = "a benchmark is a report")]

mod downloads;
mod nginx;
mod rates;
mod report;
mod start_up;
mod world;

use report::Report;
use std::process::ExitCode;
use world::World;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS; // cargo asks every benchmark so whether it builds
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let report = Report::start(if quick { 1 } else { 3 }, if quick { 1 } else { 3 });
    let world = World::make();
    println!(
        "Files are kept below {}; TMPDIR chooses another place.",
        std::env::temp_dir().display()
    );
    start_up::measure(&report, &world);
    rates::measure(&report, &world);
    downloads::measure(&report, &world);
    ExitCode::SUCCESS
}
