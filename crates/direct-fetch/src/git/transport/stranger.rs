//! A `git` that shows a host nothing of what this machine knows of it.

use tokio::process::Command;

/// Keeps from a host over HTTP what this machine knows of it: the netrc file, which curl finds in the home folder, and
/// what the operator's own configuration of git has for these addresses.
pub(super) fn show_nothing(command: &mut Command, asked: &str, connected: &str) {
    command
        .env("HOME", "/dev/null")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env_remove("NETRC").env_remove("GIT_ASKPASS");
    for url in [asked, connected] {
        // An empty value takes back all that came before; no address is nearer than the whole.
        command.args(["-c", &format!("http.{url}.extraHeader=")]);
        command.args(["-c", &format!("http.{url}.cookieFile=")]);
        command.args(["-c", &format!("credential.{url}.helper=")]);
    }
    command.args(["-c", "credential.helper="]);
}
