//! `cargo xtask dist`: what a release is made of, from one binary, below `target/dist`.
//!
//! The archive holds the program, its manual, completions, units and licences; beside it lie the Debian package, the
//! list of what is built in, and the checksums of all three. Nothing in them depends on when or where they were made.

mod archive;
mod build;
mod chart;
mod contents;
mod debian;
mod licences;
mod packages;
mod prove;
mod sbom;
mod sums;
mod tags;

pub(crate) use build::{Build, command_output};

use crate::{Failure, step::step, tree::root};
use std::{
    fs,
    path::{Path, PathBuf},
};

const USAGE: &str = "\
usage: cargo xtask dist [--binary FILE] [--into FOLDER]
       cargo xtask dist build [--into FILE]       the release binary alone
       cargo xtask dist prove [--binary FILE]     two builds of this commit in two folders are one, byte for byte
       cargo xtask dist prove --image             the image compiles this commit, without a network
       cargo xtask dist tags VERSION|--canary [SUFFIX]   the tags of the image of this release, one a line
       cargo xtask dist chart IMAGE [FOLDER]      the Helm chart of this version, for the images of this name
       cargo xtask dist sums FOLDER               writes SHA256SUMS for everything in the folder";

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    match arguments {
        ["build"] => build::release().map(|path| println!("{}", path.display())),
        ["build", "--into", file] => build::release_into(Path::new(file)),
        ["prove", rest @ ..] | ["--prove", rest @ ..] => prove::run(rest),
        ["tags", rest @ ..] => tags::run(rest),
        ["chart", image] => chart::write(image, &folder()?).map(|path| println!("{}", path.display())),
        ["chart", image, folder] => {
            chart::write(image, Path::new(folder)).map(|path| println!("{}", path.display()))
        }
        ["sums", folder] => sums::write(Path::new(folder)),
        rest => {
            let (binary, into) = options(rest)?;
            let into = into.map_or_else(folder, Ok)?;
            let build = Build::of(binary)?;
            for path in write(&build, &into)? {
                println!("{}", path.display());
            }
            Ok(())
        }
    }
}

/// Everything a release is made of, written into a folder.
pub(crate) fn write(build: &Build, into: &Path) -> Result<Vec<PathBuf>, Failure> {
    fs::create_dir_all(into).map_err(|error| format!("{}: {error}", into.display()))?;
    let contents = step("contents", || contents::gather(build))?;
    let mut written = vec![step("archive", || archive::write(build, &contents, into))?];
    let sbom = into.join(format!("{}.cdx.json", build.name()));
    fs::write(&sbom, &contents.sbom).map_err(|error| format!("{}: {error}", sbom.display()))?;
    written.push(sbom);
    if build.target.contains("linux") && command_output("dpkg-deb", &["--version"]).is_ok() {
        written.push(step("package", || debian::write(build, &contents, into))?);
    }
    sums::write(into)?;
    written.push(into.join(sums::NAME));
    Ok(written)
}

/// Where it all goes unless told otherwise.
fn folder() -> Result<PathBuf, Failure> {
    let folder = root().join("target/dist");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// `--binary FILE` and `--into FOLDER`.
fn options(arguments: &[&str]) -> Result<(Option<PathBuf>, Option<PathBuf>), Failure> {
    let (mut binary, mut into) = (None, None);
    let mut rest = arguments;
    while let [option, value, behind @ ..] = rest {
        match *option {
            "--binary" => binary = Some(PathBuf::from(value)),
            "--into" => into = Some(PathBuf::from(value)),
            _ => return Err(USAGE.to_owned()),
        }
        rest = behind;
    }
    if rest.is_empty() {
        Ok((binary, into))
    } else {
        Err(USAGE.to_owned())
    }
}
