//! What must not be written down: addresses of package registries, and paths of the machine it was written on.
//!
//! Neither is spelled here. They are asked of the machine that checks: what its package managers are set to, where
//! this tree lies, whose home it is.

use crate::tree;
use std::{path::Path, process::Command};

pub(super) fn check(files: &[(String, String)]) -> Vec<String> {
    let (hosts, folders) = (registry_hosts(), machine_folders());
    let mut complaints = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| path != "Cargo.lock") {
        for (line, number) in text.lines().zip(1..) {
            if hosts.iter().any(|host| line.contains(host.as_str())) {
                complaints.push(format!(
                    "{path}:{number}: names a package registry: write what it is, not its host"
                ));
            }
            if folders.iter().any(|folder| names_folder(line, folder)) {
                complaints.push(format!("{path}:{number}: names a folder of this machine"));
            }
        }
    }
    complaints
}

/// The hosts that this machine's package managers ask; loopback is nobody's registry.
fn registry_hosts() -> Vec<String> {
    let asked = [
        printed("go", &["env", "GOPROXY"]),
        printed("npm", &["config", "get", "registry"]),
        printed("pip", &["config", "get", "global.index-url"]),
        std::fs::read_to_string(home().join(".cargo/config.toml")).unwrap_or_default(),
    ];
    let mut hosts: Vec<String> = asked.iter().flat_map(|text| hosts_in(text)).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// The hosts of all addresses in a text, without user and port.
fn hosts_in(text: &str) -> Vec<String> {
    let ends = |letter: char| !(letter.is_ascii_alphanumeric() || ".-_@:%".contains(letter));
    let host = |address: &str| {
        let authority = address.split(ends).next().unwrap_or_default();
        let authority = authority.rsplit('@').next().unwrap_or_default();
        authority.split(':').next().unwrap_or_default().to_owned()
    };
    let hosts = text.split("://").skip(1).map(host);
    hosts
        .filter(|host| host.contains('.') && !host.starts_with("127."))
        .collect()
}

/// This tree's folder and the user's home.
fn machine_folders() -> Vec<String> {
    let folders = [tree::root(), home()].map(|folder| folder.to_string_lossy().into_owned());
    folders.into_iter().filter(|folder| folder.len() > 1).collect()
}

/// Whether a line names a folder: not as the end of a longer path, and with something below it or nothing behind.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let joins = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        let behind = line[at + folder.len()..].chars().next();
        !line[..at].ends_with(joins) && !behind.is_some_and(joins)
    })
}

/// What a program prints, or nothing where it is not installed.
fn printed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

fn home() -> std::path::PathBuf {
    std::env::home_dir().unwrap_or_else(|| Path::new("/").to_owned())
}

#[cfg(test)]
mod tests {
    use super::{hosts_in, names_folder};

    #[test]
    fn hosts_are_found_in_any_setting() {
        assert_eq!(
            hosts_in("https://a.example.test,https://u:p@b.example.test:80/x|direct"),
            ["a.example.test", "b.example.test"]
        );
        assert_eq!(
            hosts_in("index = \"sparse+https://c.example.test/index/\""),
            ["c.example.test"]
        );
        assert!(hosts_in("http://127.0.0.1:3000,direct").is_empty());
    }

    #[test]
    fn a_folder_is_named_whole() {
        assert!(names_folder("cd /home/gopher/stoa", "/home/gopher"));
        assert!(names_folder("`/home/gopher`", "/home/gopher"));
        assert!(!names_folder("/home/gophers", "/home/gopher"));
        assert!(!names_folder("var/home/gopher", "/home/gopher"));
    }
}
