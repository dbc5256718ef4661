//! Transfers that break off and go on.

use crate::{
    client, configured,
    origin::{Origin, Reply, Seen},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_client::Error;
use proxy_core::upstream::FetchContext;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
};

const SIZE: usize = 200_000;

/// Answers with something that is not the rest of the file, given that and another one.
type Replacement = fn(&[u8], &[u8]) -> Reply;

/// Bytes without any pattern that could hide a shift.
fn file(seed: u64) -> Vec<u8> {
    (0..SIZE as u64 / 8)
        .flat_map(|block| {
            let mut hasher = DefaultHasher::new();
            (seed, block).hash(&mut hasher);
            hasher.finish().to_le_bytes()
        })
        .collect()
}

/// A server that honours ranges as RFC 9110 asks.
fn ranged(file: &[u8], seen: &Seen, etag: &str) -> Reply {
    match (seen.range_start(), seen.header("if-range")) {
        (Some(start), Some(validator)) if validator == etag => Reply::part(file, start),
        _ => Reply::ok(file),
    }
    .header("etag", etag)
}

async fn get(origin: &Origin) -> Result<Bytes, Error> {
    client()
        .get_bytes(
            configured(&origin.url("/file")),
            1 << 20,
            &FetchContext::default(),
        )
        .await
}

async fn is_malformed(origin: &Origin) {
    let outcome = get(origin).await;
    assert!(
        matches!(outcome, Err(Error::Malformed { .. })),
        "{:?}",
        outcome.map(|bytes| bytes.len())
    );
}

#[tokio::test]
async fn breaks_anywhere_make_one_clean_file() {
    let whole = file(1);
    for seed in 0..8 {
        let served = whole.clone();
        let origin = Origin::start(move |seen, number| {
            let reply = ranged(&served, seen, "\"one\"");
            let mut hasher = DefaultHasher::new();
            (seed, number).hash(&mut hasher);
            match number {
                0..=4 => reply.cut_at(usize::try_from(hasher.finish() % 60_000).unwrap()),
                _ => reply,
            }
        })
        .await;
        assert!(get(&origin).await.unwrap() == whole, "seed {seed}");
        assert_eq!(origin.count(), 6);
        assert!(
            origin.seen()[1..]
                .iter()
                .all(|seen| seen.header("if-range").is_none_or(|tag| tag == "\"one\""))
        );
    }
}

#[tokio::test]
async fn a_date_that_can_be_relied_on_is_a_validator_too() {
    let (modified, later) = ("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:30:00 GMT");
    for (date, asks_range) in [(later, true), (modified, false)] {
        let whole = file(2);
        let served = whole.clone();
        let origin = Origin::start(move |seen, number| {
            let reply = match seen.range_start() {
                Some(start) => Reply::part(&served, start),
                None => Reply::ok(&served[..]),
            };
            let reply = reply.header("last-modified", modified).header("date", date);
            if number == 0 { reply.cut_at(70_000) } else { reply }
        })
        .await;
        assert!(get(&origin).await.unwrap() == whole);
        let second = &origin.seen()[1];
        assert_eq!(
            second.header("if-range"),
            asks_range.then_some(modified),
            "{date}"
        );
        assert_eq!(second.range_start().is_some(), asks_range, "{date}");
    }
}

#[tokio::test]
async fn a_server_that_ignores_ranges_is_heard_again_from_the_start() {
    for etag in [None, Some("\"one\""), Some("W/\"weak\"")] {
        let whole = file(3);
        let served = whole.clone();
        let origin = Origin::start(move |_, number| {
            let mut reply = Reply::ok(&served[..]);
            if let Some(etag) = etag {
                reply = reply.header("etag", etag);
            }
            match number {
                0 => reply.cut_at(90_000),
                1 => reply.cut_at(40_000),
                2 => reply.cut_at(150_000),
                _ => reply,
            }
        })
        .await;
        assert!(get(&origin).await.unwrap() == whole, "{etag:?}");
        assert_eq!(origin.count(), 4);
    }
}

#[tokio::test]
async fn a_file_without_a_length_goes_on_too() {
    let whole = file(4);
    let served = whole.clone();
    let origin = Origin::start(move |seen, number| {
        let reply = ranged(&served, seen, "\"one\"").chunked();
        if number == 0 { reply.cut_at(50_000) } else { reply }
    })
    .await;
    assert!(get(&origin).await.unwrap() == whole);
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn compressed_bytes_go_on_under_the_decoder() {
    let whole = file(5);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&whole).unwrap();
    let served = encoder.finish().unwrap();
    let origin = Origin::start(move |seen, number| {
        let reply = ranged(&served, seen, "\"one\"").header("content-encoding", "gzip");
        if number < 3 { reply.cut_at(60_000) } else { reply }
    })
    .await;
    assert!(get(&origin).await.unwrap() == whole);
}

#[tokio::test]
async fn another_file_is_never_spliced_in() {
    let broken = |file: &[u8]| Reply::ok(file).header("etag", "\"one\"").cut_at(50_000);
    let replacements: [Replacement; 10] = [
        |_, other| Reply::ok(other).header("etag", "\"two\""),
        |_, other| Reply::ok(&other[..SIZE / 2]).header("etag", "\"one\""),
        // The same tag for other bytes, which only their sum can tell.
        |_, other| Reply::ok(other).header("etag", "\"one\""),
        |_, other| Reply::ok(other),
        |_, other| Reply::part(other, 50_000).header("etag", "\"two\""),
        |file, _| Reply::part(file, 49_999),
        |file, _| Reply::part(file, 50_001),
        |file, _| Reply::part(&file[..SIZE - 1], 50_000),
        |file, _| Reply::status(206).body(&file[50_000..]).header("etag", "\"one\""),
        |file, _| Reply::part(file, 50_000).header("content-encoding", "gzip"),
    ];
    for (number, replacement) in replacements.into_iter().enumerate() {
        let origin = Origin::start(move |_, asked| match asked {
            0 => broken(&file(6)),
            _ => replacement(&file(6), &file(7)),
        })
        .await;
        println!("replacement {number}");
        is_malformed(&origin).await;
        assert_eq!(origin.count(), 2);
    }
}

#[tokio::test]
async fn without_a_validator_the_bytes_themselves_are_compared() {
    let origin = Origin::start(|_, asked| match asked {
        0 => Reply::ok(file(8)).cut_at(50_000),
        _ => Reply::ok(file(9)),
    })
    .await;
    is_malformed(&origin).await;
}

#[tokio::test]
async fn a_server_that_gives_no_more_is_left() {
    let origin = Origin::start(|seen, _| match seen.range_start() {
        None => Reply::ok(file(1)).header("etag", "\"one\"").cut_at(1000),
        Some(start) => Reply::part(&file(1), start).cut_at(0),
    })
    .await;
    let outcome = get(&origin).await;
    assert!(matches!(outcome, Err(Error::BrokenOff { .. })), "{outcome:?}");
    assert_eq!(origin.count(), 4, "three more tries without a byte");
}

#[tokio::test]
async fn a_server_that_gives_a_byte_at_a_time_is_left_at_last() {
    let origin = Origin::start(|seen, _| match seen.range_start() {
        None => Reply::ok(file(1)).header("etag", "\"one\"").cut_at(1),
        Some(start) => Reply::part(&file(1), start).cut_at(1),
    })
    .await;
    let outcome = tokio::time::timeout(std::time::Duration::from_secs(60), get(&origin))
        .await
        .unwrap();
    assert!(matches!(outcome, Err(Error::BrokenOff { .. })), "{outcome:?}");
    assert!(origin.count() <= 101, "{}", origin.count());
}

#[tokio::test]
async fn a_refusal_halfway_settles_nothing() {
    for status in [404, 410, 416, 500] {
        let origin = Origin::start(move |_, asked| match asked {
            0 => Reply::ok(file(1)).header("etag", "\"one\"").cut_at(1000),
            _ => Reply::status(status),
        })
        .await;
        let error = get(&origin).await.unwrap_err();
        assert!(matches!(error, Error::BrokenOff { .. }), "{error:?}");
        assert!(!error.is_not_found());
    }
}
