//! Why a configuration cannot be used: each one sentence that names the key.

use super::{redact::holds_secrets, setting::Setting, value::Source};
use std::path::PathBuf;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A value is wrong.
    #[error("{key}: {reason} (from {place})")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong, as a phrase.
        reason: String,
        /// Which layer said so.
        place: Source,
    },
    /// Nobody knows this name.
    #[error("{name}: there is no such setting{}", did_you_mean(.suggestion))]
    Unknown {
        /// The name, and in which line of which file.
        name: String,
        /// The nearest one there is.
        suggestion: Option<String>,
    },
    /// A variable of the environment cannot be used, whatever its value means.
    #[error("{name}: {reason}")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong, as a phrase.
        reason: String,
    },
    /// The file cannot be read.
    #[error("{}: {reason}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, as a phrase.
        reason: String,
    },
}

impl ConfigError {
    /// A wrong value. The reason is left out if it might repeat a password.
    pub(crate) fn value(setting: &Setting, text: &str, reason: String, place: &Source) -> Self {
        let reason = if setting.secret && holds_secrets(text) && reason.contains('"') {
            format!(
                "the value is not {} (it holds credentials and is not repeated)",
                setting.syntax.describe()
            )
        } else {
            reason
        };
        Self::Value {
            key: setting.key,
            reason,
            place: place.clone(),
        }
    }
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    suggestion
        .as_ref()
        .map_or_else(String::new, |name| format!("; did you mean {name}?"))
}
