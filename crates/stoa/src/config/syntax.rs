//! What values look like: one entry for every kind of value, with its check and its description.

use super::{address, go_syntax, lease_url, quantity, storage_url};

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// An address to listen on.
    Listen,
    /// A prefix of URLs.
    BasePath,
    /// A store this build can open.
    StorageUrl,
    /// Stores of any kind, separated by commas.
    StorageUrls,
    /// An http or https address.
    WebUrl,
    /// A folder.
    Folder,
    /// A file.
    File,
    /// GOPROXY syntax.
    Chain,
    /// GOPRIVATE syntax.
    Patterns,
    /// GOSUMDB syntax.
    ChecksumDatabase,
    /// GOVCS syntax.
    GoVcs,
    /// Where leases are kept.
    LeaseUrl,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A length of time.
    Duration,
    /// A length of time that is not zero.
    PositiveDuration,
    /// A length of time, or `off`.
    DurationOrOff,
    /// A number of bytes.
    Size,
    /// A number of bytes, or `off`.
    SizeOrOff,
    /// A number of things, at least one.
    Count,
    /// Yes or no.
    Bool,
    /// A level of the log, whole or by part.
    LogLevel,
}

impl Syntax {
    /// Says what is wrong with a value, as a phrase. The phrase may quote the value.
    pub(crate) fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Listen => address::listen(text).map(drop),
            Self::BasePath => address::base_path(text).map(drop),
            Self::StorageUrl => storage_url::parse(text).map(drop),
            Self::StorageUrls => storage_url::parse_all(text).map(drop),
            Self::WebUrl => address::web_url(text).map(drop),
            Self::Folder | Self::File => not_empty(text),
            Self::Chain => go_syntax::chain(text).map(drop),
            Self::Patterns => go_syntax::patterns(text).map(drop),
            Self::ChecksumDatabase => go_syntax::checksum_database(text).map(drop),
            Self::GoVcs => go_syntax::vcs(text),
            Self::LeaseUrl => lease_url::parse(text).map(drop),
            Self::OneOf(words) if words.contains(&text) => Ok(()),
            Self::OneOf(words) => Err(format!("{text:?} is not one of {}", words.join(", "))),
            Self::Duration => quantity::duration(text).map(drop),
            Self::PositiveDuration => quantity::positive_duration(text).map(drop),
            Self::DurationOrOff => quantity::or_off(text, quantity::positive_duration).map(drop),
            Self::Size => quantity::size(text).map(drop),
            Self::SizeOrOff => quantity::or_off(text, quantity::size).map(drop),
            Self::Count => quantity::count(text).map(drop),
            Self::Bool => quantity::boolean(text).map(drop),
            Self::LogLevel => quantity::log_level(text).map(drop),
        }
    }

    /// What values look like, for people.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Listen => "host:port, :port or unix:path".into(),
            Self::BasePath => "a path such as /go".into(),
            Self::StorageUrl => "a storage URL such as file:./stoa-data".into(),
            Self::StorageUrls => "storage URLs, a list or separated by commas".into(),
            Self::WebUrl => "an http or https address".into(),
            Self::Folder => "a folder".into(),
            Self::File => "a file".into(),
            Self::Chain => "GOPROXY syntax".into(),
            Self::Patterns => "module path patterns, a list or separated by commas".into(),
            Self::ChecksumDatabase => "GOSUMDB syntax".into(),
            Self::GoVcs => "GOVCS syntax".into(),
            Self::LeaseUrl => "auto, memory, records, or an address such as redis://host:port".into(),
            Self::OneOf(words) => words.join(" or "),
            Self::Duration | Self::PositiveDuration => "a duration such as 60s or 2m".into(),
            Self::DurationOrOff => "a duration such as 24h, or off".into(),
            Self::Size => "a size such as 32MiB".into(),
            Self::SizeOrOff => "a size such as 32MiB, or off".into(),
            Self::Count => "a whole number, at least 1".into(),
            Self::Bool => "true or false".into(),
            Self::LogLevel => "error, warn, info, debug, trace or off, also by part".into(),
        }
    }

    /// Whether a file may give it as an array of strings.
    pub(crate) fn takes_array(self) -> bool {
        matches!(
            self,
            Self::StorageUrls | Self::Chain | Self::Patterns | Self::GoVcs
        )
    }

    /// Whether a file may give it as a whole number.
    pub(crate) fn takes_integer(self) -> bool {
        matches!(
            self,
            Self::Duration
                | Self::PositiveDuration
                | Self::DurationOrOff
                | Self::Size
                | Self::SizeOrOff
                | Self::Count
        )
    }
}

fn not_empty(text: &str) -> Result<(), String> {
    if text.is_empty() {
        Err("a path is needed, and this is empty".into())
    } else {
        Ok(())
    }
}
