//! How the process ends: a number for scripts, and one sentence for people.

use std::process::ExitCode;

/// Why the process ends with another number than 0. The numbers from 64 on are those of `sysexits.h`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It was done, and something was found (1).
    #[error("{0}")]
    Found(String),
    /// The command line or the configuration is wrong (64).
    #[error("{0}")]
    Usage(String),
    /// A service it needs is not there (69).
    #[error("{0}")]
    Unavailable(String),
    /// Our bug (70).
    #[error("{0}")]
    Internal(String),
    /// Somebody stopped it (130, as a shell says of a command that SIGINT ended).
    #[error("{0}")]
    Interrupted(String),
}

impl Failure {
    /// The number for scripts.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Found(_) => 1,
            Self::Usage(_) => 64,
            Self::Unavailable(_) => 69,
            Self::Internal(_) => Self::INTERNAL,
            Self::Interrupted(_) => 130,
        }
    }

    /// The number of a bug, where there is nothing left that could say more.
    pub(crate) const INTERNAL: u8 = 70;
}

impl From<crate::config::error::ConfigError> for Failure {
    fn from(error: crate::config::error::ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

/// Says why on standard error, and ends with the number.
#[expect(
    clippy::print_stderr,
    reason = "the last words of a process are for whoever started it"
)]
pub(crate) fn conclude(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("stoa: {failure}");
            ExitCode::from(failure.code())
        }
    }
}
