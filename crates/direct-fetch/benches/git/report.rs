//! What is printed.

use std::time::{Duration, Instant};
use testkit::git::GitHost;

/// What something cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// How long it took.
    pub(crate) time: Duration,
    /// How much the host sent.
    pub(crate) bytes: usize,
    /// How often it was asked.
    pub(crate) requests: usize,
}

impl Cost {
    /// The quickest of some.
    pub(crate) fn best(costs: impl Iterator<Item = Self>) -> Self {
        costs
            .min_by_key(|cost| cost.time)
            .expect("something was measured")
    }

    /// The share of one in something that was done so many times.
    pub(crate) fn each(self, times: usize) -> Self {
        Self {
            time: self.time / times as u32,
            bytes: self.bytes / times,
            requests: self.requests / times,
        }
    }
}

/// Looks at the clock and at what the host sends.
pub(crate) struct Meter<'a> {
    host: &'a GitHost,
    start: Instant,
}

impl<'a> Meter<'a> {
    pub(crate) fn start(host: &'a GitHost) -> Self {
        host.forget();
        Self {
            host,
            start: Instant::now(),
        }
    }

    pub(crate) fn stop(self) -> Cost {
        Cost {
            time: self.start.elapsed(),
            bytes: self.host.bytes(),
            requests: self.host.requests().len(),
        }
    }
}

pub(crate) fn title(text: &str, columns: [&str; 3]) {
    let [ours, theirs, ratio] = columns;
    println!("\n{text:<58} {ours:>28} {theirs:>28} {ratio:>12}");
}

pub(crate) fn line(what: &str, ours: Cost, theirs: Cost) {
    let ratio = ours.time.as_secs_f64() / theirs.time.as_secs_f64();
    let of_bytes = ours.bytes as f64 / theirs.bytes as f64;
    println!(
        "{what:<58} {:>28} {:>28} {ratio:>6.3} {of_bytes:>5.2}",
        cost(ours),
        cost(theirs)
    );
}

fn cost(cost: Cost) -> String {
    format!(
        "{:.3} s, {}, {} req",
        cost.time.as_secs_f64(),
        size(cost.bytes as u64),
        cost.requests
    )
}

/// So many bytes, to be read by a person.
pub(crate) fn size(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
