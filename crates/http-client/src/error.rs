//! Why a question to an origin has no answer, and what that means to the mirror.

use http::StatusCode;
use proxy_core::upstream::UpstreamError;
use std::{error::Error as StdError, sync::Arc, time::Duration};

/// Why a question to an origin has no answer. The sentences name the host and never credentials, paths or queries.
/// Cheap to clone.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// It answered, and not with 200.
    #[error("{}", status_sentence(host, *status, reason.as_deref()))]
    Status {
        /// Who.
        host: Arc<str>,
        /// How.
        status: StatusCode,
        /// The first line of its text, if that was fit to be shown.
        reason: Option<Arc<str>>,
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// We do not go there: the address is out of reach, or a redirect led where none may lead. Asking again is futile.
    #[error("{reason}")]
    Refused {
        /// What was refused, and why.
        reason: Arc<str>,
    },
    /// No connection: name, network, TLS. Asking later may help.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// Who.
        host: Arc<str>,
        /// The cause at the bottom.
        reason: Arc<str>,
        /// The whole chain.
        #[source]
        source: Option<Arc<dyn StdError + Send + Sync>>,
    },
    /// It said nothing for too long.
    #[error("{host} said nothing for {} s", limit.as_secs_f32())]
    Silent {
        /// Who.
        host: Arc<str>,
        /// How long was waited.
        limit: Duration,
    },
    /// It broke off and could not be brought to send the rest. Asking later may help.
    #[error("{host} broke off: {reason}")]
    BrokenOff {
        /// Who.
        host: Arc<str>,
        /// Where, and what happened then.
        reason: Arc<str>,
    },
    /// It answered what cannot be right: too long, changed while it was sent, not to be decoded.
    #[error("{host} sent a broken answer: {reason}")]
    Malformed {
        /// Who.
        host: Arc<str>,
        /// What is wrong.
        reason: Arc<str>,
    },
}

impl Error {
    pub(crate) fn malformed(host: &str, reason: impl Into<Arc<str>>) -> Self {
        Self::Malformed {
            host: host.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn refused(reason: impl Into<Arc<str>>) -> Self {
        Self::Refused {
            reason: reason.into(),
        }
    }

    /// Whether an authority settled that there is nothing (404, 410).
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: StatusCode::NOT_FOUND | StatusCode::GONE,
                ..
            }
        )
    }
}

/// The one place where what happened on the wire becomes what the mirror does next.
impl From<Error> for UpstreamError {
    fn from(error: Error) -> Self {
        let sentence = error.to_string();
        match error {
            Error::Status {
                status,
                reason,
                retry_after,
                ..
            } => match status.as_u16() {
                404 | 410 => Self::not_found(reason.unwrap_or_else(|| sentence.into())),
                508 => Self::Loop {
                    reason: sentence.into(),
                },
                200..=399 => Self::malformed(sentence),
                _ => Self::Unavailable {
                    reason: sentence.into(),
                    retry_after,
                },
            },
            Error::Refused { .. } | Error::Unreachable { .. } => Self::unavailable(sentence),
            Error::Silent { .. } => Self::timed_out(sentence),
            Error::BrokenOff { .. } | Error::Malformed { .. } => Self::malformed(sentence),
        }
    }
}

fn status_sentence(host: &str, status: StatusCode, reason: Option<&str>) -> String {
    let did = match status.as_u16() {
        401 | 403 => "refused us, or the credentials we have for it",
        429 => "has had too many requests",
        508 => "says that the request went in a circle",
        _ => "gave no answer",
    };
    let said = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{host} {did} ({status}){said}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, reason: Option<&str>) -> UpstreamError {
        let status = StatusCode::from_u16(code).unwrap();
        Error::Status {
            host: "a.test".into(),
            status,
            reason: reason.map(Into::into),
            retry_after: None,
        }
        .into()
    }

    #[test]
    fn only_404_and_410_settle_anything() {
        for code in [404, 410] {
            let error = status(code, Some("not found: a.test/m@v1.0.0: unknown revision"));
            assert!(matches!(&error, UpstreamError::NotFound { .. }), "{code}");
            assert_eq!(error.to_string(), "not found: a.test/m@v1.0.0: unknown revision");
        }
        assert_eq!(
            status(404, None).to_string(),
            "a.test gave no answer (404 Not Found)"
        );
        for code in [400, 401, 403, 429, 451, 500, 502, 503, 504] {
            assert!(
                matches!(status(code, None), UpstreamError::Unavailable { .. }),
                "{code}"
            );
        }
        for code in [204, 206, 304] {
            assert!(
                matches!(status(code, None), UpstreamError::Malformed { .. }),
                "{code}"
            );
        }
        assert!(matches!(status(508, None), UpstreamError::Loop { .. }));
    }

    #[test]
    fn refused_credentials_are_called_that() {
        for code in [401, 403] {
            let sentence = status(code, Some("bad token")).to_string();
            assert!(
                sentence.contains("credentials") && sentence.ends_with(": bad token"),
                "{sentence}"
            );
        }
    }

    #[test]
    fn trouble_on_the_way_is_named_for_what_comes_next() {
        let host: Arc<str> = "a.test".into();
        let silent = Error::Silent {
            host: Arc::clone(&host),
            limit: Duration::from_secs(30),
        };
        assert_eq!(silent.to_string(), "a.test said nothing for 30 s");
        assert!(matches!(silent.into(), UpstreamError::TimedOut { .. }));
        let unreachable = Error::Unreachable {
            host: Arc::clone(&host),
            reason: "no route".into(),
            source: None,
        };
        assert!(matches!(unreachable.into(), UpstreamError::Unavailable { .. }));
        let broken = Error::BrokenOff {
            host,
            reason: "after 3 bytes".into(),
        };
        assert!(matches!(broken.into(), UpstreamError::Malformed { .. }));
        assert!(matches!(
            Error::malformed("a.test", "too long").into(),
            UpstreamError::Malformed { .. }
        ));
        assert!(matches!(
            Error::refused("no").into(),
            UpstreamError::Unavailable { .. }
        ));
    }
}
