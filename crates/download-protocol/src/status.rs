//! The one table from our errors to what a client is told.
//!
//! The go command goes on to the next entry of its GOPROXY list after 404 and 410 alone (Go modules reference,
//! "GOPROXY protocol"), so these two are said only where somebody entitled to it settled the question: the
//! protocol, an origin that was reached, or whoever took a version down. Trouble is 5xx and must not be cached;
//! other refusals are 403. A status says whom to look at: 502 and 504 the origins, 503 this server for now, 500
//! this server for good.

use crate::request::BadRequest;
use http::{HeaderValue, StatusCode};
use proxy_core::{
    checksums::ChecksumError, mirror::MirrorError, store::StoreError, upstream::UpstreamError,
    verify::VerifyError,
};
use std::{error::Error, fmt::Display, time::Duration};

/// How long to stay away when it is ours that is full or down: long enough to spare us a crowd that asks again at
/// once, short enough that a build which waits for it goes on.
const PAUSE: Duration = Duration::from_secs(10);

/// The longest an upstream's wish to be left alone is passed on: it may be wrong, and other origins may do.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// The go command shows no more than 648 bytes of an answer's text, and nothing at all of a longer line.
const LONGEST_SENTENCE: usize = 600;

/// An answer that is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The status.
    pub status: StatusCode,
    /// How long others may remember the answer.
    pub keep: Keep,
    /// When to come back, where that is known.
    pub retry_after: Option<Duration>,
    /// How loudly the log should say it.
    pub alarm: Alarm,
    /// One sentence for a Go user: printable ASCII, at most 600 bytes.
    pub sentence: String,
}

/// How long an answer may be remembered by those it passes: the `Cache-Control` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It never changes: the files of a version.
    Forever,
    /// What is no request today will be none tomorrow.
    Day,
    /// It changes now and then: lists, queries, what is not there yet.
    Minute,
    /// It must be asked for anew.
    Not,
}

/// How loudly the log should say that a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// The access line says enough.
    None,
    /// An operator may want to know.
    Notice,
    /// Somebody should look: bytes disagree, or we have a bug.
    Call,
}

impl Keep {
    /// The value of `Cache-Control`.
    pub const fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Forever => "public, max-age=31536000, immutable",
            Self::Day => "public, max-age=86400",
            Self::Minute => "public, max-age=60",
            Self::Not => "no-store",
        })
    }
}

impl Failure {
    fn new(status: StatusCode, keep: Keep, alarm: Alarm, sentence: &dyn Display) -> Self {
        let sentence = plain(&sentence.to_string());
        Self {
            status,
            keep,
            retry_after: None,
            alarm,
            sentence,
        }
    }

    /// Settled, but it may be published later.
    fn absent(sentence: &dyn Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, Keep::Minute, Alarm::None, sentence)
    }

    /// No request of the protocol, and never will be.
    fn malformed(sentence: &dyn Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, Keep::Day, Alarm::None, sentence)
    }

    /// Refused for who asks or what for; a rule may change at any time.
    fn forbidden(sentence: &dyn Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, Keep::Not, Alarm::None, sentence)
    }

    /// The fault lies behind us.
    fn bad_gateway(alarm: Alarm, sentence: &dyn Display) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, Keep::Not, alarm, sentence)
    }

    /// The fault lies with us, and passes.
    fn unavailable(sentence: &dyn Display) -> Self {
        let failure = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            Keep::Not,
            Alarm::Notice,
            sentence,
        );
        Self {
            retry_after: Some(PAUSE),
            ..failure
        }
    }

    /// The fault lies with us, and stays.
    fn internal(sentence: &dyn Display) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            Keep::Not,
            Alarm::Call,
            sentence,
        )
    }

    /// The request came back to the mirror of this name.
    pub fn came_back(name: &str) -> Self {
        looped(&format_args!(
            "the request came back to the mirror {name} it started from: one of its upstreams leads back to it"
        ))
    }

    /// The part asked for lies past the end of a file of this size.
    pub fn past_the_end(size: u64) -> Self {
        let sentence = format_args!("the range asked for lies past the end: the file has {size} bytes");
        Self::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            Keep::Not,
            Alarm::None,
            &sentence,
        )
    }

    /// Another method than those that read.
    pub fn method(name: &str) -> Self {
        let sentence = format_args!("{name} is not allowed here: GET and HEAD are");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, Keep::Not, Alarm::None, &sentence)
    }

    /// No checksum database of the name that was asked for is relayed. The go command then asks the database itself.
    pub fn no_such_database() -> Self {
        Self::absent(&"no checksum database of this name is served here")
    }

    /// Nothing of this name is kept of the checksum database, and the client wants nothing to be fetched.
    pub fn not_kept(name: &str) -> Self {
        let sentence = format_args!(
            "nothing of this name is kept of the checksum database {name}, and the request forbids to ask it"
        );
        Self {
            keep: Keep::Not,
            ..Self::absent(&sentence)
        }
    }

    /// The checksum database has no such thing.
    pub fn not_in_database(name: &str) -> Self {
        Self::absent(&format_args!(
            "the checksum database {name} has nothing of this name"
        ))
    }
}

impl From<&BadRequest> for Failure {
    fn from(error: &BadRequest) -> Self {
        Self::malformed(error)
    }
}

impl From<&MirrorError> for Failure {
    fn from(error: &MirrorError) -> Self {
        match error {
            MirrorError::NotFound { reason } => Self::absent(reason),
            // The module may well exist: who asks without the header may be answered otherwise a moment later.
            MirrorError::NotKept(_) => Self {
                keep: Keep::Not,
                ..Self::absent(error)
            },
            MirrorError::Denied(reason) => Self::forbidden(reason),
            MirrorError::TakenDown(reason) => Self::new(StatusCode::GONE, Keep::Minute, Alarm::None, reason),
            MirrorError::Upstream(upstream) => upstream.into(),
            MirrorError::Verify(verify) => verify.into(),
            MirrorError::Checksums(checksums) => checksums.into(),
            MirrorError::Store(store) => store.into(),
            MirrorError::Spool(spool) => Self::unavailable(spool),
            // Both pass by themselves: what is kept decides, or the crowd thins.
            MirrorError::Contended(_) | MirrorError::Overloaded => Self::unavailable(error),
            MirrorError::Internal => Self::internal(error),
        }
    }
}

impl From<&UpstreamError> for Failure {
    fn from(error: &UpstreamError) -> Self {
        match error {
            UpstreamError::NotFound { reason } => Self::absent(reason),
            UpstreamError::Unavailable { retry_after, .. } => {
                let pause = retry_after.map(|pause| pause.min(LONGEST_PAUSE));
                Self {
                    retry_after: pause,
                    ..Self::bad_gateway(Alarm::Notice, error)
                }
            }
            UpstreamError::TimedOut { .. } => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, Keep::Not, Alarm::Notice, error)
            }
            UpstreamError::Malformed { .. } | UpstreamError::Moved { .. } => {
                Self::bad_gateway(Alarm::Notice, error)
            }
            UpstreamError::Loop { .. } => looped(error),
            // Not 501, which speaks of the request's method and may be cached; not 503, for waiting does not help.
            UpstreamError::Unsupported { .. } => Self::bad_gateway(Alarm::Notice, error),
            UpstreamError::Spool(spool) => Self::unavailable(spool),
        }
    }
}

impl From<&VerifyError> for Failure {
    fn from(error: &VerifyError) -> Self {
        match error {
            VerifyError::Invalid { .. }
            | VerifyError::SumMismatch { .. }
            | VerifyError::SeenOtherwise { .. } => Self::bad_gateway(Alarm::Call, error),
            // Somebody was called when it was found out.
            VerifyError::Contradicted { .. } => Self::bad_gateway(Alarm::Notice, error),
            // The origin gave a zip and no go.mod to hold it against.
            VerifyError::NoGoMod(_) => Self::bad_gateway(Alarm::Notice, error),
            VerifyError::Checksums(checksums) => checksums.into(),
            VerifyError::Store(store) => store.into(),
            VerifyError::Spool(_) => Self::unavailable(error),
        }
    }
}

impl From<&ChecksumError> for Failure {
    fn from(error: &ChecksumError) -> Self {
        match error {
            ChecksumError::Unavailable { .. } => Self::unavailable(error),
            ChecksumError::Damaged { .. } => Self {
                alarm: Alarm::Call,
                ..Self::unavailable(error)
            },
            ChecksumError::Unknown { .. } => Self::bad_gateway(Alarm::Notice, error),
            ChecksumError::Private(_) => Self::forbidden(error),
            ChecksumError::Unproven { .. } | ChecksumError::Untrustworthy { .. } => {
                Self::bad_gateway(Alarm::Call, error)
            }
        }
    }
}

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } | StoreError::Full(_) => Self::unavailable(error),
            StoreError::Corrupt { .. } => Self::internal(error),
            StoreError::SumDisagrees { .. } => Self::bad_gateway(Alarm::Call, error),
        }
    }
}

/// RFC 5842 coined 508 for a server that went round in circles; no client takes it for absence.
fn looped(sentence: &dyn Display) -> Failure {
    Failure::new(StatusCode::LOOP_DETECTED, Keep::Not, Alarm::Notice, sentence)
}

/// Makes text that the go command is willing to show: printable ASCII, on one line, not too long.
fn plain(text: &str) -> String {
    let printable = |letter: char| {
        if letter.is_ascii_graphic() || letter == ' ' {
            letter
        } else {
            '?'
        }
    };
    let on_one_line = text.trim().chars().map(|letter| {
        if letter.is_whitespace() {
            ' '
        } else {
            printable(letter)
        }
    });
    if text.trim().chars().count() <= LONGEST_SENTENCE {
        return on_one_line.collect();
    }
    on_one_line
        .take(LONGEST_SENTENCE - 3)
        .chain("...".chars())
        .collect()
}

/// An error and everything below it, for the log: `the store is unavailable: no answer: connection refused`.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        below = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
