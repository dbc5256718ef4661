//! Lists of patterns: matching ends, and a pattern that matches a path matches all below it.
//!
//! An input is a list on one line and a path on the next.

use crate::{Target, Verdict};
use proxy_core::module::Patterns;

pub(crate) const PATTERN: Target = Target {
    name: "pattern",
    run,
    longest: 200,
    words: &[
        "*",
        "?",
        "[a-z]",
        "[^a]",
        "[",
        "]",
        "\\",
        ",",
        "/",
        "\n",
        "a",
        "corp.test",
    ],
};

fn run(data: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(data);
    let (list, path) = text.split_once('\n').unwrap_or((&text, "corp.test/a"));
    let Ok(patterns) = Patterns::parse(list) else {
        return Verdict::Refused;
    };
    let matches = patterns.matches(path);
    if matches {
        assert!(
            patterns.matches(&format!("{path}/below")),
            "what is below a private path is private"
        );
        assert!(!patterns.is_empty());
    }
    matches.into()
}
