//! The layer of the environment: `STOA_…` variables, each a string and never anything cleverer.

use super::{
    error::ConfigError,
    setting::Setting,
    suggestion::nearest,
    table::SETTINGS,
    value::{Source, Values},
};
use std::{collections::BTreeMap, ffi::OsString, fs, path::PathBuf};

/// The variables a process was started with; a test makes its own.
#[derive(Clone, Default)]
pub(crate) struct Environment(BTreeMap<OsString, OsString>);

/// Names that begin like ours and are not: what a build sets, and what Kubernetes sets for a Service named stoa.
const NOT_SETTINGS: &[&str] = &["STOA_CONFIG", "STOA_VERSION", "STOA_COMMIT", "STOA_PORT"];
/// Their beginnings.
const NOT_SETTINGS_BEGIN: &[&str] = &["STOA_SERVICE_", "STOA_PORT_", "STOA_TEST_"];

impl Environment {
    /// The environment made of these variables.
    pub(crate) fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// A variable that is set, not empty, and text.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(&OsString::from(name))
            .and_then(|value| value.to_str())
            .filter(|value| !value.is_empty())
    }

    /// All variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (OsString, OsString)> {
        self.0.iter().map(|(name, value)| (name.clone(), value.clone()))
    }

    /// A path that is set and not empty.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.0
            .get(&OsString::from(name))
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    }

    /// Where this user's programs keep what can be fetched again (XDG Base Directory Specification; on macOS the
    /// system's own place), and within it our folder.
    pub(crate) fn cache_folder(&self) -> Option<PathBuf> {
        let of_home = if cfg!(target_os = "macos") {
            "Library/Caches"
        } else {
            ".cache"
        };
        let caches = self
            .path("XDG_CACHE_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| Some(self.path("HOME")?.join(of_home)))?;
        Some(caches.join("stoa"))
    }

    /// Lays what the environment says over the values, and refuses names that nobody knows.
    pub(crate) fn apply(&self, values: &mut Values) -> Result<(), ConfigError> {
        for setting in SETTINGS {
            self.apply_one(setting, values)?;
        }
        self.refuse_unknown()
    }

    fn apply_one(&self, setting: &Setting, values: &mut Values) -> Result<(), ConfigError> {
        let name = setting.environment_name();
        let text = self.text(&name)?;
        let Some(file_name) = setting.environment_file_name() else {
            if let Some(text) = text {
                values.set(setting, text, Source::Environment(name));
            }
            return Ok(());
        };
        match (text, self.path(&file_name)) {
            (Some(_), Some(_)) => Err(ConfigError::Variable {
                name,
                reason: format!("it is set, and {file_name} too; one of them must go"),
            }),
            (Some(text), None) => {
                values.set(setting, text, Source::Environment(name));
                Ok(())
            }
            (None, Some(path)) => {
                let text = fs::read_to_string(path).map_err(|error| ConfigError::Variable {
                    name: file_name.clone(),
                    reason: format!("the file it names cannot be read: {error}"),
                })?;
                values.set(setting, text.trim(), Source::Environment(file_name));
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    fn text(&self, name: &str) -> Result<Option<&str>, ConfigError> {
        let Some(value) = self.0.get(&OsString::from(name)) else {
            return Ok(None);
        };
        let unreadable = || ConfigError::Variable {
            name: name.into(),
            reason: "it is not valid UTF-8".into(),
        };
        value.to_str().map(Some).ok_or_else(unreadable)
    }

    fn refuse_unknown(&self) -> Result<(), ConfigError> {
        let known: Vec<String> = SETTINGS
            .iter()
            .flat_map(|setting| [Some(setting.environment_name()), setting.environment_file_name()])
            .flatten()
            .collect();
        for name in self.0.keys().filter_map(|name| name.to_str()) {
            let ours = name.starts_with("STOA_")
                && !NOT_SETTINGS.contains(&name)
                && !NOT_SETTINGS_BEGIN
                    .iter()
                    .any(|beginning| name.starts_with(beginning));
            if ours && !known.iter().any(|known| known == name) {
                let suggestion = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
                return Err(ConfigError::Unknown {
                    name: name.into(),
                    suggestion,
                });
            }
        }
        Ok(())
    }
}
