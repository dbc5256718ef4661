//! The layer of the file: `stoa.toml`.

use super::{
    error::ConfigError,
    setting::Setting,
    suggestion::nearest,
    table::{EMPTY_SECTIONS, SETTINGS, setting},
    value::{Source, Values},
};
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Where the file is looked for when nobody names one; the first that exists is the one.
pub(crate) const USUAL_PLACES: &[&str] = &["stoa.toml", "/etc/stoa/stoa.toml"];

/// Reads the file that was named, which must be there, or else the first of the usual ones, which need not.
pub(crate) fn find(named: Option<&Path>) -> Result<Option<(PathBuf, String)>, ConfigError> {
    let places = match named {
        Some(path) => vec![path],
        None => USUAL_PLACES.iter().map(Path::new).collect(),
    };
    for path in places {
        match std::fs::read_to_string(path) {
            Ok(text) => return Ok(Some((path.to_owned(), text))),
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let reason = format!("the configuration file cannot be read: {error}");
                return Err(ConfigError::File {
                    path: path.to_owned(),
                    reason,
                });
            }
        }
    }
    Ok(None)
}

/// Lays what the file says over the values, and refuses keys that nobody knows.
pub(crate) fn apply(path: &Path, text: &str, values: &mut Values) -> Result<(), ConfigError> {
    let file = File { path, text };
    let table = DeTable::parse(text).map_err(|error| {
        // The error's own text would quote the line, and the line may hold a password.
        let line = error.span().map_or(1, |span| file.line(span.start));
        let path = PathBuf::from(format!("{}:{line}", path.display()));
        ConfigError::File {
            path,
            reason: format!("it is not TOML: {}", error.message()),
        }
    })?;
    file.apply_table("", table.get_ref(), values)
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn apply_table(
        &self,
        section: &str,
        table: &DeTable<'_>,
        values: &mut Values,
    ) -> Result<(), ConfigError> {
        for (key, value) in table {
            let name = if section.is_empty() {
                key.get_ref().to_string()
            } else {
                format!("{section}.{}", key.get_ref())
            };
            let line = self.line(key.span().start);
            if let Some(setting) = setting(&name) {
                let text = text_of(setting, value.get_ref()).map_err(|reason| ConfigError::Value {
                    key: setting.key,
                    reason,
                    place: self.place(line),
                })?;
                values.set(setting, text, self.place(line));
            } else if let (Some(table), true) = (value.get_ref().as_table(), is_section(&name)) {
                self.apply_table(&name, table, values)?;
            } else {
                let suggestion =
                    nearest(&name, SETTINGS.iter().map(|setting| setting.key)).map(str::to_owned);
                let name = format!("{name} ({})", self.place(line));
                return Err(ConfigError::Unknown { name, suggestion });
            }
        }
        Ok(())
    }

    fn place(&self, line: usize) -> Source {
        Source::File(self.path.to_owned(), line)
    }

    /// The line of a byte, counted from 1.
    fn line(&self, offset: usize) -> usize {
        1 + self
            .text
            .bytes()
            .take(offset)
            .filter(|byte| *byte == b'\n')
            .count()
    }
}

fn is_section(name: &str) -> bool {
    let of_setting = |setting: &Setting| {
        setting
            .key
            .split_once('.')
            .is_some_and(|(section, _)| section == name)
    };
    EMPTY_SECTIONS.contains(&name) || SETTINGS.iter().any(of_setting)
}

/// The value as it would stand in the environment.
fn text_of(setting: &Setting, value: &DeValue<'_>) -> Result<String, String> {
    let expected = || {
        format!(
            "the value must be {}, and here is {} {}",
            setting.syntax.describe(),
            article(value),
            value.type_str()
        )
    };
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if setting.syntax.takes_integer() && number.radix() == 10 => {
            Ok(number.as_str().replace('_', ""))
        }
        DeValue::Boolean(yes) if setting.syntax == super::syntax::Syntax::Bool => Ok(yes.to_string()),
        DeValue::Array(items) if setting.syntax.takes_array() => {
            let texts: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
            Ok(texts
                .ok_or_else(|| "every item of the list must be a string".to_owned())?
                .join(","))
        }
        _ => Err(expected()),
    }
}

fn article(value: &DeValue<'_>) -> &'static str {
    if matches!(value, DeValue::Integer(_) | DeValue::Array(_)) {
        "an"
    } else {
        "a"
    }
}
