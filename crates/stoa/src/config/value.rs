//! Values as people wrote them, and who wrote them.

use super::{error::ConfigError, redact::redact, setting::Setting, table};
use std::{collections::BTreeMap, fmt, path::PathBuf};

/// Who said a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A flag of the command line, without its dashes.
    Flag(&'static str),
    /// A variable of the environment.
    Environment(String),
    /// A line of the file.
    File(PathBuf, usize),
    /// Nobody.
    Default,
    /// Nobody; it was worked out, and this says from what.
    Found(String),
}

/// A value as it was written, and who wrote it. It may hold a password, so it does not print.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Value {
    /// As it was written.
    pub(crate) text: String,
    /// Who wrote it.
    pub(crate) source: Source,
}

/// All values, by key; a key that nobody set and that has no default is absent.
#[derive(Clone, Default)]
pub(crate) struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// Sets a value, over whatever was there.
    pub(crate) fn set(&mut self, setting: &Setting, text: impl Into<String>, source: Source) {
        self.0.insert(
            setting.key,
            Value {
                text: text.into(),
                source,
            },
        );
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Checks every value against its syntax.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        for setting in table::SETTINGS {
            if let Some(value) = self.get(setting.key) {
                let checked = setting.syntax.check(&value.text);
                checked.map_err(|reason| ConfigError::value(setting, &value.text, reason, &value.source))?;
            }
        }
        Ok(())
    }

    /// Reads the value of a key that is set or has a default.
    pub(crate) fn read<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        self.read_if_set(key, read)?.ok_or_else(|| ConfigError::Value {
            key,
            reason: "it is not set, and has no default".into(),
            place: Source::Default,
        })
    }

    /// Reads the value of a key, if it is set.
    pub(crate) fn read_if_set<T>(
        &self,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let Some((setting, value)) = table::setting(key).zip(self.get(key)) else {
            return Ok(None);
        };
        match read(&value.text) {
            Ok(read) => Ok(Some(read)),
            Err(reason) => Err(ConfigError::value(setting, &value.text, reason, &value.source)),
        }
    }
}

impl Value {
    /// The value as it may be shown to anybody.
    pub(crate) fn shown(&self, setting: &Setting) -> String {
        if setting.secret {
            redact(&self.text)
        } else {
            self.text.clone()
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag --{name}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
            Self::Found(how) => write!(f, "default: {how}"),
        }
    }
}
