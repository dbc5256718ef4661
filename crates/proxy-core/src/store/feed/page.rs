//! One page of a feed that is kept in records: entries in order, as lines of JSON.
//!
//! A page only ever grows at its end, and not at all once it is full; then the next one begins. So a full page may be
//! remembered for ever, and the first moments of the pages are sorted.

use super::FeedEntry;
use crate::{
    module::ModuleVersion,
    records::{RecordKey, Revision},
    store::StoreError,
};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp, Unit};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A page as it was read.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Its entries, in order.
    pub(super) entries: Vec<FeedEntry>,
    /// What a write must expect; `None` where there is no such page yet.
    pub(super) revision: Option<Revision>,
}

/// A line of a page: what it names, it names for ever.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    when: Cow<'a, str>,
}

/// Where the page of this number lies.
pub(super) fn key(number: u64) -> Result<RecordKey, StoreError> {
    RecordKey::parse(&format!("feed/{number:010}"))
        .map_err(|error| StoreError::unavailable_because("a page of the feed has no name", error))
}

impl Page {
    /// Reads a record.
    pub(super) fn parse(bytes: &[u8], revision: Revision) -> Result<Self, StoreError> {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(Self {
            entries: lines.map(entry).collect::<Result<_, _>>()?,
            revision: Some(revision),
        })
    }

    /// The record.
    pub(super) fn to_bytes(&self) -> Result<Bytes, StoreError> {
        let mut bytes = Vec::with_capacity(self.entries.len() * 96);
        for FeedEntry { module, when } in &self.entries {
            let line = Line {
                path: module.path().as_str().into(),
                version: module.version().as_str().into(),
                when: when.to_string().into(),
            };
            serde_json::to_writer(&mut bytes, &line)
                .map_err(|error| StoreError::unavailable_because("a page of the feed has no text", error))?;
            bytes.push(b'\n');
        }
        Ok(bytes.into())
    }

    /// The moment of its first entry.
    pub(super) fn first(&self) -> Option<Timestamp> {
        self.entries.first().map(|entry| entry.when)
    }

    /// The moment of its last entry.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.entries.last().map(|entry| entry.when)
    }
}

/// The moment of an entry behind one of `last`, by a clock that says `now`: never the same microsecond, and never an
/// earlier one, whatever the clock says.
pub(super) fn moment(now: Timestamp, last: Option<Timestamp>) -> Result<Timestamp, StoreError> {
    let out_of_time =
        |error: jiff::Error| StoreError::unavailable_because("the feed has come to the end of time", error);
    let now = now.round(Unit::Microsecond).map_err(out_of_time)?;
    match last {
        Some(last) if last >= now => last
            .checked_add(SignedDuration::from_micros(1))
            .map_err(out_of_time),
        _ => Ok(now),
    }
}

fn entry(line: &[u8]) -> Result<FeedEntry, StoreError> {
    let malformed =
        |reason: String| StoreError::unavailable(format!("a page of the feed cannot be read: {reason}"));
    let line: Line<'_> = serde_json::from_slice(line).map_err(|error| malformed(error.to_string()))?;
    let module = ModuleVersion::parse(&line.path, &line.version);
    let when = line.when.parse::<Timestamp>();
    Ok(FeedEntry {
        module: module.map_err(|error| malformed(error.to_string()))?,
        when: when.map_err(|error| malformed(error.to_string()))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry_of(path: &str, version: &str, when: &str) -> FeedEntry {
        FeedEntry {
            module: ModuleVersion::parse(path, version).unwrap(),
            when: when.parse().unwrap(),
        }
    }

    #[test]
    fn the_form_of_a_page_is_fixed() {
        let page = Page {
            entries: vec![
                entry_of("example.com/Up/m", "v1.0.0-RC1", "2026-11-25T22:00:00.000001Z"),
                entry_of("example.com/m/v2", "v2.0.0", "2026-11-25T22:00:01Z"),
            ],
            revision: None,
        };
        let text = "{\"path\":\"example.com/Up/m\",\"version\":\"v1.0.0-RC1\",\"when\":\"2026-11-25T22:00:00.000001Z\"}\n\
                    {\"path\":\"example.com/m/v2\",\"version\":\"v2.0.0\",\"when\":\"2026-11-25T22:00:01Z\"}\n";
        assert_eq!(page.to_bytes().unwrap(), text);
        let read = Page::parse(text.as_bytes(), Revision("1".into())).unwrap();
        assert_eq!(read.entries, page.entries);
        assert_eq!(key(12).unwrap().tree_path(), ".stoa/feed/0000000012");
    }

    #[test]
    fn nonsense_is_told_and_not_skipped() {
        for text in [
            "x",
            "{\"path\":\"example.com/m\",\"version\":\"v1\",\"when\":\"2026-11-25T22:00:00Z\"}",
            "[]",
        ] {
            assert!(matches!(
                Page::parse(text.as_bytes(), Revision("1".into())),
                Err(StoreError::Unavailable { .. })
            ));
        }
    }

    #[test]
    fn moments_grow_whatever_the_clock_says() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-25T22:00:00.1234567Z");
        assert_eq!(moment(now, None).unwrap(), at("2026-11-25T22:00:00.123457Z"));
        for (last, expected) in [
            ("2026-11-25T21:00:00Z", "2026-11-25T22:00:00.123457Z"),
            ("2026-11-25T22:00:00.123457Z", "2026-11-25T22:00:00.123458Z"),
            ("2026-11-25T23:00:00Z", "2026-11-25T23:00:00.000001Z"),
        ] {
            assert_eq!(moment(now, Some(at(last))).unwrap(), at(expected), "{last}");
        }
        assert!(moment(now, Some(Timestamp::MAX)).is_err());
    }
}
