//! Which build this is: `stoa version`, `/version`, the first line of the log and a metric say the same.

use jiff::Timestamp;
use std::fmt;

/// What the build stamped into the binary; see `build.rs`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BuildInfo {
    /// The version, without a leading `v`.
    pub(crate) version: &'static str,
    /// The commit, if it is known.
    pub(crate) commit: Option<&'static str>,
    /// When it was built or, for the same binary from the same source, when the source was committed.
    pub(crate) build_time: Option<Timestamp>,
}

impl BuildInfo {
    /// This build.
    pub(crate) fn this() -> Self {
        let known = |text: &'static str| Some(text).filter(|text| !text.is_empty());
        let seconds = known(env!("STOA_BUILT_SECONDS")).and_then(|seconds| seconds.parse().ok());
        Self {
            version: env!("STOA_BUILT_VERSION"),
            commit: known(env!("STOA_BUILT_COMMIT")),
            build_time: seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()),
        }
    }

    /// The same as JSON, on one line.
    pub(crate) fn json(&self) -> String {
        let time = self.build_time.map(|time| time.to_string());
        serde_json::json!({ "version": self.version, "commit": self.commit, "build_time": time }).to_string()
    }
}

impl fmt::Display for BuildInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stoa {}", self.version)?;
        match (self.commit, self.build_time) {
            (None, None) => Ok(()),
            (Some(commit), None) => write!(f, " ({})", short(commit)),
            (None, Some(time)) => write!(f, " ({time})"),
            (Some(commit), Some(time)) => write!(f, " ({} of {time})", short(commit)),
        }
    }
}

/// As much of a commit as people read.
fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
