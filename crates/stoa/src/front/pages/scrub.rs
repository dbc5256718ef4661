//! How far the scrub is: in a sentence, and as JSON.

use proxy_core::scrub::{Status, Tally};
use serde::Serialize;

#[derive(Serialize)]
struct Shown {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    round: Option<Round>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Round>,
}

#[derive(Serialize)]
struct Round {
    began: Option<String>,
    ended: Option<String>,
    files: u64,
    bytes: u64,
    damaged: u64,
    faults: u64,
    unread: u64,
    unmended: u64,
}

/// `off`, `waiting` or `running`, the round under way (or ended last), and the one before it.
pub(super) fn json(status: Option<&Status>) -> String {
    let shown = match status.map(Status::read) {
        None => Shown {
            state: "off",
            round: None,
            last: None,
        },
        Some((now, last)) => Shown {
            state: state(&now),
            round: Some(Round::of(&now)),
            last: last.as_ref().map(Round::of),
        },
    };
    serde_json::to_string(&shown).unwrap_or_default()
}

/// The same for people.
pub(super) fn sentence(status: Option<&Status>) -> String {
    let Some((now, _)) = status.map(Status::read) else {
        return "off".to_owned();
    };
    let mut found = format!(
        "{} files read, {} damaged, {} other faults",
        now.files, now.damaged, now.faults
    );
    for (number, what) in [(now.unread, "unread"), (now.unmended, "not set aside")] {
        if number > 0 {
            found.push_str(&format!(", {number} {what}"));
        }
    }
    match (now.began, now.ended) {
        (_, Some(ended)) => format!("ended {ended:.0}: {found}"),
        (Some(began), None) => format!("since {began:.0}: {found} so far"),
        (None, None) => "about to begin".to_owned(),
    }
}

fn state(now: &Tally) -> &'static str {
    match (now.began, now.ended) {
        (Some(_), None) => "running",
        _ => "waiting",
    }
}

impl Round {
    fn of(tally: &Tally) -> Self {
        Self {
            began: tally.began.map(|when| when.to_string()),
            ended: tally.ended.map(|when| when.to_string()),
            files: tally.files,
            bytes: tally.bytes,
            damaged: tally.damaged,
            faults: tally.faults,
            unread: tally.unread,
            unmended: tally.unmended,
        }
    }
}
