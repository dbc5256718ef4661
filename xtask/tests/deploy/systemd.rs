//! The unit and its socket, as systemd itself reads them.

use crate::house::{Running, at, binary, command, done, ended, is_here, text};
use std::{fs, net::TcpListener};
use tempfile::TempDir;
use testkit::skip_or_fail;

/// The units in a folder of their own, with the binary that is tried in the place of the installed one.
fn units() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for unit in ["stoa.service", "stoa.socket"] {
        let program = binary().display().to_string();
        let text = text(&format!("deploy/systemd/{unit}")).replace("/usr/bin/stoa", &program);
        fs::write(folder.path().join(unit), text).expect("a file");
    }
    folder
}

#[test]
fn systemd_has_nothing_to_say_against_the_units() {
    if !is_here("systemd-analyze") {
        skip_or_fail!("there is no systemd-analyze (package systemd)");
    }
    let folder = units();
    // The manual is in the package, and not on this machine.
    let mut verify = command("systemd-analyze", ["verify", "--man=no"]);
    verify
        .arg(folder.path().join("stoa.service"))
        .arg(folder.path().join("stoa.socket"));
    let finished = done(verify);
    assert_eq!(finished.stderr.trim(), "", "a warning is something too");
}

#[test]
fn systemd_finds_the_service_hardly_exposed() {
    if !is_here("systemd-analyze") {
        skip_or_fail!("there is no systemd-analyze (package systemd)");
    }
    // Tenths of a point: 0 is walled in wholly, 100 not at all.
    let security = ["security", "--offline=yes", "--no-pager", "--threshold=15"];
    let mut security = command("systemd-analyze", security);
    security.arg(at("deploy/systemd/stoa.service"));
    let finished = done(security);
    let score = finished
        .stdout
        .lines()
        .find(|line| line.contains("Overall exposure"));
    println!("{}", score.expect("a score").trim());
}

#[test]
fn the_patience_of_the_unit_is_longer_than_the_drain() {
    let unit = text("deploy/systemd/stoa.service");
    let setting = |name: &str| {
        let found = unit
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("{name} is not said"))
    };
    let seconds: u64 = setting("TimeoutStopSec")
        .trim_end_matches('s')
        .parse()
        .expect("seconds");
    let mut show = command(binary(), ["config", "show"]);
    // What a run of all tests says to its tests is no setting of a server.
    show.env_clear();
    let shown = done(show).stdout;
    let drain = shown
        .lines()
        .find(|line| line.contains("drain"))
        .expect("the setting");
    assert!(drain.contains("60s") && seconds > 60, "{drain} {seconds}");
    assert_eq!(setting("Type"), "notify");
}

#[test]
fn the_settings_that_are_installed_are_settings() {
    let credentials = at("deploy/systemd/credentials.toml");
    let mut check = command(binary(), ["config", "check", "--config"]);
    check
        .arg(at("deploy/systemd/stoa.toml"))
        .env_clear()
        .env("STOA_DIRECT__CREDENTIALS", credentials)
        .env("GOPROXY", "direct")
        .env("GOSUMDB", "off");
    assert_eq!(done(check).stdout, "ok\n");
}

#[test]
fn the_first_connection_starts_it_where_systemd_listens() {
    if !is_here("systemd-socket-activate") {
        skip_or_fail!("there is no systemd-socket-activate (package systemd)");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let port = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("an address");
    drop(port);
    let mut activate = command("systemd-socket-activate", ["--listen", &address.to_string()]);
    activate
        .args(["--setenv=HOME", "--setenv=GOPROXY", "--setenv=GOSUMDB"])
        .arg(binary())
        .arg("serve")
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env("GOPROXY", "off")
        .env("GOSUMDB", "off");
    let mut served = Running::start(activate);
    // It opens the port in a moment; a connection is what starts the server then.
    served.answers(&format!("http://{address}/healthz"));
    // It became the server.
    assert!(served.stop().success());
}

#[test]
fn the_account_is_one_that_sysusers_makes() {
    if !is_here("systemd-sysusers") {
        skip_or_fail!("there is no systemd-sysusers (package systemd)");
    }
    let root = tempfile::tempdir().expect("a folder");
    fs::create_dir(root.path().join("etc")).expect("a folder");
    let mut sysusers = command("systemd-sysusers", [format!("--root={}", root.path().display())]);
    sysusers.arg(at("deploy/systemd/stoa.sysusers"));
    let finished = ended(sysusers);
    let accounts = fs::read_to_string(root.path().join("etc/passwd")).unwrap_or_default();
    assert!(accounts.contains("stoa:x:"), "{finished}\n{accounts}");
}
