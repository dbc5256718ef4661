//! Request paths: whatever stands in one, what comes out names a file inside the tree, or nothing.

use super::stays_inside;
use crate::{Target, Verdict};
use download_protocol::request::Request;

pub(crate) const REQUEST: Target = Target {
    name: "request",
    run,
    longest: 5000,
    words: &[
        "/",
        "/@v/",
        "/@latest",
        "list",
        ".info",
        ".mod",
        ".zip",
        "%21",
        "%2e",
        "%2f",
        "%00",
        "%",
        "!",
        "..",
        "\\",
        "?",
        "#",
        "sumdb/",
        "example.test/m",
        "v1.0.0",
        "+incompatible",
        "A",
        "é",
        "@",
    ],
};

fn run(data: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(data);
    let Ok(request) = Request::parse(&text) else {
        return Verdict::Refused;
    };
    let again = match &request {
        Request::List(path) => format!("{}/@v/list", path.escaped()),
        Request::Latest(path) => format!("/{}/@latest", path.escaped()),
        Request::File(file) => file.tree_path(),
        Request::Query(path, query) => format!("{}/@v/{}.info", path.escaped(), query.escaped()),
        Request::Checksums(rest) => {
            assert!(!rest.split('/').any(|part| part == ".." || part == "."), "{rest}");
            return Verdict::Accepted;
        }
    };
    assert!(
        stays_inside(again.trim_start_matches('/')),
        "{again} lies in the tree"
    );
    // What a client percent-encodes need not be encoded to be read, but for the percent sign itself.
    assert_eq!(
        Request::parse(&again.replace('%', "%25")),
        Ok(request),
        "a request is read from what it means"
    );
    Verdict::Accepted
}
