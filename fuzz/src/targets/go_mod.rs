//! `go.mod` files: both readers end on any text, and line endings mean nothing to them.

use crate::{Target, Verdict};
use proxy_core::go_mod::{GoMod, module_path};

pub(crate) const GO_MOD: Target = Target {
    name: "go_mod",
    run,
    longest: 2000,
    words: &[
        "module ",
        "go ",
        "require ",
        "retract ",
        "ignore ",
        "(",
        ")",
        "[",
        "]",
        ",",
        "\n",
        "\r\n",
        "\t",
        " ",
        "//",
        "/*",
        "\"",
        "`",
        "\\",
        "v1.0.0",
        "1.24",
        "rc1",
        "example.test/m",
        "\u{feff}",
        "\u{a0}",
    ],
};

fn run(data: &[u8]) -> Verdict {
    let path = module_path(data);
    assert!(path.is_none_or(|path| !path.is_empty()));
    let Ok(go_mod) = GoMod::parse(data) else {
        return Verdict::Refused;
    };
    assert!(!go_mod.go_version_at_least(1, 24) || go_mod.go_version_at_least(1, 23));
    for retraction in &go_mod.retractions {
        let _ = go_mod.retracts(&retraction.low);
    }
    let with_newline = [data, b"\n"].concat();
    assert_eq!(
        GoMod::parse(&with_newline).as_ref(),
        Ok(&go_mod),
        "the last line needs no end"
    );
    // In a string a backslash takes in whatever follows it.
    if !data.contains(&b'\\') {
        let mut with_returns = Vec::with_capacity(data.len());
        for &byte in data {
            if byte == b'\n' {
                with_returns.push(b'\r');
            }
            with_returns.push(byte);
        }
        assert_eq!(
            GoMod::parse(&with_returns).as_ref(),
            Ok(&go_mod),
            "lines may end in CR LF"
        );
        assert_eq!(module_path(&with_returns), module_path(data));
    }
    Verdict::Accepted
}
