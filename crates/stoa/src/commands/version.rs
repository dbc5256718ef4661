//! `stoa version`: which build this is.

use super::print;
use crate::{build_info::BuildInfo, exit::Failure};

/// Prints version, commit and build time.
pub(crate) fn run(json: bool) -> Result<(), Failure> {
    let build = BuildInfo::this();
    if json {
        return print(&format!("{}\n", build.json()));
    }
    let time = build
        .build_time
        .map_or_else(|| "unknown".to_owned(), |time| time.to_string());
    let commit = build.commit.unwrap_or("unknown");
    print(&format!(
        "stoa {}\ncommit {commit}\nbuilt {time}\n",
        build.version
    ))
}
