//! What a setting is: everything known about one key, in one place.
//!
//! The flags, their help, the names in the environment, `config show`, `docs/configuration.md` and the checks of
//! every value all come from [`SETTINGS`](super::table::SETTINGS), a table of these.

use super::syntax::Syntax;

/// One key of the configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// Its name in the file, with its section: `storage.url`.
    pub(crate) key: &'static str,
    /// What its values look like.
    pub(crate) syntax: Syntax,
    /// What holds when nobody says anything.
    pub(crate) default: Preset,
    /// What it does, in sentences.
    pub(crate) help: &'static str,
    /// Why the default is what it is.
    pub(crate) why: &'static str,
    /// Its flag on the command line, if it has one.
    pub(crate) flag: Option<Flag>,
    /// Whether a value may hold a password: then it can come from a file, and it never prints whole.
    pub(crate) secret: bool,
}

/// What holds when nobody says anything.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Preset {
    /// This value.
    Value(&'static str),
    /// Nothing: the key is without effect until it is set.
    Unset,
    /// Worked out where the server runs; the text says how.
    Found(&'static str),
}

/// A flag on the command line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag {
    /// Without its dashes.
    pub(crate) name: &'static str,
    /// What its value is called in the help.
    pub(crate) value: &'static str,
}

impl Setting {
    /// A setting with no flag, no secret, and at work.
    pub(crate) const fn new(key: &'static str, syntax: Syntax, default: Preset, help: &'static str) -> Self {
        Self {
            key,
            syntax,
            default,
            help,
            why: "",
            flag: None,
            secret: false,
        }
    }

    /// Says why the default is what it is.
    pub(crate) const fn because(mut self, why: &'static str) -> Self {
        self.why = why;
        self
    }

    /// Gives it a flag.
    pub(crate) const fn with_flag(mut self, name: &'static str, value: &'static str) -> Self {
        self.flag = Some(Flag { name, value });
        self
    }

    /// Says that its values may hold passwords.
    pub(crate) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Its name in the environment: section and key joined by two underscores.
    pub(crate) fn environment_name(&self) -> String {
        format!("STOA_{}", self.key.replace('.', "__").to_ascii_uppercase())
    }

    /// The name in the environment of a file that holds the value, for settings that may be secret.
    pub(crate) fn environment_file_name(&self) -> Option<String> {
        self.secret.then(|| format!("{}_FILE", self.environment_name()))
    }
}
