//! What a mirror over a large store is asked, and how long it takes.

use crate::tree::{WIDE, modules};
use std::{
    net::TcpStream,
    time::{Duration, Instant},
};
use testkit::{
    client::{Answer, block_on, get},
    stoa::{Stoa, StoaProcess},
};

/// How often each question is asked, of another module each time where answers are remembered.
pub(crate) const ROUNDS: usize = 9;

/// How long it all took, in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Times {
    start: f64,
    list: f64,
    wide_list: f64,
    latest: f64,
    first_page: f64,
    middle_page: f64,
    index_start: f64,
    index_end: f64,
    whole_catalog: f64,
    caught_up: f64,
}

/// One line of the report.
pub(crate) struct Row {
    /// What was asked.
    pub(crate) name: &'static str,
    /// How long it took.
    pub(crate) time: fn(&Times) -> f64,
}

impl Times {
    /// The report, line by line.
    pub(crate) const ROWS: [Row; 10] = [
        Row {
            name: "start to listening",
            time: |times| times.start,
        },
        Row {
            name: "list of 100 versions",
            time: |times| times.list,
        },
        Row {
            name: "list of a tenth of all",
            time: |times| times.wide_list,
        },
        Row {
            name: "@latest of 100 versions",
            time: |times| times.latest,
        },
        Row {
            name: "catalog, first 1000",
            time: |times| times.first_page,
        },
        Row {
            name: "catalog, 1000 in the middle",
            time: |times| times.middle_page,
        },
        Row {
            name: "index, first 2000",
            time: |times| times.index_start,
        },
        Row {
            name: "index, at its end",
            time: |times| times.index_end,
        },
        Row {
            name: "catalog, every page",
            time: |times| times.whole_catalog,
        },
        Row {
            name: "index of an adopted store",
            time: |times| times.caught_up,
        },
    ];

    /// Asks a mirror that keeps so many versions at this storage URL.
    pub(crate) fn of(setup: &Stoa, versions: usize) -> Self {
        let mut times = Self::default();
        let server = start(setup, &mut times);
        let begun = Instant::now();
        let last = follow(&server, versions);
        times.caught_up = milliseconds(begun);
        drop(server);

        let starts = (0..ROUNDS).map(|_| {
            let mut times = Self::default();
            drop(start(setup, &mut times));
            times.start
        });
        times.start = median(starts.collect());
        let server = start(setup, &mut Self::default());
        let ordinary: Vec<String> = modules(versions)
            .into_iter()
            .skip(1)
            .map(|(path, _)| path)
            .collect();
        let each = |suffix: &str| {
            let paths = ordinary.iter().cycle().take(ROUNDS);
            median(
                paths
                    .map(|path| time(&server, &format!("/{path}/{suffix}")).0)
                    .collect(),
            )
        };
        times.list = each("@v/list");
        times.latest = each("@latest");
        times.wide_list = time(&server, &format!("/{WIDE}/@v/list")).0;

        let begun = Instant::now();
        let mut tokens = Vec::new();
        let mut token = String::new();
        loop {
            let (_, page) = time(&server, &format!("/catalog?token={token}"));
            token = next_token(&page);
            if token.is_empty() {
                break;
            }
            tokens.push(token.clone());
        }
        times.whole_catalog = milliseconds(begun);
        let middle = tokens.get(tokens.len() / 2).cloned().unwrap_or_default();
        let again = |path: &str| median((0..ROUNDS).map(|_| time(&server, path).0).collect());
        times.first_page = again("/catalog");
        times.middle_page = again(&format!("/catalog?token={middle}"));
        times.index_start = again("/index");
        times.index_end = again(&format!("/index?since={last}"));
        times
    }
}

fn start(setup: &Stoa, times: &mut Times) -> StoaProcess {
    let address = setup.url().replace("http://", "");
    let begun = Instant::now();
    let server = setup.spawn();
    while TcpStream::connect(&address).is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it does not listen:\n{}",
            server.log()
        );
        std::thread::sleep(Duration::from_micros(200));
    }
    while block_on(get(&format!("{}/readyz", setup.url()))).is_err() {
        std::thread::sleep(Duration::from_micros(200));
    }
    times.start = milliseconds(begun);
    server
}

/// Reads the index until it has every version, and gives the last moment.
fn follow(server: &StoaProcess, versions: usize) -> String {
    let (mut seen, mut last) = (0, String::new());
    while seen < versions {
        let (_, answer) = time(server, &format!("/index?since={last}"));
        let text = answer.text();
        let mut lines = text
            .lines()
            .filter_map(|line| line.split("\"Timestamp\":\"").nth(1)?.split('"').next());
        let repeated = usize::from(!last.is_empty());
        seen += lines.clone().count().saturating_sub(repeated);
        match lines.next_back() {
            Some(moment) if *moment != *last => last = moment.to_owned(),
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    last
}

fn next_token(page: &Answer) -> String {
    let text = page.text();
    let token = text
        .rsplit("\"next\":\"")
        .next()
        .and_then(|behind| behind.split('"').next());
    token.unwrap_or_default().to_owned()
}

fn time(server: &StoaProcess, path: &str) -> (f64, Answer) {
    let begun = Instant::now();
    let answer = server.get_blocking(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    (milliseconds(begun), answer)
}

fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1000.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
