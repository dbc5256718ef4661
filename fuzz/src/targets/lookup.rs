//! Lookups: what is read is written the same, and sums come from the record alone.

use crate::{Target, Verdict};
use checksum_db::{record::Lookup, tlog::TreeHead};
use proxy_core::module::ModuleVersion;

pub(crate) const LOOKUP: Target = Target {
    name: "lookup",
    run,
    longest: 2000,
    words: &[
        "0\n",
        "7\n",
        "-1\n",
        "\n",
        "\n\n",
        "example.test/m v1.0.0 h1:",
        "example.test/m v1.0.0/go.mod h1:",
        "Z0Xxn4yPRPWzXM8kaBAzY3hLdzG9Py66kA/E6YjpACQ=",
        " ",
        "/go.mod",
        "h2:",
        "go.sum database tree\n",
        "— sum.example.test ",
        "\t",
        "\r",
    ],
};

fn run(data: &[u8]) -> Verdict {
    if let Ok(head) = TreeHead::parse(&String::from_utf8_lossy(data)) {
        let written = format!("go.sum database tree\n{}\n{}\n", head.size, head.root);
        assert_eq!(
            TreeHead::parse(&written),
            Ok(head),
            "a head is written as it is read"
        );
    }
    let Ok(lookup) = Lookup::parse(data) else {
        return Verdict::Refused;
    };
    if let Ok(note) = str::from_utf8(lookup.note) {
        assert_eq!(Lookup::format(lookup.id, &lookup.record, note).as_bytes(), data);
    }
    let module = ModuleVersion::parse("example.test/m", "v1.0.0").expect("a module version");
    let Ok(sums) = lookup.record.sums(&module) else {
        return Verdict::Refused;
    };
    for line in [
        format!("example.test/m v1.0.0 {}", sums.zip),
        format!("example.test/m v1.0.0/go.mod {}", sums.go_mod),
    ] {
        let times = lookup
            .record
            .as_str()
            .lines()
            .filter(|held| *held == line)
            .count();
        assert_eq!(times, 1, "{line} is a line of the record");
    }
    Verdict::Accepted
}
