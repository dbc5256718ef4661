//! What a `go` sees that runs for a module which is not private: nothing that says who asks.
//!
//! It finds the repository once more by itself, on a page that may say something else than it said to us. So nobody can
//! tell which host it will ask, nor by which program, and it has nothing to show to any.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs, io,
    path::Path,
};

/// The configuration of Mercurial, the machine's own included.
const HGRC: &str = "hgrc";

/// What says who we are, or where that stands.
const WITHHELD: &[&str] = &[
    "GIT_ASKPASS",
    "GIT_SSH",
    "GIT_SSH_VARIANT",
    "NETRC",
    "SSH_AUTH_SOCK",
];

/// Ssh finds the account's keys wherever the home folder is said to be, so it is not run.
const NO_SSH: &[&str] = &["GIT_SSH_COMMAND", "SVN_SSH", "BZR_SSH", "BRZ_SSH"];

/// Writes the configuration folder, which is the home folder too.
pub(crate) fn prepare(config: &Path) -> io::Result<()> {
    fs::create_dir_all(config.join("go/telemetry"))?;
    fs::write(config.join("go/telemetry/mode"), "off")?;
    fs::write(config.join(HGRC), "[ui]\nssh = false\n")
}

/// Takes away what says who asks.
pub(super) fn show_nothing(all: &mut BTreeMap<OsString, OsString>, config: &Path) {
    let is_setting = |name: &OsStr| name.to_str().is_some_and(|name| name.starts_with("GIT_CONFIG_"));
    all.retain(|name, _| !is_setting(name) && !WITHHELD.iter().any(|withheld| name == withheld));
    for (name, value) in [
        ("HOME", config.as_os_str()),
        ("GOAUTH", "off".as_ref()),
        ("GIT_CONFIG_GLOBAL", "/dev/null".as_ref()),
        ("GIT_CONFIG_NOSYSTEM", "1".as_ref()),
        ("HGRCPATH", config.join(HGRC).as_os_str()),
    ] {
        all.insert(name.into(), value.into());
    }
    for name in NO_SSH {
        all.insert((*name).into(), "false".into());
    }
}
