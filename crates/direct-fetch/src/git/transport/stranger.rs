//! A `git` that shows a host nothing of what this machine knows of it.

use std::ffi::{OsStr, OsString};
use tokio::process::Command;

/// Settings that an operator may hand in by the environment and that say how to reach the network, not who asks there.
const OF_THE_NETWORK: &[&str] = &[
    "http.proxy",
    "http.sslbackend",
    "http.sslcainfo",
    "http.sslcapath",
    "http.version",
];

/// Keeps from a host over HTTP what this machine knows of it: the netrc file, which curl finds in the home folder, and
/// what the operator's own configuration of git has for these addresses.
pub(super) fn show_nothing(command: &mut Command, environment: &[(OsString, OsString)], urls: [&str; 2]) {
    command
        .env("HOME", "/dev/null")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env_remove("NETRC").env_remove("GIT_ASKPASS");
    keep_only_the_network(command, environment);
    for url in urls {
        // An empty value takes back all that came before; no address is nearer than the whole.
        command.args(["-c", &format!("http.{url}.extraHeader=")]);
        command.args(["-c", &format!("http.{url}.cookieFile=")]);
        command.args(["-c", &format!("credential.{url}.helper=")]);
    }
    command.args(["-c", "credential.helper="]);
}

/// Drops the settings that are handed in by the environment, except for those of the network: an address rewritten by
/// `insteadOf` may hold a token, as a header or a client's certificate may be one.
fn keep_only_the_network(command: &mut Command, environment: &[(OsString, OsString)]) {
    let value = |wanted: &str| {
        let mut found = environment.iter().filter(|(name, _)| name == wanted);
        found.next_back().map(|(_, value)| value.as_os_str())
    };
    let given = value("GIT_CONFIG_COUNT").and_then(OsStr::to_str);
    let given: usize = given.and_then(|given| given.parse().ok()).unwrap_or(0);
    let mut count = 0;
    for number in 0..given {
        let (Some(key), Some(said)) = (
            value(&format!("GIT_CONFIG_KEY_{number}")).and_then(OsStr::to_str),
            value(&format!("GIT_CONFIG_VALUE_{number}")),
        ) else {
            continue;
        };
        if OF_THE_NETWORK.iter().any(|kept| key.eq_ignore_ascii_case(kept)) {
            command.env(format!("GIT_CONFIG_KEY_{count}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{count}"), said);
            count += 1;
        }
    }
    command.env("GIT_CONFIG_COUNT", count.to_string());
}
