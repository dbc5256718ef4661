//! The Debian package, put together by `dpkg-deb`.

use super::{
    build::{Build, with_folder},
    contents::{Contents, Item, gzip},
};
use crate::{Failure, step::program};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// What makes the account, and starts or stops the service; each script is a page of `xtask/src/dist/debian`.
const SCRIPTS: [(&str, &str); 3] = [
    ("postinst", include_str!("debian/postinst.sh")),
    ("prerm", include_str!("debian/prerm.sh")),
    ("postrm", include_str!("debian/postrm.sh")),
];

/// Files that a person changes and an upgrade does not.
const CONFIGURATION: &str = "/etc/stoa/credentials.toml\n/etc/stoa/stoa.toml\n";

/// Writes `stoa_VERSION_ARCHITECTURE.deb`.
pub(super) fn write(build: &Build, contents: &Contents, into: &Path) -> Result<PathBuf, Failure> {
    let architecture = architecture(&build.target)?;
    let version = debian_version(&build.version);
    let mut items = items(contents)?;
    let size: usize = items.iter().map(|item| item.bytes.len()).sum();
    let control = format!(
        "Package: stoa\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: The Stoa authors <stoa@localhost>\n\
         Installed-Size: {}\nDepends: libc6 (>= {}), libgcc-s1, ca-certificates\nRecommends: git\n\
         Suggests: golang-go, openssh-client, mercurial, subversion\nSection: net\nPriority: optional\n\
         Description: immutable mirror of Go modules\n \
         One server that the go command asks instead of the network. What it has it\n \
         serves at once; what it does not have it fetches once, checks and keeps for ever.\n",
        size.div_ceil(1024),
        c_library(&contents.binary),
    );
    items.push(Item::new("DEBIAN/control", control));
    items.push(Item::new("DEBIAN/conffiles", CONFIGURATION));
    items.extend(SCRIPTS.map(|(name, script)| Item::new(format!("DEBIAN/{name}"), script).mode(0o755)));
    let path = into.join(format!("stoa_{version}_{architecture}.deb"));
    with_folder("debian", |tree| {
        lay(tree, items).map_err(|error| format!("{}: {error}", tree.display()))?;
        let mut dpkg = Command::new("dpkg-deb");
        // Files are no newer than the source; one thread compresses the same everywhere.
        dpkg.args(["--root-owner-group", "-Zxz", "--build"])
            .arg(tree)
            .arg(&path)
            .env("DPKG_DEB_THREADS_MAX", "1")
            .env("SOURCE_DATE_EPOCH", build.seconds.to_string());
        program("dpkg-deb", &mut dpkg)
    })?;
    Ok(path)
}

/// Lays the files where they belong below a folder.
fn lay(tree: &Path, items: Vec<Item>) -> std::io::Result<()> {
    for item in items {
        let path = tree.join(&item.path);
        fs::create_dir_all(path.parent().unwrap_or(tree))?;
        fs::write(&path, &item.bytes)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(item.mode))?;
    }
    open_folders(tree)
}

/// Folders are for everybody, whatever the mask of whoever builds.
fn open_folders(folder: &Path) -> std::io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_folders(&entry.path())?;
        }
    }
    Ok(())
}

/// Everything in it, where it lies on the machine.
fn items(contents: &Contents) -> Result<Vec<Item>, Failure> {
    let unit = |name: &str| held(&contents.units, name);
    let page = |name: &str| held(&contents.pages, name);
    let mut items = vec![
        Item::new("usr/bin/stoa", contents.binary.clone()).mode(0o755),
        Item::new("usr/lib/systemd/system/stoa.service", unit("stoa.service")),
        Item::new("usr/lib/systemd/system/stoa.socket", unit("stoa.socket")),
        Item::new("usr/lib/sysusers.d/stoa.conf", unit("stoa.sysusers")),
        Item::new("etc/stoa/stoa.toml", unit("stoa.toml")).mode(0o640),
        Item::new("etc/stoa/credentials.toml", unit("credentials.toml")).mode(0o600),
        Item::new("usr/share/doc/stoa/README.md", page("README.md")),
        Item::new("usr/share/doc/stoa/changelog.gz", gzip(&page("CHANGELOG.md"))?),
        Item::new("usr/share/doc/stoa/copyright", copyright(contents)),
        Item::new(
            "usr/share/doc/stoa/stoa.cdx.json.gz",
            gzip(contents.sbom.as_bytes())?,
        ),
    ];
    for (name, bytes) in &contents.manual {
        items.push(Item::new(format!("usr/share/man/man1/{name}.gz"), gzip(bytes)?));
    }
    for (shell, _, bytes) in &contents.completions {
        let path = match *shell {
            "bash" => "usr/share/bash-completion/completions/stoa",
            "zsh" => "usr/share/zsh/vendor-completions/_stoa",
            _ => "usr/share/fish/vendor_completions.d/stoa.fish",
        };
        items.push(Item::new(path, bytes.clone()));
    }
    Ok(items)
}

fn held(files: &[(&str, Vec<u8>)], name: &str) -> Vec<u8> {
    let found = files.iter().find(|(held, _)| *held == name);
    found.map(|(_, bytes)| bytes.clone()).unwrap_or_default()
}

fn copyright(contents: &Contents) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, bytes) in &contents.pages {
        if name.starts_with("LICENSE") {
            text.extend_from_slice(bytes);
            text.extend_from_slice(b"\n\n");
        }
    }
    text.extend_from_slice(contents.licences.as_bytes());
    text
}

fn architecture(target: &str) -> Result<&'static str, Failure> {
    match target.split('-').next() {
        Some("x86_64") => Ok("amd64"),
        Some("aarch64") => Ok("arm64"),
        _ => Err(format!("Debian's name of {target} is not known here")),
    }
}

/// A version as Debian sorts it: a pre-release before its release, commits after a tag behind it.
fn debian_version(version: &str) -> String {
    let mut parts = version.rsplitn(3, '-');
    let described = match (parts.next(), parts.next(), parts.next()) {
        (Some(commit), Some(distance), Some(tag))
            if commit.starts_with('g') && distance.parse::<u64>().is_ok() =>
        {
            Some((tag, format!("+{distance}.{commit}")))
        }
        _ => None,
    };
    let (tag, behind) = described.unwrap_or((version, String::new()));
    tag.replacen('-', "~", 1).replace('-', ".") + &behind
}

/// The oldest GNU C library that has what the program asks of it: its names are written in it as `GLIBC_2.34`.
fn c_library(binary: &[u8]) -> String {
    const MARK: &[u8] = b"GLIBC_2.";
    let minor = |at: usize| -> Option<u32> {
        let digits: Vec<u8> = binary
            .get(at..)?
            .iter()
            .copied()
            .take_while(u8::is_ascii_digit)
            .collect();
        String::from_utf8(digits).ok()?.parse().ok()
    };
    let marks = binary.windows(MARK.len()).enumerate();
    let newest = marks
        .filter(|(_, window)| *window == MARK)
        .filter_map(|(at, _)| minor(at + MARK.len()))
        .max();
    format!("2.{}", newest.unwrap_or(28))
}

#[cfg(test)]
mod tests {
    use super::{c_library, debian_version};

    #[test]
    fn versions_sort_as_debian_sorts() {
        for (version, debian) in [
            ("1.2.3", "1.2.3"),
            ("1.2.3-rc.1", "1.2.3~rc.1"),
            ("1.2.3-5-gabcdef012345", "1.2.3+5.gabcdef012345"),
            ("1.2.3-rc.1-5-gabcdef012345", "1.2.3~rc.1+5.gabcdef012345"),
            ("1.2.3-beta-2", "1.2.3~beta.2"),
        ] {
            assert_eq!(debian_version(version), debian, "{version}");
        }
    }

    #[test]
    fn the_newest_name_says_which_library_is_needed() {
        assert_eq!(c_library(b"..GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0"), "2.34");
    }
}
