//! A service manager around the binary: it opens the socket, hears that we are ready and live, and gets the time to
//! drain.

use crate::stoa;
use std::{
    net::TcpListener,
    os::{fd::OwnedFd, unix::net::UnixDatagram},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};
use testkit::{
    client::{Ask, block_on, get},
    process::terminate,
};

/// The manager's ear. It only ends what hangs.
fn ear(folder: &Path) -> UnixDatagram {
    let ear = UnixDatagram::bind(folder.join("notify")).expect("a socket");
    ear.set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a limit");
    ear
}

/// Hears words until these came.
fn hear(ear: &UnixDatagram, wanted: &str) -> String {
    loop {
        let mut words = [0; 1024];
        let length = ear
            .recv(&mut words)
            .unwrap_or_else(|error| panic!("{wanted} never came: {error}"));
        let words = String::from_utf8_lossy(&words[..length]).into_owned();
        if words.contains(wanted) {
            return words;
        }
    }
}

#[test]
fn a_manager_hears_of_readiness_of_life_and_of_leaving() {
    let setup = stoa()
        .environment("WATCHDOG_USEC", "2000000")
        .environment("STOA_LIMITS__DRAIN", "100s");
    let ear = ear(setup.folder());
    let notify = setup.folder().join("notify");
    let server = setup.environment("NOTIFY_SOCKET", notify).spawn();
    hear(&ear, "READY=1");
    // Whoever is told is told the truth.
    assert_eq!(server.get_blocking("/readyz").status, 200);
    for _ in 0..3 {
        hear(&ear, "WATCHDOG=1");
    }
    let (status, log) = server.stop();
    let words = hear(&ear, "STOPPING=1");
    assert!(status.success(), "{log}");
    let extended = words
        .lines()
        .find_map(|word| word.strip_prefix("EXTEND_TIMEOUT_USEC="));
    let extended: u64 = extended.expect("more time").parse().expect("a number");
    assert!(extended > 100_000_000, "longer than the drain: {extended}");
}

#[test]
fn without_a_manager_nothing_is_said() {
    let server = stoa().environment("WATCHDOG_USEC", "1000").start();
    let (status, log) = server.stop();
    assert!(status.success() && !log.contains("service manager"), "{log}");
}

/// Starts the program by a shell, which makes its standard input the first socket that is handed over.
fn handed(setup: &testkit::stoa::Stoa, socket: OwnedFd) -> std::process::Child {
    let script = "exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" serve";
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script, env!("CARGO_BIN_EXE_stoa")])
        .current_dir(setup.folder())
        .env_clear()
        .envs([
            ("GOPROXY", "off"),
            ("GOSUMDB", "off"),
            ("STOA_LISTEN", "127.0.0.1:1"),
        ])
        .env("HOME", setup.folder())
        .stdin(Stdio::from(socket))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command.spawn().expect("a shell can be started")
}

#[test]
fn a_port_that_was_opened_before_us_is_served_and_survives_us() {
    let setup = stoa();
    let port = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/version", port.local_addr().expect("an address"));
    for _ in 0..2 {
        let socket = port.try_clone().expect("a second handle");
        let mut child = handed(&setup, socket.into());
        // The queue of the socket holds the question until somebody answers.
        let answer = block_on(get(&url)).expect("an answer");
        assert_eq!(answer.status, 200);
        terminate(&child).expect("it is ours to stop");
        assert!(child.wait().expect("it was started").success());
    }
}

#[test]
fn a_name_that_was_made_before_us_is_served_and_left() {
    let setup = stoa();
    let path = setup.folder().join("handed.sock");
    let socket = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let mut child = handed(&setup, socket.into());
    let ask = Ask::get("http://localhost/version").over_socket(&path);
    let answer = block_on(ask.send()).expect("an answer");
    assert_eq!(answer.status, 200);
    terminate(&child).expect("it is ours to stop");
    assert!(child.wait().expect("it was started").success());
    assert!(path.exists(), "it belongs to the manager");
}

#[test]
fn what_is_no_listening_place_is_refused() {
    let setup = stoa();
    let file = std::fs::File::open("/dev/null").expect("a file");
    let ended = handed(&setup, file.into())
        .wait_with_output()
        .expect("it was started");
    assert_eq!(ended.status.code(), Some(64));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("handed over cannot be listened on"), "{said}");
}
