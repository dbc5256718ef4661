//! `config show`: every value and who wrote it, as TOML that could be the file.

use super::{Config, setting::Preset, table::SETTINGS};
use std::fmt::Write;

/// Where the comments begin, unless the value is longer.
const COMMENTS_AT: usize = 48;

/// All values without their secrets, one a line, each with who wrote it.
pub(crate) fn show(config: &Config) -> String {
    let mut text = match &config.file {
        Some(path) => format!("# configuration file: {}\n", path.display()),
        None => "# no configuration file\n".to_owned(),
    };
    for setting in SETTINGS {
        let (line, from) = match config.values.get(setting.key) {
            Some(value) => (
                format!("{} = {:?}", setting.key, value.shown(setting)),
                value.source.to_string(),
            ),
            None => (
                format!("# {} is not set", setting.key),
                without_value(setting.default).to_owned(),
            ),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line:<COMMENTS_AT$}  # {from}");
    }
    text
}

fn without_value(default: Preset) -> String {
    match default {
        Preset::Found(how) => format!("default: {how}"),
        Preset::Value(_) | Preset::Unset => "default".to_owned(),
    }
}
