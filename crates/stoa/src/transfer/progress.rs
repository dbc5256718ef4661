//! How far a long command is: a bar for people at a terminal, now and then a line for everybody else.

use super::Tally;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often a line is printed where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

/// Shows how far it is, on standard error: standard output is for the answer.
#[derive(Debug)]
pub(crate) enum Progress {
    /// At a terminal.
    Bar(ProgressBar),
    /// In a log.
    Lines {
        /// When the last line was printed.
        last: Mutex<Instant>,
    },
}

impl Progress {
    /// A bar if standard error is a terminal.
    pub(crate) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines {
                last: Mutex::new(Instant::now()),
            };
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self::Bar(bar)
    }

    /// Shows what became of files so far.
    pub(crate) fn show(&self, tally: &Tally) {
        self.say(|| {
            format!(
                "{} versions looked at, {} files copied ({}), {} were there",
                HumanCount(tally.versions),
                HumanCount(tally.copied),
                HumanBytes(tally.bytes),
                HumanCount(tally.present)
            )
        });
    }

    /// Shows where it is, if it is time to.
    pub(crate) fn say(&self, words: impl FnOnce() -> String) {
        match self {
            Self::Bar(bar) => bar.set_message(words()),
            Self::Lines { last } => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() >= EVERY {
                    *last = Instant::now();
                    print_line(&words());
                }
            }
        }
    }

    /// Tells of one thing that was found, for good.
    pub(crate) fn tell(&self, sentence: &str) {
        match self {
            Self::Bar(bar) => bar.println(sentence),
            Self::Lines { .. } => print_line(sentence),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command that takes long says how far it is")]
fn print_line(sentence: &str) {
    eprintln!("{sentence}");
}
