//! What stands before `.info`: a version, or a query that could be one element of a path.

use super::stays_inside;
use crate::{Target, Verdict};
use proxy_core::module::{ModulePath, Named, Query, query::MAX_QUERY};

pub(crate) const QUERY: Target = Target {
    name: "query",
    run,
    longest: 300,
    words: &[
        "main",
        "latest",
        "upgrade",
        "v1",
        "v2.0.0",
        "+incompatible",
        "!h!e!a!d",
        "/",
        "..",
        "!",
        "con",
        "-",
        " ",
        "é",
    ],
};

fn run(data: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(data);
    let path = ModulePath::parse("example.test/m").expect("it is one");
    let named = Named::unescape(&path, &text);
    match &named {
        Ok(Named::Version(module)) => {
            assert_eq!(module.version().escaped(), text);
            assert_eq!(path.check_version(module.version()), Ok(()));
        }
        Ok(Named::Query(query)) => {
            assert_eq!(query.escaped(), text, "a query has one escaped form");
            assert_ne!(query, &Query::Latest, "@latest is the only way to ask for it");
            assert!(stays_inside(query.as_str()) && !query.as_str().contains('/'));
            assert!(text.len() <= MAX_QUERY);
            assert_eq!(Query::parse(query.as_str()).as_ref(), Ok(query));
        }
        Err(_) => {}
    }
    if let Ok(query) = Query::parse(&text) {
        assert_eq!(query.as_str(), text);
    }
    named.is_ok().into()
}
