//! What we do to the tree, the same on a laptop and in CI: `cargo xtask <command>`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "these commands talk to whoever runs them"
)]

mod bench;
mod book;
mod deny;
mod deploy;
mod dist;
mod docs;
mod install;
mod programs;
mod services;
mod step;
mod test;
mod tidy;
mod torture;
mod tree;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

  test                      format, clippy, docs, tidy, services, a release build, tests, seconds of fuzzing: CI runs just this
  tidy                      what is true of the whole tree: arrows, headings, sizes, hosts, paths, links
  services up|down|list     the servers and programs that tests need
  bench                     speed, as ratios measured side by side in one run (--quick: a rough look)
  bench git                 the same for modules that come straight from a git repository, beside go itself
  bench growth [URL…]       lists, catalog, index and start-up with 1,000 to 100,000 versions, on disk and on these stores;
                            else on those of the tests
  torture [minutes]         kill -9 and fuzzing for long
  deny [--advisories]       licences, banned crates and sources of all dependencies, by cargo-deny
  dist [--binary FILE]      what a release is made of: archive, package, checksums, contents; below target/dist
  dist tags|prove|chart …   the names of an image; two builds are one; the chart of this version
  deploy [part …]           installs it every way there is and tries it (--quick: without images and fresh roots)
  docs                      writes the generated pages anew
  book                      the pages of docs/ as a site in target/book, by mdBook (--source URL: where the tree can be read)
";

/// Why a command ended early: one sentence.
type Failure = String;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["test"] => test::run(),
        ["tidy"] => tidy::run(),
        ["services", rest @ ..] => services::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["torture", rest @ ..] => torture::run(rest),
        ["deny", rest @ ..] => deny::run(rest),
        ["dist", rest @ ..] => dist::run(rest),
        ["deploy", rest @ ..] => deploy::run(rest),
        ["docs"] => docs::run(),
        ["book", rest @ ..] => book::run(rest),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
