//! How far a long command is: a bar for people at a terminal, now and then a line for everybody else.

use super::Tally;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    sync::{Mutex, OnceLock, PoisonError},
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
        /// How many versions there are, once they are counted.
        total: OnceLock<u64>,
    },
}

impl Progress {
    /// A bar if standard error is a terminal.
    pub(crate) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines {
                last: Mutex::new(Instant::now()),
                total: OnceLock::new(),
            };
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self::Bar(bar)
    }

    /// How many versions there are to look at: from here on it shows how many are left.
    pub(crate) fn total(&self, versions: u64) {
        match self {
            Self::Bar(bar) => {
                bar.set_length(versions);
                let template =
                    "{spinner} {elapsed} [{bar:30}] {human_pos} of {human_len} {wide_msg} {eta} left";
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style.progress_chars("=> "));
                }
            }
            // It is told once.
            Self::Lines { total, .. } => drop(total.set(versions)),
        }
    }

    /// Shows what became of files so far.
    pub(crate) fn show(&self, tally: &Tally) {
        if let Self::Bar(bar) = self {
            bar.set_position(tally.versions);
        }
        self.say(|| {
            let files = format!(
                "{} files copied ({}), {} were there",
                HumanCount(tally.copied),
                HumanBytes(tally.bytes),
                HumanCount(tally.present)
            );
            match self {
                // The bar itself counts the versions.
                Self::Bar(bar) if bar.length().is_some() => format!("versions, {files}"),
                Self::Lines { total, .. } if total.get().is_some() => format!(
                    "{} of {} versions looked at, {files}",
                    HumanCount(tally.versions),
                    HumanCount(total.get().copied().unwrap_or_default())
                ),
                _ => format!("{} versions looked at, {files}", HumanCount(tally.versions)),
            }
        });
    }

    /// Shows where it is, if it is time to.
    pub(crate) fn say(&self, words: impl FnOnce() -> String) {
        match self {
            Self::Bar(bar) => bar.set_message(words()),
            Self::Lines { last, .. } => {
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

#[cfg(test)]
mod tests {
    use super::{Progress, Tally};
    use indicatif::ProgressBar;

    #[test]
    fn a_bar_fills_once_the_versions_are_counted() {
        let bar = ProgressBar::hidden();
        bar.unset_length();
        let progress = Progress::Bar(bar.clone());
        let tally = Tally {
            versions: 3,
            copied: 9,
            ..Tally::default()
        };
        progress.show(&tally);
        assert_eq!(
            bar.message(),
            "3 versions looked at, 9 files copied (0 B), 0 were there"
        );
        progress.total(12);
        progress.show(&tally);
        assert_eq!((bar.position(), bar.length()), (3, Some(12)));
        assert_eq!(bar.message(), "versions, 9 files copied (0 B), 0 were there");
    }
}
