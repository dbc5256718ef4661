//! `.info` files: what is read is written as JSON that reads the same.

use crate::{Target, Verdict};
use proxy_core::info::Info;

pub(crate) const INFO: Target = Target {
    name: "info",
    run,
    longest: 2000,
    words: &[
        "{",
        "}",
        "\"",
        ":",
        ",",
        "null",
        "[",
        "\"Version\":",
        "\"Time\":",
        "\"Origin\":",
        "\"URL\":",
        "v1.0.0",
        "\\u0041",
        "\\ud800",
        "2020-01-02T03:04:05Z",
        ".5",
        "+02:00",
        "\u{2028}",
        "<",
        "ſ",
    ],
};

fn run(data: &[u8]) -> Verdict {
    let Ok(info) = Info::parse(data) else {
        return Verdict::Refused;
    };
    let written = info.to_json();
    assert!(
        serde_json::from_slice::<serde_json::Value>(&written).is_ok(),
        "it is JSON"
    );
    assert_eq!(Info::parse(&written), Ok(info), "what is written reads the same");
    Verdict::Accepted
}
