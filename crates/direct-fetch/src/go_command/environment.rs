//! The environment of a `go` of ours: what it may see of the server's, and what it is told instead.
//!
//! Nothing is inherited. The binary hands in the server's variables, [`Environment::select`] keeps those on a short
//! list, and the rest is ours: no proxy, no checksum database (the mirror checks sums itself), no toolchain switch, no
//! user settings of `go`, no telemetry.
//!
//! **Home and credentials.** `HOME` is the server's own, since `git` finds `~/.netrc`, `~/.gitconfig` and credential
//! helpers there and a private repository needs them; `ssh` finds its keys by the account in any case. What could change a module's bytes or
//! run a program is switched off on top of that configuration: attribute files and LFS filters of the machine, hooks,
//! templates, background maintenance, the `ext` transport. The system-wide git configuration is not read. What runs for
//! a stranger's module gets none of it ([`stranger`]).

pub(crate) mod stranger;

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
};

/// What a `go` of ours may see of the server's environment.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

/// The names that are kept; the same in lower case for those that curl reads so.
const KEPT: &[&str] = &[
    // where programs and the account are
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "GOROOT",
    "XDG_CONFIG_HOME",
    // how to reach the network
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_ALLOW_PROTOCOL",
    // who we are there
    "NETRC",
    "GOAUTH",
    "SSH_AUTH_SOCK",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_ASKPASS",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_COUNT",
];

/// What every version control program is told.
const TOLD: &[(&str, &str)] = &[
    // Fossil clones nothing for an account without a name, such as a container's.
    ("FOSSIL_USER", "stoa"),
    ("GCM_INTERACTIVE", "never"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_TEMPLATE_DIR", ""),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("HGPLAIN", "1"),
    ("SSH_ASKPASS_REQUIRE", "never"),
    // Refusals are read by program, so they must be in English.
    ("LC_ALL", "C"),
    ("TZ", "UTC"),
];

/// Git settings that stand above every configuration file.
const GIT_SETTINGS: &[(&str, &str)] = &[
    // What would change a module's bytes on this machine alone.
    ("core.attributesFile", "/dev/null"),
    ("filter.lfs.smudge", ""),
    ("filter.lfs.clean", ""),
    ("filter.lfs.process", ""),
    ("filter.lfs.required", "false"),
    // What would run a program, now or in the background.
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("protocol.ext.allow", "never"),
    // Nobody sits here to answer.
    ("credential.interactive", "false"),
];

impl Environment {
    /// Keeps what a `go` of ours may see; everything else is dropped.
    pub fn select(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let kept = |name: &OsStr| {
            name.to_str().is_some_and(|name| {
                KEPT.contains(&name)
                    || name.starts_with("GIT_CONFIG_KEY_")
                    || name.starts_with("GIT_CONFIG_VALUE_")
            })
        };
        Self(
            variables
                .into_iter()
                .filter(|(name, value)| kept(name) && !value.is_empty())
                .collect(),
        )
    }

    /// All variables of a `git` of ours that no `go` runs. Of the user's configuration it reads nothing, unless
    /// `GIT_CONFIG_GLOBAL` names a file; the account's netrc, ssh agent and keys are there. `home` is an empty folder of
    /// ours, for where there is none.
    pub fn for_git(&self, home: &Path) -> Vec<(OsString, OsString)> {
        let mut all = self.0.clone();
        for (name, value) in TOLD {
            all.insert((*name).into(), (*value).into());
        }
        all.insert("XDG_CONFIG_HOME".into(), home.into());
        all.entry("HOME".into()).or_insert_with(|| home.into());
        all.entry("GIT_CONFIG_GLOBAL".into())
            .or_insert_with(|| "/dev/null".into());
        for_curl(&mut all);
        git_settings(&mut all, false, &[]);
        all.into_iter().collect()
    }

    /// Finds a program in `PATH`, as `go` would.
    pub(crate) fn finds(&self, program: &str) -> bool {
        let path = self.0.get(OsStr::new("PATH")).cloned().unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    }

    /// Where git's second user configuration lies, which [`prepare`] includes from ours.
    fn git_config(&self) -> Option<PathBuf> {
        let folder = self.0.get(OsStr::new("XDG_CONFIG_HOME")).map(PathBuf::from);
        let home = || {
            self.0
                .get(OsStr::new("HOME"))
                .map(|home| Path::new(home).join(".config"))
        };
        folder.or_else(home).map(|folder| folder.join("git/config"))
    }

    /// All variables of one run; `git` holds settings for git besides ours, which may be secret.
    pub(crate) fn variables(
        &self,
        rules: &Rules,
        folders: &Folders<'_>,
        git: &[(String, String)],
    ) -> Vec<(OsString, OsString)> {
        let mut all = self.0.clone();
        let mut set = |name: &str, value: &OsStr| all.insert(name.into(), value.into());
        for (name, value) in [
            ("GO111MODULE", "on"),
            ("GOENV", "off"),
            ("GOFLAGS", "-modcacherw"),
            ("GOPROXY", "direct"),
            ("GOSUMDB", "off"),
            ("GOTOOLCHAIN", "local"),
            ("GOWORK", "off"),
        ] {
            set(name, value.as_ref());
        }
        for (name, value) in TOLD {
            set(name, value.as_ref());
        }
        for (name, value) in [
            ("GOPRIVATE", &rules.private),
            ("GOINSECURE", &rules.insecure),
            ("GOVCS", &rules.vcs),
        ] {
            if !value.is_empty() {
                set(name, value.as_ref());
            }
        }
        set("GOMODCACHE", folders.modules.as_os_str());
        set("GOPATH", folders.gopath.as_os_str());
        set("GOCACHE", folders.gopath.join("build").as_os_str());
        set("GOTMPDIR", folders.temporary.as_os_str());
        set("TMPDIR", folders.temporary.as_os_str());
        set("XDG_CONFIG_HOME", folders.config.as_os_str());
        if folders.for_a_stranger {
            stranger::show_nothing(&mut all, folders.config);
        }
        all.entry("HOME".into()).or_insert_with(|| folders.config.into());
        for_curl(&mut all);
        git_settings(&mut all, !rules.insecure.is_empty(), git);
        all.into_iter().collect()
    }
}

/// Names may be secret, values may hold credentials: only the names are shown.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What the settings say about modules, in the go command's own syntax.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    pub(crate) private: String,
    pub(crate) insecure: String,
    pub(crate) vcs: String,
}

/// The folders of one run.
#[derive(Debug)]
pub(crate) struct Folders<'a> {
    pub(crate) modules: &'a Path,
    pub(crate) gopath: &'a Path,
    pub(crate) temporary: &'a Path,
    pub(crate) config: &'a Path,
    /// Whether the configuration is that of a run which shows nothing.
    pub(crate) for_a_stranger: bool,
}

/// Writes the configuration folder that a `go` of ours is given: telemetry off, and git's second user file included.
pub(crate) fn prepare(config: &Path, environment: &Environment) -> io::Result<()> {
    fs::create_dir_all(config.join("go/telemetry"))?;
    fs::write(config.join("go/telemetry/mode"), "off")?;
    fs::create_dir_all(config.join("git"))?;
    let include = match environment.git_config().as_deref().and_then(Path::to_str) {
        // Quoted as git reads it; a path that cannot be quoted is left out.
        Some(path) if !path.contains(['"', '\\', '\n']) => format!("[include]\n\tpath = \"{path}\"\n"),
        _ => String::new(),
    };
    fs::write(config.join("git/config"), include)
}

/// git fetches with curl, which reads some of this differently from Go: plain http only through lower-case
/// `http_proxy`, loopback through the proxy too, and its own variable for certificates.
fn for_curl(all: &mut BTreeMap<OsString, OsString>) {
    let first = |all: &BTreeMap<OsString, OsString>, names: [&str; 2]| {
        names.iter().find_map(|name| all.get(OsStr::new(name)).cloned())
    };
    if let Some(proxy) = first(all, ["HTTP_PROXY", "http_proxy"]) {
        all.insert("http_proxy".into(), proxy);
    }
    let mut direct = first(all, ["NO_PROXY", "no_proxy"]).unwrap_or_default();
    if direct != "*" {
        if !direct.is_empty() {
            direct.push(",");
        }
        direct.push("localhost,127.0.0.1,::1");
        all.insert("no_proxy".into(), direct.clone());
        all.insert("NO_PROXY".into(), direct);
    }
    if let Some(certificates) = first(all, ["GIT_SSL_CAINFO", "SSL_CERT_FILE"]) {
        all.insert("GIT_SSL_CAINFO".into(), certificates);
    }
}

/// Adds our git settings behind those the operator passed in the same way, so that ours win.
fn git_settings(all: &mut BTreeMap<OsString, OsString>, insecure: bool, more: &[(String, String)]) {
    let given = all
        .get(OsStr::new("GIT_CONFIG_COUNT"))
        .and_then(|count| count.to_str()?.parse::<usize>().ok());
    let mut count = given.unwrap_or(0);
    // The git protocol has neither encryption nor proof of who answers (CVE-2023-45285 fell back to it).
    let plain = [("protocol.git.allow", "never")];
    let ours = GIT_SETTINGS
        .iter()
        .chain(plain.iter().filter(|_| !insecure))
        .copied();
    let more = more.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    for (key, value) in more.chain(ours) {
        all.insert(format!("GIT_CONFIG_KEY_{count}").into(), key.into());
        all.insert(format!("GIT_CONFIG_VALUE_{count}").into(), value.into());
        count += 1;
    }
    all.insert("GIT_CONFIG_COUNT".into(), count.to_string().into());
}

#[cfg(test)]
mod tests;
