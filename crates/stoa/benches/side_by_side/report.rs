//! What is printed, and how long each point is measured.

/// Durations and rounds of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    /// How long one side is asked at a time, in seconds.
    pub(crate) seconds: u64,
    /// How often both sides are asked in turns; the medians are compared.
    pub(crate) rounds: usize,
}

impl Report {
    pub(crate) fn start(seconds: u64, rounds: usize) -> Self {
        println!("Each point: {rounds} round(s) of {seconds} s a side, in turns; medians.");
        Self { seconds, rounds }
    }

    pub(crate) fn section(self, title: &str, columns: [&str; 4]) {
        let [ours, theirs, ratio, aim] = columns;
        println!("\n{title:<38} {ours:>14} {theirs:>14} {ratio:>8} {aim:>8}");
    }

    pub(crate) fn line(self, what: &str, ours: &str, theirs: &str, ratio: Option<f64>, aim: &str) {
        let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        println!("{what:<38} {ours:>14} {theirs:>14} {ratio:>8} {aim:>8}");
    }
}

/// The middle one of some measurements.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
