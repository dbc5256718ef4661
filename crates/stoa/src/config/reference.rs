//! `docs/configuration.md`, written from the table of settings.

use super::{
    setting::{Preset, Setting},
    table::{EMPTY_SECTIONS, SETTINGS},
};
use std::fmt::Write;

const OPENING: &str = "\
<!-- Written by `cargo xtask docs` from the table of settings; a test compares it with the code. -->

# Configuration

`stoa serve` needs no configuration. What is set comes from, first match first:

1. flags of the command line (`stoa serve --help` lists them);
2. the environment: section and key joined by two underscores, as in `STOA_LISTEN` and `STOA_STORAGE__URL`;
3. one file in TOML: the one that `--config` or `STOA_CONFIG` names, else `stoa.toml` in the working folder, else
   `/etc/stoa/stoa.toml`; none is fine, but a file that is named must be there;
4. the defaults below.

`stoa config show` prints every value and where it came from. `stoa config check` says `ok`, or names the key that is
wrong in one sentence and exits with 64. A name that nobody knows is an error, in the file and in the environment;
`STOA_CONFIG`, `STOA_VERSION`, `STOA_COMMIT` and what Kubernetes sets for a Service named stoa (`STOA_SERVICE_…`,
`STOA_PORT`, `STOA_PORT_…`) are not settings.

In the environment every value is text. In the file, durations and sizes may be whole numbers (seconds, bytes), and
lists may be arrays of strings. Values that may hold a password can also come from a file: append `_FILE` to the name
in the environment and give the file's path. They are printed with `<set>` in the password's place.

A file looks like this:

```toml check
listen = \"127.0.0.1:3000\"
[storage]
url = \"file:./stoa-data\"
[upstream]
chain = \"https://proxy.example.com,direct\"
```
";

/// The whole page.
pub(crate) fn reference() -> String {
    let mut page = OPENING.to_owned();
    let mut section = "";
    for setting in SETTINGS {
        let (of, _) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if of != section {
            section = of;
            // Writing to a string cannot fail, here and below.
            let _ = writeln!(page, "\n## `[{section}]`");
        } else if section.is_empty() && !page.contains("\n## ") {
            page.push_str("\n## At the top\n");
        }
        write_setting(&mut page, setting);
    }
    let sections: Vec<String> = EMPTY_SECTIONS
        .iter()
        .map(|section| format!("`[{section}]`"))
        .collect();
    let _ = writeln!(
        page,
        "\n## To come\n\nThe sections {} are known and have no keys yet.",
        sections.join(" and ")
    );
    page
}

fn write_setting(page: &mut String, setting: &Setting) {
    let default = match setting.default {
        Preset::Value("") => "empty".to_owned(),
        Preset::Value(value) => format!("`{value}`"),
        Preset::Unset => "not set".to_owned(),
        Preset::Found(how) => how.to_owned(),
    };
    let because = if setting.why.is_empty() {
        String::new()
    } else {
        format!(" {}", setting.why)
    };
    let _ = writeln!(page, "\n### `{}`\n\n{}", setting.key, setting.help);
    let _ = writeln!(page, "\n- Value: {}", setting.syntax.describe());
    let _ = writeln!(page, "- Default: {default}.{because}");
    let file = setting
        .environment_file_name()
        .map_or_else(String::new, |name| format!(" or `{name}`"));
    let _ = writeln!(page, "- Environment: `{}`{file}", setting.environment_name());
    if let Some(flag) = setting.flag {
        let _ = writeln!(page, "- Flag: `--{} {}`", flag.name, flag.value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_the_book_is_the_one_written_from_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let page = std::fs::read_to_string(path).expect("docs/configuration.md");
        assert!(page == reference(), "run the command in the page's first line");
    }
}
