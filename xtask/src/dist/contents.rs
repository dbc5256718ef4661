//! What goes into a release beside the program: what it says of itself, what we say of it, and what others let us use.

use super::{
    build::{Build, command_output, with_folder},
    licences, packages, sbom,
};
use crate::{Failure, tree::root};
use std::fs;

/// Shells, and what their completions are called.
const SHELLS: [(&str, &str); 3] = [("bash", "stoa.bash"), ("zsh", "_stoa"), ("fish", "stoa.fish")];

/// One file.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Where it lies, from the top of the archive or of the machine.
    pub(super) path: String,
    /// Its mode.
    pub(super) mode: u32,
    /// What it holds.
    pub(super) bytes: Vec<u8>,
}

/// Everything there is.
#[derive(Debug)]
pub(super) struct Contents {
    /// The program.
    pub(super) binary: Vec<u8>,
    /// Manual pages, by their names.
    pub(super) manual: Vec<(String, Vec<u8>)>,
    /// Completions: the shell, the name, the script.
    pub(super) completions: Vec<(&'static str, &'static str, Vec<u8>)>,
    /// Files of `deploy/systemd`, by their names.
    pub(super) units: Vec<(&'static str, Vec<u8>)>,
    /// Pages at the top of the tree, by their names.
    pub(super) pages: Vec<(&'static str, Vec<u8>)>,
    /// The licences of all that is built in.
    pub(super) licences: String,
    /// The list of all that is built in.
    pub(super) sbom: String,
}

impl Item {
    /// A file that everybody may read.
    pub(super) fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            mode: 0o644,
            bytes: bytes.into(),
        }
    }

    /// The same with another mode.
    pub(super) fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }
}

/// Gathers it all.
pub(super) fn gather(build: &Build) -> Result<Contents, Failure> {
    let packages = packages::built_in(&build.target)?;
    let time = said_time(build)?;
    let completions: Result<Vec<_>, Failure> = SHELLS
        .into_iter()
        .map(|(shell, name)| {
            let script = command_output(&build.binary, &["completions", shell])?;
            Ok((shell, name, script.into_bytes()))
        })
        .collect();
    let read = |folder: &str, name: &'static str| {
        let path = root().join(folder).join(name);
        fs::read(&path)
            .map(|bytes| (name, bytes))
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    let units = [
        "stoa.service",
        "stoa.socket",
        "stoa.sysusers",
        "stoa.toml",
        "credentials.toml",
    ];
    let pages = [
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "LICENSE-APACHE",
        "LICENSE-MIT",
    ];
    Ok(Contents {
        binary: fs::read(&build.binary).map_err(|error| format!("{}: {error}", build.binary.display()))?,
        manual: manual(build)?,
        completions: completions?,
        units: units
            .into_iter()
            .map(|name| read("deploy/systemd", name))
            .collect::<Result<_, _>>()?,
        pages: pages
            .into_iter()
            .map(|name| read("", name))
            .collect::<Result<_, _>>()?,
        licences: licences::text(&packages)?,
        sbom: sbom::document(build, &packages, &time)?,
    })
}

fn manual(build: &Build) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    with_folder("manual", |folder| {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        command_output(&build.binary, &["manual", &folder.to_string_lossy()])?;
        let mut pages = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)?.flatten() {
            let bytes = fs::read(entry.path()).map_err(failed)?;
            pages.push((entry.file_name().to_string_lossy().into_owned(), bytes));
        }
        pages.sort();
        Ok(pages)
    })
}

/// The build time in the binary's own words.
fn said_time(build: &Build) -> Result<String, Failure> {
    let said = command_output(&build.binary, &["version"])?;
    let time = said.lines().find_map(|line| line.strip_prefix("built "));
    Ok(time
        .filter(|time| time.ends_with('Z'))
        .unwrap_or("1970-01-01T00:00:00Z")
        .to_owned())
}

/// Compresses as `gzip -9n` does: without a name and a time.
pub(super) fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map_err(|error| format!("compressing: {error}"))
}
